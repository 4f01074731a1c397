/* track_json.c - see track_json.h. */
#include "server/track_json.h"

#include <math.h>

#include "server/render.h"

static void put_share(tft_text *out, const char *key, double value)
{
    tft_text_printf(out, ", \"%s\": ", key);
    if (isfinite(value))
        render_fixed(out, value, 4);
    else
        tft_text_puts(out, "null");
}

void track_json(const server *srv, tft_text *out)
{
    track_last last;
    bool any = false;
    track_read_last(srv->track, &last);
    tft_text_puts(out, ", \"track\": {\"days\": 7, \"metrics\": {");
    for (size_t i = 0; i < last.n_metrics; i++) {
        const track_metric *const m = &last.metrics[i];
        tft_text_printf(out, "%s\"%s\": {\"n\": %llu", i > 0 ? ", " : "", srv->contract.metrics[m->metric].name,
                        (unsigned long long)m->all.n);
        put_share(out, "coverage_p10_p90", score_coverage_80(&m->all));
        put_share(out, "skill", m->skill);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "}, \"incidents\": {");
    for (size_t h = 0; h < TRACK_N_HORIZONS && last.n_metrics > 0; h++) {
        const track_incidents *const p = &last.incidents[h];
        if (!(p->n > 0))
            continue;
        tft_text_printf(out, "%s\"%s\": {\"n\": %.0f", any ? ", " : "", snapshot_horizon_names[h], p->n);
        put_share(out, "brier", p->brier);
        put_share(out, "brier_skill", p->brier_skill);
        tft_text_puts(out, "}");
        any = true;
    }
    tft_text_puts(out, "}}");
}
