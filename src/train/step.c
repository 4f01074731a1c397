/* step.c - one training step: a batch of windows to new weights.
 *
 * The windows of a batch are ordered by the length of their history and cut into micro-batches of neighbours, so that
 * little padding is computed. Micro-batches go, longest first, to the slot with the least work so far: a plan made of
 * lengths alone, hence the same on every run. Slot i is task i, in workspace i, whoever runs it: the order in which
 * gradients are added up does not depend on threads.
 */
#include <math.h>
#include <string.h>

#include "train/trainer.h"

#define BETA1 0.9
#define BETA2 0.99 // a few hundred to a few thousand steps: 0.999 would average over too many of them
#define EPSILON 1e-8

static uint64_t mix(uint64_t x) // splitmix64's finaliser: neighbouring keys become unrelated
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void build_window(void *context, size_t i, size_t worker)
{
    tft_trainer *const t = context;
    const uint64_t k = t->step_number * t->options->batch + i;
    t->slots[i].ok = tft_sampling_window(&t->sampling, k, &t->samplers[worker], &t->slots[i]);
}

/* order[] = the built windows, longest encoder first, equal ones in their own order. Insertion: batches are small. */
static size_t order_windows(tft_trainer *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->options->batch; i++) {
        if (!t->slots[i].ok)
            continue;
        size_t at = n++;
        for (; at > 0 && t->slots[t->order[at - 1]].window.encoder_length < t->slots[i].window.encoder_length; at--)
            t->order[at] = t->order[at - 1];
        t->order[at] = i;
    }
    return n;
}

static void plan_micros(tft_trainer *t, size_t n)
{
    const size_t micro = t->options->micro_batch;
    size_t load[256] = {0};
    t->n_micros_now = 0;
    for (size_t first = 0; first < n; first += micro) {
        tft_micro *const m = &t->micros[t->n_micros_now++];
        *m = (tft_micro){.first = first, .n = n - first < micro ? n - first : micro};
        for (size_t s = 1; s < t->n_threads; s++)
            m->slot = load[s] < load[m->slot] ? s : m->slot;
        load[m->slot] += m->n * (t->slots[t->order[first]].window.encoder_length + t->dataset->contract.horizon);
    }
}

static void pass_micro(tft_trainer *t, size_t k)
{
    tft_micro *const m = &t->micros[k];
    tft_pack *const pack = &t->packs[m->slot];
    const tft_slot *members[256];
    size_t n = 0;
    for (size_t i = 0; i < t->n_micros_now; i++)
        n += t->micros[i].n;
    for (size_t i = 0; i < m->n; i++)
        members[i] = &t->slots[t->order[m->first + i]];
    tft_pack_fill(pack, members, m->n, t->dataset->contract.horizon, (float)t->options->hazard_weight,
                  (float)t->options->horizon_weight);
    const uint64_t key = mix(mix(t->options->seed + 0x9e3779b97f4a7c15u) + t->step_number * 65536 + k) | 1;
    m->failed = tft_model_train_pass(t->model, t->workspaces[m->slot], &pack->batch, &pack->truth, TFT_LOSS_SCALED, key,
                                     (float)((double)m->n / (double)n), NULL, &m->losses, NULL) != TFT_OK;
}

bool tft_is_constant_of_output(const char *name)
{
    const bool output = strncmp(name, "output_layer", 12) == 0 || strncmp(name, "mixture_layer", 13) == 0;
    const char *const dot = strrchr(name, '.');
    return output && dot != NULL && strcmp(dot, ".weight") != 0;
}

static void keep_constants_only(const tft_model *model, tft_workspace *workspace)
{
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        if (!tft_is_constant_of_output(p.name))
            memset(tft_workspace_gradient(workspace, i), 0, p.n * sizeof(float));
    }
}

static void pass_slot(void *context, size_t slot, size_t worker)
{
    tft_trainer *const t = context;
    (void)worker;
    tft_workspace_zero_gradients(t->workspaces[slot]);
    for (size_t k = 0; k < t->n_micros_now; k++) {
        if (t->micros[k].slot == slot)
            pass_micro(t, k);
    }
    if (t->options->only_mixture)
        keep_constants_only(t->model, t->workspaces[slot]);
}

tft_status tft_trainer_step(tft_trainer *t, double rate, tft_step_result *result, tft_error *err)
{
    const tft_train_options *const o = t->options;
    *result = (tft_step_result){0};
    t->step_number = t->state.step;
    tft_pool_run(t->pool, o->batch, build_window, t);
    const size_t n = order_windows(t);
    if (n == 0)
        return tft_fail(err, TFT_ERR_STATE, "step %llu: no window could be built from the training data",
                        (unsigned long long)t->state.step);
    plan_micros(t, n);
    tft_pool_run(t->pool, t->n_threads, pass_slot, t);
    for (size_t k = 0; k < t->n_micros_now; k++) {
        const tft_micro *const m = &t->micros[k];
        if (m->failed)
            return tft_fail(err, TFT_ERR_STATE, "step %llu: the network refused a batch of %zu windows",
                            (unsigned long long)t->state.step, m->n);
        result->loss += m->losses.quantile * (double)m->n / (double)n;
        result->hazard += m->losses.hazard * (double)m->n / (double)n;
    }
    const double norm = tft_optimizer_reduce(&t->optimizer, t->pool, t->workspaces, t->n_threads);
    result->skipped = !isfinite(norm) || !isfinite(result->loss) || !isfinite(result->hazard);
    if (result->skipped)
        return TFT_OK;
    const tft_adamw adamw = {.rate = rate,
                             .decay = o->weight_decay,
                             .beta1 = BETA1,
                             .beta2 = BETA2,
                             .epsilon = EPSILON,
                             .step = t->state.step - t->state.n_skipped + 1,
                             .gradient_scale = o->clip_norm > 0 && norm > o->clip_norm ? o->clip_norm / norm : 1};
    tft_optimizer_update(&t->optimizer, t->pool, t->workspaces[0], &adamw, tft_ema_decay(o->ema_decay, adamw.step));
    tft_model_refresh(t->model);
    return TFT_OK;
}
