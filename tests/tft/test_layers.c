/* test_layers.c - each layer's backward against central differences of its forward, in double precision.
 *
 * A case says how many inputs its layer has and computes the loss Σ c ⊙ y, c random; the harness moves every weight and
 * every input value a little and compares with what backward says. Each layer is taken where it does something different:
 * widths equal or not, contexts, dropout, lengths that differ, one row, one key.
 */
#include "double_world.h"

#include "../../src/tft/loss.c"

enum { MOST_BLOCKS = 8, TMP_FLOATS = 1 << 18 };

/* A named block of numbers that the loss depends on, and the gradient that backward gave. */
typedef struct checked_block {
    const char *name;
    double *x, *dx;
    size_t n;
} checked_block;

typedef struct layer_case {
    double (*loss)(struct layer_case *c, bool backward); // fills the gradients when backward
    checked_block blocks[MOST_BLOCKS];
    size_t n_blocks;
    tft_arena arena;
    tft_rng rng;
    double *tmp;
    const double *weighing; // c of the loss
    tft_dropout dropout;
    void *layer, *gradient, *extra;
} layer_case;

static void open_case(layer_case *c, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->rng = tft_rng_seeded(seed, 0);
    assert_int_equal(tft_arena_init(&c->arena, (size_t)16 << 20, NULL), TFT_OK);
    c->tmp = tft_arena_floats(&c->arena, TMP_FLOATS);
}

static double *random_block(layer_case *c, size_t n)
{
    double *const x = tft_arena_floats(&c->arena, n);
    for (size_t i = 0; i < n; i++)
        x[i] = tft_rng_normal(&c->rng);
    return x;
}

/* An input that the harness moves. */
static double *checked_input(layer_case *c, const char *name, size_t n)
{
    assert_true(c->n_blocks < MOST_BLOCKS);
    c->blocks[c->n_blocks] = (checked_block){name, random_block(c, n), tft_arena_floats(&c->arena, n), n};
    return c->blocks[c->n_blocks++].x;
}

/* Weights and their gradients: `define` runs over both blocks, as model.c and workspace.c do. */
static void define_weights(layer_case *c, void (*define)(tft_builder *builder, void *layer), void *layer,
                           void *gradient)
{
    tft_arena count_arena = {0};
    tft_builder count = {.arena = &count_arena};
    define(&count, layer);
    double *const values = random_block(c, count.floats), *const slopes = tft_arena_floats(&c->arena, count.floats);
    tft_builder for_values = {.arena = &c->arena, .base = values}, for_slopes = {.arena = &c->arena, .base = slopes};
    define(&for_values, layer);
    define(&for_slopes, gradient);
    c->blocks[c->n_blocks++] = (checked_block){"weights", values, slopes, count.floats};
    c->layer = layer;
    c->gradient = gradient;
}

static double *block_x(const layer_case *c, size_t i)
{
    return c->blocks[i].x;
}

static double *block_dx(const layer_case *c, size_t i)
{
    return c->blocks[i].dx;
}

static double weigh(const layer_case *c, const double *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += c->weighing[i] * y[i];
    return sum;
}

static void check(layer_case *c)
{
    for (size_t b = 0; b < c->n_blocks; b++)
        memset(c->blocks[b].dx, 0, c->blocks[b].n * sizeof(double));
    c->loss(c, true);
    double top = 0.0;
    for (size_t b = 0; b < c->n_blocks; b++)
        for (size_t i = 0; i < c->blocks[b].n; i++)
            top = fmax(top, fabs(c->blocks[b].dx[i]));
    assert_true(isfinite(top) && top > 1e-6);
    for (size_t b = 0; b < c->n_blocks; b++) {
        for (size_t i = 0; i < c->blocks[b].n; i++) {
            double *const x = &c->blocks[b].x[i], kept = *x, step = 1e-5;
            *x = kept + step;
            const double up = c->loss(c, false);
            *x = kept - step;
            const double down = c->loss(c, false);
            *x = kept;
            const double numeric = (up - down) / (2.0 * step), got = c->blocks[b].dx[i];
            if (!(fabs(numeric - got) <= 2e-7 * fmax(fabs(numeric), 1e-2 * top)))
                fail_msg("%s[%zu]: %.12g, central difference %.12g", c->blocks[b].name, i, got, numeric);
        }
    }
    tft_arena_free(&c->arena);
}

/* ---- gate, skip and normalisation ------------------------------------------------------------------------------ */

