/* test_double_precision.c - the sources of the network, compiled in double: against the unrounded reference files, and the
 * gradient of the whole network, with everything switched on that it has, against central differences.
 */
#include "double_world.h"

#include "../../src/tft/config_json.c"
#include "../../src/tft/golden.c"
#include "../../src/tft/golden_case.c"
#include "../../src/tft/loss.c"
#include "../../src/tft/model.c"
#include "../../src/tft/pass.c"
#include "../../src/tft/weights.c"
#include "../../src/tft/workspace.c"

/* ---- the reference files ---------------------------------------------------------------------------------------- */

static void check_case(const char *name, tft_golden_options options)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/tests/golden/%s", TFTD_SOURCE_DIR, name);
    tft_golden_report report = {0};
    tft_error err = {0};
    if (tft_golden_check(folder, &options, &report, &err) != TFT_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < report.n; i++) {
        if (!report.lines[i].ok)
            print_error("%s: %s: %g, allowed %g\n", name, report.lines[i].name, report.lines[i].max_abs,
                        report.lines[i].allowed);
    }
    assert_true(report.n > 50);
    assert_int_equal(report.n_failed, 0);
    tft_golden_report_free(&report);
}

static void a_double_build_meets_the_unrounded_files_to_1e_12(void **state)
{
    (void)state;
    const tft_golden_options options = {.given = true, .atol = 1e-13, .rtol = 1e-12, .doubles = true};
    check_case("tiny", options);
    check_case("bare", options);
}

static void a_double_build_meets_the_other_files_to_their_rounding(void **state)
{
    (void)state;
    const tft_golden_options options = {.given = true, .atol = 1e-12, .rtol = 1e-7};
    check_case("multi", options);
    check_case("daemon", options);
}

/* ---- central differences through everything -------------------------------------------------------------------- */

enum {
    WINDOWS = 3,
    ENCODER = 5,
    DECODER = 4,
    N_STATIC = 2,
    N_ENCODER = 3,
    N_DECODER = 2,
    N_CODES = 3,
    MAX_Q = 8,
    N_SIGNS = 4
};

static void name_variable(char *name, const char *prefix, size_t i)
{
    snprintf(name, TFT_MAX_NAME, "%s%zu", prefix, i);
}

/* Reals of several widths (one as wide as the network), a group, targets with quantiles of their own. */
static tft_config everything(void)
{
    tft_config c = {.hidden_size = 6,
                    .n_heads = 2,
                    .lstm_layers = 2,
                    .hidden_continuous_size = 3,
                    .dropout = 0.2,
                    .causal_attention = true,
                    .max_encoder_length = ENCODER,
                    .max_decoder_length = DECODER,
                    .n_reals = 5,
                    .n_categoricals = N_CODES,
                    .n_embeddings = 2,
                    .n_targets = 2,
                    .n_anchors = 3,
                    .hazard = true,
                    .wide_hazard = true,
                    .n_signs = N_SIGNS,
                    .sign_hidden = 5};
    for (size_t i = 0; i < c.n_reals; i++)
        name_variable(c.reals[i].name, "real", i);
    c.reals[1].size = 6;
    c.reals[3].size = 8;
    for (size_t i = 0; i < N_CODES; i++)
        name_variable(c.categorical_names[i], "code", i);
    c.embeddings[0] = (tft_embedding){.name = "single", .cardinality = 3, .dim = 2, .n_members = 1};
    c.embeddings[1] = (tft_embedding){.name = "group", .cardinality = 4, .dim = 6, .n_members = 2, .members = {1, 2}};
    c.static_inputs = (tft_inputs){.n_embeddings = 1, .n_reals = N_STATIC, .embeddings = {0}, .reals = {0, 1}};
    c.encoder_inputs = (tft_inputs){.n_embeddings = 2, .n_reals = N_ENCODER, .embeddings = {1, 0}, .reals = {1, 2, 3}};
    c.decoder_inputs = (tft_inputs){.n_embeddings = 1, .n_reals = N_DECODER, .embeddings = {1}, .reals = {3, 4}};
    c.targets[0] = (tft_target){"first", TFT_TRANSFORM_IDENTITY, 1.5, 3, {0.1, 0.5, 0.9}};
    c.targets[1] = (tft_target){"second", TFT_TRANSFORM_SOFTPLUS, 0.5, 2, {0.25, 0.75}};
    return c;
}

