/* page_json.c - details and extras as JSON; see page.h. */
#include <math.h>
#include <string.h>

#include "score/page.h"

static void put_rows(const score_result *result, const score_sums *rows, size_t n, size_t metric, tft_text *text)
{
    for (size_t f = 0; f < result->n_forecasters; f++) {
        const score_sums *const sums = rows + (f * result->n_metrics + metric) * n;
        tft_text_printf(text, "%s{\"name\": \"%s\", \"crps\": [", f == 0 ? "" : ", ", result->forecasters[f].name);
        for (size_t i = 0; i < n; i++) {
            tft_text_puts(text, i == 0 ? "" : ", ");
            tft_text_json_number(text, score_crps(&sums[i]));
        }
        tft_text_puts(text, "], \"coverage_p10_p90\": [");
        for (size_t i = 0; i < n; i++) {
            tft_text_puts(text, i == 0 ? "" : ", ");
            tft_text_json_number(text, score_coverage_80(&sums[i]));
        }
        tft_text_puts(text, "], \"coverage_p02_p98\": [");
        for (size_t i = 0; i < n; i++) {
            tft_text_puts(text, i == 0 ? "" : ", ");
            tft_text_json_number(text, score_coverage_96(&sums[i]));
        }
        tft_text_puts(text, "]}");
    }
}

static void put_details(const score_report *report, tft_text *text)
{
    const score_result *const result = report->result;
    const score_details *const d = &result->details;
    tft_text_puts(text, ", \"details\": [");
    for (size_t m = 0; m < result->n_metrics; m++) {
        tft_text_printf(text, "%s{\"metric\": \"%s\", \"steps\": [", m == 0 ? "" : ", ",
                        report->contract->metrics[m].name);
        put_rows(result, d->steps, d->horizon, m, text);
        tft_text_puts(text, "], \"hours\": [");
        put_rows(result, d->hours, SCORE_N_HOURS, m, text);
        tft_text_puts(text, "], \"pit\": [");
        for (size_t b = 0; b < SCORE_N_PIT; b++) {
            tft_text_puts(text, b == 0 ? "" : ", ");
            tft_text_json_number(text, d->pit[m * SCORE_N_PIT + b]);
        }
        tft_text_puts(text, "]}");
    }
    tft_text_puts(text, "]");
}

static void put_history(const score_report *report, const score_extras *extras, tft_text *text)
{
    bool first = true;
    tft_text_printf(text, ", \"history_windows\": %zu, \"history\": [", extras->n_history_windows);
    for (size_t i = 0; i < SCORE_N_HISTORIES; i++) {
        const score_history *const h = &extras->history[i];
        if (!h->there)
            continue;
        tft_text_printf(text, "%s{\"age\": \"%s\", \"steps\": %zu, \"metrics\": [", first ? "" : ", ", h->name,
                        h->steps);
        first = false;
        for (size_t m = 0; m < h->result.n_metrics; m++) {
            tft_text_printf(text, "%s{\"metric\": \"%s\", \"crps\": {", m == 0 ? "" : ", ",
                            report->contract->metrics[m].name);
            for (size_t f = 0; f < h->result.n_forecasters; f++) {
                const score_sums all = score_result_all(&h->result, f, m);
                tft_text_printf(text, "%s\"%s\": ", f == 0 ? "" : ", ", h->result.forecasters[f].name);
                tft_text_json_number(text, score_crps(&all));
            }
            const score_sums own = score_result_all(&h->result, 0, m);
            tft_text_puts(text, "}, \"coverage_p10_p90\": ");
            tft_text_json_number(text, score_coverage_80(&own));
            tft_text_puts(text, "}");
        }
        tft_text_puts(text, "]}");
    }
    tft_text_puts(text, "]");
}

void score_page_json(const score_report *report, const score_extras *extras, tft_text *text)
{
    if (report->result->has_details)
        put_details(report, text);
    if (extras == NULL)
        return;
    put_history(report, extras, text);
    tft_text_puts(text, ", \"importance\": [");
    for (size_t i = 0; i < extras->n_weights; i++) {
        const score_weight *const w = &extras->weights[i];
        tft_text_printf(text, "%s{\"place\": \"%s\", \"input\": ", i == 0 ? "" : ", ", w->place);
        tft_text_json_string(text, w->name, strlen(w->name));
        tft_text_puts(text, ", \"weight\": ");
        tft_text_json_number(text, w->weight);
        tft_text_puts(text, "}");
    }
    tft_text_puts(text, "]");
}
