/* test_contract_json.c - tests src/train/contract_json.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "train/contract_json.h"

static tft_status read(const char *json, size_t n, tft_contract *c, tft_error *err)
{
    tft_json_document document = {0};
    assert_int_equal(tft_json_parse(json, n, 8, &document, NULL), TFT_OK);
    const tft_status status = tft_contract_from_json(document.root, c, err);
    tft_json_free(&document);
    return status;
}

static void a_contract_comes_back_as_it_was(void **state)
{
    tft_contract c = tft_contract_default(), back = {0};
    tft_text text = tft_text_new(100000), again = tft_text_new(100000);
    (void)state;
    c.metrics[2].max = HUGE_VAL;
    c.metrics[3].target = false;
    c.incident = (tft_incident_rule){.by_metric = true, .metric = 1, .level = 92.5, .steps = 3};
    tft_contract_to_json(&c, &text);
    assert_int_equal(read(text.bytes, text.n, &back, NULL), TFT_OK);
    tft_contract_to_json(&back, &again);
    assert_string_equal(again.bytes, text.bytes);
    assert_true(isinf(back.metrics[2].max));
    assert_true(back.incident.by_metric && back.incident.metric == 1 && back.incident.steps == 3);
    tft_text_free(&text);
    tft_text_free(&again);
}

/* The JSON of the default contract with `from` replaced by `to`. */
static tft_status read_changed(const char *from, const char *to, tft_error *err)
{
    const tft_contract c = tft_contract_default();
    tft_contract back = {0};
    tft_text text = tft_text_new(100000), changed = tft_text_new(100000);
    tft_contract_to_json(&c, &text);
    const char *const at = strstr(text.bytes, from);
    assert_non_null(at);
    tft_text_add(&changed, text.bytes, (size_t)(at - text.bytes));
    tft_text_puts(&changed, to);
    tft_text_puts(&changed, at + strlen(from));
    const tft_status status = read(changed.bytes, changed.n, &back, err);
    tft_text_free(&text);
    tft_text_free(&changed);
    return status;
}

static void every_fault_is_named(void **state)
{
    static const struct {
        const char *from, *to, *fault;
    } cases[] = {{"\"horizon\": 96", "\"horizon\": 0", "\"horizon\""},
                 {"\"horizon\": 96", "\"horizon\": 9.5", "\"horizon\""},
                 {"\"context\": 288", "\"context\": \"288\"", "\"context\""},
                 {"\"memory\": 2304", "\"memory\": 1e12", "\"memory\""},
                 {"\"step_ms\": 300000", "\"step_ms\": NaN", "\"step_ms\""},
                 {"\"has_state\": true", "\"has_state\": 1", "\"has_state\""},
                 {"\"metrics\": [", "\"other\": [", "\"metrics\""},
                 {"\"name\": \"cpu_pct\"", "\"name\": 7", "metrics[0]"},
                 {"\"target\": true", "\"target\": null", "metrics[0]"},
                 {"\"incident\": {\"by\": \"state\"}", "\"incident\": {\"by\": \"moon\"}", "moon"},
                 {"\"incident\": {\"by\": \"state\"}",
                  "\"incident\": {\"by\": \"metric\", \"metric\": \"nothing\", \"level\": 1, \"steps\": 1}",
                  "nothing"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tft_error err = {0};
        assert_int_not_equal(read_changed(cases[i].from, cases[i].to, &err), TFT_OK);
        assert_non_null(strstr(err.text, cases[i].fault));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_contract_comes_back_as_it_was),
                                       cmocka_unit_test(every_fault_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
