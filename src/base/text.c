/* text.c - see text.h. Capacity doubles, so n appends cost O(bytes). */
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tft_text tft_text_new(size_t max_bytes)
{
    return (tft_text){.max = max_bytes};
}

void tft_text_free(tft_text *text)
{
    if (text == NULL)
        return;
    free(text->bytes);
    *text = (tft_text){.max = text->max};
}

void tft_text_clear(tft_text *text)
{
    text->n = 0;
    text->failed = false;
    if (text->bytes != NULL)
        text->bytes[0] = '\0';
}

static bool reserve(tft_text *text, size_t more)
{
    if (text->failed || more > text->max || text->n > text->max - more) {
        text->failed = true;
        return false;
    }
    const size_t need = text->n + more + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity < 128 ? 128 : text->capacity * 2;
    if (capacity < need)
        capacity = need;
    char *const bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void tft_text_add(tft_text *text, const char *bytes, size_t n)
{
    if (!reserve(text, n))
        return;
    if (n > 0)
        memcpy(text->bytes + text->n, bytes, n);
    text->n += n;
    text->bytes[text->n] = '\0';
}

void tft_text_puts(tft_text *text, const char *string)
{
    tft_text_add(text, string, strlen(string));
}

void tft_text_printf(tft_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char small[256];
    const int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof small) {
        tft_text_add(text, small, (size_t)n);
    } else if (n >= 0 && reserve(text, (size_t)n)) {
        vsnprintf(text->bytes + text->n, (size_t)n + 1, format, again);
        text->n += (size_t)n;
    } else {
        text->failed = true;
    }
    va_end(again);
}

void tft_text_json_string(tft_text *text, const char *bytes, size_t n)
{
    tft_text_add(text, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        const char *escape = NULL;
        char hex[8];
        size_t eats = 1;
        if (c == '"') {
            escape = "\\\"";
        } else if (c == '\\') {
            escape = "\\\\";
        } else if (c == '\n') {
            escape = "\\n";
        } else if (c == '\t') {
            escape = "\\t";
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(hex, sizeof hex, "\\u%04x", c);
            escape = hex;
        } else if (c == 0xe2 && i + 2 < n && (unsigned char)bytes[i + 1] == 0x80 &&
                   ((unsigned char)bytes[i + 2] & 0xfe) == 0xa8) { // U+2028, U+2029 end a line in JavaScript
            escape = (unsigned char)bytes[i + 2] == 0xa8 ? "\\u2028" : "\\u2029";
            eats = 3;
        }
        if (escape == NULL)
            continue;
        tft_text_add(text, bytes + from, i - from);
        tft_text_puts(text, escape);
        i += eats - 1;
        from = i + 1;
    }
    tft_text_add(text, bytes + from, n - from);
    tft_text_add(text, "\"", 1);
}

void tft_text_json_number(tft_text *text, double value)
{
    if (!isfinite(value)) {
        tft_text_puts(text, "null");
        return;
    }
    char out[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, sizeof out, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    tft_text_puts(text, out);
}

void tft_text_json_fixed(tft_text *text, double value, int decimals)
{
    if (!isfinite(value)) {
        tft_text_puts(text, "null");
        return;
    }
    char out[400];
    int n = snprintf(out, sizeof out, "%.*f", decimals, value);
    if (memchr(out, '.', (size_t)n) != NULL) {
        while (out[n - 1] == '0')
            n--;
        if (out[n - 1] == '.')
            n--;
    }
    if (n == 2 && out[0] == '-' && out[1] == '0') { // "-0" is a curiosity, not a figure
        out[0] = '0';
        n = 1;
    }
    tft_text_add(text, out, (size_t)n);
}

void tft_text_grouped(tft_text *text, uint64_t n)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            tft_text_puts(text, ",");
        tft_text_add(text, &digits[i], 1);
    }
}
