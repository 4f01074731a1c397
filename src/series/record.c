/* record.c - see record.h: the rules of CONTRACT 1.1 that do not depend on how a record was written. */
#include "series/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define YEAR_2000_MS INT64_C(946684800000)

static const char *const fault_words[TFT_N_FAULTS] = {
    "none",    "missing_field", "wrong_type",    "not_finite", "out_of_range",  "bad_timestamp",    "in_future",
    "too_old", "bad_name",      "unknown_state", "no_metrics", "not_an_object", "too_many_servers",
};

const char *tft_fault_word(tft_fault_code code)
{
    return (unsigned)code < TFT_N_FAULTS ? fault_words[code] : "unknown";
}

bool tft_fault_set(tft_fault *fault, tft_fault_code code, const char *field, const char *format, ...)
{
    if (fault == NULL)
        return false;
    memset(fault, 0, sizeof *fault);
    fault->code = code;
    snprintf(fault->field, sizeof fault->field, "%s", field);
    va_list args;
    va_start(args, format);
    vsnprintf(fault->reason, sizeof fault->reason, format, args);
    va_end(args);
    return false;
}

/* Bytes of the UTF-8 character at text[0 … n−1], n ≥ 1, or 0 where there is none (RFC 3629, table 3-7 of Unicode:
 * shortest form only, no surrogates, nothing above U+10FFFF). */
static size_t utf8_length(const unsigned char *text, size_t n)
{
    const unsigned char c = text[0];
    if (c < 0x80)
        return 1;
    const size_t length = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    const unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

const char *tft_fault_quote(const char *text, size_t n, char *out)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    size_t at = 0, w = 0;
    for (size_t characters = 0; at < n && characters < 80; characters++) {
        const size_t length = utf8_length(bytes + at, n - at);
        if (length == 0 || is_control(bytes[at])) {
            out[w++] = '?';
            at++;
            continue;
        }
        memcpy(out + w, text + at, length);
        w += length;
        at += length;
    }
    if (at < n) {
        memcpy(out + w, "…", strlen("…"));
        w += strlen("…");
    }
    out[w] = '\0';
    return out;
}

tft_record tft_record_empty(void)
{
    tft_record record = {.name = "", .state = TFT_STATE_NONE, .profile = TFT_RECORD_NO_PROFILE};
    for (size_t m = 0; m < TFT_MAX_METRICS; m++)
        record.values[m] = NAN;
    return record;
}

tft_record_limits tft_record_limits_default(int64_t now_ms)
{
    return (tft_record_limits){.now_ms = now_ms, .max_future_ms = 300000, .max_past_ms = 0};
}

bool tft_record_parse_time(const char *text, size_t n, int64_t *time_ms, tft_fault *fault)
{
    if (tft_time_parse(text, n, time_ms))
        return true;
    char quoted[TFT_QUOTED_TEXT];
    return tft_fault_set(fault, TFT_FAULT_BAD_TIMESTAMP, "timestamp",
                         "timestamp is \"%s\", must be an ISO 8601 date and time", tft_fault_quote(text, n, quoted));
}

bool tft_record_parse_state(const char *field, const char *text, size_t n, tft_state *state, tft_fault *fault)
{
    const int found = tft_state_find(text, n);
    if (found >= 0) {
        *state = (tft_state)found;
        return true;
    }
    char quoted[TFT_QUOTED_TEXT];
    return tft_fault_set(fault, TFT_FAULT_UNKNOWN_STATE, field, "%s is \"%s\", must be one of the eight states", field,
                         tft_fault_quote(text, n, quoted));
}

