/* test_migration.c - a data directory of every layout there ever was opens, keeps what it held, and goes on being written to.
 *
 * tests/store/layouts/layout_N.sql is a file as layout N had it: never edited, one added with each new layout.
 */
#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "series/record.h"
#include "store/alert_log.h"
#include "store/database.h"
#include "store/reader.h"

#define T0 INT64_C(1760371200000)

static int64_t test_now(void)
{
    return T0 + 10000;
}

static void run(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(db);
}

static void make_layout(int layout, const char *folder)
{
    char from[128], path[160], *text = NULL;
    size_t n = 0;
    snprintf(from, sizeof from, "tests/store/layouts/layout_%d.sql", layout);
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    assert_int_equal(tft_file_read(from, 1 << 20, &text, &n, NULL), TFT_OK);
    char *const ended = malloc(n + 1);
    assert_non_null(ended);
    memcpy(ended, text, n);
    ended[n] = '\0';
    run(path, ended);
    free(ended);
    free(text);
}

typedef struct seen {
    size_t servers, steps, records;
    double cpu;
    float old_cpu;
} seen;

static tft_status see_server(void *context, const store_server *server, tft_error *err)
{
    (void)err;
    ((seen *)context)->servers++;
    assert_string_equal(server->name, "ppdb001");
    assert_int_equal(server->records, 12);
    return TFT_OK;
}

static tft_status see_step(void *context, uint32_t server, int64_t step, const float *means, const uint16_t *counts,
                           uint16_t count, tft_state state, tft_error *err)
{
    seen *const s = context;
    (void)server, (void)counts, (void)count, (void)state, (void)err;
    if (step * 300000 == T0 - 86400000)
        s->old_cpu = means[0];
    s->steps++;
    return TFT_OK;
}

static tft_status see_record(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                             tft_error *err)
{
    seen *const s = context;
    (void)server, (void)time_ms, (void)state, (void)err;
    s->cpu = values[0];
    s->records++;
    return TFT_OK;
}

static void write_on(store *s)
{
    const store_incident incident = {.start_ms = T0, .end_ms = STORE_GOES_ON, .state = TFT_STATE_CRITICAL_ISSUE};
    const store_incidents of_it = {.from_ms = T0, .earlier_end_ms = STORE_GOES_ON, .items = &incident, .n = 1};
    tft_record record = tft_record_empty();
    store_verdict verdict;
    store_batch batch = {.records = &record, .n = 1, .arrival_ms = T0 + 10000, .verdicts = &verdict};
    record.name = "ppdb001";
    record.name_length = 7;
    record.time_ms = T0 + 10000;
    record.values[0] = 39;
    assert_int_equal(store_append(s, &batch, NULL), TFT_OK);
    assert_int_equal(batch.after.records_total, 13);
    assert_int_equal(store_put_incidents(s, &of_it, 1, NULL), TFT_OK);
}

static bool count_incident(void *context, const store_past_incident *incident)
{
    (void)incident;
    ++*(size_t *)context;
    return true;
}

static int64_t later_now(void)
{
    return T0 + 600000;
}

static bool take_past(void *context, const store_past_step *step)
{
    store_past_step *const kept = context;
    kept[step->length_ms > 300000 ? 2 : step->start_ms == T0] = *step;
    return true;
}

/* What was sealed without least and most is shown so; of what there are records, the rest is counted. */
static void check_steps(const char *folder, const tft_contract *contract, bool has_hours)
{
    store_past_step kept[3] = {0};
    store_options options = store_options_default();
    store *s = NULL;
    store_reader *reader = NULL;
    options.dir = folder;
    options.now_ms = later_now;
    assert_int_equal(store_open(&options, contract, &s, NULL), TFT_OK);
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    store_close(s);
    assert_int_equal(store_reader_open(folder, contract, &reader, NULL), TFT_OK);
    assert_int_equal(store_reader_steps(reader, 1, 0, T0 + 600000, take_past, kept, NULL), TFT_OK);
    store_reader_close(reader);
    assert_int_equal(kept[0].start_ms, T0 - 86400000);
    assert_true(kept[0].mean[0] == 30.5 && isnan(kept[0].least[0]) && kept[0].count[0] == 10);
    assert_int_equal(kept[1].records, 3);
    assert_true(kept[1].most[0] == 39 && kept[1].least[0] < kept[1].most[0]);
    assert_int_equal(kept[2].records, has_hours ? 120 : 0);
    assert_true(!has_hours || (kept[2].mean[0] == 37.5 && kept[2].least[0] == 20 && kept[2].most[0] == 90));
}

