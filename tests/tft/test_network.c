/* test_network.c - what a caller may rely on: padding and neighbours change nothing, the same call gives the same bytes,
 * folded equals plain, a batch that does not fit is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tensor/tensor.h"
#include "tft/model_internal.h"
#include "tft/workspace.h"

enum { WINDOWS = 5, ENCODER = 9, DECODER = 40, N_REALS = 6, N_STATIC = 2, N_ENCODER = 4, N_DECODER = 3, N_CODES = 2 };
enum { OUTPUTS = 5, TARGETS = 2, ANCHORS = 3, HEADS = 2 };

typedef struct fixture {
    tft_model *model;
    tft_workspace *workspace;
    uint32_t encoder_lengths[WINDOWS], decoder_lengths[WINDOWS], event_step[WINDOWS], at_risk[WINDOWS];
    float statics[WINDOWS * N_STATIC], encoder[WINDOWS * ENCODER * N_ENCODER], decoder[WINDOWS * DECODER * N_DECODER];
    int32_t static_codes[WINDOWS * N_CODES], encoder_codes[WINDOWS * ENCODER * N_CODES];
    int32_t decoder_codes[WINDOWS * DECODER * N_CODES];
    float scale[WINDOWS * TARGETS * 2], anchor_values[WINDOWS * OUTPUTS * ANCHORS * DECODER];
    tft_anchor anchors[WINDOWS * TARGETS * ANCHORS];
    float target[WINDOWS * DECODER * TARGETS];
    float raw[WINDOWS * DECODER * OUTPUTS], prediction[WINDOWS * DECODER * OUTPUTS], hazard[WINDOWS * DECODER];
    float encoder_attention[WINDOWS * DECODER * HEADS * ENCODER],
        decoder_attention[WINDOWS * DECODER * HEADS * DECODER];
    float static_selection[WINDOWS * 3], encoder_selection[WINDOWS * ENCODER * 6];
    float decoder_selection[WINDOWS * DECODER * 4], mixture[WINDOWS * DECODER * TARGETS * ANCHORS];
    tft_batch batch;
    tft_truth truth;
    tft_outputs outputs;
} fixture;

static tft_config config_of_fixture(void)
{
    tft_config c = {.hidden_size = 16,
                    .n_heads = HEADS,
                    .lstm_layers = 2,
                    .hidden_continuous_size = 8,
                    .dropout = 0.2f,
                    .causal_attention = true,
                    .max_encoder_length = ENCODER,
                    .max_decoder_length = DECODER,
                    .n_reals = N_REALS,
                    .n_categoricals = N_CODES,
                    .n_embeddings = 2,
                    .n_targets = TARGETS,
                    .n_anchors = ANCHORS,
                    .hazard = true,
                    .wide_hazard = true};
    for (size_t i = 0; i < N_REALS; i++)
        snprintf(c.reals[i].name, TFT_MAX_NAME, "real%zu", i);
    for (size_t i = 0; i < N_CODES; i++)
        snprintf(c.categorical_names[i], TFT_MAX_NAME, "code%zu", i);
    c.embeddings[0] = (tft_embedding){.name = "single", .cardinality = 3, .dim = 2, .n_members = 1};
    c.embeddings[1] = (tft_embedding){.name = "group", .cardinality = 4, .dim = 3, .n_members = 2, .members = {0, 1}};
    c.static_inputs = (tft_inputs){.n_embeddings = 1, .n_reals = N_STATIC, .embeddings = {0}, .reals = {0, 1}};
    c.encoder_inputs =
        (tft_inputs){.n_embeddings = 2, .n_reals = N_ENCODER, .embeddings = {1, 0}, .reals = {1, 2, 3, 5}};
    c.decoder_inputs = (tft_inputs){.n_embeddings = 1, .n_reals = N_DECODER, .embeddings = {1}, .reals = {3, 4, 0}};
    c.targets[0] = (tft_target){"first", TFT_TRANSFORM_IDENTITY, 1.0f, 3, {0.1f, 0.5f, 0.9f}};
    c.targets[1] = (tft_target){"second", TFT_TRANSFORM_SOFTPLUS, 0.5f, 2, {0.25f, 0.75f}};
    return c;
}

static void fill(tft_rng *rng, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)tft_rng_normal(rng);
}

static void fill_codes(tft_rng *rng, int32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)tft_rng_below(rng, 3);
}

static void point_at(fixture *f)
{
    f->batch = (tft_batch){WINDOWS,    ENCODER,    DECODER,         f->encoder_lengths, f->decoder_lengths, f->statics,
                           f->encoder, f->decoder, f->static_codes, f->encoder_codes,   f->decoder_codes,   f->scale,
                           f->anchors, NULL};
    f->truth = (tft_truth){.target = f->target,
                           .target_scaled = f->target,
                           .event_step = f->event_step,
                           .at_risk = f->at_risk,
                           .hazard_weight = 0.3f};
    f->outputs = (tft_outputs){f->raw,
                               f->prediction,
                               f->hazard,
                               f->encoder_attention,
                               f->decoder_attention,
                               f->static_selection,
                               f->encoder_selection,
                               f->decoder_selection,
                               f->mixture};
}

static fixture *open_fixture(bool training)
{
    fixture *const f = calloc(1, sizeof *f);
    tft_error err = {0};
    const tft_config config = config_of_fixture();
    assert_non_null(f);
    if (tft_model_open(&config, &f->model, &err) != TFT_OK)
        fail_msg("%s", err.text);
    tft_model_randomize(f->model, 11);
    tft_rng rng = tft_rng_seeded(12, 0);
    for (size_t i = 0; i < tft_model_n_parameters(f->model); i++) {
        const tft_parameter p = tft_model_parameter(f->model, i);
        for (size_t k = 0; k < p.n; k++)
            p.data[k] += 0.1f * (float)tft_rng_normal(&rng);
    }
    tft_model_refresh(f->model);
    assert_int_equal(tft_workspace_open(f->model, WINDOWS, ENCODER, DECODER, training, &f->workspace, &err), TFT_OK);
    fill(&rng, f->statics, WINDOWS * N_STATIC);
    fill(&rng, f->encoder, WINDOWS * ENCODER * N_ENCODER);
    fill(&rng, f->decoder, WINDOWS * DECODER * N_DECODER);
    fill(&rng, f->anchor_values, WINDOWS * OUTPUTS * ANCHORS * DECODER);
    for (size_t i = 0, at = 0; i < WINDOWS * TARGETS * ANCHORS; i++) {
        f->anchors[i] = (tft_anchor){f->anchor_values + at, DECODER, 1};
        at += config.targets[i / ANCHORS % TARGETS].n_quantiles * (size_t)DECODER;
    }
    fill(&rng, f->target, WINDOWS * DECODER * TARGETS);
    fill(&rng, f->scale, WINDOWS * TARGETS * 2);
    fill_codes(&rng, f->static_codes, WINDOWS * N_CODES);
    fill_codes(&rng, f->encoder_codes, WINDOWS * ENCODER * N_CODES);
    fill_codes(&rng, f->decoder_codes, WINDOWS * DECODER * N_CODES);
    static const uint32_t encoder[WINDOWS] = {4, ENCODER, 1, ENCODER, 6},
                          decoder[WINDOWS] = {DECODER, 3, 7, DECODER, 33};
    static const uint32_t event[WINDOWS] = {0, 2, 7, 0, 12}, at_risk[WINDOWS] = {DECODER, 3, 7, 0, 20};
    memcpy(f->encoder_lengths, encoder, sizeof encoder);
    memcpy(f->decoder_lengths, decoder, sizeof decoder);
    memcpy(f->event_step, event, sizeof event);
    memcpy(f->at_risk, at_risk, sizeof at_risk);
    point_at(f);
    return f;
}

static void close_fixture(fixture *f)
{
    tft_workspace_close(f->workspace);
    tft_model_close(f->model);
    free(f);
}

static void forward(fixture *f)
{
    tft_error err = {0};
    if (tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err) != TFT_OK)
        fail_msg("%s", err.text);
}

static double train(fixture *f, uint64_t dropout_key)
{
    tft_error err = {0};
    tft_losses losses = {0};
    tft_workspace_zero_gradients(f->workspace);
    if (tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, TFT_LOSS_SCALED, dropout_key, 1.0f,
                             &f->outputs, &losses, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return losses.total;
}

static float *copy_gradients(fixture *f)
{
    float *const copy = malloc(f->model->n_floats * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, tft_workspace_gradient(f->workspace, 0), f->model->n_floats * sizeof *copy);
    return copy;
}

/* Overwrites every padded input. */
static void junk_padding(fixture *f, float junk)
{
    for (size_t b = 0; b < WINDOWS; b++) {
        for (size_t t = f->encoder_lengths[b]; t < ENCODER; t++) {
            for (size_t i = 0; i < N_ENCODER; i++)
                f->encoder[(b * ENCODER + t) * N_ENCODER + i] = junk;
            for (size_t i = 0; i < N_CODES; i++)
                f->encoder_codes[(b * ENCODER + t) * N_CODES + i] = INT32_MIN;
        }
        for (size_t t = f->decoder_lengths[b]; t < DECODER; t++) {
            for (size_t i = 0; i < N_DECODER; i++)
                f->decoder[(b * DECODER + t) * N_DECODER + i] = junk;
            for (size_t i = 0; i < OUTPUTS * ANCHORS; i++)
                f->anchor_values[(b * OUTPUTS * ANCHORS + i) * DECODER + t] = junk;
            for (size_t i = 0; i < TARGETS; i++)
                f->target[(b * DECODER + t) * TARGETS + i] = junk;
            for (size_t i = 0; i < N_CODES; i++)
                f->decoder_codes[(b * DECODER + t) * N_CODES + i] = INT32_MAX;
        }
    }
}