enum { ROWS = 5 };

static void define_gate(tft_builder *builder, void *layer)
{
    tft_gate_define(builder, layer, "fc", "norm", 3, 4);
}

static double gate_loss(layer_case *c, bool backward)
{
    const tft_gate *const w = c->layer;
    double x[ROWS * 3], y[ROWS * 4];
    memcpy(x, block_x(c, 0), sizeof x); // dropout works in place
    const size_t mark = c->arena.used;
    tft_carve count = {0};
    tft_gate_tape tape;
    tft_gate_tape_carve(&count, w, ROWS, true, &tape);
    tft_carve carve = {tft_arena_floats(&c->arena, count.used), 0};
    tft_gate_tape_carve(&carve, w, ROWS, true, &tape);
    tft_gate_forward(w, x, block_x(c, 1), ROWS, c->dropout, &tape, y, c->tmp);
    if (backward)
        tft_gate_backward(w, x, ROWS, c->dropout, &tape, c->weighing, c->gradient, block_dx(c, 0), block_dx(c, 1),
                          c->tmp);
    tft_arena_rewind(&c->arena, mark);
    return weigh(c, y, ROWS * 4);
}

static void gate_case(double p)
{
    layer_case c;
    tft_gate w, grad;
    open_case(&c, 1);
    checked_input(&c, "x", ROWS * 3);
    checked_input(&c, "skip", ROWS * 4);
    define_weights(&c, define_gate, &w, &grad);
    c.weighing = random_block(&c, ROWS * 4);
    c.dropout = (tft_dropout){p, 3};
    c.loss = gate_loss;
    check(&c);
}

static void gate_add_norm_backward_is_right(void **state)
{
    (void)state;
    gate_case(0.0);
    gate_case(0.4);
}

/* ---- resampling --------------------------------------------------------------------------------------------------- */

static size_t resample_in, resample_out; // of the case that is running

static void define_resample(tft_builder *builder, void *layer)
{
    tft_resample_define(builder, layer, "resample", resample_in, resample_out);
}

static double resample_loss(layer_case *c, bool backward)
{
    const tft_resample *const w = c->layer;
    const size_t out = w->out, mark = c->arena.used;
    double *const y = tft_arena_floats(&c->arena, ROWS * out), *const dz = tft_arena_floats(&c->arena, ROWS * out);
    tft_carve carve = {tft_arena_floats(&c->arena, 3 * ROWS * out + 64), 0};
    tft_resample_tape tape;
    tft_resample_tape_carve(&carve, w, ROWS, true, &tape);
    tft_resample_product(w, block_x(c, 0), w->in, ROWS, &tape, c->tmp);
    tft_resample_normalise(w, ROWS, &tape, y);
    const double loss = weigh(c, y, ROWS * out);
    if (backward) {
        tft_resample_normalise_backward(w, ROWS, &tape, c->weighing, c->gradient, dz);
        tft_resample_product_backward(w, ROWS, &tape, dz, c->gradient, block_dx(c, 0), w->in, c->tmp);
    }
    tft_arena_rewind(&c->arena, mark);
    return loss;
}

static void resample_norm_backward_is_right_up_down_and_level(void **state)
{
    (void)state;
    static const size_t widths[][2] = {{3, 7}, {7, 3}, {4, 4}, {1, 5}, {9, 2}, {2, 2}};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        layer_case c;
        tft_resample w, grad;
        resample_in = widths[i][0];
        resample_out = widths[i][1];
        open_case(&c, 2 + i);
        checked_input(&c, "x", ROWS * resample_in);
        define_weights(&c, define_resample, &w, &grad);
        c.weighing = random_block(&c, ROWS * resample_out);
        c.loss = resample_loss;
        check(&c);
    }
}

static void positions_are_exact_where_a_float_would_drift(void **state)
{
    (void)state;
    uint32_t lo[163];
    double fraction[163];
    tft_resample_positions(163, 163, lo, fraction); // every point is its own
    for (uint32_t j = 0; j < 163; j++)
        assert_true(lo[j] == j && fraction[j] == 0.0);
    tft_resample_positions(160, 10, lo, fraction);
    for (uint32_t j = 0; j < 10; j++) {
        assert_int_equal(lo[j], j * 159 / 9);
        assert_true(fabs(fraction[j] - (double)(j * 159 % 9) / 9.0) < 1e-15);
    }
    assert_int_equal(lo[9], 159); // the last point has no right neighbour, and does not need one
    assert_true(fraction[9] == 0.0);
    tft_resample_positions(5, 1, lo, fraction);
    assert_true(lo[0] == 0 && fraction[0] == 0.0);
}

