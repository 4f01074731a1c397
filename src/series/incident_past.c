/* incident_past.c - see incident_past.h. */
#include "series/incident_past.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/incident.h"
#include "series/per_processor.h"

#define NEAR (7.0 / 9.0)
#define DAYS 7
#define HOURS 24

void tft_incident_past_layout(tft_incident_past *p, size_t n, tft_arena *arena)
{
    p->high = tft_arena_alloc(arena, n, 1);
    p->near = tft_arena_alloc(arena, n, 1);
    p->start = tft_arena_alloc(arena, n, 1);
    p->in = tft_arena_alloc(arena, n, 1);
    tft_marks_layout(&p->highs, n, arena);
    tft_marks_layout(&p->nears, n, arena);
    tft_marks_layout(&p->starts, n, arena);
    tft_marks_layout(&p->ins, n, arena);
}

static float value_at(const tft_incident_past *p, size_t i)
{
    return p->past->columns[p->contract->incident.metric * p->past->n + i];
}

/* Which values are at least `level`, as doubles compare. */
TFT_PER_PROCESSOR static void mark_values(const float *restrict values, size_t n, double level, uint8_t *restrict marks)
{
    for (size_t i = 0; i < n; i++)
        marks[i] = (double)values[i] >= level;
}

void tft_incident_past_make(tft_incident_past *p, const tft_past *past, const tft_contract *contract, tft_pace pace)
{
    const tft_incident_rule *const rule = &contract->incident;
    const size_t n = past->n;
    p->past = past;
    p->contract = contract;
    p->pace = pace;
    p->n_followed = 0;
    tft_incident_walk_all(&past->steps, contract, p->in, p->start, p->near); // where states are looked up, for now
    if (rule->by_metric) {
        const float *const column = past->columns + rule->metric * n;
        mark_values(column, n, rule->level, p->high);
        mark_values(column, n, NEAR * rule->level, p->near);
    } else {
        memcpy(p->high, p->in, n);
        for (size_t i = 0; i < n; i++)
            p->near[i] = (uint8_t)((p->near[i] == TFT_STATE_HEAVY_LOAD) | p->in[i]);
    }
    tft_marks_take(&p->highs, p->high, n);
    tft_marks_take(&p->nears, p->near, n);
    tft_marks_take(&p->starts, p->start, n);
    tft_marks_take(&p->ins, p->in, n);
}

void tft_incident_past_follow(tft_incident_past *p, const tft_analogs *analogs)
{
    const size_t horizon = p->contract->horizon, n = p->past->n;
    p->n_followed = analogs->found ? analogs->n : 0;
    for (size_t k = 0; k < p->n_followed; k++) {
        const size_t i = n - 1 - analogs->ages[k], left = n - 1 - i, reach = horizon < left ? horizon : left;
        const uint8_t *const start = memchr(p->start + i + 1, 1, reach);
        p->followed[k] = (uint16_t)(start != NULL ? (size_t)(start - p->start) - i : horizon + 1);
    }
}

/* ---- statics ---------------------------------------------------------------------------------------------------- */

static float share(const tft_marks *marks, size_t newest)
{
    return (float)tft_marks_newest(marks, newest) / (float)newest;
}

/* ln(1 + steps since the last mark), 1 where there is none in a week. */
static float since(const tft_incident_past *p, const tft_marks *marks)
{
    const size_t latest = tft_marks_latest(marks), age = marks->n - latest;
    return log1pf((float)(latest > 0 && age < p->pace.week ? age : p->pace.week)) / log1pf((float)p->pace.week);
}

static size_t run_of(const tft_incident_past *p)
{
    return p->past->n - tft_marks_latest_without(&p->highs);
}

/* (level − largest value of the newest steps) ÷ |level|, within ±2; 0 by state, and without a value. */
static float headroom(const tft_incident_past *p, size_t newest)
{
    const tft_incident_rule *const rule = &p->contract->incident;
    const size_t n = p->past->n;
    double largest = -HUGE_VAL;
    if (!rule->by_metric || !(fabs(rule->level) > 0))
        return 0;
    for (size_t i = n - (newest < n ? newest : n); i < n; i++)
        largest = fmax(largest, (double)value_at(p, i)); // fmax passes over NaN
    const double room = (rule->level - largest) / fabs(rule->level);
    return largest == -HUGE_VAL ? 0 : (float)fmin(fmax(room, -2), 2);
}

float tft_incident_past_static(const tft_incident_past *p, tft_feature feature)
{
    const size_t hour = p->pace.hour, day = p->pace.day, week = p->pace.week;
    const size_t enough = p->contract->incident.by_metric ? p->contract->incident.steps : 1;
    switch (feature) {
    case TFT_FEATURE_INCIDENT_RUN: {
        const size_t run = run_of(p);
        return (float)(run < enough ? run : enough) / (float)enough;
    }
    case TFT_FEATURE_INCIDENT_RUN_LOG:
        return log1pf((float)run_of(p)) / log1pf((float)day);
    case TFT_FEATURE_INCIDENT_SINCE_HIGH:
        return since(p, &p->highs);
    case TFT_FEATURE_INCIDENT_HEADROOM:
        return headroom(p, 1);
    case TFT_FEATURE_INCIDENT_HEADROOM_1H:
        return headroom(p, hour);
    case TFT_FEATURE_INCIDENT_HIGH_1H:
        return share(&p->highs, hour);
    case TFT_FEATURE_INCIDENT_HIGH_6H:
        return share(&p->highs, 6 * hour);
    case TFT_FEATURE_INCIDENT_HIGH_24H:
        return share(&p->highs, day);
    case TFT_FEATURE_INCIDENT_HIGH_7D:
        return share(&p->highs, week);
    case TFT_FEATURE_INCIDENT_NEAR_1H:
        return share(&p->nears, hour);
    case TFT_FEATURE_INCIDENT_NEAR_6H:
        return share(&p->nears, 6 * hour);
    case TFT_FEATURE_INCIDENT_NEAR_24H:
        return share(&p->nears, day);
    case TFT_FEATURE_INCIDENT_NEAR_7D:
        return share(&p->nears, week);
    case TFT_FEATURE_INCIDENTS_1H:
        return log1pf((float)tft_marks_newest(&p->starts, hour));
    case TFT_FEATURE_INCIDENTS_6H:
        return log1pf((float)tft_marks_newest(&p->starts, 6 * hour));
    default:
        break;
    }
    assert(!"a row of the table says optional static, and nobody knows its value");
    return 0.0f;
}

