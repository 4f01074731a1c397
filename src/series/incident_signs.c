/* incident_signs.c - see incident_signs.h. */
#include "series/incident_signs.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/incident.h"
#include "series/scaled.h"

#define LARGEST 4.0f
#define BUSY 0.55f // of the limit: cpu 50 where it is 90
#define IDLE (1.0f / 3.0f)
#define N_SLOTS ((size_t)4) // metrics with signs of their own
#define DAYS 7

/* The vector under construction. */
typedef struct sink {
    float *out;
    size_t n;
} sink;

static void put(sink *to, double value)
{
    assert(to->n < TFT_N_SIGNS);
    const float x = (float)value;
    to->out[to->n++] = x > LARGEST ? LARGEST : x < -LARGEST ? -LARGEST : isnan(x) ? 0.0f : x;
}

void tft_incident_signs_layout(tft_incident_signs *s, size_t n, tft_arena *arena)
{
    s->pressure = tft_arena_floats(arena, n);
    s->starts = tft_arena_alloc(arena, n + 1, sizeof *s->starts);
    s->highs = tft_arena_alloc(arena, n + 1, sizeof *s->highs);
    s->nears = tft_arena_alloc(arena, n + 1, sizeof *s->nears);
    s->busy = tft_arena_alloc(arena, n + 1, sizeof *s->busy);
    s->rises = tft_arena_alloc(arena, n + 1, sizeof *s->rises);
    s->moments = tft_arena_alloc(arena, n + 1, sizeof *s->moments);
    s->start_at = tft_arena_alloc(arena, n, sizeof *s->start_at);
}

/* ---- the past, step by step ---------------------------------------------------------------------------------------- */

/* Each metric's limit, 0 = it has none. */
static void find_limits(const tft_contract *contract, tft_profile profile, double limits[TFT_MAX_METRICS])
{
    memset(limits, 0, TFT_MAX_METRICS * sizeof *limits);
    if (contract->incident.by_metric) {
        limits[contract->incident.metric] = contract->incident.level > 0 ? contract->incident.level : 0;
        return;
    }
    const tft_state_rules rules = tft_state_rules_of(contract, profile);
    if (rules.cpu >= 0)
        limits[rules.cpu] = 95;
    if (rules.mem >= 0)
        limits[rules.mem] = (double)rules.mem_critical;
    if (rules.latency >= 0)
        limits[rules.latency] = 200;
}

/* The largest value ÷ limit of each step, -1 where no metric with a limit has one; a metric after the other, so that the
 * compiler makes vectors of it. */
static void find_pressure(tft_incident_signs *s, const tft_past *past, size_t n_metrics, const double *limits)
{
    const size_t n = past->n;
    float *restrict const pressure = s->pressure;
    for (size_t i = 0; i < n; i++)
        pressure[i] = -1.0f;
    for (size_t m = 0; m < n_metrics; m++) {
        if (!(limits[m] > 0))
            continue;
        const float *restrict const column = past->columns + m * n;
        const float limit = (float)limits[m];
        for (size_t i = 0; i < n; i++) {
            const float part = column[i] / limit;
            pressure[i] = part > pressure[i] ? part : pressure[i]; // false for NaN
        }
    }
}

/* Carries pressure over gaps and counts every kind of mark up to each step: what later asks for a span is two look-ups. */
static void walk(tft_incident_signs *s, const tft_incident_past *marks, const double *limits)
{
    const tft_past *const past = marks->past;
    const tft_incident_rule *const rule = &marks->contract->incident;
    const size_t n = past->n;
    find_pressure(s, past, marks->contract->n_metrics, limits);
    float carried = 0.0f;
    bool was_busy = true; // the first step is no rise
    size_t run = 0;
    s->latest = (tft_latest_steps){0};
    s->starts[0] = s->highs[0] = s->nears[0] = s->busy[0] = s->rises[0] = s->moments[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const float largest = s->pressure[i];
        carried = largest >= 0.0f ? (largest > 2.0f ? 2.0f : largest) : carried;
        s->pressure[i] = carried;
        const bool high = marks->high[i] != 0, near = marks->near[i] != 0, start = marks->start[i] != 0;
        const bool busy = carried >= BUSY;
        run = high ? run + 1 : 0;
        const bool in = rule->by_metric ? run >= rule->steps : high;
        s->start_at[s->starts[i]] = (uint32_t)i; // the next start overwrites what is none
        s->starts[i + 1] = s->starts[i] + start;
        s->highs[i + 1] = s->highs[i] + high;
        s->nears[i + 1] = s->nears[i] + near;
        s->busy[i + 1] = s->busy[i] + busy;
        s->rises[i + 1] = s->rises[i] + (busy && !was_busy);
        s->moments[i + 1] = s->moments[i] + (past->counts[i] != 0 && !in);
        was_busy = busy;
        const size_t now = i + 1;
        s->latest.high = high ? now : s->latest.high;
        s->latest.not_high = high ? s->latest.not_high : now;
        s->latest.near = near ? now : s->latest.near;
        s->latest.start = start ? now : s->latest.start;
        s->latest.not_busy = busy ? s->latest.not_busy : now;
        s->latest.not_idle = carried >= IDLE ? now : s->latest.not_idle;
    }
}

