/* scores.c - see scores.h. */
#include "score/scores.h"

#include <assert.h>
#include <math.h>

const float score_levels[SCORE_N_LEVELS] = {0.02f, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 0.98f};

/* The levels of the losses as doubles: .1 as a float would put 1e-8 of bias into every loss. */
static const double loss_levels[SCORE_N_LOSSES] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};

void score_sums_add(score_sums *sums, const float *forecast, double y)
{
    sums->n++;
    sums->abs_y += fabs(y);
    for (size_t q = 0; q < SCORE_N_LOSSES; q++) {
        const double miss = y - (double)forecast[q + 1];
        sums->quantile_loss[q] += (miss >= 0 ? loss_levels[q] : loss_levels[q] - 1.0) * miss;
    }
    sums->abs_error += fabs(y - (double)forecast[SCORE_P50 + 1]);
    sums->inside_80 += y >= (double)forecast[1] && y <= (double)forecast[SCORE_N_LOSSES];
    sums->inside_96 += y >= (double)forecast[0] && y <= (double)forecast[SCORE_N_LEVELS - 1];
    sums->width_80 += (double)forecast[SCORE_N_LOSSES] - (double)forecast[1];
}

void score_sums_merge(score_sums *into, const score_sums *from)
{
    into->n += from->n;
    into->inside_80 += from->inside_80;
    into->inside_96 += from->inside_96;
    into->abs_y += from->abs_y;
    into->abs_error += from->abs_error;
    for (size_t q = 0; q < SCORE_N_LOSSES; q++)
        into->quantile_loss[q] += from->quantile_loss[q];
    into->width_80 += from->width_80;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

double score_mae(const score_sums *sums)
{
    return ratio(sums->abs_error, (double)sums->n);
}

double score_q_risk(const score_sums *sums, size_t loss)
{
    assert(loss < SCORE_N_LOSSES);
    return ratio(2.0 * sums->quantile_loss[loss], sums->abs_y);
}

double score_loss(const score_sums *sums)
{
    double all = 0;
    for (size_t q = 0; q < SCORE_N_LOSSES; q++)
        all += sums->quantile_loss[q];
    return all;
}

double score_crps(const score_sums *sums)
{
    return ratio(2.0 * score_loss(sums) / SCORE_N_LOSSES, sums->abs_y);
}

double score_coverage_80(const score_sums *sums)
{
    return ratio((double)sums->inside_80, (double)sums->n);
}

double score_coverage_96(const score_sums *sums)
{
    return ratio((double)sums->inside_96, (double)sums->n);
}

double score_width_80(const score_sums *sums)
{
    return ratio(sums->width_80, (double)sums->n);
}

void score_to_levels(const float *levels, const float *values, size_t n, float *out)
{
    assert(n >= 1);
    size_t above = 0; // first level that is not below the wanted one; both ascend
    for (size_t q = 0; q < SCORE_N_LEVELS; q++) {
        while (above < n && levels[above] < score_levels[q])
            above++;
        if (above == 0 || above == n) {
            out[q] = values[above == 0 ? 0 : n - 1];
            continue;
        }
        const float share = (score_levels[q] - levels[above - 1]) / (levels[above] - levels[above - 1]);
        out[q] = values[above - 1] + share * (values[above] - values[above - 1]);
    }
}

score_bands score_bands_of(size_t horizon)
{
    const size_t ends[SCORE_MAX_BANDS] = {horizon / 16, horizon / 4, horizon};
    score_bands bands = {0};
    size_t done = 0;
    for (size_t b = 0; b < SCORE_MAX_BANDS; b++) {
        if (ends[b] <= done)
            continue;
        bands.first[bands.n] = done + 1;
        bands.last[bands.n] = done = ends[b];
        bands.n++;
    }
    return bands;
}

size_t score_band_of(const score_bands *bands, size_t step)
{
    size_t b = 0;
    while (b + 1 < bands->n && step > bands->last[b])
        b++;
    return b;
}

double score_gm_floor(double abs_y, size_t n_servers)
{
    return n_servers == 0 ? 0 : 1e-5 * abs_y / (double)n_servers * SCORE_N_LOSSES / 2;
}

double score_gm(const double *loss, const double *reference, const uint64_t *n_cells, size_t n_servers, double floor)
{
    double logs = 0;
    size_t n = 0;
    for (size_t i = 0; i < n_servers; i++) {
        if (n_cells[i] == 0)
            continue;
        const double a = loss[i] + floor, b = reference[i] + floor;
        n++;
        logs += a == b ? 0 : log(a / b); // with no floor, 0 / 0 is still 1
    }
    return n == 0 ? NAN : exp(logs / (double)n);
}