typedef struct fixture {
    tft_model *model;
    tft_workspace *workspace;
    uint32_t encoder_lengths[WINDOWS], decoder_lengths[WINDOWS], event_step[WINDOWS], at_risk[WINDOWS];
    double statics[WINDOWS * N_STATIC], encoder[WINDOWS * ENCODER * N_ENCODER], decoder[WINDOWS * DECODER * N_DECODER];
    int32_t static_codes[WINDOWS * N_CODES], encoder_codes[WINDOWS * ENCODER * N_CODES];
    int32_t decoder_codes[WINDOWS * DECODER * N_CODES];
    double signs[WINDOWS * N_SIGNS];
    double scale[WINDOWS * 2 * 2], target[WINDOWS * DECODER * 2];
    double anchor_values[WINDOWS * 2 * 3 * MAX_Q * DECODER];
    tft_anchor anchors[WINDOWS * 2 * 3];
    double scaled[WINDOWS * DECODER * 2], cell_weight[WINDOWS * DECODER * 2];
    tft_batch batch;
    tft_truth truth;
    tft_loss_kind kind;
    uint64_t dropout_key;
} fixture;

static void fill(tft_rng *rng, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tft_rng_normal(rng);
}

static void fill_codes(tft_rng *rng, int32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int32_t)tft_rng_below(rng, 5) - 1; // also outside the tables: they read as 0
}

static void open_fixture(fixture *f, const tft_config *config, tft_loss_kind kind, uint64_t dropout_key, bool plain)
{
    tft_error err = {0};
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->dropout_key = dropout_key;
    if (tft_model_open(config, &f->model, &err) != TFT_OK)
        fail_msg("%s", err.text);
    f->model->plain = plain;
    tft_model_randomize(f->model, 5);
    tft_rng rng = tft_rng_seeded(6, 0);
    for (size_t i = 0; i < f->model->n_floats; i++) // nothing stays at a first 0 or 1
        f->model->values[i] += 0.2 * tft_rng_normal(&rng);
    tft_model_refresh(f->model);
    assert_int_equal(tft_workspace_open(f->model, WINDOWS, ENCODER, DECODER, true, &f->workspace, &err), TFT_OK);
    fill(&rng, f->statics, WINDOWS * N_STATIC);
    fill(&rng, f->encoder, WINDOWS * ENCODER * N_ENCODER);
    fill(&rng, f->decoder, WINDOWS * DECODER * N_DECODER);
    fill(&rng, f->anchor_values, WINDOWS * 2 * 3 * MAX_Q * DECODER);
    for (size_t i = 0; i < WINDOWS * 2 * 3; i++)
        f->anchors[i] = (tft_anchor){f->anchor_values + i * MAX_Q * DECODER, DECODER, 1};
    fill(&rng, f->target, WINDOWS * DECODER * 2);
    fill(&rng, f->scaled, WINDOWS * DECODER * 2);
    fill(&rng, f->signs, WINDOWS * N_SIGNS);
    fill_codes(&rng, f->static_codes, WINDOWS * N_CODES);
    fill_codes(&rng, f->encoder_codes, WINDOWS * ENCODER * N_CODES);
    fill_codes(&rng, f->decoder_codes, WINDOWS * DECODER * N_CODES);
    for (size_t i = 0; i < WINDOWS * 2; i++) {
        f->scale[2 * i] = tft_rng_normal(&rng);
        f->scale[2 * i + 1] = 0.5 + tft_rng_uniform(&rng);
    }
    for (size_t i = 0; i < WINDOWS * DECODER * 2; i++)
        f->cell_weight[i] = tft_rng_uniform(&rng);
    f->cell_weight[3] = 0.0;
    f->target[3] = f->scaled[3] = NAN; // a missing cell: never looked at
    static const uint32_t encoder_lengths[WINDOWS] = {3, ENCODER, 1}, decoder_lengths[WINDOWS] = {DECODER, 2, 3};
    static const uint32_t events[WINDOWS] = {2, 0, 0}, at_risk[WINDOWS] = {4, 2, 0};
    memcpy(f->encoder_lengths, encoder_lengths, sizeof encoder_lengths);
    memcpy(f->decoder_lengths, decoder_lengths, sizeof decoder_lengths);
    memcpy(f->event_step, events, sizeof events);
    memcpy(f->at_risk, at_risk, sizeof at_risk);
    f->batch = (tft_batch){WINDOWS,    ENCODER,    DECODER,         f->encoder_lengths, f->decoder_lengths, f->statics,
                           f->encoder, f->decoder, f->static_codes, f->encoder_codes,   f->decoder_codes,   f->scale,
                           f->anchors, f->signs};
    f->truth = (tft_truth){f->target, f->scaled, f->cell_weight, f->event_step, f->at_risk, 0.7, 0.6};
}

