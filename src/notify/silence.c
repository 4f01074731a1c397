/* silence.c - see silence.h. */
#include "notify/silence.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define MAX_DEPTH 8
#define LONGEST_REPEATED_MS ((int64_t)31 * 86400000)

const char *silence_status_name(silence_status status)
{
    static const char *const names[] = {"pending", "active", "expired"};
    return names[status];
}

static tft_status refuse(silence_fault *fault, const char *field, const char *format, ...) TFT_PRINTF(3, 4);
static tft_status refuse(silence_fault *fault, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault->why, sizeof fault->why, format, args);
    va_end(args);
    snprintf(fault->field, sizeof fault->field, "%s", field);
    return TFT_ERR_ARGUMENT;
}

/* A text of the body; absent leaves "". */
static tft_status read_text(const tft_json *root, const char *key, char *out, size_t capacity, silence_fault *fault)
{
    size_t n = 0;
    const tft_json *const value = tft_json_at(root, key);
    const char *const text = tft_json_string(value, &n);
    out[0] = '\0';
    if (value == NULL)
        return TFT_OK;
    if (text == NULL)
        return refuse(fault, key, "is not a string");
    if (n >= capacity || memchr(text, '\0', n) != NULL)
        return refuse(fault, key, "is longer than %zu bytes", capacity - 1);
    memcpy(out, text, n);
    out[n] = '\0';
    return TFT_OK;
}

static tft_status read_time(const tft_json *root, const char *key, int64_t missing_ms, int64_t *ms,
                            silence_fault *fault)
{
    size_t n = 0;
    const tft_json *const value = tft_json_at(root, key);
    const char *const text = tft_json_string(value, &n);
    *ms = missing_ms;
    if (value == NULL)
        return TFT_OK;
    if (text == NULL || !tft_time_parse(text, n, ms) || *ms < 0 || *ms >= (int64_t)253402300800000)
        return refuse(fault, key, "is not a time such as 2026-11-29T02:00:00Z");
    *ms = tft_floor_to(*ms, 1000);
    return TFT_OK;
}

static tft_status read_kind(const tft_json *root, silence *s, silence_fault *fault)
{
    char kind[16];
    const tft_status status = read_text(root, "kind", kind, sizeof kind, fault);
    if (status != TFT_OK)
        return refuse(fault, "kind", "is neither silence nor maintenance");
    s->maintenance = strcmp(kind, "maintenance") == 0;
    if (!s->maintenance && kind[0] != '\0' && strcmp(kind, "silence") != 0)
        return refuse(fault, "kind", "is neither silence nor maintenance");
    return TFT_OK;
}

static tft_status read_matchers(const tft_json *root, silence *s, silence_fault *fault)
{
    const char *field = "matchers";
    const tft_json *const object = tft_json_at(root, "matchers");
    if (object == NULL)
        return refuse(fault, field, "is missing");
    const char *const why = notify_matcher_parse(object, &s->matcher, &field);
    if (why != NULL)
        return refuse(fault, field, "%s", why);
    const notify_matcher *const m = &s->matcher;
    if (s->maintenance && (m->kind[0] != '\0' || m->metric[0] != '\0' || m->severity[0] != '\0'))
        return refuse(fault, "matchers", "of a maintenance name servers and profiles only");
    return TFT_OK;
}

static tft_status read_recurrence(const tft_json *root, silence *s, silence_fault *fault, tft_error *err)
{
    tft_status status = read_text(root, "rrule", s->rrule, sizeof s->rrule, fault);
    if (status == TFT_OK)
        status = read_text(root, "timezone", s->timezone, sizeof s->timezone, fault);
    if (status != TFT_OK)
        return status;
    if (s->timezone[0] == '\0')
        snprintf(s->timezone, sizeof s->timezone, "UTC");
    s->repeats = s->rrule[0] != '\0';
    if (s->repeats) {
        const char *const why = recurrence_parse(s->rrule, strlen(s->rrule), &s->rule);
        if (why != NULL)
            return refuse(fault, "rrule", "%s", why);
        if (s->ends_ms - s->starts_ms > LONGEST_REPEATED_MS)
            return refuse(fault, "ends_at", "is more than 31 days behind starts_at, of a window that repeats");
    }
    tft_error why = {0};
    status = zone_open(NULL, s->timezone, &s->zone, &why);
    if (status == TFT_ERR_NOT_FOUND)
        return refuse(fault, "timezone", "\"%.60s\" is not a time zone that this machine knows", s->timezone);
    return status == TFT_OK ? TFT_OK : tft_fail(err, status, "%s", why.text);
}

