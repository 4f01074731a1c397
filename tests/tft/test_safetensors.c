/* test_safetensors.c - the files in bad_safetensors/, each named after its sin, are refused with the text beside them;
 * weights that do not belong to the network are refused and leave it as it was.
 */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "tft/config_json.h"
#include "tft/model.h"
#include "tft/safetensors.h"

#define BAD TFTD_SOURCE_DIR "/tests/tft/bad_safetensors"

static void check_bad_file(const char *sin)
{
    char path[512], *expected = NULL;
    size_t n = 0;
    tft_error err = {0};
    tft_safetensors file = {0};
    snprintf(path, sizeof path, BAD "/%.200s.expected", sin);
    assert_int_equal(tft_file_read(path, 4096, &expected, &n, &err), TFT_OK);
    expected[strcspn(expected, "\n")] = '\0';
    snprintf(path, sizeof path, BAD "/%.200s.safetensors", sin);
    const tft_status status = tft_safetensors_open(path, &file, &err);
    if (status != TFT_ERR_FORMAT && status != TFT_ERR_LIMIT)
        fail_msg("%s: status %s", sin, tft_status_word(status));
    if (strstr(err.text, expected) == NULL)
        fail_msg("%s: \"%s\", expected \"%s\"", sin, err.text, expected);
    assert_null(file.tensors);
    free(expected);
}