static void close_fixture(fixture *f)
{
    tft_workspace_close(f->workspace);
    tft_model_close(f->model);
}

static double run(fixture *f)
{
    tft_losses losses;
    tft_error err = {0};
    tft_model_refresh(f->model);
    tft_workspace_zero_gradients(f->workspace);
    if (tft_model_train_pass(f->model, f->workspace, &f->batch, &f->truth, f->kind, f->dropout_key, 1.0, NULL, &losses,
                             &err) != TFT_OK)
        fail_msg("%s", err.text);
    return losses.total;
}

/* A few entries of every parameter. */
static void check_every_parameter(fixture *f)
{
    run(f);
    double *const gradient = malloc(f->model->n_floats * sizeof *gradient), top = 0.0;
    memcpy(gradient, f->workspace->gradients, f->model->n_floats * sizeof *gradient);
    for (size_t i = 0; i < f->model->n_floats; i++)
        top = fmax(top, fabs(gradient[i]));
    assert_true(isfinite(top) && top > 0.0);
    tft_rng rng = tft_rng_seeded(7, 0);
    size_t n_not_zero = 0;
    for (size_t i = 0; i < f->model->n_entries; i++) {
        const tft_parameter_entry *const entry = &f->model->entries[i];
        for (size_t k = 0; k < 4; k++) {
            const size_t at = entry->offset + tft_rng_below(&rng, entry->n);
            double *const x = &f->model->values[at], kept = *x, step = 1e-5;
            *x = kept + step;
            const double up = run(f);
            *x = kept - step;
            const double down = run(f);
            *x = kept;
            const double numeric = (up - down) / (2.0 * step);
            if (!(fabs(numeric - gradient[at]) <= 2e-7 * fmax(fabs(numeric), 1e-2 * top)))
                fail_msg("%s[%zu]: %.12g, central difference %.12g", entry->name, at - entry->offset, gradient[at],
                         numeric);
            n_not_zero += fabs(numeric) > 1e-9 * top ? 1 : 0;
        }
    }
    assert_true(n_not_zero > 2 * f->model->n_entries); // the check has something to check
    free(gradient);
}

static void check_config(const tft_config *config, tft_loss_kind kind, uint64_t dropout_key, bool plain)
{
    static fixture f;
    open_fixture(&f, config, kind, dropout_key, plain);
    check_every_parameter(&f);
    close_fixture(&f);
}

static void gradients_of_the_scaled_loss_are_right(void **state)
{
    (void)state;
    const tft_config c = everything();
    check_config(&c, TFT_LOSS_SCALED, 0, false);
}

static void gradients_of_the_loss_on_predictions_are_right(void **state)
{
    (void)state;
    const tft_config c = everything();
    check_config(&c, TFT_LOSS_PREDICTION, 0, false);
}