/* ---- gated residual network ------------------------------------------------------------------------------------ */

static size_t grn_in, grn_out, grn_context;

static void define_grn(tft_builder *builder, void *layer)
{
    tft_grn_define(builder, layer, "grn", grn_in, 3, grn_out, grn_context);
}

static double grn_loss(layer_case *c, bool backward)
{
    static const uint32_t window_of[ROWS] = {0, 0, 1, 1, 1};
    const tft_grn *const w = c->layer;
    const size_t mark = c->arena.used;
    double *const y = tft_arena_floats(&c->arena, ROWS * w->out), product[2 * 3], dproduct[2 * 3] = {0};
    tft_carve count = {0};
    tft_grn_tape tape;
    tft_grn_tape_carve(&count, w, ROWS, true, &tape);
    tft_carve carve = {tft_arena_floats(&c->arena, count.used), 0};
    tft_grn_tape_carve(&carve, w, ROWS, true, &tape);
    tft_grn_rows rows = {ROWS, window_of, NULL};
    if (w->context_in > 0) {
        tft_grn_context(w, block_x(c, 1), 2, product);
        rows.product = product;
    }
    tft_grn_forward(w, block_x(c, 0), rows, c->dropout, &tape, y, c->tmp);
    const double loss = weigh(c, y, ROWS * w->out);
    if (backward) {
        tft_grn_backward(w, block_x(c, 0), rows, c->dropout, &tape, c->weighing, c->gradient, block_dx(c, 0),
                         w->context_in > 0 ? dproduct : NULL, c->tmp);
        if (w->context_in > 0)
            tft_grn_context_backward(w, block_x(c, 1), dproduct, 2, c->gradient, block_dx(c, 1));
    }
    tft_arena_rewind(&c->arena, mark);
    return loss;
}

static void grn_case(size_t in, size_t out, size_t context, double p)
{
    layer_case c;
    tft_grn w, grad;
    grn_in = in;
    grn_out = out;
    grn_context = context;
    open_case(&c, 20 + in);
    checked_input(&c, "x", ROWS * in);
    if (context > 0)
        checked_input(&c, "context", 2 * context);
    define_weights(&c, define_grn, &w, &grad);
    c.weighing = random_block(&c, ROWS * out);
    c.dropout = (tft_dropout){p, 4};
    c.loss = grn_loss;
    check(&c);
}

static void grn_backward_is_right(void **state)
{
    (void)state;
    grn_case(4, 4, 0, 0.0);
    grn_case(4, 4, 5, 0.3);
    grn_case(3, 6, 0, 0.3);
    grn_case(7, 4, 2, 0.0);
}

static void fc2_and_the_gate_fold_into_one_matrix(void **state)
{
    (void)state;
    grn_in = 4;
    grn_out = 6;
    grn_context = 0;
    layer_case c;
    tft_grn w;
    open_case(&c, 30);
    tft_arena count_arena = {0};
    tft_builder count = {.arena = &count_arena};
    define_grn(&count, &w);
    tft_builder builder = {.arena = &c.arena, .base = random_block(&c, count.floats), .derived = true};
    define_grn(&builder, &w);
    tft_grn_refresh(&w);
    const double *const x = random_block(&c, ROWS * 4);
    double y[2][ROWS * 6];
    for (int keep = 0; keep < 2; keep++) {
        tft_carve carve = {tft_arena_floats(&c.arena, 4096), 0};
        tft_grn_tape tape;
        tft_grn_tape_carve(&carve, &w, ROWS, keep, &tape);
        assert_true((tape.eta1 != NULL) == (keep == 1));
        tft_grn_forward(&w, x, (tft_grn_rows){ROWS, NULL, NULL}, (tft_dropout){0}, &tape, y[keep], c.tmp);
    }
    for (size_t i = 0; i < ROWS * 6; i++)
        assert_true(fabs(y[0][i] - y[1][i]) < 1e-13);
    tft_arena_free(&c.arena);
}

/* ---- LSTM ----------------------------------------------------------------------------------------------------------- */

enum { LSTM_WINDOWS = 4, LSTM_STEPS = 4, LSTM_HIDDEN = 3 };
static size_t lstm_layers;
static bool lstm_hands_on; // its last state counts in the loss