static void of_layout(int layout)
{
    char folder[64] = "/tmp/tftd-layout-XXXXXX";
    const tft_contract contract = tft_contract_default();
    const store_visitor visitor = {.server = see_server, .step = see_step, .record = see_record};
    store_options options = store_options_default();
    tft_error err = {0};
    assert_non_null(mkdtemp(folder));
    make_layout(layout, folder);
    options.dir = folder;
    options.now_ms = test_now;
    for (int round = 0; round < 2; round++) { // the second time it is of the newest layout
        store *s = NULL;
        seen found = {0};
        store_visitor to = visitor;
        to.context = &found;
        if (store_open(&options, &contract, &s, &err) != TFT_OK)
            fail_msg("layout %d: %s", layout, err.text);
        if (round == 0) {
            assert_int_equal(store_load(s, 0, &to, &err), TFT_OK);
            assert_int_equal(found.servers, 1);
            assert_int_equal(found.records, 2);
            assert_true(found.cpu == 38.5 && found.old_cpu == 30.5f);
            write_on(s);
        }
        assert_int_equal(store_counters_now(s).records_total, 13);
        assert_int_equal(store_counters_now(s).ticks, 8);
        store_alert alert;
        assert_int_equal(store_find_alert(s, "a-0000000000000001", &alert, NULL),
                         layout == 1 ? TFT_ERR_NOT_FOUND : TFT_OK); // alerts of layout 1 knew no kinds: they begin anew
        store_close(s);
    }
    size_t n = 0, n_incidents = 0;
    int64_t newest_ms = 0;
    store_reader *reader = NULL;
    assert_int_equal(store_check(folder, &n, &newest_ms, &err), TFT_OK);
    assert_int_equal(newest_ms, T0 + 10000);
    assert_int_equal(store_reader_open(folder, &contract, &reader, &err), TFT_OK);
    const store_incident_query all = {.from_ms = 0, .to_ms = T0 + 1, .after_ms = INT64_MIN};
    assert_int_equal(store_reader_incidents(reader, &all, count_incident, &n_incidents, &err), TFT_OK);
    assert_int_equal(n_incidents, layout >= 5 ? 2 : 1);
    store_reader_close(reader);
    check_steps(folder, &contract, layout >= 7);
    tft_remove_folder(folder, NULL);
}

static void every_layout_opens_keeps_what_it_held_and_is_written_to(void **state)
{
    (void)state;
    for (int layout = 1; layout <= DATABASE_VERSION; layout++)
        of_layout(layout);
}

static void a_newer_layout_is_refused_and_left_as_it_is(void **state)
{
    char folder[64] = "/tmp/tftd-layout-XXXXXX", path[160], text[64];
    const tft_contract contract = tft_contract_default();
    store_options options = store_options_default();
    tft_error err = {0};
    store *s = NULL;
    (void)state;
    assert_non_null(mkdtemp(folder));
    make_layout(DATABASE_VERSION, folder);
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    snprintf(text, sizeof text, "PRAGMA user_version = %d", DATABASE_VERSION + 1);
    run(path, text);
    options.dir = folder;
    assert_int_equal(store_open(&options, &contract, &s, &err), TFT_ERR_MISMATCH);
    assert_non_null(strstr(err.text, "newer tftd"));
    tft_remove_folder(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_opens_keeps_what_it_held_and_is_written_to),
        cmocka_unit_test(a_newer_layout_is_refused_and_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
