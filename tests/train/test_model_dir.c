/* test_model_dir.c - tests src/train/model_dir.c: whole or not at all, and every fault with its name. */
#include "train/small_training.h"

#include "base/json.h"
#include "tft/window.h"
#include "train/model_dir.h"

typedef struct kit {
    tft_model_card *card;
    tft_model *model;
    tft_training_info info;
} kit;

static kit kit_make(void)
{
    const float quantiles[3] = {0.1f, 0.5f, 0.9f};
    kit k = {.card = calloc(1, sizeof *k.card)};
    assert_non_null(k.card);
    k.card->contract = small_contract(2, 3600000, 24, 8);
    k.card->network = (tft_config){.hidden_size = 8, .n_heads = 2, .lstm_layers = 1, .hidden_continuous_size = 4};
    assert_int_equal(tft_features_config(&k.card->contract, quantiles, 3, true, true, &k.card->network, NULL), TFT_OK);
    assert_int_equal(tft_model_open(&k.card->network, &k.model, NULL), TFT_OK);
    tft_model_randomize(k.model, 5);
    k.info =
        (tft_training_info){.trained_at_ms = FLEET_START, .epochs = 3, .seed = 9, .command_line = "tftd train \"x\""};
    return k;
}

static void kit_free(kit *k)
{
    tft_model_close(k->model);
    free(k->card);
}

static const char *const names[] = {"vm1", "vm2"};

static void write_at(kit *k, const small_folder *out, int64_t ms, char *path)
{
    k->info.trained_at_ms = ms;
    assert_int_equal(tft_model_dir_write(out->path, k->card, k->model, &k->info, names, 2, path, 512, NULL), TFT_OK);
}

static void a_model_comes_back_as_it_was_written(void **state)
{
    const small_folder out = folder_make();
    kit k = kit_make();
    char path[512];
    tft_model *model = NULL;
    tft_model_card *const card = calloc(1, sizeof *card);
    tft_text before = tft_text_new(1 << 20), after = tft_text_new(1 << 20);
    (void)state;
    write_at(&k, &out, FLEET_START, path);
    assert_string_equal(path + strlen(out.path), "/tft_model_20130801_000000");
    assert_int_equal(tft_model_dir_read(path, card, &model, NULL), TFT_OK);
    tft_model_card_to_json(k.card, &before);
    tft_model_card_to_json(card, &after);
    assert_string_equal(before.bytes, after.bytes);
    assert_int_equal(tft_model_card_check_features(card, NULL), TFT_OK);
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter a = tft_model_parameter(k.model, i), b = tft_model_parameter(model, i);
        assert_string_equal(a.name, b.name);
        assert_memory_equal(a.data, b.data, a.n * sizeof(float));
    }
    tft_text_free(&before);
    tft_text_free(&after);
    tft_model_close(model);
    free(card);
    kit_free(&k);
    folder_remove(&out);
}

static void training_info_has_the_fields_of_the_contract(void **state)
{
    static const char *const keys[] = {
        "trained_at",       "training_completed",    "epochs",     "unique_states",    "state_encoder_size",
        "num_servers",      "data_contract_version", "data_hours", "final_train_loss", "final_val_loss",
        "model_parameters", "early_stopping",        "seed",       "commit",           "command_line"};
    const small_folder out = folder_make();
    kit k = kit_make();
    char path[600], *bytes = NULL;
    size_t n = 0;
    double value = 0;
    tft_json_document document = {0};
    (void)state;
    write_at(&k, &out, FLEET_START, path);
    strcat(path, "/training_info.json");
    assert_int_equal(tft_file_read(path, 1 << 20, &bytes, &n, NULL), TFT_OK);
    assert_int_equal(tft_json_parse(bytes, n, 8, &document, NULL), TFT_OK);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_int_not_equal(tft_json_kind_at(document.root, keys[i]), TFT_JSON_ABSENT);
    assert_true(tft_json_number(tft_json_at(document.root, "state_encoder_size"), &value) && value == 8);
    assert_true(tft_json_number(tft_json_at(document.root, "num_servers"), &value) && value == 2);
    assert_string_equal(tft_json_string(tft_json_at(document.root, "command_line"), NULL), "tftd train \"x\"");
    tft_json_free(&document);
    free(bytes);
    kit_free(&k);
    folder_remove(&out);
}

static void two_models_of_one_second_do_not_meet(void **state)
{
    const small_folder out = folder_make();
    kit k = kit_make();
    char first[512], second[512];
    (void)state;
    write_at(&k, &out, FLEET_START, first);
    write_at(&k, &out, FLEET_START, second);
    assert_string_equal(second + strlen(out.path), "/tft_model_20130801_000001");
    kit_free(&k);
    folder_remove(&out);
}

/* Replaces the first `from` in a file by `to`; from NULL cuts the file to half. */
static void change_file(const char *directory, const char *name, const char *from, const char *to)
{
    char path[600], *bytes = NULL;
    size_t n = 0;
    tft_text text = tft_text_new(1 << 26);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(tft_file_read(path, 1 << 26, &bytes, &n, NULL), TFT_OK);
    if (from == NULL) {
        tft_text_add(&text, bytes, n / 2);
    } else {
        char *const at = memmem(bytes, n, from, strlen(from));
        assert_non_null(at);
        tft_text_add(&text, bytes, (size_t)(at - bytes));
        tft_text_puts(&text, to);
        tft_text_add(&text, at + strlen(from), n - (size_t)(at - bytes) - strlen(from));
    }
    assert_int_equal(tft_file_replace(path, text.bytes, text.n, NULL), TFT_OK);
    tft_text_free(&text);
    free(bytes);
}

