/* step_rows.c - see step_rows.h. */
#include "server/step_rows.h"

#include <math.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"

void step_row_derive(const tft_contract *c, tft_profile profile, store_past_step *row)
{
    float means[TFT_MAX_METRICS];
    if (row->state != TFT_STATE_NONE)
        return;
    for (size_t m = 0; m < c->n_metrics; m++)
        means[m] = (float)row->mean[m];
    row->state = tft_state_derive(c, profile, means);
}

static void put_number(tft_text *out, double value, const char *missing)
{
    if (isfinite(value))
        render_fixed(out, value, 3);
    else
        tft_text_puts(out, missing);
}

void step_row_json(const tft_contract *c, uint32_t metrics, const char *name, const store_past_step *row, bool partial,
                   tft_text *out)
{
    tft_text_puts(out, "{");
    if (name != NULL) {
        tft_text_puts(out, "\"server_name\": ");
        json_put_string(out, name);
        tft_text_puts(out, ", ");
    }
    tft_text_puts(out, "\"start\": ");
    json_put_time_s(out, row->start_ms);
    tft_text_puts(out, ", \"state\": ");
    json_put_string(out, row->state == TFT_STATE_NONE ? NULL : tft_state_name(row->state));
    tft_text_printf(out, ", \"records\": %zu, \"partial\": %s, \"resolution_s\": %lld, \"metrics\": {", row->records,
                    partial ? "true" : "false", (long long)(row->length_ms / 1000));
    bool any = false;
    for (size_t m = 0; m < c->n_metrics; m++) {
        if ((metrics >> m & 1u) == 0)
            continue;
        tft_text_printf(out, "%s\"%s\": {\"mean\": ", any ? ", " : "", c->metrics[m].name);
        put_number(out, row->mean[m], "null");
        tft_text_puts(out, ", \"min\": ");
        put_number(out, row->least[m], "null");
        tft_text_puts(out, ", \"max\": ");
        put_number(out, row->most[m], "null");
        tft_text_printf(out, ", \"count\": %zu}", row->count[m]);
        any = true;
    }
    tft_text_puts(out, "}}");
}

void step_row_csv_head(const tft_contract *c, uint32_t metrics, tft_text *out)
{
    tft_text_puts(out, "start,server_name,state,records,partial,resolution_s");
    for (size_t m = 0; m < c->n_metrics; m++) {
        const char *const name = c->metrics[m].name;
        if ((metrics >> m & 1u) != 0)
            tft_text_printf(out, ",%s_mean,%s_min,%s_max,%s_count", name, name, name, name);
    }
    tft_text_puts(out, CSV_END);
}

void step_row_csv(const tft_contract *c, uint32_t metrics, const char *name, const store_past_step *row, bool partial,
                  tft_text *out)
{
    csv_put_time_s(out, row->start_ms);
    tft_text_puts(out, ",");
    csv_put_text(out, name, strlen(name));
    tft_text_printf(out, ",%s,%zu,%s,%lld", row->state == TFT_STATE_NONE ? "" : tft_state_name(row->state),
                    row->records, partial ? "true" : "false", (long long)(row->length_ms / 1000));
    for (size_t m = 0; m < c->n_metrics; m++) {
        if ((metrics >> m & 1u) == 0)
            continue;
        tft_text_puts(out, ",");
        put_number(out, row->mean[m], "");
        tft_text_puts(out, ",");
        put_number(out, row->least[m], "");
        tft_text_puts(out, ",");
        put_number(out, row->most[m], "");
        tft_text_printf(out, ",%zu", row->count[m]);
    }
    tft_text_puts(out, CSV_END);
}
