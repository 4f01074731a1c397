/* network_case.c - see network_case.h. */
#include "network_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

const network_shape network_shapes[N_NETWORK_SHAPES] = {
    {"shipped", 32, 4, 8, 96, 96, 14, 13, 31, 6, 4, 13, 10, true},
    {"golden", 32, 8, 16, 288, 96, 5, 11, 7, 5, 4, 7, 0, false},
    {"wide", 160, 4, 16, 288, 96, 5, 11, 7, 5, 4, 7, 0, false},
};

const network_shape *network_shape_named(const char *name)
{
    for (size_t i = 0; i < N_NETWORK_SHAPES; i++)
        if (strcmp(name, network_shapes[i].name) == 0)
            return &network_shapes[i];
    return NULL;
}

static void add_reals(tft_config *c, tft_inputs *inputs, const char *prefix, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(c->reals[c->n_reals].name, TFT_MAX_NAME, "%s%zu", prefix, i);
        inputs->reals[inputs->n_reals++] = (uint8_t)c->n_reals++;
    }
}

static tft_config config_of(const network_shape *s)
{
    tft_config c = {.hidden_size = s->hidden,
                    .n_heads = s->heads,
                    .lstm_layers = 1,
                    .hidden_continuous_size = s->continuous,
                    .dropout = 0.1f,
                    .causal_attention = true,
                    .max_encoder_length = s->encoder,
                    .max_decoder_length = s->decoder,
                    .n_targets = s->targets,
                    .n_anchors = s->anchors,
                    .tilted_mixture = s->anchors > 0,
                    .hazard = s->hazard};
    add_reals(&c, &c.static_inputs, "s", s->n_static);
    add_reals(&c, &c.encoder_inputs, "e", s->n_encoder);
    add_reals(&c, &c.decoder_inputs, "d", s->n_decoder);
    for (size_t m = 0; m < s->targets; m++) {
        snprintf(c.targets[m].name, TFT_MAX_NAME, "t%zu", m);
        c.targets[m].loss_weight = 1.0f;
        c.targets[m].n_quantiles = (uint8_t)s->quantiles;
        for (size_t q = 0; q < s->quantiles; q++)
            c.targets[m].quantiles[q] = ((float)q + 0.5f) / (float)s->quantiles;
    }
    return c;
}

static float *random_floats(tft_rng *rng, size_t n)
{
    float *const x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++)
        x[i] = (float)tft_rng_normal(rng);
    return x;
}

/* The last `shared` of `width` columns of every window become those of the first. */
static void share_columns(float *x, size_t steps, size_t width, size_t shared)
{
    for (size_t r = steps; r < CASE_WINDOWS * steps; r++)
        memcpy(x + (r + 1) * width - shared, x + (r % steps + 1) * width - shared, shared * sizeof *x);
}

/* Multiply-adds of one window's forward pass. */
double network_case_macs(const network_shape *s)
{
    const double h = (double)s->hidden, k = (double)s->continuous, e = (double)s->encoder, d = (double)s->decoder;
    const double n = e + d, grn = 4 * h * h, head = h / (double)s->heads;
    double sum = n * (grn + 8 * h * h + 2 * h * h) + d * (grn + 4 * h * h); // enrichment, LSTM, gates, feed-forward
    const double places[3][2] = {{1, (double)s->n_static}, {e, (double)s->n_encoder}, {d, (double)s->n_decoder}};
    for (size_t i = 0; i < 3; i++) {
        const double rows = places[i][0], v = places[i][1], low = v < h ? v : h, own = k < h ? k : h;
        sum += rows * (v * (k + k * own + own * own + 2 * own * h + h) + v * k * low + low * low + 2 * low * v);
    }
    sum += n * h * (h + head) + d * h * h;                             // keys and value, queries
    sum += d * (e + d) * (h + (double)s->heads * head) + d * head * h; // scores and weighted values
    sum += d * h * (double)s->targets * (double)(s->quantiles + s->anchors);
    sum += d * (double)(s->targets * s->quantiles * s->anchors);
    return sum + 4 * grn;
}

bool network_case_open(const network_shape *s, network_case *c, tft_error *err)
{
    const tft_config config = config_of(s);
    memset(c, 0, sizeof *c);
    c->shape = s;
    if (tft_model_open(&config, &c->model, err) != TFT_OK)
        return false;
    tft_model_randomize(c->model, 1);
    tft_rng rng = tft_rng_seeded(2, 0);
    for (size_t i = 0; i < CASE_WINDOWS; i++) {
        c->encoder[i] = (uint32_t)s->encoder;
        c->decoder[i] = c->at_risk[i] = (uint32_t)s->decoder;
        c->event[i] = i % 4 == 0 ? 10 : 0;
    }
    const size_t sizes[7] = {CASE_WINDOWS * s->n_static,
                             CASE_WINDOWS * s->encoder * s->n_encoder,
                             CASE_WINDOWS * s->decoder * s->n_decoder,
                             CASE_WINDOWS * s->targets * 2,
                             CASE_WINDOWS * s->decoder * s->targets * s->quantiles * s->anchors,
                             CASE_WINDOWS * s->decoder * s->targets,
                             CASE_WINDOWS * s->decoder * s->targets * s->quantiles};
    for (size_t i = 0; i < 7; i++) {
        c->owned[i] = random_floats(&rng, sizes[i]);
        if (c->owned[i] == NULL) {
            network_case_close(c);
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for %d windows", CASE_WINDOWS) == TFT_OK;
        }
    }
    share_columns(c->owned[1], s->encoder, s->n_encoder, s->shared);
    share_columns(c->owned[2], s->decoder, s->n_decoder, s->shared);
    c->anchors = calloc(CASE_WINDOWS * s->targets * s->anchors + 1, sizeof *c->anchors);
    if (c->anchors == NULL) {
        network_case_close(c);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %d windows", CASE_WINDOWS) == TFT_OK;
    }
    for (size_t i = 0; i < CASE_WINDOWS * s->targets * s->anchors; i++)
        c->anchors[i] = (tft_anchor){c->owned[4] + i * s->quantiles * s->decoder, s->decoder, 1};
    c->batch = (tft_batch){.n_windows = CASE_WINDOWS,
                           .encoder_steps = s->encoder,
                           .decoder_steps = s->decoder,
                           .encoder_lengths = c->encoder,
                           .decoder_lengths = c->decoder,
                           .static_reals = c->owned[0],
                           .encoder_reals = c->owned[1],
                           .decoder_reals = c->owned[2],
                           .target_scale = c->owned[3],
                           .anchors = c->anchors};
    c->truth =
        (tft_truth){.target_scaled = c->owned[5], .event_step = c->event, .at_risk = c->at_risk, .hazard_weight = 0.1f};
    c->raw = c->owned[6];
    return true;
}

void network_case_close(network_case *c)
{
    for (size_t i = 0; i < 7; i++)
        free(c->owned[i]);
    free(c->anchors);
    tft_model_close(c->model);
    memset(c, 0, sizeof *c);
}