/* ---- groups of signs ----------------------------------------------------------------------------------------------- */

static double mean_of(const float *x, size_t n, size_t newest, double *spread)
{
    double sum = 0, squares = 0;
    newest = newest < n ? newest : n;
    for (size_t i = n - newest; i < n; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
    }
    const double mean = sum / (double)newest, variance = squares / (double)newest - mean * mean;
    *spread = variance > 0 ? sqrt(variance) : 0;
    return mean;
}

static double largest_of(const float *x, size_t n, size_t newest)
{
    float largest = 0;
    for (size_t i = n - (newest < n ? newest : n); i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    return (double)largest;
}

static void put_pressure(sink *to, const tft_incident_signs *s, size_t n, const tft_pace *pace)
{
    static const size_t ages[] = {0, 1, 2, 3, 5, 8, 11};
    const size_t spans[] = {pace->hour, 6 * pace->hour, pace->day, pace->week};
    const float *const x = s->pressure;
    for (size_t k = 0; k < sizeof ages / sizeof ages[0]; k++)
        put(to, ages[k] < n ? 2 * (double)x[n - 1 - ages[k]] : 0);
    for (size_t k = 0; k < 4; k++) {
        double spread;
        put(to, 3 * mean_of(x, n, spans[k], &spread));
        put(to, 4 * spread);
    }
    put(to, 2 * largest_of(x, n, pace->hour));
    put(to, 2 * largest_of(x, n, 6 * pace->hour));
    put(to, n > 3 ? 3 * ((double)x[n - 1] - (double)x[n - 4]) : 0);
    put(to, n > pace->hour ? 3 * ((double)x[n - 1] - (double)x[n - 1 - pace->hour]) : 0);
}

/* Steps since the latest one of a kind, as ln(1 + steps) ÷ 2, at most a week. */
static double age_of(size_t latest, size_t n, size_t week)
{
    return log1p((double)(latest > 0 && n - latest < week ? n - latest : week)) / 2;
}

static double count_of(const uint32_t *before, size_t n, size_t newest)
{
    return (double)(before[n] - before[n - (newest < n ? newest : n)]);
}

static void put_marks(sink *to, const tft_incident_signs *s, size_t n, const tft_pace *pace)
{
    const size_t spans[] = {pace->hour, 6 * pace->hour, pace->day, pace->week};
    const uint32_t *const shares[] = {s->highs, s->nears, s->busy};
    put(to, age_of(s->latest.not_high, n, pace->week)); // the present run
    put(to, age_of(s->latest.high, n, pace->week));
    put(to, age_of(s->latest.near, n, pace->week));
    put(to, age_of(s->latest.start, n, pace->week));
    put(to, age_of(s->latest.not_busy, n, pace->week));
    put(to, age_of(s->latest.not_idle, n, pace->week));
    for (size_t k = 0; k < 4; k++) {
        put(to, log1p(count_of(s->starts, n, spans[k])));
        for (size_t j = 0; j < 3; j++)
            put(to, 4 * count_of(shares[j], n, spans[k]) / (double)spans[k]);
    }
    for (size_t k = 1; k < 4; k++)
        put(to, log1p(count_of(s->rises, n, spans[k])));
}

/* Logit of the share of moments (known, in no incident, h or more steps before the origin) that a start followed within h. The
 * moments that a start follows are those behind the start before, not more than h steps back: starts are few, moments are not. */
static double own_frequency(const tft_incident_signs *s, size_t n, size_t reach, size_t h)
{
    const size_t end = n > h ? n - h : 0, from = end > reach ? end - reach : 0, n_starts = s->starts[n];
    double followed = 0;
    for (size_t k = s->starts[from]; k < n_starts; k++) {
        const size_t at = s->start_at[k], before = k > 0 ? s->start_at[k - 1] : 0, within = at > h ? at - h : 0;
        const size_t newest = at < end ? at : end;
        size_t oldest = before > within ? before : within;
        oldest = oldest > from ? oldest : from;
        if (oldest < newest)
            followed += (double)(s->moments[newest] - s->moments[oldest]);
    }
    const double moments = (double)(s->moments[end] - s->moments[from]);
    return log((followed + 0.1) / (moments - followed + 5));
}

/* The same of the moments like now. */
static double analog_frequency(const tft_incident_past *marks, size_t h)
{
    size_t followed = 0;
    if (marks->n_followed == 0)
        return log(0.1 / 5);
    for (size_t k = 0; k < marks->n_followed; k++)
        followed += marks->followed[k] <= h;
    return log(((double)followed + 0.3) / ((double)marks->n_followed - (double)followed + 2));
}

static void put_horizons(sink *to, const tft_incident_signs *s, const tft_incident_past *marks, const tft_pace *pace)
{
    const size_t n = marks->past->n, horizon = marks->contract->horizon;
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        const size_t h = tft_horizon_at(horizon, k);
        put(to, own_frequency(s, n, pace->week, h) / 2);
        put(to, own_frequency(s, n, pace->day, h) / 2);
        put(to, analog_frequency(marks, h) / 2);
        double seen = 0, high = 0;
        for (size_t d = 1; d <= DAYS && d * pace->day < n; d++) {
            const size_t from = n - d * pace->day, end = from + h < n ? from + h : n;
            seen += s->starts[end] > s->starts[from];
            high += (double)(s->highs[end] - s->highs[from]) / (double)h;
        }
        put(to, 4 * seen / DAYS);
        put(to, 4 * high / DAYS);
    }
}

