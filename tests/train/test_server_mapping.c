/* test_server_mapping.c - tests src/train/server_mapping.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "train/server_mapping.h"

static void ids_are_those_of_the_contract(void **state)
{
    uint32_t id = 0;
    (void)state;
    assert_int_equal(tft_server_id("ppdb001", 7, &id, NULL), TFT_OK);
    assert_int_equal(id, 215733);
    assert_int_equal(tft_server_id("ppweb003", 8, &id, NULL), TFT_OK);
    assert_int_equal(id, 74217);
}

static void the_file_maps_names_to_ids_and_back(void **state)
{
    static const char *const names[] = {"ppdb001", "with \"quotes\"", "ppweb003"};
    tft_text text = tft_text_new(100000);
    tft_json_document document = {0};
    double total = 0;
    (void)state;
    assert_int_equal(tft_server_mapping_write(names, 3, &text, NULL), TFT_OK);
    assert_false(text.failed);
    assert_int_equal(tft_json_parse(text.bytes, text.n, 8, &document, NULL), TFT_OK);
    const tft_json *const by_name = tft_json_at(document.root, "name_to_id");
    assert_int_equal(tft_json_length(by_name), 3);
    assert_string_equal(tft_json_string(tft_json_at(by_name, "ppdb001"), NULL), "215733");
    assert_string_equal(tft_json_string(tft_json_at(tft_json_at(document.root, "id_to_name"), "74217"), NULL),
                        "ppweb003");
    assert_true(tft_json_number(tft_json_at(document.root, "total_servers"), &total));
    assert_true(total == 3);
    tft_json_free(&document);
    tft_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_those_of_the_contract),
                                       cmocka_unit_test(the_file_maps_names_to_ids_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
