/* alert_rules.c - see alert_rules.h. */
#include "forecast/alert_rules.h"

#include <math.h>

#include "forecast/crossing.h"
#include "forecast/quantiles.h"

static const alert_crossing no_crossing = {ALERT_NEVER, ALERT_NEVER, ALERT_NEVER};

static alert_condition nothing(void)
{
    return (alert_condition){.current = (double)NAN,
                             .probability = (double)NAN,
                             .crossing_probability = (double)NAN,
                             .expected_at_ms = ALERT_NEVER,
                             .crossing = no_crossing};
}

static int64_t time_of(const alert_frame *frame, size_t step)
{
    return step == CROSSING_NEVER ? ALERT_NEVER : frame->first_ms + (int64_t)step * frame->step_ms;
}

static void point_at(const alert_frame *frame, size_t step, alert_condition *c)
{
    c->steps_ahead = step + 1;
    c->minutes_ahead = (int64_t)(step + 1) * frame->step_ms / 60000;
    c->expected_at_ms = time_of(frame, step);
}

static size_t steps_within(const alert_frame *frame, int64_t ms)
{
    const size_t steps = ms > 0 && frame->step_ms > 0 ? (size_t)(ms / frame->step_ms) : 0;
    return steps < frame->horizon ? steps : frame->horizon;
}

alert_condition alert_rule_threshold(const alert_settings *settings, const alert_frame *frame, const float *rows,
                                     double threshold, double current, bool was_open)
{
    alert_condition c = nothing();
    const size_t steps = steps_within(frame, settings->lookahead_ms), h = frame->horizon;
    if (rows == NULL || isnan(threshold) || steps == 0)
        return c;
    const float *p50 = rows + FORECAST_P50 * h;
    size_t top = 0;
    for (size_t t = 1; t < steps; t++)
        top = p50[t] > p50[top] ? t : top;
    const double largest = (double)p50[top];
    c.exists = true;
    c.set = largest >= threshold;
    // a ratio of a threshold of 0 or less would lie above it: there, the threshold itself clears
    c.clear = largest < fmin(settings->clear_ratio * threshold, threshold);
    if (!c.set && !was_open)
        return c; // most servers, most of the time: nobody will read the rest
    const size_t t = c.set ? crossing_first(p50, steps, threshold) : top;
    point_at(frame, t, &c);
    c.predicted_value = (double)p50[t];
    c.threshold = threshold;
    c.current = current;
    c.probability = forecast_exceedance(rows, h, t, threshold);
    c.crossing_probability = crossing_probability(rows, h, steps, threshold);
    c.crossing = (alert_crossing){.p10_ms = time_of(frame, crossing_first(rows + 1 * h, h, threshold)),
                                  .p50_ms = time_of(frame, crossing_first(p50, h, threshold)),
                                  .p90_ms = time_of(frame, crossing_first(rows + 5 * h, h, threshold))};
    return c;
}

alert_condition alert_rule_incident(const alert_settings *settings, const alert_frame *frame, const float *curve,
                                    double level)
{
    alert_condition c = nothing();
    const size_t steps = steps_within(frame, settings->incident_horizon_ms), h = frame->horizon;
    if (curve == NULL || isnan(level) || steps == 0)
        return c;
    const double p = (double)curve[steps - 1];
    c.exists = true;
    c.set = p >= level;
    c.clear = !c.set && p < settings->clear_ratio * level;
    const size_t t = crossing_first(curve, steps, level);
    point_at(frame, t == CROSSING_NEVER ? steps - 1 : t, &c);
    c.predicted_value = c.probability = c.crossing_probability = p;
    c.threshold = level;
    c.crossing = (alert_crossing){.p10_ms = time_of(frame, crossing_first(curve, h, 0.9)),
                                  .p50_ms = time_of(frame, crossing_first(curve, h, 0.5)),
                                  .p90_ms = time_of(frame, crossing_first(curve, h, 0.1))};
    return c;
}

alert_condition alert_rule_silent(const alert_settings *settings, const alert_frame *frame,
                                  const alert_absence *absence, int64_t limit_ms)
{
    alert_condition c = nothing();
    if (absence->last_seen_ms == ALERT_NEVER)
        return c;
    const int64_t silent_ms = frame->now_ms - absence->last_seen_ms;
    c.exists = !absence->planned && silent_ms < settings->forget_after_ms;
    c.set = absence->offline && silent_ms >= limit_ms;
    c.clear = !absence->offline;
    c.predicted_value = c.current = 1e-3 * (double)silent_ms;
    c.threshold = 1e-3 * (double)limit_ms;
    return c;
}

/* What both judgements of forecasts share. */
static alert_condition of_quality(const alert_settings *settings, const alert_quality *quality, double value)
{
    alert_condition c = nothing();
    c.exists = quality->n >= settings->quality_min && isfinite(value);
    c.predicted_value = c.current = value;
    return c;
}

alert_condition alert_rule_drift(const alert_settings *settings, const alert_quality *quality)
{
    const double low = settings->coverage[0], high = settings->coverage[1], share = quality->coverage;
    alert_condition c = of_quality(settings, quality, share);
    c.set = share < low || share > high;
    c.clear = share >= low + settings->coverage_margin && share <= high - settings->coverage_margin;
    c.threshold = share > 0.5 * (low + high) ? high : low;
    return c;
}

alert_condition alert_rule_quality(const alert_settings *settings, const alert_quality *quality)
{
    alert_condition c = of_quality(settings, quality, quality->skill);
    c.set = quality->skill < 0.0;
    c.clear = quality->skill >= settings->skill_margin;
    return c;
}
