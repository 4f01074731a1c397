/* render.h - a snapshot as the JSON of CONTRACT 1.2 and 1.3. Pure functions of the snapshot.
 *
 * Numbers: quantiles are rounded to five significant digits of the row's largest value, the same for all quantiles of
 * a metric, so that they stay ordered after rounding; values that were sent come back exactly.
 *
 * Threads: any.
 */
#ifndef TFTD_SERVER_RENDER_H
#define TFTD_SERVER_RENDER_H

#include "base/text.h"
#include "forecast/snapshot.h"

/* What part of a forecast is wanted. */
typedef struct render_filter {
    const char *servers;  // "a,b", NULL = all
    uint32_t metrics;     // bit m: metric m of the contract
    unsigned quantiles;   // bit q: level q
    size_t horizon_steps; // 1 … horizon
    bool contract_names;  // keys are the contract's names, not the old ones
} render_filter;

render_filter render_everything(const forecast_snapshot *snapshot);

/* The same body in parts, for who keeps them apart: a head, one part per server with ", " between them, and an end up to and
 * including "forecast_age_s":. All with render_everything(). */
typedef struct render_room {
    tft_text stamps; // of the horizon, the same for every server and metric
    float *rows;     // [7, horizon] to unpack into
} render_room;
bool render_room_open(const forecast_snapshot *snapshot, render_room *room); // false without memory
void render_room_close(render_room *room);
void render_head(tft_text *out);
void render_server(const forecast_snapshot *snapshot, const render_room *room, size_t server, tft_text *out);
void render_end(const forecast_snapshot *snapshot, tft_text *out);

/* The body up to and including "forecast_age_s": (metadata's last key), and the rest with that number. */
void render_predictions(const forecast_snapshot *snapshot, const render_filter *filter, tft_text *out);
void render_age(double age_s, tft_text *out);

/* [{…}, …]: the alerts that fire. */
void render_alerts(const forecast_snapshot *snapshot, tft_text *out);

/* A number with `decimals` (0 … 9) places, trailing zeros cut; like tft_text_json_fixed, but without printf. */
void render_fixed(tft_text *out, double value, int decimals);

/* Places after the point so that the largest of n values keeps five significant digits. */
int render_decimals(const float *values, size_t n);

#endif
