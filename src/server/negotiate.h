/* negotiate.h - what a client takes: media types and encodings, from its Accept… headers (RFC 9110 §12.5).
 *
 * Threads: pure functions.
 */
#ifndef TFTD_SERVER_NEGOTIATE_H
#define TFTD_SERVER_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum negotiate_encoding { ENCODE_NOTHING, ENCODE_GZIP, ENCODE_ZSTD } negotiate_encoding;

/* The best of zstd and gzip by the client's weights (zstd at a tie), or nothing. `list` is Accept-Encoding, may be NULL. */
negotiate_encoding negotiate_encoding_of(const char *list);
/* Whether gzip is taken at all. */
bool negotiate_takes_gzip(const char *list);

/* Which of `offers` ("application/json, text/csv") the Accept header likes best: its index, the first one without
 * a header or at a tie; −1 where it takes none. */
int negotiate_type(const char *accept, const char *offers);

/* Whether a body of this Content-Type is one of `takes` ("application/json, text/csv") in UTF-8: "application/…+json" is JSON, and
 * none at all (NULL, "") counts as the first. */
bool negotiate_takes(const char *type, const char *takes);

#endif
