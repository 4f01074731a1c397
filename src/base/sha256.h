/* sha256.h - SHA-256 (FIPS 180-4) of bytes in memory; the one place that knows libcrypto.
 *
 * Threads: any.
 */
#ifndef TFT_BASE_SHA256_H
#define TFT_BASE_SHA256_H

#include <stddef.h>

#include "tft/error.h"

#define TFT_SHA256_BYTES 32
#define TFT_SHA256_TEXT 65 // hex digits and a NUL

tft_status tft_sha256(const void *bytes, size_t n, unsigned char digest[TFT_SHA256_BYTES], tft_error *err);

/* The digest as 64 lower-case hex digits. */
void tft_sha256_hex(const unsigned char digest[TFT_SHA256_BYTES], char text[TFT_SHA256_TEXT]);

#endif