static void junk_in_the_padding_changes_no_byte(void **state)
{
    (void)state;
    fixture *const f = open_fixture(true), *const g = open_fixture(true);
    junk_padding(g, NAN);
    forward(f);
    forward(g);
    assert_memory_equal(f->raw, g->raw, sizeof f->raw);
    assert_memory_equal(f->prediction, g->prediction, sizeof f->prediction);
    assert_memory_equal(f->hazard, g->hazard, sizeof f->hazard);
    assert_memory_equal(f->encoder_attention, g->encoder_attention, sizeof f->encoder_attention);
    assert_memory_equal(f->decoder_attention, g->decoder_attention, sizeof f->decoder_attention);
    assert_memory_equal(f->encoder_selection, g->encoder_selection, sizeof f->encoder_selection);
    assert_memory_equal(f->decoder_selection, g->decoder_selection, sizeof f->decoder_selection);
    assert_memory_equal(f->mixture, g->mixture, sizeof f->mixture);
    assert_true(train(f, 5) == train(g, 5));
    float *const a = copy_gradients(f), *const b = copy_gradients(g);
    assert_memory_equal(a, b, f->model->n_floats * sizeof *a);
    free(a);
    free(b);
    close_fixture(f);
    close_fixture(g);
}

static void tabulate(fixture *f)
{
    tft_error err = {0};
    if (tft_model_tabulate(f->model, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_true(f->model->encoder_curves.ready && f->model->decoder_curves.ready);
}

/* A calendar: what column 2 of an encoder says depends on how far its end is, column 0 of all decoders says the same. */
static void set_calendar(fixture *f)
{
    for (size_t b = 0; b < WINDOWS; b++) {
        for (size_t t = 0; t < f->encoder_lengths[b]; t++)
            f->encoder[(b * ENCODER + t) * N_ENCODER + 2] = 0.1f * (float)(f->encoder_lengths[b] - t);
        for (size_t t = 0; t < DECODER; t++)
            f->decoder[(b * DECODER + t) * N_DECODER] = -0.75f;
    }
}

static void alone_and_in_company(bool served, bool calendar)
{
    fixture *const all = open_fixture(false), *const one = open_fixture(false);
    if (calendar) {
        set_calendar(all);
        set_calendar(one);
    }
    if (served) { // as a forecast is made: from curves, and nobody asks for attention
        tabulate(all);
        tabulate(one);
        all->outputs = (tft_outputs){.raw = all->raw};
        one->outputs = (tft_outputs){.raw = one->raw};
        all->encoder[0] = one->encoder[0] = 1e4f; // one number that no curve reaches
    }
    forward(all);
    if (served)
        assert_true(all->workspace->shared_encoder.n == calendar && all->workspace->shared_decoder.n == calendar);
    for (size_t b = 0; b < WINDOWS; b++) {
        one->batch.n_windows = 1;
        one->batch.encoder_lengths = one->encoder_lengths + b;
        one->batch.decoder_lengths = one->decoder_lengths + b;
        one->batch.static_reals = one->statics + b * N_STATIC;
        one->batch.encoder_reals = one->encoder + b * ENCODER * N_ENCODER;
        one->batch.decoder_reals = one->decoder + b * DECODER * N_DECODER;
        one->batch.static_codes = one->static_codes + b * N_CODES;
        one->batch.encoder_codes = one->encoder_codes + b * ENCODER * N_CODES;
        one->batch.decoder_codes = one->decoder_codes + b * DECODER * N_CODES;
        one->batch.target_scale = one->scale + b * TARGETS * 2;
        one->batch.anchors = one->anchors + b * TARGETS * ANCHORS;
        forward(one);
        const size_t n = DECODER * OUTPUTS;
        for (size_t i = 0; i < n; i++)
            assert_true(one->raw[i] == all->raw[b * n + i]); // to the bit: a row depends on that row alone
    }
    close_fixture(all);
    close_fixture(one);
}

static void a_window_alone_and_in_company_gets_the_same_forecast(void **state)
{
    (void)state;
    alone_and_in_company(false, false);
    alone_and_in_company(true, false);
    alone_and_in_company(true, true);
}

static void the_same_call_gives_the_same_bytes(void **state)
{
    (void)state;
    fixture *const f = open_fixture(true);
    const double loss = train(f, 9);
    float *const first = copy_gradients(f);
    train(f, 10); // something else in between
    forward(f);
    assert_true(train(f, 9) == loss);
    float *const again = copy_gradients(f);
    assert_memory_equal(first, again, f->model->n_floats * sizeof *first);
    free(first);
    free(again);
    close_fixture(f);
}

static void gradients_are_added_and_scaled(void **state)
{
    (void)state;
    fixture *const f = open_fixture(true);
    tft_losses losses;
    tft_error err = {0};
    train(f, 0);
    float *const once = copy_gradients(f);
    tft_workspace_zero_gradients(f->workspace);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, TFT_LOSS_SCALED, 0, 0.25f,
                                              NULL, &losses, &err),
                         TFT_OK);
    float *const twice = copy_gradients(f);
    float top = 0.0f;
    for (size_t i = 0; i < f->model->n_floats; i++)
        top = fmaxf(top, fabsf(once[i]));
    for (size_t i = 0; i < f->model->n_floats; i++)
        assert_true(fabsf(twice[i] - 0.5f * once[i]) <= 1e-6f * top);
    free(once);
    free(twice);
    close_fixture(f);
}

