/* test_record_text.c - rows and batches read back as what they were. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "fleet_run.h"
#include "generate/record_text.h"

#define near(a, b) (fabs((a) - (b)) <= 0.00501)

/* Cells of one line; the last one ends at the newline. */
static size_t split(char *line, char *cells[], size_t max)
{
    size_t n = 0;
    for (char *c = line; n < max; n++) {
        cells[n] = c;
        c = strpbrk(c, ",\n");
        if (c == NULL || *c == '\n') {
            if (c != NULL)
                *c = '\0';
            return n + 1;
        }
        *c++ = '\0';
    }
    return n + 1;
}

static void a_row_reads_back_as_its_record(void **state)
{
    (void)state;
    generate_options o = options_of(20, 1);
    o.incident_rate = 20;
    o.keep_offline = true;
    generate_fleet *const fleet = open_fleet(&o); // owns the names
    const fleet_run run = watch(fleet, STEP_MS, DAY_MS / 2);
    tft_text text = tft_text_new(4096);
    generate_csv_header(&text);
    assert_string_equal(
        text.bytes, "timestamp,server_name,profile,cpu_pct,mem_pct,disk_io_mb_s,latency_ms,net_in_mb_s,net_out_mb_s,"
                    "error_rate,gc_pause_ms,problem_child,container_oom,state,notes\n");
    for (size_t i = 0; i < run.n_ticks * run.n_servers; i++) {
        const generate_record *const r = &run.records[i];
        char *cells[16];
        int64_t time_ms = 0;
        tft_text_clear(&text);
        generate_csv_row(&text, r);
        assert_false(text.failed);
        assert_int_equal(split(text.bytes, cells, 15), 15);
        assert_true(tft_time_parse(cells[0], strlen(cells[0]), &time_ms));
        assert_int_equal(time_ms, r->time_ms);
        assert_string_equal(cells[1], r->server_name);
        assert_int_equal(tft_profile_find(cells[2], strlen(cells[2])), r->profile);
        const double values[] = {r->cpu_pct,     r->mem_pct,      r->disk_io_mb_s, r->latency_ms,
                                 r->net_in_mb_s, r->net_out_mb_s, r->error_rate,   r->gc_pause_ms};
        for (size_t v = 0; v < 8; v++)
            assert_true(isnan(values[v]) ? cells[3 + v][0] == '\0' : near(strtod(cells[3 + v], NULL), values[v]));
        assert_int_equal(atoi(cells[11]), r->problem_child);
        assert_int_equal(atoi(cells[12]), r->container_oom);
        assert_int_equal(tft_state_find(cells[13], strlen(cells[13])), r->state);
        assert_string_equal(cells[14], r->notes);
    }
    tft_text_free(&text);
    free(run.records);
    generate_fleet_close(fleet);
}

static void a_batch_is_json_with_every_field_that_has_a_value(void **state)
{
    (void)state;
    generate_record records[2] = {{.time_ms = MONDAY_MS + 5402,
                                   .server_name = "ppdb001",
                                   .profile = TFT_PROFILE_DATABASE,
                                   .state = TFT_STATE_HEALTHY,
                                   .cpu_pct = 37.5,
                                   .mem_pct = 61.25,
                                   .disk_io_mb_s = 142.8,
                                   .latency_ms = NAN,
                                   .error_rate = 0.00123,
                                   .problem_child = true,
                                   .notes = "a \"note\""},
                                  {.time_ms = MONDAY_MS,
                                   .server_name = "ppweb001",
                                   .profile = TFT_PROFILE_WEB_API,
                                   .state = TFT_STATE_RECOVERY,
                                   .notes = ""}};
    tft_text text = tft_text_new(4096);
    generate_json_batch(&text, records, 2);
    tft_json_document document = {0};
    assert_int_equal(tft_json_parse(text.bytes, text.n, 8, &document, NULL), TFT_OK);
    const tft_json *const all = tft_json_at(document.root, "records");
    assert_int_equal(tft_json_length(all), 2);
    const tft_json *const first = tft_json_item(all, 0);
    size_t n;
    double x = 0;
    assert_string_equal(tft_json_string(tft_json_at(first, "timestamp"), &n), "2025-09-01T00:00:05.402Z");
    assert_string_equal(tft_json_string(tft_json_at(first, "notes"), &n), "a \"note\"");
    assert_string_equal(tft_json_string(tft_json_at(first, "profile"), &n), "database");
    assert_true(tft_json_number(tft_json_at(first, "cpu_pct"), &x) && near(x, 37.5));
    assert_true(tft_json_number(tft_json_at(first, "error_rate"), &x) && fabs(x - 0.00123) < 1e-9);
    assert_int_equal(tft_json_kind_at(first, "latency_ms"), TFT_JSON_ABSENT);
    assert_string_equal(tft_json_string(tft_json_at(tft_json_item(all, 1), "timestamp"), &n), "2025-09-01T00:00:00Z");
    assert_string_equal(tft_json_string(tft_json_at(tft_json_item(all, 1), "state"), &n), "recovery");
    tft_json_free(&document);
    tft_text_clear(&text);
    generate_json_batch(&text, records, 0);
    assert_string_equal(text.bytes, "{\"records\": []}");
    tft_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_reads_back_as_its_record),
        cmocka_unit_test(a_batch_is_json_with_every_field_that_has_a_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
