/* observed.c - see observed.h: one walk over the steps, bad ones open an incident and good ones close it. */
#include "track/observed.h"

#include <string.h>

#include "series/incident.h"

typedef struct walking {
    int64_t step_ms;
    observed *out;
    bool known;    // some step was
    bool open;     // the last item goes on
    bool headless; // what the history began in goes on
    size_t silent; // steps without a record while others reported, in a row
    int64_t silent_from;
} walking;

static void begin(walking *w, int64_t step, tft_state state, bool planned)
{
    observed *const out = w->out;
    if (out->n == OBSERVED_MOST) {
        memmove(out->items, out->items + 1, (OBSERVED_MOST - 1) * sizeof *out->items);
        out->n--;
        out->from_ms = out->items[0].start_ms;
    }
    out->items[out->n++] =
        (store_incident){.start_ms = step * w->step_ms, .end_ms = STORE_GOES_ON, .state = state, .planned = planned};
    w->open = true;
}

static void end(walking *w, int64_t step)
{
    if (w->headless)
        w->out->earlier_end_ms = step * w->step_ms;
    if (w->open)
        w->out->items[w->out->n - 1].end_ms = step * w->step_ms;
    w->open = w->headless = false;
}

static void take_bad(walking *w, int64_t step, tft_state state, bool planned)
{
    store_incident *const last = w->open ? &w->out->items[w->out->n - 1] : NULL;
    if (last != NULL && (!last->planned || planned)) {
        if (state == TFT_STATE_OFFLINE)
            last->state = state;
    } else if (last != NULL) {
        end(w, step);
        begin(w, step, state, planned);
    } else if (!w->known) {
        w->headless = true;
    } else if (!w->headless) {
        begin(w, step, state, planned);
    }
}

static void take_silence(walking *w, int64_t step, size_t offline_after_steps, bool planned)
{
    if (w->silent++ == 0)
        w->silent_from = step;
    if (w->silent == offline_after_steps && w->known)
        take_bad(w, w->silent_from, TFT_STATE_OFFLINE, planned);
}

static bool others_reported(const observed_activity *fleet, int64_t step)
{
    const int64_t i = step - fleet->first;
    return i >= 0 && i < (int64_t)fleet->n && fleet->reported[i] != 0;
}

static void note_first(walking *w, int64_t step)
{
    w->known = true;
    w->out->from_ms = (step + 1) * w->step_ms;
    if (!w->headless)
        w->out->earlier_end_ms = step * w->step_ms;
}

void observed_find(const tft_series *series, const tft_contract *contract, const observed_activity *fleet,
                   size_t offline_after_steps, bool planned_now, observed *out)
{
    tft_incident_walk steps = tft_incident_walk_begin(series, contract);
    walking w = {.step_ms = contract->step_ms, .out = out};
    out->n = 0;
    out->from_ms = INT64_MAX;
    out->earlier_end_ms = STORE_GOES_ON;
    for (size_t i = 0; i < series->n_steps; i++) {
        const int64_t step = series->first_step + (int64_t)i;
        if (series->counts[i] == 0) {
            if (others_reported(fleet, step))
                take_silence(&w, step, offline_after_steps, steps.last_state == TFT_STATE_MAINTENANCE);
            continue;
        }
        w.silent = 0;
        tft_incident_walk_step(&steps, i);
        if (steps.state == TFT_STATE_NONE)
            continue;
        const bool offline = !contract->incident.by_metric && steps.state == TFT_STATE_OFFLINE;
        if (steps.in || offline)
            take_bad(&w, step, offline ? TFT_STATE_OFFLINE : TFT_STATE_CRITICAL_ISSUE, offline && steps.planned);
        else
            end(&w, step);
        if (!w.known)
            note_first(&w, step);
    }
    const int64_t behind = series->first_step + (int64_t)series->n_steps;
    for (int64_t step = behind; series->n_steps > 0 && step < fleet->first + (int64_t)fleet->n; step++) {
        if (others_reported(fleet, step))
            take_silence(&w, step, offline_after_steps, planned_now || steps.last_state == TFT_STATE_MAINTENANCE);
    }
}
