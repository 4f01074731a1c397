/* record_rows.c - see record_rows.h. */
#include "server/record_rows.h"

#include <string.h>

#include "server/api.h"

void record_row_json(const tft_contract *c, tft_profile profile, const char *name, const store_past_record *record,
                     tft_text *out)
{
    const bool derived = record->state == TFT_STATE_NONE;
    float values[TFT_MAX_METRICS];
    for (size_t m = 0; m < c->n_metrics; m++)
        values[m] = (float)record->values[m];
    const tft_state state = derived ? tft_state_derive(c, profile, values) : record->state;
    tft_text_puts(out, "{\"timestamp\": ");
    json_put_time_ms(out, record->time_ms);
    if (name != NULL) {
        tft_text_puts(out, ", \"server_name\": ");
        json_put_string(out, name);
    }
    for (size_t m = 0; m < c->n_metrics; m++) {
        tft_text_printf(out, ", \"%s\": ", c->metrics[m].name);
        tft_text_json_number(out, record->values[m]); // binary64, as sent; null where missing
    }
    tft_text_puts(out, ", \"state\": ");
    json_put_string(out, state == TFT_STATE_NONE ? NULL : tft_state_name(state));
    tft_text_printf(out, ", \"state_derived\": %s}", derived ? "true" : "false");
}

void record_row_csv_head(const tft_contract *c, tft_text *out)
{
    tft_text_puts(out, "timestamp,server_name");
    for (size_t m = 0; m < c->n_metrics; m++)
        tft_text_printf(out, ",%s", c->metrics[m].name);
    tft_text_puts(out, ",state" CSV_END);
}

void record_row_csv(const tft_contract *c, const char *name, const store_past_record *record, tft_text *out)
{
    csv_put_time_ms(out, record->time_ms);
    tft_text_puts(out, ",");
    csv_put_text(out, name, strlen(name));
    for (size_t m = 0; m < c->n_metrics; m++) {
        tft_text_puts(out, ",");
        csv_put_number(out, record->values[m]);
    }
    tft_text_printf(out, ",%s" CSV_END, record->state == TFT_STATE_NONE ? "" : tft_state_name(record->state));
}
