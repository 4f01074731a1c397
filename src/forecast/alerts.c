/* alerts.c - the life of a threshold alert, its id, and the order in which alerts are shown. See alerts.h. */
#include "forecast/alerts.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast/quantiles.h"

#define NEVER INT64_MIN

alert_settings alert_settings_default(void)
{
    return (alert_settings){.lookahead_ms = 3600 * 1000, .for_ms = 0, .keep_for_ms = 120 * 1000, .clear_ratio = 0.95};
}

void alert_make_id(const char *server, size_t n, const char *metric, int64_t since_ms, char out[ALERT_ID_BYTES])
{
    // FNV-1a (Fowler, Noll, Vo) over name, NUL, metric, NUL, since; 40 bits are kept.
    uint64_t hash = 14695981039346656037u;
    const struct {
        const char *bytes;
        size_t n;
    } parts[] = {{server, n}, {"", 1}, {metric, strlen(metric) + 1}, {(const char *)&since_ms, sizeof since_ms}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (size_t i = 0; i < parts[p].n; i++)
            hash = (hash ^ (unsigned char)parts[p].bytes[i]) * 1099511628211u;
    hash ^= hash >> 32;
    snprintf(out, ALERT_ID_BYTES, "a-%010" PRIx64, hash & 0xffffffffffu);
}

/* What the p50 path does inside the lookahead. */
typedef struct path {
    size_t first_warning, first_critical; // index of the first step that reaches it; SIZE_MAX = none
    size_t top;                           // index of the largest
    double largest;
} path;

static path read_path(const alert_input *input, size_t steps)
{
    const float *p50 = input->rows + FORECAST_P50 * input->horizon;
    path p = {.first_warning = SIZE_MAX, .first_critical = SIZE_MAX, .top = 0, .largest = -HUGE_VAL};
    for (size_t t = 0; t < steps; t++) {
        const double v = (double)p50[t];
        if (v > p.largest) {
            p.largest = v;
            p.top = t;
        }
        if (p.first_warning == SIZE_MAX && v >= input->threshold.warning)
            p.first_warning = t;
        if (p.first_critical == SIZE_MAX && v >= input->threshold.critical)
            p.first_critical = t;
    }
    return p;
}

/* Since when the path has been below `level`, given since when it had been before. */
static int64_t below_since(double largest, double level, int64_t before, int64_t now)
{
    if (isnan(level) || largest >= level)
        return NEVER;
    return before == NEVER || before > now ? now : before; // a clock that went back starts anew
}

static bool kept_below(int64_t since, int64_t now, int64_t keep_for)
{
    return since != NEVER && now - since >= keep_for;
}

/* What the alert says about the step that it is about. */
static void describe(const alert_input *input, const path *p, alert *out)
{
    const bool critical = out->severity == ALERT_CRITICAL;
    const size_t first = critical ? p->first_critical : p->first_warning;
    const size_t t = first != SIZE_MAX ? first : p->top;
    out->server = input->server;
    out->metric = input->metric_index;
    out->predicted_value = (double)input->rows[FORECAST_P50 * input->horizon + t];
    out->threshold = critical ? input->threshold.critical : input->threshold.warning;
    out->steps_ahead = t + 1;
    out->minutes_ahead = (int64_t)(t + 1) * input->step_ms / 60000;
    out->expected_at_ms = input->origin_ms + (int64_t)(t + 1) * input->step_ms;
    out->current = input->current;
    out->probability = forecast_exceedance(input->rows, input->horizon, t, out->threshold);
    alert_make_id(input->server_name, input->server_name_length, input->metric->name, out->since_ms, out->id);
}

bool alert_step(const alert_settings *settings, const alert_input *input, const alert *old, alert *out)
{
    if (input->rows == NULL || input->maintenance || input->step_ms <= 0 ||
        (isnan(input->threshold.warning) && isnan(input->threshold.critical)))
        return false;
    size_t steps = (size_t)(settings->lookahead_ms / input->step_ms);
    steps = steps > input->horizon ? input->horizon : steps;
    if (steps == 0)
        return false;
    const path p = read_path(input, steps);
    const alert_severity reached = p.first_critical != SIZE_MAX  ? ALERT_CRITICAL
                                   : p.first_warning != SIZE_MAX ? ALERT_WARNING
                                                                 : ALERT_NONE;
    const int64_t now = input->now_ms;
    alert next = {.severity = reached, .since_ms = now, .below_since_ms = NEVER, .below_warning_since_ms = NEVER};
    if (old == NULL || !old->firing) {
        if (reached == ALERT_NONE)
            return false; // also ends what was only pending
        const int64_t pending_since = old != NULL && old->since_ms <= now ? old->since_ms : now;
        next.firing = now - pending_since >= settings->for_ms;
        next.since_ms = next.firing ? now : pending_since;
    } else {
        next.firing = true;
        next.since_ms = old->since_ms;
        next.below_warning_since_ms =
            below_since(p.largest, settings->clear_ratio * input->threshold.warning, old->below_warning_since_ms, now);
        const double own = old->severity == ALERT_CRITICAL ? input->threshold.critical : input->threshold.warning;
        next.below_since_ms = below_since(p.largest, settings->clear_ratio * own, old->below_since_ms, now);
        if (reached < old->severity && !isnan(own)) {
            next.severity = old->severity; // holds until it has stayed clearly below for long enough
            if (kept_below(next.below_since_ms, now, settings->keep_for_ms)) {
                const bool ends = old->severity == ALERT_WARNING || isnan(input->threshold.warning) ||
                                  kept_below(next.below_warning_since_ms, now, settings->keep_for_ms);
                if (ends)
                    return false;
                next.severity = ALERT_WARNING;
            }
        } else if (reached == ALERT_NONE) {
            return false; // its threshold was taken away by a reload
        }
        if (next.severity == ALERT_WARNING)
            next.below_since_ms = next.below_warning_since_ms;
    }
    describe(input, &p, &next);
    *out = next;
    return true;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

typedef struct ordering {
    const tft_contract *contract;
    const alert *alerts;
    alert_name (*name_of)(const void *context, size_t server);
    const void *context;
} ordering;

static int compare_names(alert_name a, alert_name b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int by_bytes = memcmp(a.bytes, b.bytes, n);
    return by_bytes != 0 ? by_bytes : (a.n > b.n) - (a.n < b.n);
}

static const char *shown_metric(const tft_metric *metric)
{
    return metric->legacy_name[0] != '\0' ? metric->legacy_name : metric->name;
}

static int compare_alerts(const void *left, const void *right, void *context)
{
    const ordering *o = context;
    const alert *a = &o->alerts[*(const uint32_t *)left], *b = &o->alerts[*(const uint32_t *)right];
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    if (a->minutes_ahead != b->minutes_ahead)
        return a->minutes_ahead < b->minutes_ahead ? -1 : 1;
    if (a->server != b->server)
        return compare_names(o->name_of(o->context, a->server), o->name_of(o->context, b->server));
    return strcmp(shown_metric(&o->contract->metrics[a->metric]), shown_metric(&o->contract->metrics[b->metric]));
}

size_t alert_order(const tft_contract *contract, const alert *alerts, size_t n,
                   alert_name (*name_of)(const void *context, size_t server), const void *context, uint32_t *order)
{
    size_t n_firing = 0;
    for (size_t i = 0; i < n; i++)
        if (alerts[i].firing)
            order[n_firing++] = (uint32_t)i;
    ordering o = {contract, alerts, name_of, context};
    if (n_firing > 1)
        qsort_r(order, n_firing, sizeof *order, compare_alerts, &o);
    return n_firing;
}