static void dropout_follows_its_key_and_leaves_evaluation_alone(void **state)
{
    (void)state;
    fixture *const f = open_fixture(true);
    const double without = train(f, 0), with_1 = train(f, 1), with_2 = train(f, 2);
    assert_true(with_1 != without && with_2 != without && with_1 != with_2);
    forward(f);
    float *const evaluated = malloc(sizeof f->raw);
    assert_non_null(evaluated);
    memcpy(evaluated, f->raw, sizeof f->raw);
    train(f, 0); // no key, no dropout: the training pass computes the same function
    for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++)
        assert_true(fabsf(evaluated[i] - f->raw[i]) <= 1e-5f);
    free(evaluated);
    close_fixture(f);
}

static void folded_and_plain_agree(void **state)
{
    (void)state;
    fixture *const folded = open_fixture(true), *const plain = open_fixture(true);
    tft_error err = {0};
    tft_workspace_close(plain->workspace);
    plain->model->plain = true;
    assert_int_equal(tft_workspace_open(plain->model, WINDOWS, ENCODER, DECODER, true, &plain->workspace, &err),
                     TFT_OK);
    forward(folded);
    forward(plain);
    float top = 1.0f;
    for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++)
        top = fmaxf(top, fabsf(plain->raw[i]));
    for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++)
        assert_true(fabsf(folded->raw[i] - plain->raw[i]) <= 2e-6f * top);
    for (size_t i = 0; i < WINDOWS * DECODER * 4; i++)
        assert_true(fabsf(folded->decoder_selection[i] - plain->decoder_selection[i]) <= 2e-6f);
    close_fixture(folded);
    close_fixture(plain);
}

