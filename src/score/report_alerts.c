/* report_alerts.c - see report_alerts.h. */
#include "score/report_alerts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void score_alert_row_text(const score_alert_row *row, const char *metric, char *out, size_t capacity)
{
    switch (row->rule) {
    case SCORE_ALERT_PROBABILITY:
        snprintf(out, capacity, "P(incident) >= %.0f %%", 100 * row->threshold);
        return;
    case SCORE_ALERT_SOON:
        snprintf(out, capacity, "P(incident within 1h) >= %.0f %%", 100 * row->threshold);
        return;
    case SCORE_ALERT_P50:
        snprintf(out, capacity, "%.40s p50 >= %.4g within 1h", metric, row->threshold);
        return;
    case SCORE_ALERT_STATIC:
        snprintf(out, capacity, "%.40s >= %.4g now", metric, row->threshold);
        return;
    case SCORE_ALERT_TREND:
    default:
        snprintf(out, capacity, "%.40s trend >= %.4g within 1h", metric, row->threshold);
    }
}

static void put_share(tft_text *text, double value)
{
    if (isnan(value))
        tft_text_puts(text, "         –");
    else
        tft_text_printf(text, "%8.1f %%", 100 * value);
}

void score_report_alerts_text(const score_alerts *a, const tft_contract *contract, tft_text *text)
{
    const char *const metric = contract->metrics[a->metric].name;
    tft_text_printf(
        text,
        "\nalerts: %zu cases, %zu incidents, %.0f server-days; looked at every %.0f minutes; an alert is right "
        "where an incident starts within the horizon\n",
        a->n_cases, a->n_starts, a->server_days, a->every_minutes);
    tft_text_puts(text, "rule                                            raised  precision    recall  false / "
                        "server-day  median lead\n");
    for (size_t i = 0; i < a->n_rows; i++) {
        const score_alert_row *const r = &a->rows[i];
        char rule[96];
        score_alert_row_text(r, metric, rule, sizeof rule);
        tft_text_printf(text, "%s%-*s%8zu", r->matched ? "  same recall: " : "", r->matched ? 31 : 46, rule,
                        r->n_raised);
        put_share(text, r->precision);
        put_share(text, r->recall);
        tft_text_printf(text, "%20.3f", r->false_per_server_day);
        if (isnan(r->lead_minutes))
            tft_text_puts(text, "            –\n");
        else
            tft_text_printf(text, "%9.0f min\n", r->lead_minutes);
    }
}

static void put_figure(tft_text *text, const char *key, double value)
{
    tft_text_printf(text, ", \"%s\": ", key);
    tft_text_json_number(text, value);
}

void score_report_alerts_json(const score_alerts *a, const tft_contract *contract, tft_text *text)
{
    const char *const metric = contract->metrics[a->metric].name;
    tft_text_puts(text, "{\"metric\": ");
    tft_text_json_string(text, metric, strlen(metric));
    tft_text_printf(text, ", \"cases\": %zu, \"incidents\": %zu", a->n_cases, a->n_starts);
    put_figure(text, "server_days", a->server_days);
    put_figure(text, "every_minutes", a->every_minutes);
    tft_text_puts(text, ", \"rows\": [");
    for (size_t i = 0; i < a->n_rows; i++) {
        const score_alert_row *const r = &a->rows[i];
        tft_text_printf(text, "%s{\"rule\": \"%s\", \"same_recall\": %s, \"raised\": %zu, \"followed\": %zu",
                        i == 0 ? "" : ", ", score_alert_rule_name(r->rule), r->matched ? "true" : "false", r->n_raised,
                        r->n_followed);
        put_figure(text, "threshold", r->threshold);
        put_figure(text, "precision", r->precision);
        put_figure(text, "recall", r->recall);
        put_figure(text, "window_recall", r->window_recall);
        put_figure(text, "false_per_server_day", r->false_per_server_day);
        put_figure(text, "median_lead_minutes", r->lead_minutes);
        tft_text_puts(text, "}");
    }
    tft_text_puts(text, "]}");
}