static void define_lstm(tft_builder *builder, void *layer)
{
    tft_lstm_define(builder, layer, "lstm", LSTM_HIDDEN, lstm_layers);
}

static void split_state(double *block, size_t n_layers, tft_lstm_state *state)
{
    const size_t n = LSTM_WINDOWS * LSTM_HIDDEN;
    for (size_t l = 0; l < n_layers; l++) {
        state->h[l] = block + 2 * l * n;
        state->c[l] = block + (2 * l + 1) * n;
    }
}

static double lstm_loss(layer_case *c, bool backward)
{
    const tft_lstm *const w = c->layer;
    const tft_rows *const rows = c->extra;
    const size_t n = rows->n * LSTM_HIDDEN, states = 2 * w->n_layers * LSTM_WINDOWS * LSTM_HIDDEN, mark = c->arena.used;
    double *const y = tft_arena_floats(&c->arena, n), *const ends = tft_arena_floats(&c->arena, states);
    double *const dends = tft_arena_floats(&c->arena, states);
    tft_lstm_state first, last = {0}, dfirst, dlast = {0};
    split_state(block_x(c, 1), w->n_layers, &first);
    split_state(block_dx(c, 1), w->n_layers, &dfirst);
    split_state(ends, w->n_layers, &last);
    split_state(dends, w->n_layers, &dlast);
    tft_carve count = {0};
    tft_lstm_tape tape;
    tft_lstm_tape_carve(&count, w, rows->n, LSTM_WINDOWS, true, &tape);
    tft_carve carve = {tft_arena_floats(&c->arena, count.used), 0};
    tft_lstm_tape_carve(&carve, w, rows->n, LSTM_WINDOWS, true, &tape);
    tft_lstm_forward(w, rows, block_x(c, 0), &first, c->dropout, &tape, y, lstm_hands_on ? &last : NULL, c->tmp);
    double loss = weigh(c, y, n);
    for (size_t i = 0; lstm_hands_on && i < states; i++)
        loss += (dends[i] = c->weighing[n + i]) * ends[i];
    if (backward)
        tft_lstm_backward(w, rows, c->dropout, &tape, c->weighing, lstm_hands_on ? &dlast : NULL, c->gradient,
                          block_dx(c, 0), &dfirst, c->tmp);
    tft_arena_rewind(&c->arena, mark);
    return loss;
}

static void lstm_case(size_t n_layers, bool hands_on, double p)
{
    static const uint32_t lengths[LSTM_WINDOWS] = {2, LSTM_STEPS, 1, 3};
    layer_case c;
    tft_lstm w, grad;
    tft_rows rows;
    lstm_layers = n_layers;
    lstm_hands_on = hands_on;
    open_case(&c, 40 + n_layers);
    tft_rows_layout(&c.arena, &rows, LSTM_WINDOWS, LSTM_STEPS);
    tft_rows_set(&rows, LSTM_WINDOWS, lengths);
    checked_input(&c, "x", rows.n * LSTM_HIDDEN);
    checked_input(&c, "first state", 2 * n_layers * LSTM_WINDOWS * LSTM_HIDDEN);
    define_weights(&c, define_lstm, &w, &grad);
    c.weighing = random_block(&c, rows.n * LSTM_HIDDEN + 2 * n_layers * LSTM_WINDOWS * LSTM_HIDDEN);
    c.dropout = (tft_dropout){p, 5};
    c.extra = &rows;
    c.loss = lstm_loss;
    check(&c);
}

static void lstm_backward_is_right_with_lengths_that_differ(void **state)
{
    (void)state;
    lstm_case(1, true, 0.0);
    lstm_case(1, false, 0.0);
    lstm_case(2, true, 0.4);
    lstm_case(3, false, 0.4);
}

/* ---- attention ------------------------------------------------------------------------------------------------------ */

enum { ATTENTION_WINDOWS = 3 };

typedef struct attention_rows {
    tft_rows encoder, decoder;
    bool causal;
} attention_rows;

static size_t attention_hidden, attention_heads;

static void define_attention(tft_builder *builder, void *layer)
{
    tft_attention_define(builder, layer, attention_hidden, attention_heads);
}

