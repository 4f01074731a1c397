/* sums.c - see sums.h. */
#include "track/sums.h"

#include <math.h>
#include <string.h>

#define P_MIN 1e-4 // as score/incidents.h: a forecast of 0 that was wrong would make the log loss infinite

/* Fields of a case. */
enum {
    CASES,
    POSITIVES,
    BRIER,
    LOG_LOSS,
    BINS,
    WARNED = BINS + 3 * TRACK_N_BINS,
    CAUGHT = WARNED + TRACK_N_LEVELS,
    LEADS = CAUGHT + TRACK_N_LEVELS
};

const char *const track_baseline_names[TRACK_N_FORECASTERS - 1] = {"last_value", "yesterday", "quantiles_24h",
                                                                   "linear_trend"};
const double track_levels[TRACK_N_LEVELS] = {0.3, 0.6};

static size_t place(size_t band, size_t forecaster)
{
    return (band * TRACK_N_FORECASTERS + forecaster) * TRACK_N_FIELDS;
}

void track_add_cell(float *sums, size_t band, size_t forecaster, const float *forecast, double y)
{
    score_sums one = {0};
    score_sums_add(&one, forecast, y);
    float *at = sums + place(band, forecaster);
    *at++ += (float)one.n;
    *at++ += (float)one.inside_80;
    *at++ += (float)one.inside_96;
    *at++ += (float)one.abs_y;
    *at++ += (float)one.abs_error;
    for (size_t q = 0; q < SCORE_N_LOSSES; q++)
        *at++ += (float)one.quantile_loss[q];
    *at += (float)one.width_80;
}

static score_sums read_sums(const double *at)
{
    score_sums s = {.n = (uint64_t)llround(at[0]),
                    .inside_80 = (uint64_t)llround(at[1]),
                    .inside_96 = (uint64_t)llround(at[2]),
                    .abs_y = at[3],
                    .abs_error = at[4],
                    .width_80 = at[5 + SCORE_N_LOSSES]};
    memcpy(s.quantile_loss, at + 5, sizeof s.quantile_loss);
    return s;
}

score_sums track_sums_of(const double *sums, size_t band, size_t forecaster)
{
    if (band < SCORE_MAX_BANDS)
        return read_sums(sums + place(band, forecaster));
    score_sums all = {0};
    for (size_t b = 0; b < SCORE_MAX_BANDS; b++) {
        const score_sums one = read_sums(sums + place(b, forecaster));
        score_sums_merge(&all, &one);
    }
    return all;
}

/* ---- incidents ------------------------------------------------------------------------------------------- */

void track_add_case(float *sums, size_t horizon, double p, bool began, size_t step, size_t steps)
{
    float *const at = sums + horizon * TRACK_CASE_FIELDS;
    const double y = began ? 1.0 : 0.0, kept = fmin(fmax(p, P_MIN), 1.0 - P_MIN);
    const size_t bin = p >= 1.0 ? TRACK_N_BINS - 1 : p > 0.0 ? (size_t)(p * TRACK_N_BINS) : 0;
    at[CASES] += 1.0f;
    at[POSITIVES] += (float)y;
    at[BRIER] += (float)((p - y) * (p - y));
    at[LOG_LOSS] += (float)-log(began ? kept : 1.0 - kept);
    at[BINS + 3 * bin] += 1.0f;
    at[BINS + 3 * bin + 1] += (float)p;
    at[BINS + 3 * bin + 2] += (float)y;
    for (size_t l = 0; l < TRACK_N_LEVELS; l++) {
        at[WARNED + l] += p >= track_levels[l] ? 1.0f : 0.0f;
        at[CAUGHT + l] += p >= track_levels[l] && began ? 1.0f : 0.0f;
    }
    if (began && p >= track_levels[0] && step >= 1 && step <= steps)
        at[LEADS + (step - 1) * TRACK_N_LEADS / steps] += 1.0f;
}

static size_t alert_place(size_t horizon, size_t level)
{
    return TRACK_CASE_SUMS + (horizon * TRACK_N_LEVELS + level) * 2;
}

void track_add_alert(float *sums, size_t horizon, double p, bool followed)
{
    for (size_t l = 0; l < TRACK_N_LEVELS; l++) {
        float *const at = sums + alert_place(horizon, l);
        at[0] += p >= track_levels[l] ? 1.0f : 0.0f;
        at[1] += p >= track_levels[l] && followed ? 1.0f : 0.0f;
    }
}

bool track_sums_fit(int metric, size_t n)
{
    return metric < 0 ? n == TRACK_INCIDENT_SUMS || n == TRACK_CASE_SUMS : n == TRACK_METRIC_SUMS;
}

static double share(double part, double whole)
{
    return whole > 0.0 ? part / whole : (double)NAN;
}

/* The median of the lead times, linear inside its sixteenth. */
static double median_lead(const double *leads)
{
    double all = 0.0, before = 0.0;
    for (size_t i = 0; i < TRACK_N_LEADS; i++)
        all += leads[i];
    for (size_t i = 0; i < TRACK_N_LEADS && all > 0.0; before += leads[i++]) {
        if (before + leads[i] >= 0.5 * all)
            return ((double)i + (0.5 * all - before) / leads[i]) / TRACK_N_LEADS;
    }
    return (double)NAN;
}

static void fill_skills(track_incidents *out)
{
    const double base = fmin(fmax(out->base_rate, P_MIN), 1.0 - P_MIN);
    const double base_brier = out->base_rate * (1.0 - out->base_rate);
    const double base_loss = -out->base_rate * log(base) - (1.0 - out->base_rate) * log(1.0 - base);
    const bool both = base_brier > 0.0; // with one outcome only there is nothing to be better than
    out->brier_skill = both ? 1.0 - out->brier / base_brier : (double)NAN;
    out->log_loss_skill = both ? 1.0 - out->log_loss / base_loss : (double)NAN;
}

track_incidents track_incidents_of(const double *sums, size_t horizon)
{
    const double *const at = sums + horizon * TRACK_CASE_FIELDS;
    track_incidents out = {.n = at[CASES], .positives = at[POSITIVES], .lead = median_lead(at + LEADS)};
    out.base_rate = share(out.positives, out.n);
    out.brier = share(at[BRIER], out.n);
    out.log_loss = share(at[LOG_LOSS], out.n);
    fill_skills(&out);
    out.ece = out.n > 0.0 ? 0.0 : (double)NAN;
    for (size_t b = 0; b < TRACK_N_BINS; b++) {
        const double *const bin = at + BINS + 3 * b;
        out.bins[b].n = bin[0];
        out.bins[b].said = share(bin[1], bin[0]);
        out.bins[b].came = share(bin[2], bin[0]);
        if (bin[0] > 0.0)
            out.ece += fabs(bin[1] - bin[2]) / out.n;
    }
    for (size_t l = 0; l < TRACK_N_LEVELS; l++) {
        out.precision[l] = share(at[CAUGHT + l], at[WARNED + l]);
        out.recall[l] = share(at[CAUGHT + l], out.positives);
        out.raised[l] = sums[alert_place(horizon, l)];
        out.followed[l] = sums[alert_place(horizon, l) + 1];
    }
    return out;
}
