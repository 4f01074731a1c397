/* weights.c - see weights.h. Names and shapes follow pytorch-forecasting's state_dict, initial values its constructors
 * (tests/golden/README.md 3.11). */
#include "tft/weights.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct walk {
    float *base;
    tft_tensor_spec *specs;
    size_t n, at;
} walk;

/* Names one tensor and gives it its place. dims[1] = 0: a vector. */
static float *place(walk *w, size_t rows, size_t columns, tft_draw draw, bool no_decay, const char *format, ...)
    TFT_PRINTF(6, 7);
static float *place(walk *w, size_t rows, size_t columns, tft_draw draw, bool no_decay, const char *format, ...)
{
    const size_t n = columns == 0 ? rows : rows * columns;
    if (w->specs != NULL) {
        tft_tensor_spec *const spec = &w->specs[w->n];
        *spec = (tft_tensor_spec){.n_dims = columns == 0 ? 1 : 2,
                                  .dims = {rows, columns, 0},
                                  .n = n,
                                  .at = w->at,
                                  .draw = draw,
                                  .fan_in = columns == 0 ? rows : columns,
                                  .fan_out = rows,
                                  .no_decay = no_decay};
        va_list args;
        va_start(args, format);
        vsnprintf(spec->name, sizeof spec->name, format, args);
        va_end(args);
    }
    float *const data = w->base != NULL ? w->base + w->at : NULL;
    w->n++;
    w->at += (n + 15) / 16 * 16;
    return data;
}

static void bias_fan(walk *w, size_t fan_in) // a bias is drawn by the fan of its weight
{
    if (w->specs != NULL)
        w->specs[w->n - 1].fan_in = fan_in;
}

static void linear(walk *w, tft_linear_weights *l, size_t in, size_t out, bool with_bias, tft_draw draw, tft_draw bias,
                   const char *name)
{
    l->in = in;
    l->out = out;
    l->w = place(w, out, in, draw, false, "%s.weight", name);
    l->b = NULL;
    if (with_bias) {
        l->b = place(w, out, 0, bias, true, "%s.bias", name);
        bias_fan(w, in);
    }
}

static void norm(walk *w, tft_norm_weights *n, size_t d, const char *name)
{
    n->d = d;
    n->w = place(w, d, 0, TFT_DRAW_ONE, true, "%s.weight", name);
    n->b = place(w, d, 0, TFT_DRAW_ZERO, true, "%s.bias", name);
}

static void resample(walk *w, tft_resample_weights *r, size_t in, size_t out, const char *name)
{
    char inner[192];
    r->in = in;
    r->out = out;
    r->mask = place(w, out, 0, TFT_DRAW_ZERO, true, "%s.mask", name);
    snprintf(inner, sizeof inner, "%s.norm", name);
    norm(w, &r->norm, out, inner);
}

static void gate_norm(walk *w, tft_gate_norm_weights *g, size_t in, size_t out, const char *glu, const char *add_norm)
{
    linear(w, &g->glu, in, 2 * out, true, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, glu);
    norm(w, &g->norm, out, add_norm);
}

static void gate_norm_named(walk *w, tft_gate_norm_weights *g, size_t in, size_t out, const char *name)
{
    char glu[192], add_norm[192];
    snprintf(glu, sizeof glu, "%s.glu.fc", name);
    snprintf(add_norm, sizeof add_norm, "%s.add_norm.norm", name);
    gate_norm(w, g, in, out, glu, add_norm);
}