static void curves_agree_with_the_networks_that_they_stand_for(void **state)
{
    (void)state;
    fixture *const f = open_fixture(false);
    float *const plain = malloc(sizeof f->raw);
    assert_non_null(plain);
    f->outputs = (tft_outputs){.raw = f->raw};
    f->encoder[5] = 8.5f; // beyond the curves' range: these go the plain way
    f->decoder[7] = -1e6f;
    forward(f);
    memcpy(plain, f->raw, sizeof f->raw);
    tabulate(f);
    assert_true(f->model->encoder_curves.worst <= (float)TFT_CURVE_ERROR);
    size_t with_curve = 0;
    for (size_t i = 0; i < N_ENCODER; i++)
        with_curve += f->model->encoder_curves.reals.pieces[i] > 0.0f;
    assert_true(with_curve > 0);
    forward(f);
    float top = 1.0f;
    bool same = true;
    for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++) {
        top = fmaxf(top, fabsf(plain[i]));
        same = same && plain[i] == f->raw[i];
    }
    assert_false(same); // else they were not read
    for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++)
        assert_true(fabsf(f->raw[i] - plain[i]) <= 5e-6f * top);
    tft_model_refresh(f->model); // forgets them: other weights, other curves
    forward(f);
    assert_memory_equal(plain, f->raw, sizeof f->raw);
    f->encoder[0] = NAN; // of the first window: its neighbours do not notice
    tabulate(f);
    forward(f);
    assert_true(isnan(f->raw[0]));
    for (size_t i = DECODER * OUTPUTS; i < 2 * DECODER * OUTPUTS; i++)
        assert_true(fabsf(f->raw[i] - plain[i]) <= 5e-6f * top);
    free(plain);
    close_fixture(f);
}

