/* trainer.c - tft_train(): from a dataset to a model directory. The loop; its parts are listed in trainer.h.
 *
 * One epoch ends when steps_per_epoch more steps are done; its end (validation, best weights, checkpoint) is a step of
 * the loop of its own, so that a training stopped between the two goes on with exactly that.
 *
 * What is saved is the average of weights (EMA) where its validation loss was lowest. A training that is stopped writes
 * the better of that and the present average; the checkpoint does not remember this look, so that a resumed run is the
 * uninterrupted one.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "tensor/tensor.h"
#include "tft/judge.h"
#include "train/calibrate.h"
#include "train/judge_fit.h"
#include "train/lend.h"
#include "train/mixture_start.h"
#include "train/model_dir.h"
#include "train/schedule.h"
#include "train/trainer.h"

#define MAX_SKIPPED 20
#define VALIDATION_STREAM (UINT64_C(1) << 62) // window numbers stay below these
#define SCALE_STREAM (UINT64_C(1) << 63)
#define N_SCALE_WINDOWS 2048

/* ---- opening -------------------------------------------------------------------------------------------------- */

static tft_status find_origins(tft_trainer *t, tft_error *err)
{
    const tft_train_options *const o = t->options;
    const bool by_time = t->split.validation_from != INT64_MAX;
    tft_origin_filter filter = {.role = TFT_ROLE_TRAIN,
                                .first_step = INT64_MIN,
                                .last_step = by_time ? t->split.validation_from - 1 : t->split.last_step,
                                .group_of = o->group_of,
                                .group_share = o->group_share,
                                .n_groups = o->n_groups};
    tft_status status = tft_origins_find(t->dataset, &t->split, &filter, &t->origins, err);
    if (status == TFT_OK && t->origins.n == 0)
        return tft_fail(err, TFT_ERR_STATE,
                        "the training data hold no window: a server needs 2 known steps and a known target after them");
    if (status == TFT_OK && o->incident_share > 0) {
        filter.incident_ahead = true;
        status = tft_origins_find(t->dataset, &t->split, &filter, &t->incidents, err);
        filter.incident_ahead = false;
    }
    if (status != TFT_OK)
        return status;
    filter.role = by_time ? TFT_ROLE_TRAIN : TFT_ROLE_VALIDATE;
    filter.first_step = by_time ? t->split.validation_from - 1 : INT64_MIN; // its first target is validation_from
    filter.last_step = t->split.last_step;
    return tft_origins_find(t->dataset, &t->split, &filter, &t->validation_origins, err);
}

static void start_weights(tft_trainer *t)
{
    tft_model_randomize(t->model, t->options->seed);
    tft_mixture_start(&t->dataset->contract, t->model);
    for (size_t i = 0; t->options->only_mixture && i < tft_model_n_parameters(t->model); i++) {
        const tft_parameter p = tft_model_parameter(t->model, i);
        const char *const dot = strrchr(p.name, '.');
        if (strncmp(p.name, "output_layer", 12) == 0 || strncmp(p.name, "mixture_layer", 13) == 0) {
            if (dot != NULL && strcmp(dot, ".weight") == 0)
                memset(p.data, 0, p.n * sizeof(float));
        }
    }
    tft_model_refresh(t->model);
}

static tft_status make_network(tft_trainer *t, tft_error *err)
{
    const tft_train_options *const o = t->options;
    t->config = (tft_config){.hidden_size = o->hidden_size,
                             .n_heads = o->n_heads,
                             .lstm_layers = o->lstm_layers,
                             .hidden_continuous_size = o->hidden_continuous_size,
                             .dropout = o->dropout,
                             .causal_attention = o->causal_attention,
                             .shallow_hazard = o->hazard && !o->deep_hazard && o->sign_hidden > 0,
                             .sign_hidden = o->hazard ? o->sign_hidden : 0};
    tft_status status = tft_features_config(&t->dataset->contract, o->quantiles, o->n_quantiles, o->mixture, o->hazard,
                                            &t->config, err);
    if (status == TFT_OK)
        status = tft_model_open(&t->config, &t->model, err);
    if (status == TFT_OK)
        status = tft_model_open(&t->config, &t->average, err);
    if (status == TFT_OK)
        start_weights(t);
    return status;
}

