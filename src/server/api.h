/* api.h - what the routes of /api/v1 have in common (CONTRACT 2.1): paging, time spans, choices, CSV, JSON.
 *
 * A function that reads a parameter returns false after it has written the problem into the reply; the handler then
 * returns at once:
 *
 *     api_paging paging;
 *     if (!api_read_paging(request, reply, &paging))
 *         return;
 *
 * Threads: any; all are functions of their arguments.
 */
#ifndef TFTD_SERVER_API_H
#define TFTD_SERVER_API_H

#include "base/clock.h"
#include "base/json.h"
#include "server/http.h"

/* ---- parameters ---------------------------------------------------------------------------------------- */

/* Schemas and rows for the parameter lists of routes. */
#define API_STRING "{\"type\": \"string\"}"
#define API_NAME "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 256}"
#define API_BOOL "{\"type\": \"boolean\"}"
#define API_PAGING                                                                                                     \
    {"limit", "{\"type\": \"integer\", \"minimum\": 1, \"maximum\": 10000, \"default\": 100}",                         \
     "How many items at most", NULL, false},                                                                           \
    {                                                                                                                  \
        "cursor", API_STRING, "next_cursor of the page before", NULL, false                                            \
    }
#define API_SPAN                                                                                                       \
    {"from", API_STRING, "Begin of the span, inclusive: RFC 3339, or relative as in -6h; -24h where it is not given",  \
     NULL, false},                                                                                                     \
    {                                                                                                                  \
        "to", API_STRING, "End of the span, exclusive: RFC 3339, relative, or now", NULL, false                        \
    }
#define API_FORMAT                                                                                                     \
    {                                                                                                                  \
        "format", "{\"type\": \"string\", \"enum\": [\"json\", \"csv\"]}", "Instead of an Accept header", NULL, false  \
    }
#define API_JSON_CSV "application/json, text/csv"

/* 400 bad-parameter: "<name>: <text>, not "<value>"". Always returns false. */
bool api_bad_parameter(const http_request *request, http_reply *reply, const char *name, const char *wanted);

#define API_CURSOR_MAX 512

/* `limit` (100, at most 10 000) and `cursor`. */
typedef struct api_paging {
    size_t limit;
    bool has_cursor;
    size_t n;                   // bytes of the place
    char place[API_CURSOR_MAX]; // what api_put_cursor() was given for the page before, NUL-terminated
} api_paging;
bool api_read_paging(const http_request *request, http_reply *reply, api_paging *out);
/* "<opaque>" for a place of at most API_CURSOR_MAX − 1 bytes, which the next page's api_paging then holds. */
void api_put_cursor(tft_text *out, const char *place, size_t n);
/* The list's end: `], "next_cursor": null}` or with the cursor. place NULL: this was the last page. */
void api_put_list_end(tft_text *out, const char *place, size_t n);

/* The same for CSV, which has no place for it: the header Next-Cursor. Nothing where place is NULL. */
void api_next_cursor_field(http_reply *reply, const char *place, size_t n);

/* `from` and `to`, by default −default_span_ms … now; 400 where from is behind to. */
typedef struct api_span {
    int64_t from_ms, to_ms;
} api_span;
bool api_read_span(const http_request *request, http_reply *reply, int64_t default_span_ms, api_span *out);
/* An instant: RFC 3339, "now", or relative to now_ms: "-90s", "-30m", "-6h", "-7d", "-2w", "+1h". */
bool api_parse_instant(const char *text, int64_t now_ms, int64_t *out);
/* A length of time: "250ms", "90s", "30m", "2h", "7d". */
bool api_parse_duration(const char *text, int64_t *ms);

/* An integer in low … high; *out stays as it is where the parameter is not given. */
bool api_read_integer(const http_request *request, http_reply *reply, const char *name, int64_t low, int64_t high,
                      int64_t *out);
/* "true" or "false"; *out stays where it is not given. */
bool api_read_bool(const http_request *request, http_reply *reply, const char *name, bool *out);
/* One of the words; its index goes to *out, which stays where it is not given. */
bool api_read_word(const http_request *request, http_reply *reply, const char *name, const char *const *words,
                   size_t n_words, size_t *out);
/* Calls take(context, item, n) for each item of "a,b,c"; 400 where one is empty or refused. Nothing where not given. */
bool api_each_item(const http_request *request, http_reply *reply, const char *name, const char *wanted,
                   bool (*take)(void *context, const char *item, size_t n), void *context);
/* Whether CSV is wanted (`format`, else Accept) rather than JSON; sets the reply's content type. */
bool api_read_format(const http_request *request, http_reply *reply, bool *csv);

/* A JSON body that must be an object: 400 where it is not JSON, 422 where it is something else. The caller frees. */
bool api_read_object(const http_request *request, http_reply *reply, tft_json_document *out);
/* 422 invalid: one thing in the body is wrong. Always returns false. */
bool api_invalid(http_reply *reply, const char *field, const char *format, ...) TFT_PRINTF(3, 4);

/* ---- JSON ---------------------------------------------------------------------------------------------- */

void json_put_string(tft_text *out, const char *text); // NULL becomes null
void json_put_bool(tft_text *out, bool value);
/* Stamps to the second and to the millisecond; INT64_MIN becomes null. */
void json_put_time_s(tft_text *out, int64_t ms);
void json_put_time_ms(tft_text *out, int64_t ms);

/* ---- CSV (RFC 4180) ------------------------------------------------------------------------------------ */

/* A text cell, quoted where it must be; one that begins with = + - or @ gets a ' in front, so that no spreadsheet takes it
 * for a formula. */
void csv_put_text(tft_text *out, const char *text, size_t n);
/* A number as in JSON; an empty cell where it is not finite. */
void csv_put_number(tft_text *out, double value);
/* Stamps as in JSON, without quotes; INT64_MIN is an empty cell. */
void csv_put_time_s(tft_text *out, int64_t ms);
void csv_put_time_ms(tft_text *out, int64_t ms);
/* Between cells: tft_text_puts(out, ","); ends of lines are CRLF. */
#define CSV_END "\r\n"

#endif