static void instruction_sets_agree(void **state)
{
    (void)state;
    fixture *const f = open_fixture(false);
    float *const reference = malloc(sizeof f->raw);
    assert_non_null(reference);
    tft_tensor_init(TFT_ISA_PORTABLE);
    tft_model_refresh(f->model);
    forward(f);
    memcpy(reference, f->raw, sizeof f->raw);
    for (tft_isa isa = TFT_ISA_AVX2; isa <= TFT_ISA_AVX512; isa++) {
        tft_tensor_init(isa);
        tft_model_refresh(f->model);
        forward(f);
        for (size_t i = 0; i < WINDOWS * DECODER * OUTPUTS; i++)
            assert_true(fabsf(f->raw[i] - reference[i]) <= 1e-5f);
    }
    tft_tensor_init(TFT_ISA_AUTO);
    free(reference);
    close_fixture(f);
}

static float largest_difference(const float *a, const float *b, size_t n)
{
    float most = 0.0f;
    for (size_t i = 0; i < n; i++)
        most = fabsf(a[i] - b[i]) > most ? fabsf(a[i] - b[i]) : most;
    return most;
}

/* By emulation on any machine, and by the processor where it can. */
static void bfloat16_is_near_and_float32_comes_back_bit_by_bit(void **state)
{
    (void)state;
    for (tft_isa isa = TFT_ISA_PORTABLE; isa <= TFT_ISA_AVX512; isa++) {
        tft_tensor_init(isa);
        fixture *const f = open_fixture(false);
        float *const exact = malloc(sizeof f->raw);
        assert_non_null(exact);
        tabulate(f);
        forward(f);
        memcpy(exact, f->raw, sizeof f->raw);
        tft_model_set_precision(f->model, TFT_PRECISION_BF16);
        assert_int_equal(tft_model_precision(f->model), TFT_PRECISION_BF16);
        forward(f);
        const float off = largest_difference(f->raw, exact, WINDOWS * DECODER * OUTPUTS);
        assert_true(off > 1e-5f && off < 0.05f); // 2⁻⁹ a factor; values are of order 1
        tft_model_set_precision(f->model, TFT_PRECISION_FLOAT32);
        forward(f);
        assert_memory_equal(f->raw, exact, sizeof f->raw);
        free(exact);
        close_fixture(f);
    }
    tft_tensor_init(TFT_ISA_AUTO);
}