bool tft_record_name_ok(const char *name, size_t n, tft_fault *fault)
{
    static const char field[] = "server_name";
    if (n == 0)
        return tft_fault_set(fault, TFT_FAULT_BAD_NAME, field, "server_name is empty");
    if (n > TFT_MAX_SERVER_NAME)
        return tft_fault_set(fault, TFT_FAULT_BAD_NAME, field, "server_name has %zu bytes, must have at most %d", n,
                             TFT_MAX_SERVER_NAME);
    const unsigned char *const bytes = (const unsigned char *)name;
    bool only_blanks = true;
    for (size_t i = 0; i < n;) {
        const size_t length = utf8_length(bytes + i, n - i);
        if (length == 0)
            return tft_fault_set(fault, TFT_FAULT_BAD_NAME, field, "server_name is not valid UTF-8 at byte %zu", i);
        if (is_control(bytes[i]))
            return tft_fault_set(fault, TFT_FAULT_BAD_NAME, field,
                                 "server_name holds the control character 0x%02x at byte %zu", bytes[i], i);
        only_blanks = only_blanks && bytes[i] == ' ';
        i += length;
    }
    if (only_blanks)
        return tft_fault_set(fault, TFT_FAULT_BAD_NAME, field, "server_name holds only blanks");
    return true;
}

bool tft_record_time_ok(const tft_record_limits *limits, int64_t time_ms, tft_fault *fault)
{
    static const char field[] = "timestamp";
    char text[TFT_TIME_TEXT];
    if (time_ms - limits->now_ms > limits->max_future_ms) {
        tft_time_format_ms(time_ms, text);
        return tft_fault_set(fault, TFT_FAULT_IN_FUTURE, field,
                             "timestamp is %s, %.1f s ahead of the clock, at most %.1f s are taken", text,
                             (double)(time_ms - limits->now_ms) / 1e3, (double)limits->max_future_ms / 1e3);
    }
    if (time_ms < YEAR_2000_MS) {
        tft_time_format_ms(time_ms, text);
        return tft_fault_set(fault, TFT_FAULT_TOO_OLD, field, "timestamp is %s, must not be before 2000-01-01", text);
    }
    if (limits->max_past_ms > 0 && limits->now_ms - time_ms > limits->max_past_ms) {
        tft_time_format_ms(time_ms, text);
        return tft_fault_set(fault, TFT_FAULT_TOO_OLD, field,
                             "timestamp is %s, %.1f s behind the clock, at most %.1f s are taken", text,
                             (double)(limits->now_ms - time_ms) / 1e3, (double)limits->max_past_ms / 1e3);
    }
    return true;
}

bool tft_metric_accepts(const tft_metric *metric, double value, tft_fault *fault)
{
    if (!isfinite(value))
        return tft_fault_set(fault, TFT_FAULT_NOT_FINITE, metric->name, "%s is %s, must be a finite number",
                             metric->name,
                             isnan(value) ? "NaN"
                             : value < 0  ? "-Infinity"
                                          : "Infinity");
    if (value >= metric->min && value <= metric->max)
        return true;
    if (!isfinite(metric->max))
        return tft_fault_set(fault, TFT_FAULT_OUT_OF_RANGE, metric->name, "%s is %.10g, must be at least %.10g",
                             metric->name, value, metric->min);
    if (!isfinite(metric->min))
        return tft_fault_set(fault, TFT_FAULT_OUT_OF_RANGE, metric->name, "%s is %.10g, must be at most %.10g",
                             metric->name, value, metric->max);
    return tft_fault_set(fault, TFT_FAULT_OUT_OF_RANGE, metric->name, "%s is %.10g, must be %.10g to %.10g",
                         metric->name, value, metric->min, metric->max);
}

bool tft_record_check(const tft_contract *contract, const tft_record_limits *limits, const tft_record *record,
                      tft_fault *fault)
{
    if (!tft_record_time_ok(limits, record->time_ms, fault) ||
        !tft_record_name_ok(record->name, record->name_length, fault))
        return false;
    bool any = false;
    for (size_t m = 0; m < contract->n_metrics; m++) {
        const double value = record->values[m];
        const tft_metric *const metric = &contract->metrics[m];
        if (isnan(value))
            continue;
        if (!tft_metric_accepts(metric, value, fault))
            return false;
        any = true;
    }
    if (!any && record->state != TFT_STATE_OFFLINE && record->state != TFT_STATE_MAINTENANCE)
        return tft_fault_set(fault, TFT_FAULT_NO_METRICS, "",
                             "no metric has a value; only offline and maintenance records may have none");
    return true;
}