static double attention_loss(layer_case *c, bool backward)
{
    const tft_attention *const w = c->layer;
    const attention_rows *const r = c->extra;
    const size_t n = r->decoder.n * w->hidden, mark = c->arena.used;
    double *const out = tft_arena_floats(&c->arena, n), *const dout = tft_arena_floats(&c->arena, n);
    tft_carve count = {0};
    tft_attention_tape tape;
    tft_attention_tape_carve(&count, w, r->encoder.n, r->decoder.n, true, &tape);
    tft_carve carve = {tft_arena_floats(&c->arena, count.used), 0};
    tft_attention_tape_carve(&carve, w, r->encoder.n, r->decoder.n, true, &tape);
    tft_attention_forward(w, &r->encoder, &r->decoder, r->causal, block_x(c, 0), c->dropout, &tape, out, NULL, c->tmp);
    const double loss = weigh(c, out, n);
    if (backward) {
        memcpy(dout, c->weighing, n * sizeof *dout);
        tft_attention_backward(w, &r->encoder, &r->decoder, r->causal, block_x(c, 0), c->dropout, &tape, dout,
                               c->gradient, block_dx(c, 0), c->tmp);
    }
    tft_arena_rewind(&c->arena, mark);
    return loss;
}

static void attention_case(size_t hidden, size_t heads, bool causal, double p, uint32_t longest)
{
    const uint32_t encoder[ATTENTION_WINDOWS] = {3, 1, 2}, decoder[ATTENTION_WINDOWS] = {2, longest, 1};
    layer_case c;
    tft_attention w, grad;
    attention_rows r = {.causal = causal};
    attention_hidden = hidden;
    attention_heads = heads;
    open_case(&c, 50 + hidden);
    tft_rows_layout(&c.arena, &r.encoder, ATTENTION_WINDOWS, 3);
    tft_rows_layout(&c.arena, &r.decoder, ATTENTION_WINDOWS, longest);
    tft_rows_set(&r.encoder, ATTENTION_WINDOWS, encoder);
    tft_rows_set(&r.decoder, ATTENTION_WINDOWS, decoder);
    checked_input(&c, "theta", (r.encoder.n + r.decoder.n) * hidden);
    define_weights(&c, define_attention, &w, &grad);
    c.weighing = random_block(&c, r.decoder.n * hidden);
    c.dropout = (tft_dropout){p, 6};
    c.extra = &r;
    c.loss = attention_loss;
    check(&c);
}

static void attention_backward_is_right(void **state)
{
    (void)state;
    attention_case(4, 2, true, 0.0, 4);
    attention_case(5, 2, false, 0.3, 4);  // ⌊5 / 2⌋ = 2 values a head
    attention_case(20, 2, true, 0.3, 4);  // heads too wide for tft_attend()
    attention_case(10, 1, true, 0.3, 40); // more than one block of queries
}

/* ---- variable selection --------------------------------------------------------------------------------------------- */

typedef struct selection_layer {
    tft_embeddings embeddings;
    tft_shared_grns shared;
    tft_selection selection;
} selection_layer;

typedef struct selection_extra {
    tft_config config;
    tft_fold fold, dfold;
    bool folded;
    uint32_t codes[ROWS * 2];
} selection_extra;

static selection_extra selection; // of the case that is running

static void define_selection(tft_builder *builder, void *layer)
{
    selection_layer *const l = layer;
    const tft_shared_grns *shared = NULL;
    tft_embeddings_define(builder, &l->embeddings, &selection.config);
    if (selection.config.share_single_variable_networks) {
        tft_shared_grns_define(builder, &l->shared, &selection.config);
        shared = &l->shared;
    }
    tft_selection_define(builder, &l->selection, "selection", &selection.config, &selection.config.encoder_inputs, 0,
                         shared);
}

static double selection_loss(layer_case *c, bool backward)
{
    static const uint32_t window_of[ROWS] = {0, 1, 1, 0, 1};
    const selection_layer *const l = c->layer;
    selection_layer *const grad = c->gradient;
    const tft_selection *const w = &l->selection;
    const tft_fold *const fold = selection.folded ? &selection.fold : NULL;
    double y[ROWS * 4], weights[ROWS * 8];
    if (fold != NULL)
        tft_fold_make(w, &l->embeddings, &selection.fold);
    const tft_selection_rows rows = {ROWS, block_x(c, 0), selection.config.encoder_inputs.n_reals, selection.codes,
                                     2,    window_of,     w->n > 1 ? block_x(c, 1) : NULL,         NULL,
                                     NULL};
    tft_selection_forward(w, &l->embeddings, fold, NULL, rows, c->dropout, y, weights, c->tmp);
    if (backward)
        tft_selection_backward(w, &l->embeddings, fold, &selection.dfold, rows, c->dropout, weights, c->weighing,
                               &grad->selection, &grad->embeddings, block_dx(c, 1), c->tmp);
    return weigh(c, y, ROWS * 4);
}

