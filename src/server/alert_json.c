/* alert_json.c - see alert_json.h. */
#include "server/alert_json.h"

#include <string.h>

#include "notify/payload.h"
#include "server/api.h"

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void put_word(tft_text *out, const char *key, const char *value)
{
    tft_text_printf(out, ", \"%s\": ", key);
    json_put_string(out, or_null(value));
}

static void put_number(tft_text *out, const char *key, double value, int decimals)
{
    tft_text_printf(out, ", \"%s\": ", key);
    tft_text_json_fixed(out, value, decimals);
}

static void put_second(tft_text *out, const char *key, int64_t ms)
{
    tft_text_printf(out, ", \"%s\": ", key);
    json_put_time_s(out, ms);
}

static void put_instant(tft_text *out, const char *key, int64_t ms)
{
    tft_text_printf(out, ", \"%s\": ", key);
    json_put_time_ms(out, ms);
}

static void put_metric(const store_alert *row, const tft_contract *contract, tft_text *out)
{
    const int m = row->metric[0] != '\0' ? tft_contract_find(contract, row->metric, strlen(row->metric)) : -1;
    const tft_metric *const metric = m >= 0 ? &contract->metrics[m] : NULL;
    const bool renamed = metric != NULL && metric->legacy_name[0] != '\0';
    put_word(out, "metric", renamed ? metric->legacy_name : row->metric);
    put_word(out, "metric_name", row->metric);
    put_word(out, "unit",
             strcmp(row->kind, "silent") == 0                        ? "s"
             : metric != NULL && strcmp(row->kind, "threshold") == 0 ? metric->unit
                                                                     : "");
}

static void put_ack(const store_alert *row, tft_text *out)
{
    if (row->ack.at_ms == STORE_NEVER) {
        tft_text_puts(out, ", \"acknowledged\": false, \"ack\": null");
        return;
    }
    tft_text_puts(out, ", \"acknowledged\": true, \"ack\": {\"by\": ");
    json_put_string(out, row->ack.by);
    put_word(out, "comment", row->ack.comment);
    put_instant(out, "at", row->ack.at_ms);
    put_instant(out, "until", row->ack.until_ms);
    tft_text_puts(out, "}");
}

static void put_message(const store_alert *row, tft_text *out)
{
    tft_text text = tft_text_new(1024);
    payload_summary(row, &text);
    put_word(out, "message", text.bytes != NULL ? text.bytes : "");
    tft_text_free(&text);
}

/* Of so many such alerts, how many were right: null where nobody has counted. */
static void put_expectation(const store_alert *row, const alert_extras *extras, tft_text *out)
{
    alert_expectation e;
    if (!expectation_of(&extras->expecter, row, &e)) {
        tft_text_puts(out, ", \"expected_precision\": null, \"precision_basis\": null, \"description\": null");
        return;
    }
    tft_text text = tft_text_new(512);
    expectation_text(&e, &text);
    put_number(out, "expected_precision", expectation_precision(&e), 4);
    tft_text_printf(out,
                    ", \"precision_basis\": {\"source\": \"%s\", \"alerts\": %llu, \"followed\": %llu, "
                    "\"within_minutes\": %lld}",
                    expectation_source(&e), (unsigned long long)e.raised, (unsigned long long)e.followed,
                    (long long)(e.within_ms / 60000));
    put_word(out, "description", text.bytes != NULL ? text.bytes : "");
    tft_text_free(&text);
}