static tft_status read_body(const tft_json *root, int64_t now_ms, silence *s, silence_fault *fault, tft_error *err)
{
    if (tft_json_kind_of(root) != TFT_JSON_OBJECT)
        return refuse(fault, "body", "is not an object");
    tft_status status = read_kind(root, s, fault);
    if (status == TFT_OK)
        status = read_matchers(root, s, fault);
    if (status == TFT_OK)
        status = read_time(root, "starts_at", tft_floor_to(now_ms, 1000), &s->starts_ms, fault);
    if (status == TFT_OK)
        status = read_time(root, "ends_at", SILENCE_NEVER, &s->ends_ms, fault);
    if (status != TFT_OK)
        return status;
    if (s->ends_ms == SILENCE_NEVER)
        return refuse(fault, "ends_at", "is missing");
    if (s->ends_ms <= s->starts_ms)
        return refuse(fault, "ends_at", "is not behind starts_at");
    status = read_recurrence(root, s, fault, err);
    if (status == TFT_OK)
        status = read_text(root, "created_by", s->created_by, sizeof s->created_by, fault);
    if (status == TFT_OK)
        status = read_text(root, "comment", s->comment, sizeof s->comment, fault);
    s->known_from_ms = INT64_MAX;
    return status;
}

tft_status silence_decode(const char *bytes, size_t n, int64_t now_ms, silence *out, silence_fault *fault,
                          tft_error *err)
{
    tft_json_document document;
    memset(out, 0, sizeof *out);
    *fault = (silence_fault){"", ""};
    if (n > SILENCE_MAX_BYTES)
        return refuse(fault, "body", "is larger than %d bytes", SILENCE_MAX_BYTES);
    tft_status status = tft_json_parse(bytes, n, MAX_DEPTH, &document, err);
    if (status != TFT_OK)
        return status;
    status = read_body(document.root, now_ms, out, fault, err);
    tft_json_free(&document);
    int64_t from, to;
    if (status == TFT_OK && !out->maintenance && !silence_window(out, now_ms, &from, &to))
        status = refuse(fault, out->repeats ? "rrule" : "ends_at", "lies in the past: nothing would be silenced");
    if (status != TFT_OK)
        silence_free(out);
    return status;
}

tft_status silence_restore(const char *bytes, size_t n, silence *out, tft_error *err)
{
    tft_json_document document;
    silence_fault fault;
    memset(out, 0, sizeof *out);
    tft_status status = tft_json_parse(bytes, n, MAX_DEPTH, &document, err);
    if (status != TFT_OK)
        return status;
    status = read_body(document.root, 0, out, &fault, err);
    if (status == TFT_OK)
        status = read_time(document.root, "created_at", 0, &out->created_ms, &fault);
    if (status == TFT_OK)
        status = read_time(document.root, "updated_at", 0, &out->updated_ms, &fault);
    tft_json_free(&document);
    if (status != TFT_OK)
        silence_free(out);
    return status == TFT_ERR_ARGUMENT ? tft_fail(err, TFT_ERR_FORMAT, "%s %s", fault.field, fault.why) : status;
}

void silence_free(silence *s)
{
    zone_close(s->zone);
    s->zone = NULL;
}

static void write_text(tft_text *out, const char *key, const char *value)
{
    tft_text_printf(out, ", \"%s\": ", key);
    tft_text_json_string(out, value, strlen(value));
}

static void write_time(tft_text *out, const char *key, int64_t ms)
{
    char stamp[TFT_TIME_TEXT];
    tft_time_format_s(ms, stamp);
    tft_text_printf(out, ", \"%s\": \"%s\"", key, stamp);
}

void silence_write(const silence *s, tft_text *out)
{
    tft_text_printf(out, "\"kind\": \"%s\", \"matchers\": ", s->maintenance ? "maintenance" : "silence");
    notify_matcher_write(&s->matcher, out);
    write_time(out, "starts_at", s->starts_ms);
    write_time(out, "ends_at", s->ends_ms);
    if (s->repeats)
        write_text(out, "rrule", s->rrule);
    else
        tft_text_puts(out, ", \"rrule\": null");
    write_text(out, "timezone", s->timezone);
    write_text(out, "created_by", s->created_by);
    write_text(out, "comment", s->comment);
    write_time(out, "created_at", s->created_ms);
    write_time(out, "updated_at", s->updated_ms);
}

bool silence_window_behind(const silence *s, int64_t at_ms, int64_t *from_ms, int64_t *to_ms)
{
    const int64_t length_ms = s->ends_ms - s->starts_ms;
    *from_ms = s->starts_ms;
    if (s->repeats) {
        const int64_t after_s = tft_floor_to(at_ms - length_ms, 1000) / 1000 + 1;
        const int64_t start_s = recurrence_next(&s->rule, s->zone, s->starts_ms / 1000, after_s);
        if (start_s == RECURRENCE_NEVER)
            return false;
        *from_ms = start_s * 1000;
    }
    *to_ms = *from_ms + length_ms;
    return *to_ms > at_ms;
}

bool silence_window(silence *s, int64_t now_ms, int64_t *from_ms, int64_t *to_ms)
{
    if (now_ms < s->known_from_ms || now_ms >= s->window_to_ms) {
        if (!silence_window_behind(s, now_ms, &s->window_from_ms, &s->window_to_ms))
            return false;
        s->known_from_ms = now_ms;
    }
    *from_ms = s->window_from_ms;
    *to_ms = s->window_to_ms;
    return true;
}

silence_status silence_status_at(silence *s, int64_t now_ms)
{
    int64_t from, to;
    if (!silence_window(s, now_ms, &from, &to))
        return SILENCE_EXPIRED;
    return from <= now_ms ? SILENCE_ACTIVE : SILENCE_PENDING;
}