/* Nothing needs the gradient of the inputs themselves: block 0 is left out of the check. */
static void selection_case(size_t n_embeddings, size_t n_reals, bool shared, bool folded, double p)
{
    layer_case c;
    selection_layer w = {0}, grad = {0};
    tft_config *const config = &selection.config;
    memset(&selection, 0, sizeof selection);
    *config = (tft_config){.hidden_size = 4,
                           .hidden_continuous_size = 2,
                           .share_single_variable_networks = shared,
                           .n_reals = 3,
                           .n_categoricals = 2,
                           .n_embeddings = 2};
    for (size_t i = 0; i < 3; i++)
        snprintf(config->reals[i].name, TFT_MAX_NAME, "r%zu", i);
    config->reals[1].size = 4; // as wide as the network
    config->embeddings[0] = (tft_embedding){.name = "one", .cardinality = 3, .dim = 2, .n_members = 1};
    config->embeddings[1] =
        (tft_embedding){.name = "two", .cardinality = 3, .dim = 4, .n_members = 2, .members = {0, 1}};
    config->encoder_inputs = (tft_inputs){
        .n_embeddings = (uint16_t)n_embeddings, .n_reals = (uint16_t)n_reals, .embeddings = {0, 1}, .reals = {2, 1, 0}};
    selection.folded = folded;
    open_case(&c, 60 + n_reals);
    for (size_t i = 0; i < ROWS * 2; i++)
        selection.codes[i] = (uint32_t)tft_rng_below(&c.rng, 3);
    checked_input(&c, "reals", ROWS * n_reals + 1);
    checked_input(&c, "context", 2 * 4);
    define_weights(&c, define_selection, &w, &grad);
    tft_fold_layout(&c.arena, &w.selection, &selection.fold);
    tft_fold_layout(&c.arena, &w.selection, &selection.dfold);
    c.weighing = random_block(&c, ROWS * 4);
    c.dropout = (tft_dropout){p, 7};
    c.loss = selection_loss;
    c.blocks[0].n = 0;
    if (w.selection.n < 2)
        c.blocks[1].n = 0;
    check(&c);
}

static void variable_selection_backward_is_right_plain_and_folded(void **state)
{
    (void)state;
    for (int folded = 0; folded < 2; folded++) {
        selection_case(2, 3, false, folded, 0.0);
        selection_case(2, 3, false, folded, 0.3);
        selection_case(1, 2, true, folded, 0.3);
        selection_case(0, 3, true, folded, 0.0);
        selection_case(2, 0, false, folded, 0.0);
        selection_case(0, 1, false, folded, 0.0);
        selection_case(1, 0, false, folded, 0.0);
    }
}

/* ---- outputs ---------------------------------------------------------------------------------------------------------- */

typedef struct output_extra {
    tft_config config;
    tft_rows rows;
    tft_anchor anchors[2 * 2 * 3]; // [B, M, K]
} output_extra;

static const tft_config *output_config;

static void define_output(tft_builder *builder, void *layer)
{
    tft_output_define(builder, layer, output_config);
}

static double output_loss(layer_case *c, bool backward)
{
    const tft_output *const w = c->layer;
    const output_extra *const e = c->extra;
    double raw[5 * 5], weights[5 * 12], dlogits[5 * 12], weighing[5 * 5];
    memcpy(weighing, c->weighing, sizeof weighing); // backward uses it up
    tft_output_forward(w, &e->rows, block_x(c, 0), e->anchors, raw, weights);
    if (backward)
        tft_output_backward(w, &e->rows, block_x(c, 0), e->anchors, weights, weighing, c->gradient, block_dx(c, 0),
                            dlogits);
    return weigh(c, raw, e->rows.n * w->n_outputs);
}