static void a_model_in_bfloat16_does_not_train(void **state)
{
    (void)state;
    fixture *const f = open_fixture(true);
    tft_losses losses;
    tft_error err = {0};
    tft_model_set_precision(f->model, TFT_PRECISION_BF16);
    assert_int_equal(tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, TFT_LOSS_SCALED, 0, 1.0f, NULL,
                                          &losses, &err),
                     TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "bfloat16"));
    tft_model_set_precision(f->model, TFT_PRECISION_FLOAT32);
    assert_int_equal(tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, TFT_LOSS_SCALED, 0, 1.0f, NULL,
                                          &losses, &err),
                     TFT_OK);
    close_fixture(f);
}

static void precisions_have_names(void **state)
{
    (void)state;
    tft_precision precision = TFT_PRECISION_BF16;
    assert_true(tft_precision_named("float32", &precision));
    assert_int_equal(precision, TFT_PRECISION_FLOAT32);
    assert_true(tft_precision_named("bf16", &precision));
    assert_string_equal(tft_precision_name(precision), "bf16");
    assert_false(tft_precision_named("float16", &precision));
    assert_int_equal(precision, TFT_PRECISION_BF16);
}

static void attention_rows_add_up_and_never_look_ahead(void **state)
{
    (void)state;
    fixture *const f = open_fixture(false);
    forward(f);
    for (size_t b = 0; b < WINDOWS; b++) {
        for (size_t t = 0; t < f->decoder_lengths[b]; t++) {
            for (size_t h = 0; h < HEADS; h++) {
                const size_t row = (b * DECODER + t) * HEADS + h;
                double sum = 0.0;
                for (size_t e = 0; e < ENCODER; e++) {
                    const float a = f->encoder_attention[row * ENCODER + e];
                    sum += (double)a;
                    assert_true(e < f->encoder_lengths[b] || a == 0.0f);
                }
                for (size_t j = 0; j < DECODER; j++) {
                    const float a = f->decoder_attention[row * DECODER + j];
                    sum += (double)a;
                    assert_true(j < t || a == 0.0f);
                }
                assert_true(fabs(sum - 1.0) < 1e-5);
            }
        }
    }
    close_fixture(f);
}