/* ---- encoder and decoder ---------------------------------------------------------------------------------------- */

/* The rule's metric in units of its level, 0 … 2: inputs are scaled by the window itself, and a level is absolute. */
void tft_incident_past_encoder(const tft_incident_past *p, size_t first, size_t length, size_t stride, float *out)
{
    const tft_incident_rule *const rule = &p->contract->incident;
    float carried = 0;
    for (size_t i = 0; i < length; i++) {
        const float value = rule->by_metric ? value_at(p, first + i) : (float)p->high[first + i];
        if (!isnan(value) && rule->by_metric && fabs(rule->level) > 0)
            carried = (float)fmin(fmax((double)value / fabs(rule->level), -2), 2);
        else if (!rule->by_metric)
            carried = value;
        out[i * stride] = carried;
    }
}

/* Whether a step within ±reach of `age` steps before the origin is marked. */
static bool marked(const tft_incident_past *p, const uint8_t *marks, size_t age, size_t reach)
{
    const size_t n = p->past->n;
    for (size_t a = age > reach ? age - reach : 0; a <= age + reach && a < n; a++) {
        if (marks[n - 1 - a])
            return true;
    }
    return false;
}

/* Share of the last `times` periods in which step t was marked; periods that would reach past the origin are skipped,
 * as lags do. */
static float recurrence(const tft_incident_past *p, const uint8_t *marks, size_t t, size_t period, size_t times,
                        size_t reach)
{
    const size_t least = (t + period - 1) / period;
    size_t found = 0;
    for (size_t k = 0; k < times; k++)
        found += marked(p, marks, (least + k) * period - t, reach);
    return (float)found / (float)times;
}

/* Of the moments like now, how many were followed by a start up to step t, and how many within the hour around it: the logit
 * of the share, and the logarithm of the rate a step, halved and with half an incident more, so that none is not −∞. */
static void fill_analogs(const tft_incident_past *p, bool rate, size_t stride, float *out)
{
    const size_t horizon = p->contract->horizon, half = p->pace.hour / 2 > 0 ? p->pace.hour / 2 : 1;
    const size_t count = p->n_followed;
    for (size_t i = 0; i < horizon; i++) {
        const size_t t = i + 1;
        float before = 0.5f, around = 0.5f, left = 0.5f;
        for (size_t k = 0; k < count; k++) {
            const size_t first = p->followed[k];
            before += first <= t ? 1.0f : 0.0f;
            left += first > t ? 1.0f : 0.0f;
            around += first + half > t && first <= t + half ? 1.0f : 0.0f;
        }
        const float logit = count > 0 ? logf(before / left) : -4.0f;
        const float per_step = count > 0 ? logf(around / ((float)count * 2.0f * (float)half)) : -6.0f;
        out[i * stride] = 0.5f * (rate ? per_step : logit);
    }
}

void tft_incident_past_decoder(const tft_incident_past *p, tft_feature feature, size_t stride, float *out)
{
    if (feature == TFT_FEATURE_INCIDENT_ANALOGS || feature == TFT_FEATURE_INCIDENT_ANALOGS_RATE) {
        fill_analogs(p, feature == TFT_FEATURE_INCIDENT_ANALOGS_RATE, stride, out);
        return;
    }
    const tft_pace *const pace = &p->pace;
    const size_t half_hour = pace->hour / 2 > 0 ? pace->hour / 2 : 1;
    for (size_t i = 0; i < p->contract->horizon; i++) {
        const size_t t = i + 1;
        float value = 0;
        if (feature == TFT_FEATURE_INCIDENT_START_1D)
            value = recurrence(p, p->start, t, pace->day, 1, 1);
        else if (feature == TFT_FEATURE_INCIDENT_START_7D)
            value = recurrence(p, p->start, t, pace->day, DAYS, 1);
        else if (feature == TFT_FEATURE_INCIDENT_START_AROUND_7D)
            value = recurrence(p, p->start, t, pace->day, DAYS, half_hour);
        else if (feature == TFT_FEATURE_INCIDENT_HIGH_SAME_TIME)
            value = recurrence(p, p->high, t, pace->day, DAYS, 1);
        else if (feature == TFT_FEATURE_INCIDENT_START_SAME_MINUTE)
            value = recurrence(p, p->start, t, pace->hour, HOURS, 0);
        else
            assert(!"a row of the table says optional decoder, and nobody knows its value");
        out[i * stride] = value;
    }
}