static void output_case(size_t n_anchors, bool tilted)
{
    static const uint32_t lengths[2] = {4, 1};
    layer_case c;
    tft_output w, grad;
    output_extra e = {.config = {.hidden_size = 3,
                                 .n_targets = 2,
                                 .n_anchors = n_anchors,
                                 .tilted_mixture = tilted,
                                 .max_decoder_length = 4}};
    e.config.targets[0].n_quantiles = 3;
    e.config.targets[1].n_quantiles = 2;
    for (size_t q = 0; q < 3; q++)
        e.config.targets[0].quantiles[q] = e.config.targets[1].quantiles[q] = 0.2f + 0.3f * (float)q;
    output_config = &e.config;
    open_case(&c, 70 + n_anchors + (tilted ? 5 : 0));
    tft_rows_layout(&c.arena, &e.rows, 2, 4);
    tft_rows_set(&e.rows, 2, lengths);
    for (size_t i = 0; i < 2 * 2 * 3; i++) // of nothing, of the level and of both
        e.anchors[i] = (tft_anchor){random_block(&c, 3 * 4), i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 4, i % 3 == 2};
    checked_input(&c, "x", 5 * 3);
    define_weights(&c, define_output, &w, &grad);
    c.weighing = random_block(&c, 5 * 5);
    c.extra = &e;
    c.loss = output_loss;
    check(&c);
}

static void output_backward_is_right_plain_and_as_a_mixture(void **state)
{
    (void)state;
    output_case(0, false);
    output_case(3, false);
    output_case(3, true);
}

static void mixture_weights_are_convex_and_shared_by_the_quantiles_of_a_target(void **state)
{
    (void)state;
    static const uint32_t lengths[1] = {1};
    layer_case c;
    tft_output w;
    tft_config config = {.hidden_size = 2, .n_targets = 1, .n_anchors = 3};
    config.targets[0].n_quantiles = 2;
    output_config = &config;
    open_case(&c, 80);
    tft_rows rows;
    tft_rows_layout(&c.arena, &rows, 1, 1);
    tft_rows_set(&rows, 1, lengths);
    tft_builder builder = {.arena = &c.arena, .base = tft_arena_floats(&c.arena, 1024)}; // all weights 0
    define_output(&builder, &w);
    const double x[2] = {5.0, -3.0}, values[6] = {1.0, 10.0, 2.0, 20.0, 6.0, 60.0};
    const tft_anchor anchors[3] = {{values, 1, 0}, {values + 2, 1, 0}, {values + 4, 1, 0}};
    double raw[2], weights[3];
    tft_output_forward(&w, &rows, x, anchors, raw, weights);
    assert_true(fabs(raw[0] - 3.0) < 1e-14 && fabs(raw[1] - 30.0) < 1e-13); // the even mixture
    w.mixture.b[2] = 50.0;
    tft_output_forward(&w, &rows, x, anchors, raw, weights);
    assert_true(fabs(weights[2] - 1.0) < 1e-12);
    assert_true(fabs(raw[0] - 6.0) < 1e-12 && fabs(raw[1] - 60.0) < 1e-11);
    tft_arena_free(&c.arena);
}

static void a_tilted_mixture_is_one_simple_forecast_at_low_levels_and_another_at_high_ones(void **state)
{
    (void)state;
    static const uint32_t lengths[1] = {1};
    layer_case c;
    tft_output w;
    tft_config config = {
        .hidden_size = 2, .n_targets = 1, .n_anchors = 2, .tilted_mixture = true, .max_decoder_length = 1};
    config.targets[0].n_quantiles = 3;
    config.targets[0].quantiles[0] = 0.1f;
    config.targets[0].quantiles[1] = 0.5f;
    config.targets[0].quantiles[2] = 0.9f;
    output_config = &config;
    open_case(&c, 81);
    tft_rows rows;
    tft_rows_layout(&c.arena, &rows, 1, 1);
    tft_rows_set(&rows, 1, lengths);
    tft_builder builder = {.arena = &c.arena, .base = tft_arena_floats(&c.arena, 1024)}; // all weights 0
    define_output(&builder, &w);
    const double x[2] = {5.0, -3.0}, values[2] = {0.0, 100.0}; // idle, busy
    const tft_anchor anchors[2] = {{values, 0, 0}, {values + 1, 0, 0}};
    double raw[3], logits[4], weights[2];
    w.mixture.step[2] = -10.0; // β of "idle"
    w.mixture.step[3] = 10.0;  // β of "busy"
    tft_output_forward(&w, &rows, x, anchors, raw, logits);
    assert_true(raw[0] < 1e-6 && fabs(raw[1] - 50.0) < 1e-9 && raw[2] > 100.0 - 1e-6);
    tft_mixture_weights(&w.mixture, logits, 1, weights);
    assert_true(fabs(weights[0] - 0.5) < 1e-9 && fabs(weights[1] - 0.5) < 1e-9);
    tft_arena_free(&c.arena);
}