static void layout(tft_arena *arena, tft_trainer *t)
{
    const tft_contract *const c = &t->dataset->contract;
    const tft_train_options *const o = t->options;
    const tft_batch_shape shape = tft_batch_shape_of(&t->config, c->context, c->horizon);
    t->slots = tft_arena_alloc(arena, t->n_slots, sizeof *t->slots);
    t->order = tft_arena_alloc(arena, o->batch, sizeof *t->order);
    t->micros = tft_arena_alloc(arena, t->n_micros, sizeof *t->micros);
    t->workspaces = tft_arena_alloc(arena, t->n_threads, sizeof(void *));
    t->viewers = tft_arena_alloc(arena, t->n_threads, sizeof(void *));
    t->faults = tft_arena_alloc(arena, t->n_threads, sizeof *t->faults);
    t->samplers = tft_arena_alloc(arena, t->n_threads, sizeof *t->samplers);
    t->packs = tft_arena_alloc(arena, t->n_threads, sizeof *t->packs);
    t->raw = tft_arena_alloc(arena, t->n_threads, sizeof(void *));
    t->hazard = tft_arena_alloc(arena, t->n_threads, sizeof(void *));
    t->validation = tft_arena_alloc(arena, o->max_validation_windows, sizeof *t->validation);
    t->validation_quantile = tft_arena_alloc(arena, o->max_validation_windows, sizeof(double));
    t->validation_hazard = tft_arena_alloc(arena, o->max_validation_windows, sizeof(double));
    for (size_t i = 0; i < t->n_slots; i++) {
        tft_slot counted;
        tft_slot_layout(arena, &shape, true, arena->base != NULL ? &t->slots[i] : &counted);
    }
    for (size_t i = 0; i < t->n_threads; i++) {
        tft_pack counted;
        tft_pack_layout(arena, &shape, o->micro_batch, true, arena->base != NULL ? &t->packs[i] : &counted);
        float *const raw = tft_arena_floats(arena, o->micro_batch * c->horizon * shape.n_outputs);
        float *const hazard = tft_arena_floats(arena, o->micro_batch * c->horizon);
        uint8_t *const hidden = tft_arena_alloc(arena, c->memory, 1);
        if (arena->base != NULL) {
            t->raw[i] = raw;
            t->hazard[i] = hazard;
            t->samplers[i].hidden = hidden;
        }
    }
}