static void every_bad_file_is_refused_with_its_reason(void **state)
{
    (void)state;
    DIR *const folder = opendir(BAD);
    size_t n = 0;
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char *const dot = strstr(entry->d_name, ".safetensors");
        if (dot == NULL)
            continue;
        *dot = '\0';
        check_bad_file(entry->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 30);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const float floats[6] = {1.0f, -2.5f, 3e-38f, 0.0f, -0.0f, 65504.0f};
    static const double doubles[1] = {0.1};
    static const int64_t integers[2] = {-1, INT64_C(1) << 40};
    const tft_tensor_source sources[] = {
        {"weights \"quoted\"", TFT_DTYPE_F32, 2, {2, 3}, floats},
        {"scalar", TFT_DTYPE_F64, 0, {0}, doubles},
        {"empty", TFT_DTYPE_F32, 2, {0, 4}, floats},
        {"codes", TFT_DTYPE_I64, 1, {2}, integers},
    };
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_safetensors_%ld", (long)getpid());
    tft_error err = {0};
    tft_safetensors file = {0};
    char *first = NULL, *second = NULL;
    size_t n_first = 0, n_second = 0;
    assert_int_equal(tft_safetensors_write(path, sources, 4, &err), TFT_OK);
    assert_int_equal(tft_file_read(path, 4096, &first, &n_first, &err), TFT_OK);
    if (tft_safetensors_open(path, &file, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(file.n, 4);
    const tft_tensor_view *const weights = tft_safetensors_find(&file, "weights \"quoted\"");
    assert_non_null(weights);
    assert_true(weights->n == 6 && weights->n_dims == 2 && weights->dims[1] == 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(tft_tensor_value(weights, i) == (double)floats[i]);
    assert_true(tft_tensor_value(tft_safetensors_find(&file, "scalar"), 0) == 0.1);
    assert_true(tft_tensor_value(tft_safetensors_find(&file, "codes"), 1) == 1099511627776.0);
    assert_int_equal(tft_safetensors_find(&file, "empty")->n, 0);
    assert_null(tft_safetensors_find(&file, "nothing"));
    tft_safetensors_close(&file);
    assert_int_equal(tft_safetensors_write(path, sources, 4, &err), TFT_OK);
    assert_int_equal(tft_file_read(path, 4096, &second, &n_second, &err), TFT_OK);
    assert_int_equal(n_first, n_second);
    assert_memory_equal(first, second, n_first);
    free(first);
    free(second);
    unlink(path);
}

/* ---- weights of a network ------------------------------------------------------------------------------------------- */

enum { MOST = 400 };

/* The tiny reference case's network and its file, taken apart so that a test can spoil it. */
typedef struct fixture {
    tft_model *model;
    tft_safetensors file;
    float *values[MOST];
    tft_tensor_source sources[MOST];
    size_t n;
    char path[64];
} fixture;

static void open_fixture(fixture *f)
{
    char *bytes = NULL;
    size_t n = 0;
    tft_error err = {0};
    tft_json_document document = {0};
    tft_config *const config = calloc(1, sizeof *config);
    memset(f, 0, sizeof *f);
    assert_non_null(config);
    assert_int_equal(tft_file_read(TFTD_SOURCE_DIR "/tests/golden/tiny/config.json", 1 << 20, &bytes, &n, &err),
                     TFT_OK);
    assert_int_equal(tft_json_parse(bytes, n, 32, &document, &err), TFT_OK);
    assert_int_equal(tft_config_from_pytorch_forecasting(document.root, config, &err), TFT_OK);
    assert_int_equal(tft_model_open(config, &f->model, &err), TFT_OK);
    tft_json_free(&document);
    free(bytes);
    free(config);
    assert_int_equal(tft_safetensors_open(TFTD_SOURCE_DIR "/tests/golden/tiny/model.safetensors", &f->file, &err),
                     TFT_OK);
    f->n = f->file.n;
    assert_true(f->n < MOST - 1);
    for (size_t i = 0; i < f->n; i++) {
        const tft_tensor_view *const view = &f->file.tensors[i];
        f->values[i] = malloc(view->n * sizeof(float));
        assert_non_null(f->values[i]);
        memcpy(f->values[i], view->bytes, view->n * sizeof(float));
        f->sources[i] = (tft_tensor_source){view->name, TFT_DTYPE_F32, view->n_dims, {0}, f->values[i]};
        memcpy(f->sources[i].dims, view->dims, sizeof view->dims);
    }
    snprintf(f->path, sizeof f->path, "/tmp/test_weights_%ld", (long)getpid());
}

static void close_fixture(fixture *f)
{
    unlink(f->path);
    tft_model_close(f->model);
    for (size_t i = 0; i < f->n; i++)
        free(f->values[i]);
    tft_safetensors_close(&f->file);
}

static size_t find(const fixture *f, const char *name)
{
    size_t i = 0;
    while (i < f->n && strcmp(f->sources[i].name, name) != 0)
        i++;
    assert_true(i < f->n);
    return i;
}

static void load_must_fail(fixture *f, size_t n, const char *expected)
{
    tft_error err = {0};
    tft_model_randomize(f->model, 1);
    const tft_parameter first = tft_model_parameter(f->model, 0);
    const float kept = first.data[0];
    assert_int_equal(tft_safetensors_write(f->path, f->sources, n, &err), TFT_OK);
    assert_int_not_equal(tft_model_load_weights(f->model, f->path, &err), TFT_OK);
    if (strstr(err.text, expected) == NULL)
        fail_msg("\"%s\", expected \"%s\"", err.text, expected);
    assert_true(first.data[0] == kept); // a bad file changes nothing
}

static void good_weights_are_loaded_and_saved_without_loss(void **state)
{
    (void)state;
    static fixture f;
    tft_error err = {0};
    open_fixture(&f);
    assert_int_equal(tft_safetensors_write(f.path, f.sources, f.n, &err), TFT_OK);
    if (tft_model_load_weights(f.model, f.path, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(tft_model_save_weights(f.model, f.path, &err), TFT_OK);
    tft_model_randomize(f.model, 2);
    assert_int_equal(tft_model_load_weights(f.model, f.path, &err), TFT_OK);
    for (size_t i = 0; i < tft_model_n_parameters(f.model); i++) {
        const tft_parameter p = tft_model_parameter(f.model, i);
        const tft_tensor_view *const view = tft_safetensors_find(&f.file, p.name);
        if (view == NULL)
            fail_msg("%s", p.name);
        for (size_t k = 0; k < p.n; k++)
            assert_true((double)p.data[k] == tft_tensor_value(view, k));
    }
    close_fixture(&f);
}

static void a_missing_tensor_is_named(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f);
    const size_t i = find(&f, "pos_wise_ff.fc2.bias");
    const tft_tensor_source kept = f.sources[i];
    float *const values = f.values[i];
    f.sources[i] = f.sources[f.n - 1];
    load_must_fail(&f, f.n - 1, "tensor pos_wise_ff.fc2.bias is missing");
    f.sources[i] = kept;
    f.values[i] = values;
    close_fixture(&f);
}

static void an_unknown_tensor_is_named(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f);
    f.sources[find(&f, "pos_wise_ff.fc2.bias")].name = "pos_wise_ff.fc3.bias";
    load_must_fail(&f, f.n, "tensor pos_wise_ff.fc3.bias: this network has none of that name");
    close_fixture(&f);
}

static void a_wrong_shape_is_named(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f);
    tft_tensor_source *const source = &f.sources[find(&f, "output_layer.weight")]; // [3, 4]
    source->dims[0] = 4;
    source->dims[1] = 3;
    load_must_fail(&f, f.n, "tensor output_layer.weight: 12 elements in 2 dimensions, expected [3, 4]");
    close_fixture(&f);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f);
    float *const values = f.values[find(&f, "lstm_decoder.weight_hh_l0")];
    values[7] = NAN;
    load_must_fail(&f, f.n, "tensor lstm_decoder.weight_hh_l0: element 7 is not a finite number");
    values[7] = INFINITY;
    load_must_fail(&f, f.n, "tensor lstm_decoder.weight_hh_l0: element 7 is not a finite number");
    close_fixture(&f);
}

static void two_names_of_one_tensor_must_agree(void **state)
{
    (void)state;
    static fixture f;
    open_fixture(&f);
    f.values[find(&f, "post_lstm_gate_decoder.fc.weight")][3] += 1.0f;
    load_must_fail(&f, f.n, "of which it should be another name");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_file_is_refused_with_its_reason),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(good_weights_are_loaded_and_saved_without_loss),
        cmocka_unit_test(a_missing_tensor_is_named),
        cmocka_unit_test(an_unknown_tensor_is_named),
        cmocka_unit_test(a_wrong_shape_is_named),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(two_names_of_one_tensor_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