void alert_json(const store_alert *row, const alert_extras *extras, tft_text *out)
{
    const int64_t step_ms = extras->contract->step_ms, minutes = row->minutes_ahead;
    tft_text_printf(out, "{\"id\": \"%s\", \"kind\": \"%s\", \"status\": \"%s\", \"severity\": \"%s\"", row->id,
                    row->kind, row->status, row->severity);
    put_word(out, "server", row->server);
    put_word(out, "profile", row->profile);
    put_metric(row, extras->contract, out);
    put_number(out, "predicted_value", row->predicted_value, 4);
    put_number(out, "threshold", row->threshold, 4);
    put_number(out, "current", row->current, 4);
    put_number(out, "probability", row->probability, 4);
    put_number(out, "crossing_probability", row->crossing_probability, 4);
    if (minutes > 0)
        tft_text_printf(out, ", \"steps_ahead\": %lld, \"minutes_ahead\": %lld", (long long)(minutes * 60000 / step_ms),
                        (long long)minutes);
    else
        tft_text_puts(out, ", \"steps_ahead\": null, \"minutes_ahead\": null");
    put_second(out, "expected_at", row->expected_at_ms);
    tft_text_puts(out, ", \"crossing\": {\"p10\": ");
    json_put_time_s(out, row->p10_ms);
    put_second(out, "p50", row->p50_ms);
    put_second(out, "p90", row->p90_ms);
    tft_text_puts(out, "}");
    put_instant(out, "starts_at", row->starts_ms);
    put_instant(out, "since", row->since_ms);
    put_instant(out, "ends_at", row->ends_ms);
    put_ack(row, out);
    tft_text_printf(out, ", \"silenced\": %s, \"silenced_by\": [", row->mute[0] != '\0' ? "true" : "false");
    for (size_t i = 0; i < extras->n_silenced_by; i++)
        tft_text_printf(out, "%s\"%s\"", i > 0 ? ", " : "", extras->silenced_by[i]);
    tft_text_printf(out, "], \"maintenance\": %s", strcmp(row->mute, "maintenance") == 0 ? "true" : "false");
    put_word(out, "inhibited_by", row->inhibited_by);
    put_message(row, out);
    put_expectation(row, extras, out);
    tft_text_puts(out, "}");
}

void alert_json_brief(const store_alert *row, tft_text *out)
{
    tft_text_printf(out, "{\"id\": \"%s\", \"kind\": \"%s\", \"status\": \"%s\", \"severity\": \"%s\"", row->id,
                    row->kind, row->status, row->severity);
    put_word(out, "server", row->server);
    put_word(out, "metric", row->metric);
    put_number(out, "predicted_value", row->predicted_value, 4);
    put_number(out, "threshold", row->threshold, 4);
    put_second(out, "expected_at", row->expected_at_ms);
    put_instant(out, "starts_at", row->starts_ms);
    put_instant(out, "ends_at", row->ends_ms);
    tft_text_printf(out, ", \"silenced\": %s", row->mute[0] != '\0' ? "true" : "false");
    put_word(out, "inhibited_by", row->inhibited_by);
    tft_text_puts(out, "}");
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

void alert_csv_head(tft_text *out)
{
    tft_text_puts(out,
                  "id,kind,status,severity,server,profile,metric,predicted_value,threshold,current,probability,"
                  "crossing_probability,minutes_ahead,expected_at,crossing_p10,crossing_p50,crossing_p90,starts_at,"
                  "since,ends_at,acknowledged_by,silenced,maintenance,inhibited_by" CSV_END);
}

void alert_csv(const store_alert *row, tft_text *out)
{
    const char *const words[] = {row->id,     row->kind,    row->status, row->severity,
                                 row->server, row->profile, row->metric};
    const double numbers[] = {row->predicted_value, row->threshold, row->current, row->probability,
                              row->crossing_probability};
    const int64_t seconds[] = {row->expected_at_ms, row->p10_ms, row->p50_ms, row->p90_ms};
    const int64_t instants[] = {row->starts_ms, row->since_ms, row->ends_ms};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        csv_put_text(out, words[i], strlen(words[i]));
        tft_text_puts(out, ",");
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        csv_put_number(out, numbers[i]);
        tft_text_puts(out, ",");
    }
    if (row->minutes_ahead > 0)
        tft_text_printf(out, "%lld", (long long)row->minutes_ahead);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        tft_text_puts(out, ",");
        csv_put_time_s(out, seconds[i]);
    }
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        tft_text_puts(out, ",");
        csv_put_time_ms(out, instants[i]);
    }
    tft_text_puts(out, ",");
    csv_put_text(out, row->ack.by, row->ack.at_ms != STORE_NEVER ? strlen(row->ack.by) : 0);
    tft_text_printf(out, ",%s,%s,%s" CSV_END, row->mute[0] != '\0' ? "true" : "false",
                    strcmp(row->mute, "maintenance") == 0 ? "true" : "false", row->inhibited_by);
}
