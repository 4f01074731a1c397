/* api.c - see api.h. */
#include "server/api.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_target.h"
#include "server/negotiate.h"

#define BODY_MAX_DEPTH 32

/* ---- parameters ---------------------------------------------------------------------------------------- */

bool api_bad_parameter(const http_request *request, http_reply *reply, const char *name, const char *wanted)
{
    const char *const value = http_query(request, name);
    http_reply_problem(reply, 400, "bad-parameter", "Bad parameter", "%s must be %s, not \"%.80s\"", name, wanted,
                       value != NULL ? value : "");
    return false;
}

/* All of text is an integer in low … high. */
static bool parse_integer(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    const bool digits = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9');
    const long long value = strtoll(text, &end, 10);
    if (!digits || *end != '\0' || errno != 0 || value < low || value > high)
        return false;
    *out = value;
    return true;
}

bool api_read_integer(const http_request *request, http_reply *reply, const char *name, int64_t low, int64_t high,
                      int64_t *out)
{
    const char *const text = http_query(request, name);
    if (text == NULL || parse_integer(text, low, high, out))
        return true;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "an integer, %lld to %lld", (long long)low, (long long)high);
    return api_bad_parameter(request, reply, name, wanted);
}

bool api_read_bool(const http_request *request, http_reply *reply, const char *name, bool *out)
{
    const char *const text = http_query(request, name);
    if (text == NULL)
        return true;
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0)
        return true;
    return api_bad_parameter(request, reply, name, "true or false");
}

bool api_read_word(const http_request *request, http_reply *reply, const char *name, const char *const *words,
                   size_t n_words, size_t *out)
{
    const char *const text = http_query(request, name);
    if (text == NULL)
        return true;
    char wanted[400] = "one of";
    for (size_t i = 0; i < n_words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return true;
        }
        const size_t n = strlen(wanted);
        snprintf(wanted + n, sizeof wanted - n, " %s", words[i]);
    }
    return api_bad_parameter(request, reply, name, wanted);
}

bool api_each_item(const http_request *request, http_reply *reply, const char *name, const char *wanted,
                   bool (*take)(void *context, const char *item, size_t n), void *context)
{
    const char *list = http_query(request, name);
    while (list != NULL) {
        const size_t n = strcspn(list, ",");
        if (n == 0 || !take(context, list, n))
            return api_bad_parameter(request, reply, name, wanted);
        list = list[n] == ',' ? list + n + 1 : NULL;
    }
    return true;
}

bool api_read_format(const http_request *request, http_reply *reply, bool *csv)
{
    static const char *const words[] = {"json", "csv"};
    size_t which = 0;
    if (http_query(request, "format") == NULL)
        which = negotiate_type(http_header(request, "Accept"), API_JSON_CSV) == 1;
    else if (!api_read_word(request, reply, "format", words, 2, &which))
        return false;
    *csv = which == 1;
    if (*csv)
        reply->content_type = "text/csv; charset=utf-8";
    http_reply_field(reply, "Vary", "Accept");
    return true;
}

/* ---- time ---------------------------------------------------------------------------------------------- */

/* A number and a unit at text; all of it. */
static bool parse_length(const char *text, int64_t *ms)
{
    static const struct {
        const char *word;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
    char *end;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    const unsigned long long n = strtoull(text, &end, 10);
    if (errno != 0 || n > 1000000000000ull)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].word) == 0 && (int64_t)n <= INT64_C(4000000000000) / units[i].ms) {
            *ms = (int64_t)n * units[i].ms;
            return true;
        }
    }
    return false;
}

bool api_parse_duration(const char *text, int64_t *ms)
{
    return parse_length(text, ms);
}

bool api_parse_instant(const char *text, int64_t now_ms, int64_t *out)
{
    int64_t length;
    if (strcmp(text, "now") == 0) {
        *out = now_ms;
        return true;
    }
    // a plus in a query that was not percent-encoded has become a space
    if ((text[0] == '-' || text[0] == '+' || text[0] == ' ') && parse_length(text + 1, &length)) {
        *out = text[0] == '-' ? now_ms - length : now_ms + length;
        return true;
    }
    return tft_time_parse(text, strlen(text), out);
}

bool api_read_span(const http_request *request, http_reply *reply, int64_t default_span_ms, api_span *out)
{
    const char *const from = http_query(request, "from"), *const to = http_query(request, "to");
    out->to_ms = request->received_ms + 1; // exclusive: what has just come in is inside
    if (to != NULL && !api_parse_instant(to, request->received_ms, &out->to_ms))
        return api_bad_parameter(request, reply, "to", "an RFC 3339 time, or relative as -6h");
    out->from_ms = out->to_ms - default_span_ms;
    if (from != NULL && !api_parse_instant(from, request->received_ms, &out->from_ms))
        return api_bad_parameter(request, reply, "from", "an RFC 3339 time, or relative as -6h");
    if (out->from_ms > out->to_ms)
        return api_bad_parameter(request, reply, "from", "before to");
    return true;
}

/* ---- paging -------------------------------------------------------------------------------------------- */

/* Cursors are base64url without padding (RFC 4648 §5): opaque, and safe in a URL. */
static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool decode_cursor(const char *text, api_paging *out)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    out->n = 0;
    for (; *text != '\0'; text++) {
        const char *const digit = strchr(digits64, *text);
        if (digit == NULL || out->n == API_CURSOR_MAX - 1)
            return false;
        bits = (bits << 6 | (uint32_t)(digit - digits64)) & 0xffff;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out->place[out->n++] = (char)(unsigned char)(bits >> n_bits);
        }
    }
    out->place[out->n] = '\0';
    return out->n > 0 && http_is_text(out->place, out->n);
}