/* ---- the hazard's likelihood --------------------------------------------------------------------------------------- */

static const uint32_t hazard_lengths[4] = {4, 3, 4, 2}, hazard_event[4] = {2, 0, 0, 4},
                      hazard_at_risk[4] = {4, 2, 0, 4};

static double hazard_loss(layer_case *c, bool backward)
{
    const tft_truth truth = {.event_step = hazard_event, .at_risk = hazard_at_risk};
    return tft_hazard_loss(c->extra, &truth, block_x(c, 0), 1.0, backward ? block_dx(c, 0) : NULL);
}

static void hazard_loss_gradient_is_right(void **state)
{
    (void)state;
    layer_case c;
    tft_rows rows;
    open_case(&c, 90);
    tft_rows_layout(&c.arena, &rows, 4, 4);
    tft_rows_set(&rows, 4, hazard_lengths);
    checked_input(&c, "logits", rows.n);
    c.extra = &rows;
    c.loss = hazard_loss;
    check(&c);
}

static double hazard_of(double z)
{
    return 1.0 / (1.0 + exp(-z));
}

static void hazard_loss_is_the_likelihood_of_what_was_seen(void **state)
{
    (void)state;
    const double z[13] = {0.3, -1.0, 9.0, 9.0, 0.5, -0.5, 9.0, 9.0, 9.0, 9.0, 9.0, 2.0, 1.0};
    layer_case c;
    tft_rows rows;
    open_case(&c, 91);
    tft_rows_layout(&c.arena, &rows, 4, 4);
    tft_rows_set(&rows, 4, hazard_lengths);
    const tft_truth truth = {.event_step = hazard_event, .at_risk = hazard_at_risk};
    const double first = -log(1.0 - hazard_of(0.3)) - log(hazard_of(-1.0)); // an event at step 2; 3 and 4 don't count
    const double second = -log(1.0 - hazard_of(0.5)) - log(1.0 - hazard_of(-0.5)); // none in the 2 steps at risk
    const double fourth = -log(1.0 - hazard_of(2.0)) - log(1.0 - hazard_of(1.0));  // its event lies past the horizon
    assert_true(fabs(tft_hazard_loss(&rows, &truth, z, 1.0, NULL) - (first + second + fourth) / 4.0) < 1e-14);
    tft_arena_free(&c.arena);
}

static void hazard_loss_does_not_overflow(void **state)
{
    (void)state;
    static const uint32_t lengths[2] = {1, 1}, event[2] = {1, 0}, at_risk[2] = {1, 1};
    layer_case c;
    tft_rows rows;
    open_case(&c, 92);
    tft_rows_layout(&c.arena, &rows, 2, 1);
    tft_rows_set(&rows, 2, lengths);
    const tft_truth truth = {.event_step = event, .at_risk = at_risk};
    const double wrong[2] = {-2000.0, 2000.0}, right[2] = {2000.0, -2000.0};
    double dz[2];
    assert_true(tft_hazard_loss(&rows, &truth, wrong, 1.0, dz) == 2000.0); // two windows, 2000 each
    assert_true(dz[0] == -0.5 && dz[1] == 0.5);
    assert_true(tft_hazard_loss(&rows, &truth, right, 1.0, dz) == 0.0);
    assert_true(dz[0] == 0.0 && dz[1] == 0.0);
    tft_arena_free(&c.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gate_add_norm_backward_is_right),
        cmocka_unit_test(resample_norm_backward_is_right_up_down_and_level),
        cmocka_unit_test(positions_are_exact_where_a_float_would_drift),
        cmocka_unit_test(grn_backward_is_right),
        cmocka_unit_test(fc2_and_the_gate_fold_into_one_matrix),
        cmocka_unit_test(lstm_backward_is_right_with_lengths_that_differ),
        cmocka_unit_test(attention_backward_is_right),
        cmocka_unit_test(variable_selection_backward_is_right_plain_and_folded),
        cmocka_unit_test(output_backward_is_right_plain_and_as_a_mixture),
        cmocka_unit_test(mixture_weights_are_convex_and_shared_by_the_quantiles_of_a_target),
        cmocka_unit_test(a_tilted_mixture_is_one_simple_forecast_at_low_levels_and_another_at_high_ones),
        cmocka_unit_test(hazard_loss_gradient_is_right),
        cmocka_unit_test(hazard_loss_is_the_likelihood_of_what_was_seen),
        cmocka_unit_test(hazard_loss_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
