/* test_json_plain.c - the quick way through a body: it reads what the document reads, and leaves alone what is not plain. */
#include "ingest/json_plain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

#define NOW 1760373000000
#define GOOD "{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", \"cpu_pct\": 1}"

static tft_contract contract;
static tft_record_limits limits;

static int set_up(void **state)
{
    (void)state;
    contract = tft_contract_default();
    limits = tft_record_limits_default(NOW);
    return 0;
}

/* Reads a body of exactly these bytes: sanitizers see what looks beyond. */
static bool is_plain(const char *text, bool list_too, size_t *n)
{
    const size_t length = strlen(text);
    char *const body = test_malloc(length > 0 ? length : 1);
    ingest_batch batch;
    memcpy(body, text, length);
    const bool plain = ingest_json_plain(body, length, list_too, &contract, &limits, 1000, &batch);
    *n = plain ? batch.n : 0;
    ingest_batch_free(&batch);
    test_free(body);
    return plain;
}

static void what_senders_write_is_plain(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool list_too;
        size_t n;
    } cases[] = {
        {"{\"records\": [" GOOD "]}", false, 1},
        {"{\"records\":[" GOOD "," GOOD "]}\n", false, 2},
        {" \t{ \"records\" : [ " GOOD " , " GOOD " ] } \r\n", true, 2},
        {"[" GOOD "]", true, 1},
        {"{\"records\": [{\"server_name\": \"b c\", \"timestamp\": \"2025-10-13 16:00:00\", \"cpu_pct\": null, "
         "\"mem_pct\":2.5,"
         "\"state\": \"healthy\", \"profile\": \"database\", \"rack\": \"r1\", \"slot\": 7, \"note\": null}]}",
         false, 1},
        {"{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", \"cpu_pct\": "
         "12.3456789012345678901, \"state\": null, \"status\": \"healthy\"}]}",
         false, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n;
        if (!is_plain(cases[i].text, cases[i].list_too, &n) || n != cases[i].n)
            fail_msg("case %zu: %s", i, cases[i].text);
    }
}

static void anything_else_is_left_to_the_document(void **state)
{
    (void)state;
#define WITH(field) "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", " field "}]}"
    static const char *const bodies[] = {
        "",
        "{",
        "[]",
        "{\"records\": []}",
        "{\"records\": [" GOOD "]",
        "{\"records\": [" GOOD "]} x",
        "{\"records\": [" GOOD ",]}",
        "{\"records\": [" GOOD " " GOOD "]}",
        "{\"records\": [" GOOD "], \"more\": 1}",
        "{\"more\": 1, \"records\": [" GOOD "]}",
        "[" GOOD "]", // not where the list alone will not do
        "{\"records\": [1]}",
        "{\"records\": [{}]}",
        WITH("\"cpu_pct\": 1, \"cpu_pct\": 2"),
        WITH("\"cpu_pct\": true"),
        WITH("\"cpu_pct\": \"1\""),
        WITH("\"cpu_pct\": 1e1"),
        WITH("\"cpu_pct\": 01"),
        WITH("\"cpu_pct\": 1."),
        WITH("\"cpu_pct\": .5"),
        WITH("\"cpu_pct\": +1"),
        WITH("\"cpu_pct\": -"),
        WITH("\"cpu_pct\": NaN"),
        WITH("\"cpu_pct\": 0x10"),
        WITH("\"cpu_pct\": 1234567890123456"),
        WITH("\"cpu_pct\": -0"),
        WITH("\"cpu_pct\": 101"), // a fault: the document names it
        WITH("\"cpu_pct\": 1, \"rack\": {\"a\": 1}"),
        WITH("\"cpu_pct\": 1, \"rack\": [1]"),
        WITH("\"cpu_pct\": 1, \"rack\": \"\\u0041\""),
        WITH("\"cpu_pct\": 1, \"rack\": \"\xc3\xa4\""),
        WITH("\"cpu_pct\": 1, \"ra\tck\": 1"),
        WITH("\"cpu_pct\": 1, \"state\": \"unwell\""),
        WITH("\"cpu_pct\": 1, \"profile\": \"toaster\""),
        WITH("\"cpu_pct\": 1 /* so */"),
        "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"cpu_pct\": 1}]}",
        "{\"records\": [{\"timestamp\": \"yesterday\", \"server_name\": \"a\", \"cpu_pct\": 1}]}",
        "{\"records\": [{\"timestamp\": null, \"server_name\": \"a\", \"cpu_pct\": 1}]}",
        "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"  \", \"cpu_pct\": 1}]}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        size_t n;
        if (is_plain(bodies[i], false, &n))
            fail_msg("case %zu: %s", i, bodies[i]);
    }
}

static void a_body_cut_anywhere_is_not_plain(void **state)
{
    (void)state;
    const char *const whole = "{\"records\": [" GOOD "," GOOD "]}";
    for (size_t n = 0; n < strlen(whole); n++) {
        char cut[512];
        size_t found;
        snprintf(cut, sizeof cut, "%.*s", (int)n, whole);
        assert_false(is_plain(cut, true, &found));
    }
}

static void more_records_than_a_request_may_have_are_left_to_the_document(void **state)
{
    (void)state;
    const char *const body = "[" GOOD "," GOOD "," GOOD "]";
    ingest_batch batch;
    assert_false(ingest_json_plain(body, strlen(body), true, &contract, &limits, 2, &batch));
    assert_true(ingest_json_plain(body, strlen(body), true, &contract, &limits, 3, &batch));
    ingest_batch_free(&batch);
}

/* A number as some sender may write it, within the range of latency_ms. */
static void write_number(tft_rng *rng, char *out, size_t size)
{
    static const int decimals[] = {0, 1, 3, 6, 12, 15, 17, 20};
    const double value = tft_rng_uniform(rng) * pow(10, (double)tft_rng_below(rng, 5));
    snprintf(out, size, "%.*f", decimals[tft_rng_below(rng, sizeof decimals / sizeof decimals[0])], value);
}

static void every_number_is_the_one_the_document_holds(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(11, 0);
    for (int i = 0; i < 20000; i++) {
        char number[64], body[512];
        write_number(&rng, number, sizeof number);
        const int n =
            snprintf(body, sizeof body,
                     "[{\"latency_ms\": %s, \"server_name\": \"web-%d\", \"timestamp\": \"2025-10-13T16:00:%02dZ\"}]",
                     number, i, i % 60);
        ingest_batch plain, document;
        assert_true(ingest_json_plain(body, (size_t)n, true, &contract, &limits, 10, &plain));
        assert_int_equal(ingest_json_document(body, (size_t)n, true, &contract, &limits, 10, &document, NULL), TFT_OK);
        assert_int_equal(document.n, 1);
        const tft_record *const a = &plain.records[0], *const b = &document.records[0];
        if (memcmp(a->values, b->values, contract.n_metrics * sizeof a->values[0]) != 0)
            fail_msg("%s", number);
        assert_true(a->time_ms == b->time_ms && a->state == b->state && a->profile == b->profile);
        assert_int_equal(a->name_length, b->name_length);
        assert_memory_equal(a->name, b->name, a->name_length);
        ingest_batch_free(&plain);
        ingest_batch_free(&document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_senders_write_is_plain),
        cmocka_unit_test(anything_else_is_left_to_the_document),
        cmocka_unit_test(a_body_cut_anywhere_is_not_plain),
        cmocka_unit_test(more_records_than_a_request_may_have_are_left_to_the_document),
        cmocka_unit_test(every_number_is_the_one_the_document_holds),
    };
    return cmocka_run_group_tests_name("ingest.json_plain", tests, set_up, NULL);
}
