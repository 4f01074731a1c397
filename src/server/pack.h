/* pack.h - a reply's bytes, packed whole as the client takes them: zstd (RFC 8878) or gzip (gzip.h).
 *
 * Threads: any.
 */
#ifndef TFTD_SERVER_PACK_H
#define TFTD_SERVER_PACK_H

#include "base/text.h"
#include "server/negotiate.h"

/* Replaces the text by its packed form and returns the Content-Encoding ("zstd", "gzip"); NULL, and the text as it was,
 * where it would not become smaller or there is no memory. */
const char *pack_text(negotiate_encoding encoding, tft_text *text);

#endif
