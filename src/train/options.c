/* options.c - the defaults of a training, their bounds, and the text by which a checkpoint knows them again. */
#include <math.h>
#include <string.h>

#include "train/trainer.h"

tft_train_options tft_train_options_default(void)
{
    tft_train_options o = {
        .hidden_size = 64,
        .n_heads = 4,
        .lstm_layers = 1,
        .hidden_continuous_size = 8,
        .dropout = 0.3f,
        .causal_attention = true,
        .mixture = true,
        .hazard = true,
        .deep_hazard = true,
        .sign_hidden = 32,
        .quantiles = {0.02f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.98f},
        .n_quantiles = 7,
        .epochs = 20,
        .steps_per_epoch = 200,
        .batch = 64,
        .micro_batch = 8,
        .learning_rate = 2e-3,
        .weight_decay = 1e-2,
        .warmup_share = 0.08,
        .clip_norm = 1.0,
        .ema_decay = 0.998,
        .hazard_weight = 0.1,
        .horizon_weight = 1,
        .patience = 8,
        .short_history_share = 0.25,
        .masked_share = 0.15,
        .partial_share = 0.3,
        .hidden_metric_share = 0.1,
        .max_validation_windows = 2000,
        .calibration_windows = 6000,
        .seed = 1,
    };
    for (size_t m = 0; m < TFT_MAX_METRICS; m++)
        o.scale_power[m] = 0.5;
    return o;
}

static tft_status within(const char *name, double value, double low, double high, tft_error *err)
{
    if (value >= low && value <= high)
        return TFT_OK;
    return tft_fail(err, TFT_ERR_ARGUMENT, "%s is %g, must be %g to %g", name, value, low, high);
}

tft_status tft_train_options_check(const tft_train_options *o, tft_error *err)
{
    const struct {
        const char *name;
        double value, low, high;
    } bounds[] = {
        {"epochs", (double)o->epochs, o->max_time_s > 0 ? 0 : 1, 1e9},
        {"steps per epoch", (double)o->steps_per_epoch, 1, 1e9},
        {"batch", (double)o->batch, 1, 65536},
        {"micro-batch", (double)o->micro_batch, 1, 256},
        {"learning rate", o->learning_rate, 0, 10},
        {"weight decay", o->weight_decay, 0, 10},
        {"warm-up's share", o->warmup_share, 0, 0.9},
        {"clipping norm", o->clip_norm, 0, 1e9},
        {"EMA decay", o->ema_decay, 0, 0.999999},
        {"hazard weight", o->hazard_weight, 0, 1e6},
        {"horizons' weight", o->horizon_weight, 0, 1e6},
        {"hidden size of the signs", (double)o->sign_hidden, 0, 1024},
        {"trees a horizon (they need signs)", (double)o->trees, 0, o->sign_hidden > 0 ? 1000 : 0},
        {"time limit", o->max_time_s, 0, 1e9},
        {"share of short histories", o->short_history_share, 0, 1},
        {"share of masked windows", o->masked_share, 0, 1},
        {"share of partial steps", o->partial_share, 0, 1},
        {"share of hidden metrics", o->hidden_metric_share, 0, 1},
        {"share of incidents", o->incident_share, 0, 1},
        {"validation windows", (double)o->max_validation_windows, 0, 1e7},
        {"calibration windows", (double)o->calibration_windows, 0, 1e6},
        {"threads", (double)o->n_threads, 0, 256},
        {"quantiles", (double)o->n_quantiles, 1, TFT_MAX_QUANTILES},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const tft_status status = within(bounds[i].name, bounds[i].value, bounds[i].low, bounds[i].high, err);
        if (status != TFT_OK)
            return status;
    }
    for (size_t m = 0; m < TFT_MAX_METRICS; m++) {
        const tft_status status = within("scale power", o->scale_power[m], 0, 4, err);
        if (status != TFT_OK)
            return status;
    }
    if (o->out == NULL || o->out[0] == '\0')
        return tft_fail(err, TFT_ERR_ARGUMENT, "no folder to write the model to");
    return TFT_OK;
}

static void put(tft_text *text, const char *name, double value)
{
    tft_text_printf(text, " %s=%.17g", name, value);
}

static void put_network(const tft_train_options *o, tft_text *text)
{
    put(text, "hidden", (double)o->hidden_size);
    put(text, "heads", (double)o->n_heads);
    put(text, "lstm_layers", (double)o->lstm_layers);
    put(text, "continuous", (double)o->hidden_continuous_size);
    put(text, "dropout", (double)o->dropout);
    put(text, "causal", o->causal_attention);
    put(text, "mixture", o->mixture);
    if (o->only_mixture)
        put(text, "only_mixture", 1);
    put(text, "hazard", o->hazard);
    put(text, "deep_hazard", o->deep_hazard);
    put(text, "signs", (double)o->sign_hidden);
    put(text, "trees", (double)o->trees);
    tft_text_puts(text, " quantiles=");
    for (size_t i = 0; i < o->n_quantiles; i++)
        tft_text_printf(text, "%s%.7g", i == 0 ? "" : ",", (double)o->quantiles[i]);
}

void tft_train_options_text(const tft_train_options *o, const tft_contract *c, tft_text *text)
{
    tft_text_printf(text, "metrics=");
    for (size_t m = 0; m < c->n_metrics; m++)
        tft_text_printf(text, "%s%s%s", m == 0 ? "" : ",", c->metrics[m].name,
                        c->metrics[m].target ? "" : "(observed)");
    put(text, "step_ms", (double)c->step_ms);
    put(text, "context", (double)c->context);
    put(text, "horizon", (double)c->horizon);
    put(text, "memory", (double)c->memory);
    put_network(o, text);
    put(text, "epochs", (double)o->epochs);
    put(text, "steps_per_epoch", (double)o->steps_per_epoch);
    put(text, "batch", (double)o->batch);
    put(text, "micro_batch", (double)o->micro_batch);
    put(text, "lr", o->learning_rate);
    put(text, "weight_decay", o->weight_decay);
    put(text, "warmup", o->warmup_share);
    put(text, "clip", o->clip_norm);
    put(text, "ema", o->ema_decay);
    put(text, "hazard_weight", o->hazard_weight);
    put(text, "horizon_weight", o->horizon_weight);
    tft_text_puts(text, " scale_power=");
    for (size_t m = 0; m < tft_contract_targets(c); m++)
        tft_text_printf(text, "%s%.17g", m == 0 ? "" : ",", o->scale_power[m]);
    put(text, "patience", (double)o->patience);
    put(text, "max_time", o->max_time_s);
    put(text, "short_history", o->short_history_share);
    put(text, "masked", o->masked_share);
    put(text, "partial", o->partial_share);
    put(text, "hidden_metrics", o->hidden_metric_share);
    put(text, "incident_share", o->incident_share);
    tft_text_printf(text, " holdout_servers=%s holdout_from=%lld validation_servers=%s",
                    o->holdout_servers != NULL ? o->holdout_servers : "-", (long long)o->holdout_from_ms,
                    o->validation_servers != NULL ? o->validation_servers : "-");
    put(text, "validation_windows", (double)o->max_validation_windows);
    put(text, "calibration_windows", (double)o->calibration_windows);
    tft_text_printf(text, " seed=%llu", (unsigned long long)o->seed);
}
