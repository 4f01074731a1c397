/* alert_life.c - see alert_life.h. */
#include "forecast/alert_life.h"

static void describe(const alert_condition *condition, alert *a)
{
    a->predicted_value = condition->predicted_value;
    a->threshold = condition->threshold;
    a->current = condition->current;
    a->probability = condition->probability;
    a->crossing_probability = condition->crossing_probability;
    a->steps_ahead = condition->steps_ahead;
    a->minutes_ahead = condition->minutes_ahead;
    a->expected_at_ms = condition->expected_at_ms;
    a->crossing = condition->crossing;
}

static alert_fate end(alert *a, int64_t now_ms)
{
    if (a->status != ALERT_FIRING)
        return ALERT_FATE_NONE; // only pending: nobody heard of it
    a->status = ALERT_RESOLVED;
    a->ends_ms = now_ms > a->since_ms ? now_ms : a->since_ms; // a clock that went back ends nothing before it began
    a->changed = true;
    return ALERT_FATE_ENDED;
}

/* Not firing yet, and its condition holds. */
static void wait_or_fire(const alert_settings *settings, bool was_open, int64_t now_ms, alert *a)
{
    a->changed = !was_open;
    if (!was_open || a->starts_ms > now_ms) {
        a->starts_ms = now_ms;
        a->since_ms = a->ends_ms = a->below_since_ms = ALERT_NEVER;
        a->status = ALERT_PENDING;
    }
    if (now_ms - a->starts_ms >= settings->for_ms) {
        a->status = ALERT_FIRING;
        a->since_ms = now_ms;
        a->changed = a->just_fired = true;
    }
}

alert_fate alert_live(const alert_settings *settings, const alert_condition *condition, bool was_open, int64_t now_ms,
                      alert *a)
{
    a->changed = a->just_fired = false;
    if (!condition->exists)
        return was_open ? end(a, now_ms) : ALERT_FATE_NONE;
    if (!was_open || a->status == ALERT_PENDING) {
        if (!condition->set)
            return ALERT_FATE_NONE;
        wait_or_fire(settings, was_open, now_ms, a);
        describe(condition, a);
        return ALERT_FATE_OPEN;
    }
    const int64_t before = a->below_since_ms;
    if (!condition->clear)
        a->below_since_ms = ALERT_NEVER;
    else if (before == ALERT_NEVER || before > now_ms)
        a->below_since_ms = now_ms;
    a->changed = a->below_since_ms != before;
    describe(condition, a);
    if (a->below_since_ms != ALERT_NEVER && now_ms - a->below_since_ms >= settings->keep_for_ms)
        return end(a, now_ms);
    return ALERT_FATE_OPEN;
}