static void gradients_under_dropout_are_right(void **state)
{
    (void)state;
    const tft_config c = everything();
    check_config(&c, TFT_LOSS_SCALED, 99, false);
}

static void gradients_of_the_plain_selection_are_right(void **state)
{
    (void)state;
    const tft_config c = everything();
    check_config(&c, TFT_LOSS_SCALED, 99, true);
}

static void gradients_with_shared_networks_are_right(void **state)
{
    (void)state;
    tft_config c = everything();
    c.share_single_variable_networks = true;
    check_config(&c, TFT_LOSS_SCALED, 99, false);
    check_config(&c, TFT_LOSS_SCALED, 0, true);
}

static void gradients_without_causal_mask_mixture_or_hazard_are_right(void **state)
{
    (void)state;
    tft_config c = everything();
    c.causal_attention = false;
    c.n_anchors = 0;
    c.hazard = false;
    c.lstm_layers = 1;
    check_config(&c, TFT_LOSS_PREDICTION, 0, false);
}

static void gradients_with_few_variables_are_right(void **state)
{
    (void)state;
    tft_config c = everything();
    c.static_inputs = (tft_inputs){0};
    c.encoder_inputs.n_embeddings = 0;
    c.encoder_inputs.n_reals = 2; // the flattened network's skip is wider than its output
    c.decoder_inputs.n_reals = 0; // a single categorical: no weights at all
    c.targets[0].loss_weight = 1.0;
    check_config(&c, TFT_LOSS_SCALED, 0, false);
}

static void the_row_of_a_padded_table_gets_no_gradient(void **state)
{
    (void)state;
    static fixture f;
    tft_config c = everything();
    c.embeddings[0].padding = true;
    open_fixture(&f, &c, TFT_LOSS_SCALED, 0, false);
    run(&f);
    const size_t table = tft_parameter_index(f.model, "input_embeddings.embeddings.single.weight");
    const double *const gradient = tft_workspace_gradient(f.workspace, table);
    assert_true(gradient[0] == 0.0 && gradient[1] == 0.0);
    assert_true(gradient[2] != 0.0);
    close_fixture(&f);
}

/* ---- folded and plain ------------------------------------------------------------------------------------------- */

static void folding_changes_neither_loss_nor_gradient(void **state)
{
    (void)state;
    static fixture folded, plain;
    const tft_config c = everything();
    open_fixture(&folded, &c, TFT_LOSS_SCALED, 0, false);
    open_fixture(&plain, &c, TFT_LOSS_SCALED, 0, true);
    const double loss = run(&folded);
    assert_true(fabs(loss - run(&plain)) < 1e-13 * fabs(loss));
    double top = 0.0;
    for (size_t i = 0; i < plain.model->n_floats; i++)
        top = fmax(top, fabs(plain.workspace->gradients[i]));
    for (size_t i = 0; i < plain.model->n_floats; i++)
        assert_true(fabs(folded.workspace->gradients[i] - plain.workspace->gradients[i]) < 1e-12 * top);
    close_fixture(&folded);
    close_fixture(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_double_build_meets_the_unrounded_files_to_1e_12),
        cmocka_unit_test(a_double_build_meets_the_other_files_to_their_rounding),
        cmocka_unit_test(gradients_of_the_scaled_loss_are_right),
        cmocka_unit_test(gradients_of_the_loss_on_predictions_are_right),
        cmocka_unit_test(gradients_under_dropout_are_right),
        cmocka_unit_test(gradients_of_the_plain_selection_are_right),
        cmocka_unit_test(gradients_with_shared_networks_are_right),
        cmocka_unit_test(gradients_without_causal_mask_mixture_or_hazard_are_right),
        cmocka_unit_test(gradients_with_few_variables_are_right),
        cmocka_unit_test(the_row_of_a_padded_table_gets_no_gradient),
        cmocka_unit_test(folding_changes_neither_loss_nor_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
