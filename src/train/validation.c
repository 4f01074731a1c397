/* validation.c - how good the averaged weights are, on windows that training never draws.
 *
 * The windows are fixed at the start (their origins are; the rows are built anew each time, which costs a hundredth of
 * the network). The losses are those that training minimises, worked out here in double: the quantile loss in scaled
 * units with the same cell weights, and the hazard's negative log likelihood. Sums run in window order.
 */
#include <math.h>

#include "tft/loss.h"
#include "train/trainer.h"

/* Mean over quantiles of 2 · max((q − 1) e, q e), summed over cells with their weights, per step (model.h: tft_losses). */
static double quantile_loss(const tft_config *config, const tft_slot *slot, const float *raw, size_t steps)
{
    const size_t n_outputs = tft_config_outputs(config), n_targets = config->n_targets;
    double total = 0;
    for (size_t t = 0; t < steps; t++) {
        const float *row = raw + t * n_outputs;
        for (size_t m = 0; m < n_targets; m++) {
            const tft_target *const target = &config->targets[m];
            const double weight = (double)slot->cell_weight[t * n_targets + m];
            double sum = 0;
            for (size_t q = 0; q < target->n_quantiles && weight > 0; q++) {
                const double e = (double)slot->target_scaled[t * n_targets + m] - (double)row[q];
                const double level = (double)target->quantiles[q];
                sum += 2 * (e > 0 ? level * e : (level - 1) * e);
            }
            total += (double)target->loss_weight * weight * sum / target->n_quantiles;
            row += target->n_quantiles;
        }
    }
    return total / (double)steps;
}

/* −log likelihood of "nothing before event_step, then an incident", or of nothing in the steps at risk. */
static double hazard_loss(const tft_slot *slot, const float *logits, size_t horizon, double horizon_weight)
{
    double sum = 0;
    for (size_t t = 1; t <= slot->at_risk; t++) {
        const double z = (double)logits[t - 1];
        sum += t == slot->event_step ? tft_softplus(-z) : tft_softplus(z); // −log σ(z) and −log(1 − σ(z))
    }
    return horizon_weight > 0 ? sum + horizon_weight * tft_horizon_bce(logits, horizon, horizon, slot->event_step,
                                                                       slot->at_risk, 0, NULL)
                              : sum;
}

static void validate_micro(void *context, size_t k, size_t worker)
{
    tft_trainer *const t = context;
    static const tft_window_view plain = {0};
    const size_t micro = t->options->micro_batch, first = k * micro;
    const size_t end = first + micro < t->n_validation ? first + micro : t->n_validation;
    const size_t horizon = t->dataset->contract.horizon, n_outputs = tft_config_outputs(&t->config);
    tft_slot *const slots = t->slots + worker * micro;
    const tft_slot *members[256];
    size_t which[256], n = 0;
    for (size_t i = first; i < end; i++) {
        t->validation_quantile[i] = t->validation_hazard[i] = NAN;
        if (!tft_sampling_build(&t->validation_sampling, t->validation[i], &plain, &t->samplers[worker], &slots[n]))
            continue;
        members[n] = &slots[n];
        which[n++] = i;
    }
    if (n == 0)
        return;
    tft_pack_fill(&t->packs[worker], members, n, horizon, 0, 0);
    const tft_outputs out = {.raw = t->raw[worker], .hazard_logit = t->config.hazard ? t->hazard[worker] : NULL};
    if (tft_model_forward(t->average, t->viewers[worker], &t->packs[worker].batch, &out, &t->faults[worker]) != TFT_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        t->validation_quantile[which[i]] =
            quantile_loss(&t->config, members[i], out.raw + i * horizon * n_outputs, horizon);
        t->validation_hazard[which[i]] = t->config.hazard ? hazard_loss(members[i], out.hazard_logit + i * horizon,
                                                                        horizon, t->options->horizon_weight)
                                                          : 0;
    }
}

tft_status tft_trainer_validate(tft_trainer *t, double *quantile, double *hazard, tft_error *err)
{
    const size_t micro = t->options->micro_batch;
    double quantile_sum = 0, hazard_sum = 0;
    size_t n = 0;
    tft_optimizer_put(t->optimizer.ema, t->average, t->workspaces[0]);
    tft_pool_run(t->pool, (t->n_validation + micro - 1) / micro, validate_micro, t);
    for (size_t i = 0; i < t->n_threads; i++) {
        if (t->faults[i].status != TFT_OK)
            return tft_fail(err, t->faults[i].status, "validation: %s", t->faults[i].text);
    }
    for (size_t i = 0; i < t->n_validation; i++) {
        if (isnan(t->validation_quantile[i]))
            continue;
        quantile_sum += t->validation_quantile[i];
        hazard_sum += t->validation_hazard[i];
        n++;
    }
    *quantile = n > 0 ? quantile_sum / (double)n : HUGE_VAL;
    *hazard = n > 0 ? hazard_sum / (double)n : HUGE_VAL;
    return TFT_OK;
}