static tft_status take_memory(tft_trainer *t, tft_error *err)
{
    const tft_contract *const c = &t->dataset->contract;
    const tft_train_options *const o = t->options;
    tft_status status = tft_pool_open(o->n_threads, &t->pool, err);
    if (status != TFT_OK)
        return status;
    t->n_threads = tft_pool_threads(t->pool);
    t->n_micros = (o->batch + o->micro_batch - 1) / o->micro_batch;
    t->n_slots = o->batch > t->n_threads * o->micro_batch ? o->batch : t->n_threads * o->micro_batch;
    tft_arena count = {0};
    layout(&count, t);
    status = tft_arena_init(&t->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    layout(&t->arena, t);
    for (size_t i = 0; i < t->n_threads && status == TFT_OK; i++) {
        status = tft_workspace_open(t->model, o->micro_batch, c->context, c->horizon, true, &t->workspaces[i], err);
        if (status == TFT_OK)
            status = tft_workspace_open(t->average, o->micro_batch, c->context, c->horizon, false, &t->viewers[i], err);
        if (status == TFT_OK)
            status = tft_window_scratch_open(c, &t->samplers[i].scratch, err);
    }
    return status == TFT_OK ? tft_optimizer_open(t->model, t->workspaces[0], &t->optimizer, err) : status;
}

/* Mean scale of each target over windows of the training data: what a cell's weight is relative to. */
static void measure_scales(tft_trainer *t)
{
    static const tft_window_view plain = {0};
    const size_t n_targets = t->config.n_targets;
    double sum[TFT_MAX_METRICS] = {0}, n[TFT_MAX_METRICS] = {0};
    for (uint64_t k = 0; k < N_SCALE_WINDOWS; k++) {
        tft_rng rng = tft_rng_seeded(t->options->seed, SCALE_STREAM + k);
        tft_slot *const slot = &t->slots[0];
        if (!tft_sampling_build(&t->sampling, tft_origins_draw(&t->origins, &rng), &plain, &t->samplers[0], slot))
            continue;
        for (size_t m = 0; m < n_targets; m++) {
            bool scored = false; // a window that never saw the metric has no scale worth the name
            for (size_t s = 0; s < t->dataset->contract.horizon && !scored; s++)
                scored = slot->cell_weight[s * n_targets + m] > 0;
            sum[m] += scored ? (double)slot->window.target_scale[2 * m + 1] : 0;
            n[m] += scored;
        }
    }
    for (size_t m = 0; m < n_targets; m++)
        t->sampling.mean_scale[m] = n[m] > 0 ? sum[m] / n[m] : 0;
}

static void choose_windows(tft_trainer *t)
{
    const tft_train_options *const o = t->options;
    t->sampling = (tft_sampling){.dataset = t->dataset,
                                 .config = &t->config,
                                 .origins = &t->origins,
                                 .incidents = o->incident_share > 0 ? &t->incidents : NULL,
                                 .short_history_share = o->short_history_share,
                                 .masked_share = o->masked_share,
                                 .partial_share = o->partial_share,
                                 .hidden_metric_share = o->hidden_metric_share,
                                 .incident_share = o->incident_share,
                                 .seed = o->seed};
    memcpy(t->sampling.scale_power, o->scale_power, sizeof o->scale_power);
    measure_scales(t);
    t->validation_sampling = t->sampling;
    t->n_validation = t->validation_origins.n > 0 ? o->max_validation_windows : 0;
    for (size_t i = 0; i < t->n_validation; i++) {
        tft_rng rng = tft_rng_seeded(o->seed, VALIDATION_STREAM + i);
        t->validation[i] = tft_origins_draw(&t->validation_origins, &rng);
    }
}

static tft_status trainer_open(tft_trainer *t, const tft_dataset *dataset, const tft_train_options *options,
                               tft_error *err)
{
    t->options = options;
    t->dataset = dataset;
    const tft_split_wish wish = {.holdout = options->holdout_servers,
                                 .validation = options->validation_servers,
                                 .holdout_from_ms = options->holdout_from_ms,
                                 .group_of = options->group_of,
                                 .n_groups = options->n_groups};
    tft_status status = tft_train_options_check(options, err);
    if (status == TFT_OK)
        status = tft_split_make(dataset, &wish, &t->split, err);
    if (status == TFT_OK)
        status = find_origins(t, err);
    if (status == TFT_OK)
        status = make_network(t, err);
    if (status == TFT_OK)
        status = take_memory(t, err);
    if (status == TFT_OK)
        status = tft_make_folders(options->out, 0777, err);
    if (status != TFT_OK)
        return status;
    choose_windows(t);
    t->state.best_loss = t->state.best_hazard = t->state.last_loss = t->state.last_hazard = HUGE_VAL;
    return options->resume ? tft_checkpoint_read(t, err) : TFT_OK;
}

static void trainer_close(tft_trainer *t)
{
    for (size_t i = 0; i < t->n_threads && t->arena.base != NULL; i++) {
        tft_workspace_close(t->workspaces[i]);
        tft_workspace_close(t->viewers[i]);
        tft_window_scratch_close(t->samplers[i].scratch);
    }
    tft_optimizer_close(&t->optimizer);
    tft_arena_free(&t->arena);
    tft_pool_close(t->pool);
    tft_model_close(t->average);
    tft_model_close(t->model);
    tft_origins_free(&t->origins);
    tft_origins_free(&t->incidents);
    tft_origins_free(&t->validation_origins);
    tft_split_free(&t->split);
}

/* ---- the loop ------------------------------------------------------------------------------------------------- */

typedef struct run_clock {
    double started, before; // seconds: this run's start, and the training time of earlier runs
    double first_step;      // steps of this run start here
    double validation_s;    // what the last validation took
} run_clock;

static double elapsed(const run_clock *clock)
{
    return clock->before + (tft_monotonic_s() - clock->started);
}

/* How far the training is, 0 … 1: by steps, or by the clock where that is further. */
static double progress_of(const tft_trainer *t, const run_clock *clock)
{
    const tft_train_options *const o = t->options;
    const double total = (double)o->epochs * (double)o->steps_per_epoch;
    const double by_steps = o->epochs > 0 ? (double)t->state.step / total : 0;
    if (o->max_time_s <= 0)
        return by_steps;
    const double after = 1 + (double)o->calibration_windows / (double)(t->n_validation > 0 ? t->n_validation : 1);
    const double limit = o->max_time_s - 1.2 * after * clock->validation_s; // validation, calibration, writing must fit
    const double by_time = limit > 0 ? elapsed(clock) / limit : 1;
    return by_time > by_steps ? by_time : by_steps;
}

/* The loss that early stopping goes by. */
static double total_loss(const tft_trainer *t, double quantile, double hazard)
{
    const double weight = t->config.hazard ? t->options->hazard_weight : 0;
    return weight > 0 ? quantile + weight * hazard
                      : quantile; // 0 times the HUGE_VAL before the first would be no number
}

static tft_status end_epoch(tft_trainer *t, run_clock *clock, tft_error *err)
{
    tft_train_state *const s = &t->state;
    const double before = tft_monotonic_s();
    double quantile = HUGE_VAL, hazard = HUGE_VAL;
    const tft_status status = tft_trainer_validate(t, &quantile, &hazard, err);
    if (status != TFT_OK)
        return status;
    clock->validation_s = tft_monotonic_s() - before;
    s->epoch++;
    s->epoch_loss = s->n_losses > 0 ? s->sum_loss / s->n_losses : s->epoch_loss;
    s->sum_loss = s->sum_hazard = s->n_losses = 0;
    s->last_loss = quantile;
    s->last_hazard = hazard;
    const bool better =
        t->n_validation == 0 || total_loss(t, quantile, hazard) < total_loss(t, s->best_loss, s->best_hazard);
    s->epochs_without_better = better ? 0 : s->epochs_without_better + 1;
    if (better) {
        s->best_loss = quantile;
        s->best_hazard = hazard;
        s->best_epoch = s->epoch;
        memcpy(t->optimizer.best, t->optimizer.ema, t->optimizer.n * sizeof(float));
    }
    s->early_stopped = t->options->patience > 0 && s->epochs_without_better >= t->options->patience;
    s->finished = s->early_stopped || progress_of(t, clock) >= 1;
    s->elapsed_s = elapsed(clock);
    return tft_checkpoint_write(t, err);
}

static bool report(const tft_trainer *t, const run_clock *clock, double rate, bool epoch_end,
                   tft_train_observer observer, void *context)
{
    const tft_train_options *const o = t->options;
    const tft_train_state *const s = &t->state;
    const double done = progress_of(t, clock), here = elapsed(clock) - clock->before;
    const double steps = (double)s->step - clock->first_step;
    tft_train_progress p = {.epoch = s->epoch,
                            .epochs = o->epochs,
                            .step = s->step,
                            .steps = o->epochs * o->steps_per_epoch,
                            .loss = s->n_losses > 0 ? s->sum_loss / s->n_losses : s->epoch_loss,
                            .hazard_loss = s->n_losses > 0 ? s->sum_hazard / s->n_losses : s->last_hazard,
                            .validation_loss = s->last_loss,
                            .learning_rate = rate,
                            .epoch_end = epoch_end};
    p.samples_per_s = here > 0 ? steps * (double)o->batch / here : 0;
    p.seconds_left = done > 0 ? elapsed(clock) * (1 - done) / done : 0;
    return observer == NULL || observer(context, &p);
}

typedef struct listener {
    tft_train_observer observer;
    void *context;
} listener;

static bool say_preparing(void *context, double done)
{
    const listener *const to = context;
    const tft_train_progress p = {.preparing = done};
    return to->observer == NULL || to->observer(to->context, &p);
}

/* `started`: when this run began, which the trees have had their share of. */
static tft_status loop(tft_trainer *t, double started, tft_train_observer observer, void *context, tft_error *err)
{
    const tft_train_options *const o = t->options;
    tft_train_state *const s = &t->state;
    run_clock clock = {.started = started, .before = s->elapsed_s, .first_step = (double)s->step};
    bool go_on = true;
    double rate = 0;
    while (!s->finished && go_on) {
        const double done = progress_of(t, &clock);
        if (s->step >= (s->epoch + 1) * o->steps_per_epoch || (done >= 1 && s->n_losses > 0)) {
            const tft_status status = end_epoch(t, &clock, err);
            if (status != TFT_OK)
                return status;
            go_on = report(t, &clock, rate, true, observer, context);
            continue;
        }
        tft_step_result result;
        rate = o->learning_rate * tft_schedule_rate(done, o->warmup_share);
        if (rate <= 0) // the very first step of a warm-up
            rate = o->learning_rate * 0.5 /
                   (o->warmup_share * (double)(o->epochs > 0 ? o->epochs : 20) * (double)o->steps_per_epoch);
        const tft_status status = tft_trainer_step(t, rate, &result, err);
        if (status != TFT_OK)
            return status;
        s->step++;
        s->n_skipped += result.skipped;
        if (s->n_skipped > MAX_SKIPPED)
            return tft_fail(err, TFT_ERR_STATE,
                            "%llu of %llu steps had a loss or gradient that is not finite; try a lower learning rate",
                            (unsigned long long)s->n_skipped, (unsigned long long)s->step);
        if (!result.skipped) {
            s->sum_loss += result.loss;
            s->sum_hazard += result.hazard;
            s->n_losses += 1;
        }
        s->elapsed_s = elapsed(&clock);
        go_on = report(t, &clock, rate, false, observer, context);
    }
    if (s->finished)
        return TFT_OK;
    const tft_status status = tft_checkpoint_write(t, err);
    return status != TFT_OK ? status
                            : tft_fail(err, TFT_ERR_INTERRUPTED, "stopped at step %llu; --resume goes on from there",
                                       (unsigned long long)s->step);
}

/* ---- the end -------------------------------------------------------------------------------------------------- */

static size_t count_states(const tft_dataset *dataset)
{
    bool seen[TFT_N_STATES] = {false};
    size_t n = 0;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        for (size_t k = 0; k < dataset->series[i].n_steps; k++)
            seen[dataset->series[i].states[k] % TFT_N_STATES] = true;
    }
    for (size_t i = 1; i < TFT_N_STATES; i++)
        n += seen[i];
    return n;
}