static void a_batch_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    fixture *const f = open_fixture(false);
    tft_error err = {0};
    f->batch.n_windows = WINDOWS + 1;
    assert_int_equal(tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err), TFT_ERR_LIMIT);
    f->batch.n_windows = WINDOWS;
    f->encoder_lengths[2] = 0;
    err = (tft_error){0};
    assert_int_equal(tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "window 2: encoder length 0"));
    f->encoder_lengths[2] = 1;
    f->decoder_lengths[4] = DECODER + 1;
    err = (tft_error){0};
    assert_int_equal(tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "window 4: decoder length 41, allowed is 1 to 40"));
    f->decoder_lengths[4] = 5;
    f->batch.anchors = NULL;
    err = (tft_error){0};
    assert_int_equal(tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err), TFT_ERR_ARGUMENT);
    f->batch.anchors = f->anchors;
    f->anchors[7].per_step = 2;
    err = (tft_error){0};
    assert_int_equal(tft_model_forward(f->model, f->workspace, &f->batch, &f->outputs, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "anchor 7 of the batch"));
    f->anchors[7].per_step = 1;
    tft_losses losses;
    err = (tft_error){0};
    assert_int_equal(tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, TFT_LOSS_SCALED, 0, 1.0f, NULL,
                                          &losses, &err),
                     TFT_ERR_ARGUMENT); // the workspace is for evaluation
    close_fixture(f);
}

static void a_network_starts_at_the_even_mixture_and_a_rare_hazard(void **state)
{
    (void)state;
    fixture *const f = open_fixture(false);
    tft_model_randomize(f->model, 3);
    forward(f);
    for (size_t r = 0; r < DECODER; r++) { // window 0 has all of its steps
        assert_true(f->hazard[r] > -8.0f && f->hazard[r] < -6.0f);
        for (size_t i = 0; i < TARGETS * ANCHORS; i++)
            assert_true(fabsf(f->mixture[r * TARGETS * ANCHORS + i] - 1.0f / ANCHORS) < 0.1f);
    }
    close_fixture(f);
}

static void a_configuration_out_of_bounds_is_named(void **state)
{
    (void)state;
    static const struct {
        size_t offset, value;
        const char *expected;
    } sizes[] = {
        {offsetof(tft_config, hidden_size), 0, "hidden_size"},
        {offsetof(tft_config, n_heads), 17, "heads"},
        {offsetof(tft_config, lstm_layers), 5, "lstm_layers"},
        {offsetof(tft_config, n_targets), 0, "targets"},
        {offsetof(tft_config, n_anchors), TFT_MAX_ANCHORS + 1, "anchors"},
        {offsetof(tft_config, max_decoder_length), 0, "max_decoder_length"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        tft_config c = config_of_fixture();
        tft_error err = {0};
        memcpy((char *)&c + sizes[i].offset, &sizes[i].value, sizeof sizes[i].value);
        assert_int_equal(tft_config_check(&c, &err), TFT_ERR_ARGUMENT);
        assert_non_null(strstr(err.text, sizes[i].expected));
    }
    tft_config c = config_of_fixture();
    tft_error err = {0};
    c.targets[1].quantiles[1] = 0.2f;
    assert_int_equal(tft_config_check(&c, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "\"second\": quantiles must ascend"));
    c = config_of_fixture();
    err = (tft_error){0};
    c.decoder_inputs.reals[1] = c.decoder_inputs.reals[0];
    assert_int_equal(tft_config_check(&c, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "twice"));
}

int main(void)
{
    tft_tensor_init(TFT_ISA_AUTO);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(junk_in_the_padding_changes_no_byte),
        cmocka_unit_test(a_window_alone_and_in_company_gets_the_same_forecast),
        cmocka_unit_test(the_same_call_gives_the_same_bytes),
        cmocka_unit_test(gradients_are_added_and_scaled),
        cmocka_unit_test(dropout_follows_its_key_and_leaves_evaluation_alone),
        cmocka_unit_test(folded_and_plain_agree),
        cmocka_unit_test(curves_agree_with_the_networks_that_they_stand_for),
        cmocka_unit_test(instruction_sets_agree),
        cmocka_unit_test(bfloat16_is_near_and_float32_comes_back_bit_by_bit),
        cmocka_unit_test(a_model_in_bfloat16_does_not_train),
        cmocka_unit_test(precisions_have_names),
        cmocka_unit_test(attention_rows_add_up_and_never_look_ahead),
        cmocka_unit_test(a_batch_that_does_not_fit_is_refused),
        cmocka_unit_test(a_network_starts_at_the_even_mixture_and_a_rare_hazard),
        cmocka_unit_test(a_configuration_out_of_bounds_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