void api_put_cursor(tft_text *out, const char *place, size_t n)
{
    const unsigned char *const bytes = (const unsigned char *)place;
    tft_text_puts(out, "\"");
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t bits =
            (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        for (size_t k = 0; k < (left > 2 ? 4 : left + 1); k++)
            tft_text_add(out, &digits64[bits >> (18 - 6 * k) & 63], 1);
    }
    tft_text_puts(out, "\"");
}

void api_put_list_end(tft_text *out, const char *place, size_t n)
{
    tft_text_puts(out, "], \"next_cursor\": ");
    if (place == NULL)
        tft_text_puts(out, "null");
    else
        api_put_cursor(out, place, n);
    tft_text_puts(out, "}");
}

void api_next_cursor_field(http_reply *reply, const char *place, size_t n)
{
    tft_text cursor = tft_text_new(2 * API_CURSOR_MAX);
    if (place != NULL)
        api_put_cursor(&cursor, place, n);
    if (cursor.n > 2 && cursor.n < sizeof reply->fields[0].value)
        http_reply_field(reply, "Next-Cursor", "%.*s", (int)cursor.n - 2, cursor.bytes + 1); // without its quotes
    tft_text_free(&cursor);
}

bool api_read_paging(const http_request *request, http_reply *reply, api_paging *out)
{
    *out = (api_paging){.limit = 100};
    int64_t limit = 100;
    if (!api_read_integer(request, reply, "limit", 1, 10000, &limit))
        return false;
    out->limit = (size_t)limit;
    const char *const cursor = http_query(request, "cursor");
    out->has_cursor = cursor != NULL && cursor[0] != '\0'; // an empty one: from the beginning
    if (out->has_cursor && !decode_cursor(cursor, out))
        return api_bad_parameter(request, reply, "cursor", "next_cursor of the page before");
    return true;
}

/* ---- bodies -------------------------------------------------------------------------------------------- */

bool api_read_object(const http_request *request, http_reply *reply, tft_json_document *out)
{
    tft_error err = {0};
    if (tft_json_parse(request->body, request->body_len, BODY_MAX_DEPTH, out, &err) != TFT_OK) {
        http_reply_problem(reply, 400, "malformed-body", "Malformed body", "%s", err.text);
        return false;
    }
    if (tft_json_kind_of(out->root) == TFT_JSON_OBJECT)
        return true;
    tft_json_free(out);
    http_reply_problem(reply, 422, "invalid", "Invalid content", "The body must be a JSON object");
    return false;
}

bool api_invalid(http_reply *reply, const char *field, const char *format, ...)
{
    char reason[512];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    http_reply_problem(reply, 422, "invalid", "Invalid content", "%s: %s", field, reason);
    tft_text *const out = http_problem_member(reply, "errors");
    tft_text_puts(out, "[{\"index\": 0, \"field\": ");
    json_put_string(out, field);
    tft_text_puts(out, ", \"code\": \"invalid\", \"reason\": ");
    json_put_string(out, reason);
    tft_text_puts(out, "}]");
    http_problem_end(reply);
    return false;
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

void json_put_string(tft_text *out, const char *text)
{
    if (text == NULL)
        tft_text_puts(out, "null");
    else
        tft_text_json_string(out, text, strlen(text));
}

void json_put_bool(tft_text *out, bool value)
{
    tft_text_puts(out, value ? "true" : "false");
}

/* Whether an instant has a text of four-digit years. */
static bool has_text(int64_t ms)
{
    return ms > INT64_C(-62135596800000) && ms < INT64_C(253402300800000);
}

static void put_time(tft_text *out, int64_t ms, size_t (*format)(int64_t, char *), const char *quote, const char *none)
{
    char text[TFT_TIME_TEXT];
    if (!has_text(ms)) {
        tft_text_puts(out, none);
        return;
    }
    format(ms, text);
    tft_text_printf(out, "%s%s%s", quote, text, quote);
}

void json_put_time_s(tft_text *out, int64_t ms)
{
    put_time(out, ms, tft_time_format_s, "\"", "null");
}

void json_put_time_ms(tft_text *out, int64_t ms)
{
    put_time(out, ms, tft_time_format_ms, "\"", "null");
}

/* ---- CSV ----------------------------------------------------------------------------------------------- */

void csv_put_text(tft_text *out, const char *text, size_t n)
{
    const bool formula = n > 0 && strchr("=+-@", text[0]) != NULL && text[0] != '\0';
    bool quoted = false;
    for (size_t i = 0; i < n; i++)
        quoted = quoted || text[i] == '"' || text[i] == ',' || text[i] == '\r' || text[i] == '\n';
    tft_text_puts(out, quoted ? "\"" : "");
    tft_text_puts(out, formula ? "'" : "");
    for (size_t i = 0; i < n;) {
        const char *const mark = memchr(text + i, '"', n - i);
        const size_t plain = mark != NULL ? (size_t)(mark - (text + i)) : n - i;
        tft_text_add(out, text + i, plain);
        if (mark != NULL)
            tft_text_puts(out, "\"\"");
        i += plain + (mark != NULL);
    }
    tft_text_puts(out, quoted ? "\"" : "");
}

void csv_put_number(tft_text *out, double value)
{
    if (isfinite(value))
        tft_text_json_number(out, value);
}

void csv_put_time_s(tft_text *out, int64_t ms)
{
    put_time(out, ms, tft_time_format_s, "", "");
}

void csv_put_time_ms(tft_text *out, int64_t ms)
{
    put_time(out, ms, tft_time_format_ms, "", "");
}
