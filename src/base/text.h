/* text.h - a text that grows up to a bound given at birth; how JSON, CSV and replies are written.
 *
 * Appending never fails loudly: past the bound, or without memory, the text keeps what it had and
 * remembers (`failed`), so that a writer checks once at the end.
 *
 * Memory:  owns its bytes, always NUL-terminated; tft_text_free() gives them back.
 * Threads: one text, one thread.
 */
#ifndef TFT_BASE_TEXT_H
#define TFT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef struct tft_text {
    char *bytes; // NULL or NUL-terminated
    size_t n, capacity, max;
    bool failed;
} tft_text;

tft_text tft_text_new(size_t max_bytes); // nothing is allocated yet
void tft_text_free(tft_text *text);      // accepts NULL and a zeroed struct
void tft_text_clear(tft_text *text);     // length 0, memory kept
void tft_text_add(tft_text *text, const char *bytes, size_t n);
void tft_text_puts(tft_text *text, const char *string);
void tft_text_printf(tft_text *text, const char *format, ...) TFT_PRINTF(2, 3);

/* JSON pieces: a quoted and escaped string (bytes must be UTF-8; control characters, quote, backslash and
 * U+2028/9 are escaped); a number in the shortest form that reads back as the same double, or `null` when
 * it is not finite; a number with `decimals` places, trailing zeros cut. */
void tft_text_json_string(tft_text *text, const char *bytes, size_t n);
void tft_text_json_number(tft_text *text, double value);
void tft_text_json_fixed(tft_text *text, double value, int decimals);
/* 1234567 as 1,234,567. */
void tft_text_grouped(tft_text *text, uint64_t n);

#endif
