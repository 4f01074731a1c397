/* test_json.c - bodies of POST /feed/data: what is wrong is named with its place, and the neighbours are kept.
 *
 * tests/ingest/bad/ holds one body per sin, named after it; beside it NAME.expected:
 *     good N                         and then a line per fault: INDEX FIELD CODE PART-OF-THE-REASON (field - = none)
 *     format PART-OF-THE-MESSAGE     the body is no JSON
 *     shape WORD                     it is JSON of another shape
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
#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "ingest/json.h"

#define NOW 1760373000000 // 2025-10-13T16:30:00Z

static tft_status decode(const char *body, size_t n, ingest_batch *batch, tft_error *err)
{
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(NOW);
    return ingest_json(body, n, &contract, &limits, 50000, batch, err);
}

static const char *const shapes[] = {"ok", "not_object", "no_records", "not_a_list"};

static void check_faults(const char *name, const ingest_batch *batch, const char *lines)
{
    size_t good = 0, n_faults = 0;
    if (sscanf(lines, "good %zu", &good) != 1 || batch->n != good)
        fail_msg("%s: %zu good records, expected \"%.40s\"", name, batch->n, lines);
    for (const char *line = strchr(lines, '\n') + 1; *line != '\0'; line = strchr(line, '\n') + 1) {
        char field[64], code[32];
        size_t index = 0;
        int used = 0;
        if (sscanf(line, "%zu %63s %31s %n", &index, field, code, &used) != 3)
            fail_msg("%s: unreadable expectation \"%s\"", name, line);
        const char *const end = strchr(line, '\n');
        const char *const from = line + used < end ? line + used : end;
        char reason[300];
        snprintf(reason, sizeof reason, "%.*s", (int)(end - from), from);
        if (n_faults >= batch->n_faults)
            fail_msg("%s: no fault, expected %s", name, line);
        const ingest_note *const note = &batch->faults[n_faults++];
        if (note->index != index || strcmp(note->fault.field[0] != '\0' ? note->fault.field : "-", field) != 0 ||
            strcmp(tft_fault_word(note->fault.code), code) != 0 || strstr(note->fault.reason, reason) == NULL)
            fail_msg("%s: got %zu %s %s \"%s\"\nexpected %s", name, note->index, note->fault.field,
                     tft_fault_word(note->fault.code), note->fault.reason, line);
    }
    assert_int_equal(batch->n_faults, n_faults);
    assert_int_equal(batch->n_rejected, n_faults);
}

static void check_file(const char *folder, const char *name)
{
    char path[512], *body, *expected;
    size_t n, n_expected;
    tft_error err = {0};
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    assert_int_equal(tft_file_read(path, 1 << 20, &body, &n, NULL), TFT_OK);
    snprintf(path, sizeof path, "%s/%s.expected", folder, name);
    assert_int_equal(tft_file_read(path, 1 << 20, &expected, &n_expected, NULL), TFT_OK);
    char *const exact = malloc(n > 0 ? n : 1); // an exact block: a sanitizer sees a byte too many
    memcpy(exact, body, n);
    ingest_batch batch;
    const tft_status status = decode(exact, n, &batch, &err);
    if (strncmp(expected, "good", 4) != 0)
        expected[strcspn(expected, "\n")] = '\0';
    if (strncmp(expected, "format ", 7) == 0) {
        if (status != TFT_ERR_FORMAT || strstr(err.text, expected + 7) == NULL ||
            strstr(err.text, "malformed JSON at byte") == NULL)
            fail_msg("%s: \"%s\", expected %s", name, err.text, expected);
    } else if (strncmp(expected, "shape ", 6) == 0) {
        if (status != TFT_ERR_ARGUMENT || strcmp(shapes[batch.shape], expected + 6) != 0)
            fail_msg("%s: shape %s, expected %s", name, shapes[batch.shape], expected);
    } else {
        if (status != TFT_OK)
            fail_msg("%s: %s", name, err.text);
        check_faults(name, &batch, expected);
    }
    ingest_batch_free(&batch);
    free(exact);
    free(body);
    free(expected);
}

static void every_bad_body_is_named_and_its_neighbours_are_kept(void **state)
{
    (void)state;
    const char *const path = TFTD_SOURCE_DIR "/tests/ingest/bad";
    DIR *const folder = opendir(path);
    assert_non_null(folder);
    size_t n = 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char name[256];
        const char *const dot = strstr(entry->d_name, ".json");
        if (dot == NULL)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(dot - entry->d_name), entry->d_name);
        check_file(path, name);
        n++;
    }
    closedir(folder);
    assert_true(n > 50);
}

static void a_good_record_comes_out_as_it_was_sent(void **state)
{
    (void)state;
    static const char body[] =
        "{\"records\": [{\"timestamp\": \"2025-10-13T18:00:00.250+02:00\", \"server_name\": \"db\\u00e9\", "
        "\"cpu_pct\": 37.5, \"mem_pct\": 0.1, \"latency_ms\": null, \"status\": \"healthy\", "
        "\"profile\": \"database\", \"error_rate\": \"ignored\", \"cpu_pct\": 38}]}";
    ingest_batch batch;
    assert_int_equal(decode(body, sizeof body - 1, &batch, NULL), TFT_OK);
    assert_int_equal(batch.n, 1);
    const tft_record *const r = &batch.records[0];
    assert_int_equal(r->time_ms, 1760371200250);
    assert_int_equal(r->name_length, 4);
    assert_memory_equal(r->name, "db\xc3\xa9", 4);
    assert_true(r->values[0] == 38); // the last of a repeated key counts
    assert_true(r->values[1] == 0.1);
    assert_true(isnan(r->values[2]));
    assert_true(isnan(r->values[3]));
    assert_int_equal(r->state, TFT_STATE_HEALTHY);
    assert_int_equal(r->profile, TFT_PROFILE_DATABASE);
    ingest_batch_free(&batch);
}

static void state_wins_over_its_alias(void **state)
{
    (void)state;
    static const char body[] =
        "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", \"cpu_pct\": 1, "
        "\"state\": \"idle\", \"status\": \"nonsense\"}]}";
    ingest_batch batch;
    assert_int_equal(decode(body, sizeof body - 1, &batch, NULL), TFT_OK);
    assert_int_equal(batch.n, 1);
    assert_int_equal(batch.records[0].state, TFT_STATE_IDLE);
    ingest_batch_free(&batch);
}

static void an_offline_record_needs_no_metric(void **state)
{
    (void)state;
    static const char body[] =
        "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", \"state\": \"offline\"}]}";
    ingest_batch batch;
    assert_int_equal(decode(body, sizeof body - 1, &batch, NULL), TFT_OK);
    assert_int_equal(batch.n, 1);
    ingest_batch_free(&batch);
}

static void an_unknown_profile_is_generic_with_a_warning(void **state)
{
    (void)state;
    static const char body[] = "{\"records\": [{\"timestamp\": \"2025-10-13T16:00:00Z\", \"server_name\": \"a\", "
                               "\"cpu_pct\": 1, \"profile\": \"mainframe\"}]}";
    ingest_batch batch;
    assert_int_equal(decode(body, sizeof body - 1, &batch, NULL), TFT_OK);
    assert_int_equal(batch.n, 1);
    assert_int_equal(batch.records[0].profile, TFT_PROFILE_GENERIC);
    assert_int_equal(batch.n_warnings, 1);
    assert_non_null(strstr(batch.warnings[0].fault.reason, "mainframe"));
    ingest_batch_free(&batch);
}

static void at_most_a_hundred_faults_are_listed_and_all_are_counted(void **state)
{
    (void)state;
    tft_text body = tft_text_new(1 << 20);
    tft_text_puts(&body, "{\"records\": [0");
    for (int i = 0; i < 249; i++)
        tft_text_puts(&body, ", 0");
    tft_text_puts(&body, "]}");
    ingest_batch batch;
    assert_int_equal(decode(body.bytes, body.n, &batch, NULL), TFT_OK);
    assert_int_equal(batch.n_faults, INGEST_MAX_NOTES);
    assert_int_equal(batch.n_rejected, 250);
    ingest_batch_free(&batch);
    tft_text_free(&body);
}

static void too_many_records_are_refused_whole(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    const tft_record_limits limits = tft_record_limits_default(NOW);
    static const char body[] = "{\"records\": [1, 2, 3]}";
    ingest_batch batch;
    tft_error err = {0};
    assert_int_equal(ingest_json(body, sizeof body - 1, &contract, &limits, 2, &batch, &err), TFT_ERR_LIMIT);
    assert_non_null(strstr(err.text, "at most 2"));
    ingest_batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_body_is_named_and_its_neighbours_are_kept),
        cmocka_unit_test(a_good_record_comes_out_as_it_was_sent),
        cmocka_unit_test(state_wins_over_its_alias),
        cmocka_unit_test(an_offline_record_needs_no_metric),
        cmocka_unit_test(an_unknown_profile_is_generic_with_a_warning),
        cmocka_unit_test(at_most_a_hundred_faults_are_listed_and_all_are_counted),
        cmocka_unit_test(too_many_records_are_refused_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
