/* unpack.h - request bodies that come compressed: gzip (RFC 1952) and zstd (RFC 8878).
 *
 * The bound holds for what comes out, and is checked while it comes out: a kilobyte that would unpack to a gigabyte costs
 * max_bytes and no more.
 *
 * Threads: any.
 */
#ifndef TFTD_INGEST_UNPACK_H
#define TFTD_INGEST_UNPACK_H

#include <stdbool.h>

#include "base/text.h"

typedef enum ingest_encoding { INGEST_PLAIN, INGEST_GZIP, INGEST_ZSTD, INGEST_UNKNOWN_ENCODING } ingest_encoding;

/* What a Content-Encoding header means; NULL, "" and "identity" are plain. */
ingest_encoding ingest_encoding_of(const char *header);

/* Appends the unpacked bytes to `out`, whose bound (tft_text_new) is the limit. TFT_ERR_FORMAT: damaged or cut short.
 * TFT_ERR_LIMIT: larger than the bound. TFT_ERR_MEMORY. */
tft_status ingest_unpack(ingest_encoding encoding, const char *bytes, size_t n, tft_text *out, tft_error *err);

#endif
