/* sha256.c - see sha256.h. */
#include "base/sha256.h"

#include <openssl/evp.h>

tft_status tft_sha256(const void *bytes, size_t n, unsigned char digest[TFT_SHA256_BYTES], tft_error *err)
{
    if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
        return tft_fail(err, TFT_ERR_MEMORY, "libcrypto could not compute a SHA-256 of %zu bytes", n);
    return TFT_OK;
}

void tft_sha256_hex(const unsigned char digest[TFT_SHA256_BYTES], char text[TFT_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < TFT_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[TFT_SHA256_TEXT - 1] = '\0';
}