static void grn(walk *w, tft_grn_weights *g, size_t in, size_t hidden, size_t out, size_t context, const char *name)
{
    char inner[192];
    memset(g, 0, sizeof *g);
    g->in = in;
    g->hidden = hidden;
    g->out = out;
    if (in != out) {
        snprintf(inner, sizeof inner, "%s.resample_norm", name);
        resample(w, &g->skip, in, out, inner);
    }
    snprintf(inner, sizeof inner, "%s.fc1", name);
    linear(w, &g->fc1, in, hidden, true, TFT_DRAW_HE, TFT_DRAW_ZERO, inner);
    if (context > 0) {
        snprintf(inner, sizeof inner, "%s.context", name);
        linear(w, &g->context, context, hidden, false, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, inner);
    }
    snprintf(inner, sizeof inner, "%s.fc2", name);
    linear(w, &g->fc2, hidden, hidden, true, TFT_DRAW_HE, TFT_DRAW_ZERO, inner);
    snprintf(inner, sizeof inner, "%s.gate_norm", name);
    gate_norm_named(w, &g->gate, hidden, out, inner);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t real_size(const tft_config *config, size_t real)
{
    return config->reals[real].size != 0 ? config->reals[real].size : config->hidden_continuous_size;
}

/* The single-variable networks that encoder and decoder share, made at their first use. */
typedef struct shared_grns {
    bool real_made[TFT_MAX_REALS], embedding_made[TFT_MAX_CATEGORICALS];
    tft_grn_weights real[TFT_MAX_REALS], embedding[TFT_MAX_CATEGORICALS];
} shared_grns;

static void single(walk *w, const tft_config *config, tft_selection_weights *s, size_t i, bool is_real, size_t index,
                   shared_grns *shared, const char *name)
{
    const size_t hidden = config->hidden_size, size = s->size[i];
    const char *const variable = is_real ? config->reals[index].name : config->embeddings[index].name;
    char inner[192];
    s->resample_only[i] = !is_real && shared == NULL;
    if (shared != NULL) {
        bool *const made = is_real ? &shared->real_made[index] : &shared->embedding_made[index];
        tft_grn_weights *const one = is_real ? &shared->real[index] : &shared->embedding[index];
        snprintf(inner, sizeof inner, "shared_single_variable_grns.%s", variable);
        if (!*made)
            grn(w, one, size, smaller(size, hidden), hidden, 0, inner);
        *made = true;
        s->single[i] = *one;
        return;
    }
    snprintf(inner, sizeof inner, "%s.single_variable_grns.%s", name, variable);
    if (is_real) {
        grn(w, &s->single[i], size, smaller(size, hidden), hidden, 0, inner);
    } else {
        memset(&s->single[i], 0, sizeof s->single[i]);
        s->single[i].in = size;
        s->single[i].out = hidden;
        resample(w, &s->single[i].skip, size, hidden, inner);
    }
}

static void selection(walk *w, const tft_config *config, tft_selection_weights *s, const tft_inputs *inputs,
                      bool with_context, shared_grns *shared, const char *name)
{
    s->n = (size_t)inputs->n_embeddings + inputs->n_reals;
    s->width = 0;
    for (size_t i = 0; i < s->n; i++) {
        const bool is_real = i >= inputs->n_embeddings;
        s->offset[i] = s->width;
        s->size[i] = is_real ? real_size(config, inputs->reals[i - inputs->n_embeddings])
                             : config->embeddings[inputs->embeddings[i]].dim;
        s->width += s->size[i];
    }
    char inner[192];
    if (s->n > 1) {
        snprintf(inner, sizeof inner, "%s.flattened_grn", name);
        grn(w, &s->flattened, s->width, smaller(config->hidden_size, s->n), s->n,
            with_context ? config->hidden_size : 0, inner);
    }
    for (size_t i = 0; i < s->n; i++) {
        const bool is_real = i >= inputs->n_embeddings;
        const size_t index = is_real ? inputs->reals[i - inputs->n_embeddings] : inputs->embeddings[i];
        single(w, config, s, i, is_real, index, shared, name);
    }
}

static void lstm(walk *w, tft_lstm_weights *layers, size_t n_layers, size_t hidden, const char *name)
{
    for (size_t l = 0; l < n_layers; l++) {
        layers[l].w_ih = place(w, 4 * hidden, hidden, TFT_DRAW_FAN_IN, false, "%s.weight_ih_l%zu", name, l);
        layers[l].w_hh = place(w, 4 * hidden, hidden, TFT_DRAW_FAN_IN, false, "%s.weight_hh_l%zu", name, l);
        layers[l].b_ih = place(w, 4 * hidden, 0, TFT_DRAW_FAN_IN, true, "%s.bias_ih_l%zu", name, l);
        bias_fan(w, hidden);
        layers[l].b_hh = place(w, 4 * hidden, 0, TFT_DRAW_FAN_IN, true, "%s.bias_hh_l%zu", name, l);
        bias_fan(w, hidden);
    }
}

static void attention(walk *w, tft_attention_weights *a, size_t hidden, size_t n_heads)
{
    const size_t d = hidden / n_heads;
    char name[64];
    linear(w, &a->v, hidden, d, true, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, "multihead_attn.v_layer");
    for (size_t h = 0; h < n_heads; h++) {
        snprintf(name, sizeof name, "multihead_attn.q_layers.%zu", h);
        linear(w, &a->q[h], hidden, d, true, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, name);
    }
    for (size_t h = 0; h < n_heads; h++) {
        snprintf(name, sizeof name, "multihead_attn.k_layers.%zu", h);
        linear(w, &a->k[h], hidden, d, true, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, name);
    }
    linear(w, &a->w_h, d, hidden, false, TFT_DRAW_XAVIER, TFT_DRAW_ZERO, "multihead_attn.w_h");
}

static void heads(walk *w, const tft_config *config, tft_weights *weights)
{
    const size_t hidden = config->hidden_size;
    const bool mixture = config->n_anchors > 0;
    const tft_draw draw = mixture ? TFT_DRAW_SMALL : TFT_DRAW_FAN_IN;
    for (size_t m = 0; m < config->n_targets; m++) {
        char name[64];
        if (config->n_targets > 1)
            snprintf(name, sizeof name, "output_layer.%zu", m);
        else
            snprintf(name, sizeof name, "output_layer");
        linear(w, &weights->output[m], hidden, config->targets[m].n_quantiles, true, draw, draw, name);
    }
    if (mixture)
        linear(w, &weights->mixture, hidden, config->n_targets * config->n_anchors, true, TFT_DRAW_SMALL, TFT_DRAW_ZERO,
               "mixture_layer");
    if (config->hazard)
        linear(w, &weights->hazard, hidden, 1, true, TFT_DRAW_SMALL, TFT_DRAW_RARE, "hazard_layer");
}

static bool reads(const tft_inputs *inputs, size_t real)
{
    for (size_t i = 0; i < inputs->n_reals; i++) {
        if (inputs->reals[i] == real)
            return true;
    }
    return false;
}

void tft_weights_walk(const tft_config *config, float *base, tft_weights *weights, tft_tensor_spec *specs,
                      size_t *n_specs, size_t *n_floats)
{
    walk w = {.base = base, .specs = specs};
    const size_t hidden = config->hidden_size;
    memset(weights, 0, sizeof *weights);
    for (size_t i = 0; i < config->n_embeddings; i++)
        weights->embedding[i] = place(&w, config->embeddings[i].cardinality, config->embeddings[i].dim, TFT_DRAW_NORMAL,
                                      true, "input_embeddings.embeddings.%s.weight", config->embeddings[i].name);
    for (size_t i = 0; i < config->n_reals; i++) {
        char name[128];
        snprintf(name, sizeof name, "prescalers.%s", config->reals[i].name);
        if (reads(&config->static_inputs, i) || reads(&config->encoder_inputs, i) || reads(&config->decoder_inputs, i))
            linear(&w, &weights->prescaler[i], 1, real_size(config, i), true, TFT_DRAW_FAN_IN, TFT_DRAW_FAN_IN, name);
    }
    static const shared_grns none;
    shared_grns shared = none;
    shared_grns *const share = config->share_single_variable_networks ? &shared : NULL;
    selection(&w, config, &weights->static_selection, &config->static_inputs, false, NULL, "static_variable_selection");
    selection(&w, config, &weights->encoder_selection, &config->encoder_inputs, true, share,
              "encoder_variable_selection");
    selection(&w, config, &weights->decoder_selection, &config->decoder_inputs, true, share,
              "decoder_variable_selection");
    grn(&w, &weights->context_selection, hidden, hidden, hidden, 0, "static_context_variable_selection");
    grn(&w, &weights->context_hidden, hidden, hidden, hidden, 0, "static_context_initial_hidden_lstm");
    grn(&w, &weights->context_cell, hidden, hidden, hidden, 0, "static_context_initial_cell_lstm");
    grn(&w, &weights->context_enrichment, hidden, hidden, hidden, 0, "static_context_enrichment");
    lstm(&w, weights->encoder_lstm, config->lstm_layers, hidden, "lstm_encoder");
    lstm(&w, weights->decoder_lstm, config->lstm_layers, hidden, "lstm_decoder");
    gate_norm(&w, &weights->post_lstm, hidden, hidden, "post_lstm_gate_encoder.fc", "post_lstm_add_norm_encoder.norm");
    grn(&w, &weights->enrichment, hidden, hidden, hidden, hidden, "static_enrichment");
    attention(&w, &weights->attention, hidden, config->n_heads);
    gate_norm_named(&w, &weights->post_attention, hidden, hidden, "post_attn_gate_norm");
    grn(&w, &weights->position_wise, hidden, hidden, hidden, 0, "pos_wise_ff");
    gate_norm_named(&w, &weights->pre_output, hidden, hidden, "pre_output_gate_norm");
    heads(&w, config, weights);
    *n_specs = w.n;
    *n_floats = w.at;
}
