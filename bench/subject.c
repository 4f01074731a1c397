/* subject.c - see subject.h. */
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "tft/train.h"
#include "tft/window.h"
#include "train/model_dir.h"

/* Writes a model with random weights below subject->folder. */
static tft_status make_model(bench_subject *subject, tft_error *err)
{
    const tft_train_options o = tft_train_options_default();
    tft_model_card *card = calloc(1, sizeof *card);
    tft_model *model = NULL;
    tft_status status = TFT_OK;
    if (card == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory");
    card->contract = tft_contract_default();
    card->network = (tft_config){.hidden_size = o.hidden_size,
                                 .n_heads = o.n_heads,
                                 .lstm_layers = o.lstm_layers,
                                 .hidden_continuous_size = o.hidden_continuous_size,
                                 .dropout = o.dropout,
                                 .causal_attention = o.causal_attention};
    status = tft_features_config(&card->contract, o.quantiles, o.n_quantiles, o.mixture, o.hazard, &card->network, err);
    if (status != TFT_OK)
        goto done;
    status = tft_model_open(&card->network, &model, err);
    if (status != TFT_OK)
        goto done;
    tft_model_randomize(model, 1);
    const tft_training_info info = {.trained_at_ms = tft_wall_ms(), .command_line = "random weights"};
    status =
        tft_model_dir_write(subject->folder, card, model, &info, NULL, 0, subject->path, sizeof subject->path, err);
done:
    tft_model_close(model);
    free(card);
    return status;
}

bool bench_subject_open(bench_subject *subject)
{
    tft_error err = {0};
    *subject = (bench_subject){0};
    if (tft_model_dir_newest("models", NULL, NULL, subject->path, sizeof subject->path, NULL) == TFT_OK) {
        subject->shipped = true;
        return true;
    }
    snprintf(subject->folder, sizeof subject->folder, "/tmp/tftd-bench-model-XXXXXX");
    if (mkdtemp(subject->folder) != NULL && make_model(subject, &err) == TFT_OK)
        return true;
    fprintf(stderr, "bench: no model under models/, and none could be made: %s\n", err.text);
    bench_subject_close(subject);
    return false;
}

void bench_subject_close(bench_subject *subject)
{
    if (subject->folder[0] == '\0')
        return;
    if (subject->path[0] != '\0')
        tft_remove_folder(subject->path, NULL);
    tft_remove_folder(subject->folder, NULL);
}

bool bench_histories(const tft_contract *contract, size_t n, size_t steps, int64_t last, tft_dataset *dataset)
{
    tft_rng rng = tft_rng_seeded(1, 0);
    tft_error err = {0};
    if (tft_dataset_open(contract, dataset, &err) != TFT_OK)
        goto fail;
    const double day = 86400000.0 / (double)contract->step_ms;
    for (size_t s = 0; s < n; s++) {
        char name[32];
        const size_t length = (size_t)snprintf(name, sizeof name, "bench-%05zu", s);
        const double phase = tft_rng_uniform(&rng), level = 20.0 + 40.0 * tft_rng_uniform(&rng);
        for (size_t i = 0; i < steps; i++) {
            const int64_t step = last - (int64_t)(steps - 1 - i);
            double values[TFT_MAX_METRICS];
            for (size_t m = 0; m < contract->n_metrics; m++)
                values[m] = fmax(level + 15.0 * sin(6.2831853 * ((double)step / day + phase)) +
                                     3.0 * tft_rng_normal(&rng) + 2.0 * (double)m,
                                 0.0);
            if (tft_dataset_add(dataset, name, length, step * contract->step_ms, values, TFT_STATE_HEALTHY, -1, &err) !=
                TFT_OK)
                goto fail;
        }
    }
    return true;
fail:
    fprintf(stderr, "bench: %s\n", err.text);
    return false;
}

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* On how many rows of a window the map called `name` works. */
static double rows_of(const char *name, double e, double t)
{
    if (starts_with(name, "input_embeddings") || strstr(name, ".norm.") != NULL || strstr(name, ".mask") != NULL)
        return 0.0;
    if (starts_with(name, "static_enrichment") || starts_with(name, "prescalers") ||
        starts_with(name, "multihead_attn.k_layers") || starts_with(name, "multihead_attn.v_layer"))
        return e + t;
    if (starts_with(name, "static_"))
        return 1.0;
    if (starts_with(name, "encoder_") || starts_with(name, "lstm_encoder") || strstr(name, "_encoder.") != NULL)
        return e;
    return t; // decoder, attention's queries and everything behind it
}

double bench_operations(const tft_model *model, size_t encoder_steps, size_t decoder_steps)
{
    const tft_config *config = tft_model_config(model);
    const double e = (double)encoder_steps, t = (double)decoder_steps;
    double operations = 0.0;
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        if (p.n_dims == 2)
            operations += 2.0 * (double)p.n * rows_of(p.name, e, t);
    }
    // scores and weighted sums: H heads of D / H columns, T queries, E + T keys
    operations += 4.0 * t * (e + t) * (double)config->hidden_size;
    return operations;
}
