/* test_config_json.c - a configuration written and read again is the same; what is wrong in one is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tft/config_json.h"

static tft_status read_text(const char *text, bool pytorch_forecasting, tft_config *config, tft_error *err)
{
    tft_json_document document = {0};
    assert_int_equal(tft_json_parse(text, strlen(text), 32, &document, err), TFT_OK);
    const tft_status status = pytorch_forecasting ? tft_config_from_pytorch_forecasting(document.root, config, err)
                                                  : tft_config_from_json(document.root, config, err);
    tft_json_free(&document);
    return status;
}

static char golden_text[1 << 16]; // the config.json of a reference case

static void read_golden(void)
{
    char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(
        tft_file_read(TFTD_SOURCE_DIR "/tests/golden/multi/config.json", sizeof golden_text - 1, &bytes, &n, NULL),
        TFT_OK);
    memcpy(golden_text, bytes, n + 1);
    free(bytes);
}

static void a_configuration_survives_writing_and_reading(void **state)
{
    (void)state;
    static tft_config first, second;
    tft_error err = {0};
    read_golden();
    assert_int_equal(read_text(golden_text, true, &first, &err), TFT_OK);
    first.n_anchors = 7;
    first.hazard = first.wide_hazard = true;
    first.embeddings[1].padding = true;
    tft_text text = tft_text_new(1 << 20);
    tft_config_to_json(&first, &text);
    if (read_text(text.bytes, false, &second, &err) != TFT_OK)
        fail_msg("%s", err.text);
    assert_memory_equal(&first, &second, sizeof first);
    tft_text_free(&text);
}

static void the_words_of_pytorch_forecasting_are_understood(void **state)
{
    (void)state;
    static tft_config c;
    tft_error err = {0};
    read_golden();
    assert_int_equal(read_text(golden_text, true, &c, &err), TFT_OK);
    assert_true(c.hidden_size == 16 && c.n_heads == 4 && c.lstm_layers == 2 && !c.causal_attention);
    assert_true(c.n_targets == 4 && c.targets[2].transform == TFT_TRANSFORM_SOFTPLUS);
    assert_true(c.targets[2].loss_weight == 2.0f && c.targets[0].n_quantiles == 3);
    assert_string_equal(c.embeddings[0].name, "events");
    assert_true(c.embeddings[0].n_members == 2 && c.embeddings[0].members[0] == 2 && c.embeddings[0].members[1] == 3);
    assert_true(c.reals[3].size == 5 && c.reals[4].size == 0); // hour has a width of its own
    assert_true(c.static_inputs.n_embeddings == 1 && c.static_inputs.n_reals == 3);
    assert_true(c.n_anchors == 0 && !c.hazard);
}

static void replace_in(const char *text, const char *from, const char *to, char *out, size_t capacity)
{
    const char *const at = strstr(text, from);
    assert_non_null(at);
    snprintf(out, capacity, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *expected;
    } faults[] = {
        {"\"hidden_size\": 16", "\"hidden_size\": 0", "hidden_size"},
        {"\"hidden_size\": 16", "\"hidden_size\": \"16\"", "hidden_size"},
        {"\"attention_head_size\": 4", "\"attention_head_size\": 17", "heads"},
        {"\"softplus\",", "\"exp\",", "target_transformation \"exp\""},
        {"\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-06", "layer_norm_eps is 1e-06"},
        {"\"embedding_sizes\": {", "\"embedding_sizes\": {\"ghost\": [2, 2],", "no \"ghost\""},
        {"\"time_varying_reals_decoder\": [", "\"time_varying_reals_decoder\": [\"ghost\",", "no variable \"ghost\""},
        {"   0.1,", "   0.95,", "quantiles must ascend"},
    };
    static tft_config c;
    static char spoiled[sizeof golden_text + 256];
    read_golden();
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        tft_error err = {0};
        replace_in(golden_text, faults[i].from, faults[i].to, spoiled, sizeof spoiled);
        assert_int_not_equal(read_text(spoiled, true, &c, &err), TFT_OK);
        if (strstr(err.text, faults[i].expected) == NULL)
            fail_msg("\"%s\", expected \"%s\"", err.text, faults[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_survives_writing_and_reading),
        cmocka_unit_test(the_words_of_pytorch_forecasting_are_understood),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