static void every_broken_directory_is_refused_with_file_and_fault(void **state)
{
    static const struct {
        const char *file, *from, *to, *fault; // from NULL = cut, to NULL = delete
    } cases[] = {{"config.json", "", NULL, "config.json: missing"},
                 {"model.safetensors", "", NULL, "model.safetensors: missing"},
                 {"training_info.json", "", NULL, "training_info.json: missing"},
                 {"server_mapping.json", "", NULL, "server_mapping.json: missing"},
                 {"config.json", NULL, "", "config.json: malformed JSON"},
                 {"model.safetensors", NULL, "", "model.safetensors"},
                 {"config.json", "\"format\": 1", "\"format\": 2", "\"format\""},
                 {"config.json", "\"hidden_size\": 8", "\"hidden_size\": 16", "model.safetensors"},
                 {"config.json", "\"horizon\": 8", "\"horizon\": 9", "steps"},
                 {"config.json", "\"contract\"", "\"contrast\"", "contract"},
                 {"config.json", "\"calibration\"", "\"celebration\"", "calibration"}};
    kit k = kit_make();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const small_folder out = folder_make();
        char path[512], file[600];
        tft_error err = {0};
        tft_model *model = NULL;
        tft_model_card *const card = calloc(1, sizeof *card);
        write_at(&k, &out, FLEET_START, path);
        snprintf(file, sizeof file, "%s/%s", path, cases[i].file);
        if (cases[i].to == NULL)
            unlink(file);
        else
            change_file(path, cases[i].file, cases[i].from, cases[i].to);
        assert_int_not_equal(tft_model_dir_read(path, card, &model, &err), TFT_OK);
        if (strstr(err.text, cases[i].fault) == NULL)
            print_message("case %zu: %s\n", i, err.text);
        assert_non_null(strstr(err.text, cases[i].fault));
        assert_null(model);
        free(card);
        folder_remove(&out);
    }
    kit_free(&k);
}

typedef struct warned {
    size_t n;
    char path[512], fault[512];
} warned;

static void warn(void *context, const char *path, const char *fault)
{
    warned *const w = context;
    w->n++;
    snprintf(w->path, sizeof w->path, "%s", path);
    snprintf(w->fault, sizeof w->fault, "%s", fault);
}

static void the_newest_valid_model_is_found_and_broken_ones_are_named(void **state)
{
    const small_folder out = folder_make();
    kit k = kit_make();
    char old[512], good[512], broken[512], found[512], stray[600];
    warned w = {0};
    (void)state;
    write_at(&k, &out, FLEET_START, old);
    write_at(&k, &out, FLEET_START + 86400000, good);
    write_at(&k, &out, FLEET_START + 2 * INT64_C(86400000), broken);
    change_file(broken, "model.safetensors", NULL, "");
    snprintf(stray, sizeof stray, "%s/tft_model_99999999", out.path); // no model's name: nobody looks at it
    assert_int_equal(mkdir(stray, 0777), 0);
    assert_int_equal(tft_model_dir_newest(out.path, warn, &w, found, sizeof found, NULL), TFT_OK);
    assert_string_equal(found, good);
    assert_int_equal(w.n, 1);
    assert_string_equal(w.path, broken);
    assert_non_null(strstr(w.fault, "model.safetensors"));
    tft_remove_folder(stray, NULL);
    kit_free(&k);
    folder_remove(&out);
}

static void a_folder_without_models_says_so(void **state)
{
    const small_folder out = folder_make();
    char found[512];
    tft_error err = {0};
    (void)state;
    assert_int_equal(tft_model_dir_newest(out.path, NULL, NULL, found, sizeof found, &err), TFT_ERR_NOT_FOUND);
    assert_int_equal(tft_model_dir_newest("/nonexistent/models", NULL, NULL, found, sizeof found, NULL),
                     TFT_ERR_NOT_FOUND);
    folder_remove(&out);
}

static void a_network_of_other_inputs_cannot_be_fed(void **state)
{
    kit k = kit_make();
    tft_error err = {0};
    (void)state;
    const tft_inputs *const inputs = &k.card->network.encoder_inputs;
    snprintf(k.card->network.reals[inputs->reals[0]].name, TFT_MAX_NAME, "moon_phase");
    assert_int_equal(tft_model_card_check_features(k.card, &err), TFT_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "moon_phase"));
    kit_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_model_comes_back_as_it_was_written),
                                       cmocka_unit_test(training_info_has_the_fields_of_the_contract),
                                       cmocka_unit_test(two_models_of_one_second_do_not_meet),
                                       cmocka_unit_test(every_broken_directory_is_refused_with_file_and_fault),
                                       cmocka_unit_test(the_newest_valid_model_is_found_and_broken_ones_are_named),
                                       cmocka_unit_test(a_folder_without_models_says_so),
                                       cmocka_unit_test(a_network_of_other_inputs_cannot_be_fed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