static double data_hours(const tft_trainer *t)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < t->dataset->n_servers; i++) {
        const tft_series *const s = &t->dataset->series[i];
        const int64_t end = s->first_step + (int64_t)s->n_steps;
        if (t->split.roles[i] == TFT_ROLE_HELD_OUT || s->n_steps == 0)
            continue;
        first = s->first_step < first ? s->first_step : first;
        last = end > last ? end : last;
    }
    if (t->split.last_step < last)
        last = t->split.last_step + 1;
    return last > first ? (double)(last - first) * (double)t->dataset->contract.step_ms / 3.6e6 : 0;
}

/* On the windows that validation draws from: no weight has seen them, though stopping has. */
static tft_status calibrate(const tft_trainer *t, tft_model_card *card, tft_error *err)
{
    const tft_train_options *const o = t->options;
    const bool by_time = t->split.validation_from != INT64_MAX;
    tft_forecaster *forecaster = NULL;
    if (o->calibration_windows == 0 || t->n_validation == 0)
        return TFT_OK;
    uint8_t *const selected = malloc(t->dataset->n_servers);
    if (selected == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the roles of %zu servers", t->dataset->n_servers);
    for (size_t i = 0; i < t->dataset->n_servers; i++)
        selected[i] = t->split.roles[i] == (by_time ? TFT_ROLE_TRAIN : TFT_ROLE_VALIDATE);
    const tft_calibrate_plan plan = {.selected = selected,
                                     .group_of = o->group_of,
                                     .group_share = o->group_share,
                                     .n_groups = o->n_groups,
                                     .first_step = by_time ? t->split.validation_from - 1 : INT64_MIN,
                                     .last_step = t->split.last_step,
                                     .n_windows = o->calibration_windows,
                                     .parts = tft_model_judge(t->average) == NULL
                                                  ? TFT_CALIBRATE_ALL
                                                  : TFT_CALIBRATE_QUANTILES | TFT_CALIBRATE_FLEET,
                                     .seed = o->seed};
    tft_status status = tft_forecaster_lend(card, t->average, t->n_threads, &forecaster, err);
    if (status == TFT_OK)
        status = tft_calibrate(forecaster, t->dataset, &plan, &card->calibration, NULL, err);
    tft_forecaster_close(forecaster);
    free(selected);
    return status == TFT_ERR_NOT_FOUND ? TFT_OK : status; // nothing to calibrate with: the model is usable as it is
}

/* Names of the servers that were trained on or validated with; the held-out ones leave no trace in the model. */
static tft_status write_model(tft_trainer *t, const tft_training_info *info, char *path, size_t capacity,
                              tft_error *err)
{
    size_t n = 0;
    const char **const names = malloc(t->dataset->n_servers * sizeof *names);
    tft_model_card *const card = calloc(1, sizeof *card);
    tft_status status = TFT_OK;
    if (names == NULL || card == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for the names of %zu servers", t->dataset->n_servers);
        goto done;
    }
    for (size_t i = 0; i < t->dataset->n_servers; i++) {
        if (t->split.roles[i] != TFT_ROLE_HELD_OUT)
            names[n++] = t->dataset->names[i];
    }
    card->network = t->config;
    card->contract = t->dataset->contract;
    status = calibrate(t, card, err);
    if (status != TFT_OK)
        goto done;
    status = tft_model_dir_write(t->options->out, card, t->average, info, names, n, path, capacity, err);
done:
    free(names);
    free(card);
    return status;
}

static tft_status finish(tft_trainer *t, char *path, size_t capacity, tft_error *err)
{
    const tft_train_state *const s = &t->state;
    double quantile = s->best_loss, hazard = s->best_hazard;
    bool best = s->best_epoch > 0;
    if (!s->finished) {
        double now_quantile, now_hazard;
        const tft_status status = tft_trainer_validate(t, &now_quantile, &now_hazard, err);
        if (status != TFT_OK)
            return status;
        best = best && total_loss(t, quantile, hazard) < total_loss(t, now_quantile, now_hazard);
        if (!best) {
            quantile = now_quantile;
            hazard = now_hazard;
        }
    }
    tft_optimizer_put(best ? t->optimizer.best : t->optimizer.ema, t->average, t->workspaces[0]);
    tft_text options = tft_text_new((size_t)1 << 20);
    tft_train_options_text(t->options, &t->dataset->contract, &options);
    const tft_training_info info = {.trained_at_ms = tft_wall_ms(),
                                    .epochs = s->epoch,
                                    .steps = s->step,
                                    .unique_states = count_states(t->dataset),
                                    .data_hours = data_hours(t),
                                    .final_train_loss = s->n_losses > 0 ? s->sum_loss / s->n_losses : s->epoch_loss,
                                    .final_val_loss = quantile,
                                    .final_hazard_loss = hazard,
                                    .early_stopping = s->early_stopped,
                                    .interrupted = !s->finished,
                                    .seed = t->options->seed,
                                    .n_threads = t->n_threads,
                                    .training_seconds = s->elapsed_s,
                                    .commit = t->options->commit,
                                    .command_line = t->options->command_line,
                                    .options = options.bytes};
    const tft_status status = write_model(t, &info, path, capacity, err);
    tft_text_free(&options);
    return status;
}

tft_status tft_train(const tft_dataset *dataset, const tft_train_options *options, tft_train_observer observer,
                     void *context, char *model_path, size_t capacity, tft_error *err)
{
    tft_trainer *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a trainer");
    tft_tensor_init(TFT_ISA_AUTO);
    listener to = {observer, context};
    tft_status status = trainer_open(t, dataset, options, err);
    const double started = tft_monotonic_s();
    if (status == TFT_OK && options->hazard && options->trees > 0)
        status = tft_judge_fit(t, say_preparing, &to, err);
    if (status == TFT_OK)
        status = loop(t, started, observer, context, err);
    if (status == TFT_OK || status == TFT_ERR_INTERRUPTED) {
        const tft_status stopped = status;
        tft_error fault = {0};
        status = finish(t, model_path, capacity, &fault);
        if (status != TFT_OK) {
            if (err != NULL)
                *err = fault;
        } else {
            status = stopped;
        }
    }
    trainer_close(t);
    free(t);
    return status;
}
