/* incident_signs.c - see incident_signs.h. */
#include "series/incident_signs.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "series/incident.h"
#include "series/per_processor.h"
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
    s->bytes = tft_arena_alloc(arena, n, 1);
    tft_marks_layout(&s->busy, n, arena);
    tft_marks_layout(&s->rises, n, arena);
    tft_marks_layout(&s->moments, n, arena);
    s->start_at = tft_arena_alloc(arena, n + 1, sizeof *s->start_at);
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

/* Cuts the pressure at 2, and carries it over gaps. */
TFT_PER_PROCESSOR static void carry_pressure(float *x, size_t n)
{
    int32_t gaps = 0;
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 2.0f ? 2.0f : x[i];
    for (size_t i = 0; i < n; i++)
        gaps |= x[i] < 0.0f;
    float carried = 0.0f;
    for (size_t i = 0; gaps != 0 && i < n; i++)
        x[i] = carried = x[i] >= 0.0f ? x[i] : carried;
}

TFT_PER_PROCESSOR static void mark_busy(const float *restrict pressure, size_t n, uint8_t *restrict busy)
{
    for (size_t i = 0; i < n; i++)
        busy[i] = pressure[i] >= BUSY;
}

TFT_PER_PROCESSOR static void mark_moments(const uint16_t *restrict counts, const uint8_t *restrict in, size_t n,
                                           uint8_t *restrict moments)
{
    for (size_t i = 0; i < n; i++)
        moments[i] = (uint8_t)((counts[i] != 0) & (in[i] ^ 1));
}

/* What all signs are counted from. */
static void find_marks(tft_incident_signs *s, const tft_incident_past *marks, const double *limits)
{
    const tft_past *const past = marks->past;
    const size_t n = past->n;
    find_pressure(s, past, marks->contract->n_metrics, limits);
    carry_pressure(s->pressure, n);
    mark_busy(s->pressure, n, s->bytes);
    tft_marks_take(&s->busy, s->bytes, n);
    mark_moments(past->counts, marks->in, n, s->bytes);
    tft_marks_take(&s->moments, s->bytes, n);
    uint64_t before = 1; // the first step is no rise
    for (size_t w = 0; w <= n / 64; w++) {
        const uint64_t busy = s->busy.bits[w];
        s->rises.bits[w] = busy & ~(busy << 1 | before);
        before = busy >> 63;
    }
    tft_marks_add_up(&s->rises, n);
    s->n_starts = 0;
    for (size_t i = tft_marks_next(&marks->starts, 0); i < n; i = tft_marks_next(&marks->starts, i + 1))
        s->start_at[s->n_starts++] = (uint32_t)i;
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

static size_t latest_not_idle(const tft_incident_signs *s, size_t n)
{
    while (n > 0 && !(s->pressure[n - 1] >= IDLE))
        n--;
    return n;
}

static void put_marks(sink *to, const tft_incident_signs *s, const tft_incident_past *marks, size_t n,
                      const tft_pace *pace)
{
    const size_t spans[] = {pace->hour, 6 * pace->hour, pace->day, pace->week};
    const tft_marks *const shares[] = {&marks->highs, &marks->nears, &s->busy};
    put(to, age_of(tft_marks_latest_without(&marks->highs), n, pace->week)); // the present run
    put(to, age_of(tft_marks_latest(&marks->highs), n, pace->week));
    put(to, age_of(tft_marks_latest(&marks->nears), n, pace->week));
    put(to, age_of(tft_marks_latest(&marks->starts), n, pace->week));
    put(to, age_of(tft_marks_latest_without(&s->busy), n, pace->week));
    put(to, age_of(latest_not_idle(s, n), n, pace->week));
    for (size_t k = 0; k < 4; k++) {
        put(to, log1p((double)tft_marks_newest(&marks->starts, spans[k])));
        for (size_t j = 0; j < 3; j++)
            put(to, 4 * (double)tft_marks_newest(shares[j], spans[k]) / (double)spans[k]);
    }
    for (size_t k = 1; k < 4; k++)
        put(to, log1p((double)tft_marks_newest(&s->rises, spans[k])));
}

/* Logit of the share of moments (known, in no incident, h or more steps before the origin) that a start followed within h. The
 * moments that a start follows are those behind the start before, not more than h steps back: starts are few, moments are not. */
static double own_frequency(const tft_incident_signs *s, const tft_marks *starts, size_t n, size_t reach, size_t h)
{
    const size_t end = n > h ? n - h : 0, from = end > reach ? end - reach : 0;
    double followed = 0;
    for (size_t k = tft_marks_before(starts, from); k < s->n_starts; k++) {
        const size_t at = s->start_at[k], before = k > 0 ? s->start_at[k - 1] : 0, within = at > h ? at - h : 0;
        const size_t newest = at < end ? at : end;
        size_t oldest = before > within ? before : within;
        oldest = oldest > from ? oldest : from;
        if (oldest < newest)
            followed += (double)(tft_marks_before(&s->moments, newest) - tft_marks_before(&s->moments, oldest));
    }
    const double moments = (double)(tft_marks_before(&s->moments, end) - tft_marks_before(&s->moments, from));
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
        put(to, own_frequency(s, &marks->starts, n, pace->week, h) / 2);
        put(to, own_frequency(s, &marks->starts, n, pace->day, h) / 2);
        put(to, analog_frequency(marks, h) / 2);
        double seen = 0, high = 0;
        for (size_t d = 1; d <= DAYS && d * pace->day < n; d++) {
            const size_t from = n - d * pace->day, end = from + h < n ? from + h : n;
            seen += tft_marks_next(&marks->starts, from) < end;
            high += (double)(tft_marks_before(&marks->highs, end) - tft_marks_before(&marks->highs, from)) / (double)h;
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
    find_marks(s, marks, limits);
    put_pressure(&to, s, marks->past->n, &marks->pace);
    put_marks(&to, s, marks, marks->past->n, &marks->pace);
    put_horizons(&to, s, marks, &marks->pace);
    put_metrics(&to, marks, summaries, limits);
    put_now(&to, marks);
    assert(to.n == TFT_N_SIGNS);
}
