/* loss.c - see loss.h. Sums are double, whatever a tensor is. */
#include "tft/loss.h"

#include <math.h>
#include <string.h>

/* g(a) and its slope, with PyTorch's threshold. */
static double transformed(tft_transform transform, double a, double *slope)
{
    if (transform == TFT_TRANSFORM_IDENTITY || a > 20.0) {
        *slope = 1.0;
        return a;
    }
    *slope = 1.0 / (1.0 + exp(-a));
    return log1p(exp(a));
}

typedef struct loss_cell {
    double target, centre, scale, weight; // weight holds everything in front of Σ_q ℓ_q
    tft_transform transform;
} loss_cell;

static double cell_loss(const tft_target *target, const loss_cell *cell, const float *raw, double scale, float *draw)
{
    double sum = 0.0;
    for (size_t i = 0; i < target->n_quantiles; i++) {
        double slope = 1.0;
        const double q = (double)target->quantiles[i];
        const double forecast = transformed(cell->transform, (double)raw[i] * cell->scale + cell->centre, &slope);
        const double e = cell->target - forecast;
        sum += 2.0 * (e > 0.0 ? q * e : (q - 1.0) * e);
        const double de = e > 0.0 ? q : (e < 0.0 ? q - 1.0 : q - 0.5);
        if (draw != NULL)
            draw[i] = (float)(-2.0 * de * slope * cell->scale * cell->weight * scale);
    }
    return sum * cell->weight;
}

double tft_quantile_loss(const tft_config *config, const tft_rows *rows, const tft_batch *batch, const tft_truth *truth,
                         tft_loss_kind kind, const float *raw, double scale, float *draw)
{
    const size_t n_targets = config->n_targets, n_outputs = tft_config_outputs(config);
    const float *const targets = kind == TFT_LOSS_PREDICTION ? truth->target : truth->target_scaled;
    double total = 0.0;
    if (draw != NULL)
        memset(draw, 0, rows->n * n_outputs * sizeof *draw);
    for (size_t r = 0; r < rows->n; r++) {
        const size_t b = rows->window_of[r], t = r - rows->start[b], at = (b * batch->decoder_steps + t) * n_targets;
        size_t first = r * n_outputs;
        for (size_t m = 0; m < n_targets; first += config->targets[m++].n_quantiles) {
            const tft_target *const target = &config->targets[m];
            const double cell_weight = truth->cell_weight != NULL ? (double)truth->cell_weight[at + m] : 1.0;
            if (cell_weight == 0.0)
                continue;
            loss_cell cell = {(double)targets[at + m], 0.0, 1.0, cell_weight, TFT_TRANSFORM_IDENTITY};
            cell.weight *= (double)target->loss_weight / (double)target->n_quantiles / (double)rows->n;
            if (kind == TFT_LOSS_PREDICTION) {
                cell.centre = (double)batch->target_scale[(b * n_targets + m) * 2];
                cell.scale = (double)batch->target_scale[(b * n_targets + m) * 2 + 1];
                cell.transform = target->transform;
            }
            total += cell_loss(target, &cell, raw + first, scale, draw != NULL ? draw + first : NULL);
        }
    }
    return total;
}

double tft_hazard_loss(const tft_rows *rows, const tft_truth *truth, const float *logit, double scale, float *dlogit)
{
    double total = 0.0;
    if (dlogit != NULL)
        memset(dlogit, 0, rows->n * sizeof *dlogit);
    const double share = 1.0 / (double)rows->n_windows;
    for (size_t b = 0; b < rows->n_windows; b++) {
        const uint32_t length = rows->length[b], event = truth->event_step[b];
        const uint32_t seen = truth->at_risk[b] < length ? truth->at_risk[b] : length;
        const uint32_t last = event != 0 && event < seen ? event : seen; // nobody is at risk after the event
        for (uint32_t t = 0; t < last; t++) {
            const size_t r = rows->start[b] + t;
            const double z = (double)logit[r];
            const bool is_event = event == t + 1;
            total += share * tft_softplus(is_event ? -z : z);
            if (dlogit != NULL) // d softplus(±z) = h − [event]
                dlogit[r] = (float)((1.0 / (1.0 + exp(-z)) - (is_event ? 1.0 : 0.0)) * share * scale);
        }
    }
    return total;
}

/* One horizon: −log(1 − S) or −log S, and its derivative by Σ softplus(z) = −log S. */
static double horizon_bce(double sum, bool event, double *slope)
{
    const double least = 1e-30; // a sum of 0 would say "impossible"
    sum = sum > least ? sum : least;
    *slope = event ? -1.0 / expm1(sum) : 1.0;
    return event ? -log(-expm1(-sum)) : sum;
}

double tft_horizon_bce(const float *logit, size_t n, size_t horizon, uint32_t event, uint32_t at_risk, double factor,
                       float *dlogit)
{
    double total = 0.0, sum = 0.0, by_sum[TFT_N_HORIZONS] = {0};
    size_t end[TFT_N_HORIZONS], used = 0, t = 0;
    for (size_t k = 0; k < TFT_N_HORIZONS; k++) {
        const size_t h = tft_horizon_part(horizon, k);
        const bool within = event != 0 && event <= h;
        if (h == 0 || h > n || (!within && at_risk < h))
            continue;
        for (; t < h; t++)
            sum += tft_softplus((double)logit[t]);
        end[used] = h;
        total += horizon_bce(sum, within, &by_sum[used++]);
    }
    double later = 0.0; // a step counts in every horizon that it lies in
    for (size_t k = used; dlogit != NULL && k-- > 0;) {
        later += by_sum[k];
        for (t = k > 0 ? end[k - 1] : 0; t < end[k]; t++)
            dlogit[t] += (float)(factor * later / (1.0 + exp(-(double)logit[t])));
    }
    return total;
}

double tft_horizon_loss(const tft_rows *rows, const tft_truth *truth, size_t horizon, const float *logit, double scale,
                        float *dlogit)
{
    double total = 0.0;
    const double share = (double)truth->horizon_weight / (double)rows->n_windows;
    for (size_t b = 0; b < rows->n_windows && share > 0.0; b++) {
        const size_t at = rows->start[b];
        total += share * tft_horizon_bce(logit + at, rows->length[b], horizon, truth->event_step[b], truth->at_risk[b],
                                         share * scale, dlogit != NULL ? dlogit + at : NULL);
    }
    return total;
}