/* Mean of the three values that end `age` steps back; NaN without any. */
static double around(const float *column, size_t n, size_t age)
{
    double sum = 0;
    size_t count = 0;
    for (size_t k = 0; k < 3 && age + k < n; k++) {
        const float value = column[n - 1 - age - k];
        if (!isnan(value)) {
            sum += (double)value;
            count++;
        }
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* In units of its limit; of its own scale where it has none. */
static void put_metrics(sink *to, const tft_incident_past *marks, const tft_summary *summaries, const double *limits)
{
    const tft_past *const past = marks->past;
    const size_t n = past->n, hour = marks->pace.hour, half = hour / 2 > 0 ? hour / 2 : 1;
    const size_t ages[] = {half, hour, 3 * hour};
    for (size_t m = 0; m < N_SLOTS; m++) {
        const bool there = m < marks->contract->n_metrics;
        const float *const column = there ? past->columns + m * n : NULL;
        const double unit = !there ? 1 : limits[m] > 0 ? limits[m] : (double)summaries[m].scale;
        const double now = there ? around(column, n, 0) : NAN;
        put(to, there && limits[m] > 0 ? 4 * (1 - now / unit) : 0);
        for (size_t k = 0; k < 3; k++)
            put(to, there ? 4 * asinh((now - around(column, n, ages[k])) / unit) : 0);
        put(to, there ? asinh(now / (double)summaries[m].scale) : 0);
    }
}

static void put_now(sink *to, const tft_incident_past *marks)
{
    const tft_past *const past = marks->past;
    const double week = (double)marks->pace.week, day = (double)marks->pace.day, turn = 2 * acos(-1.0);
    const double at = (double)past->origin;
    const double angles[] = {turn * fmod(at, day) / day, turn * fmod(at, week) / week,
                             turn * fmod(at, (double)marks->pace.hour) / (double)marks->pace.hour};
    for (size_t k = 0; k < 3; k++) {
        put(to, sin(angles[k]));
        put(to, cos(angles[k]));
    }
    const tft_state state = tft_series_state(&past->steps, marks->contract, past->n - 1);
    const bool by_state = !marks->contract->incident.by_metric;
    put(to, by_state && state == TFT_STATE_HEAVY_LOAD);
    put(to, by_state && state == TFT_STATE_RECOVERY);
    put(to, by_state && state == TFT_STATE_MAINTENANCE);
}

void tft_incident_signs_make(tft_incident_signs *s, const tft_incident_past *marks, const tft_summary *summaries,
                             float *out)
{
    double limits[TFT_MAX_METRICS];
    sink to = {.out = out};
    find_limits(marks->contract, marks->past->steps.profile, limits);
    walk(s, marks, limits);
    put_pressure(&to, s, marks->past->n, &marks->pace);
    put_marks(&to, s, marks->past->n, &marks->pace);
    put_horizons(&to, s, marks, &marks->pace);
    put_metrics(&to, marks, summaries, limits);
    put_now(&to, marks);
    assert(to.n == TFT_N_SIGNS);
}
