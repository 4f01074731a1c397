/* test_forgotten.c - a server that is forgotten leaves no row in any table, also where somebody was about to write one. */
#include <sqlite3.h>

#include "small_store.h"

#include "store/alert_log.h"
#include "store/fleet_log.h"
#include "store/track_log.h"

static const char *const tables[] = {
    "SELECT count(*) FROM records WHERE server = 1",   "SELECT count(*) FROM steps WHERE server = 1",
    "SELECT count(*) FROM step_log WHERE server = 1",  "SELECT count(*) FROM hours WHERE server = 1",
    "SELECT count(*) FROM forecasts WHERE server = 1", "SELECT count(*) FROM scores WHERE grp = 1",
    "SELECT count(*) FROM incidents WHERE server = 1", "SELECT count(*) FROM maintenance WHERE server = 1",
};
#define N_TABLES (sizeof tables / sizeof *tables)

/* Rows of server number 1 in each table. */
static void count_rows(int rows[N_TABLES])
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < N_TABLES; i++) {
        sqlite3_stmt *one = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, tables[i], -1, &one, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(one), SQLITE_ROW);
        rows[i] = sqlite3_column_int(one, 0);
        sqlite3_finalize(one);
    }
    sqlite3_close(db);
}

/* What the daemon's threads write of servers, here of the first two. */
static void write_what_was_seen(store *s, int64_t origin_ms)
{
    const store_incident incident = {.start_ms = origin_ms, .end_ms = STORE_GOES_ON, .state = TFT_STATE_OFFLINE};
    store_incidents incidents[2];
    store_forecast forecasts[2];
    store_score scores[2] = {{.from_ms = origin_ms, .n = 1}, {.from_ms = origin_ms, .n = 1}};
    store_maintenance spans[2];
    store_set set = {.origin_ms = origin_ms, .first_ms = origin_ms + STEP, .model = "m"};
    for (uint32_t i = 0; i < 2; i++) {
        incidents[i] = (store_incidents){.server = i, .from_ms = origin_ms, .items = &incident, .n = 1};
        incidents[i].earlier_end_ms = STORE_GOES_ON;
        forecasts[i] = (store_forecast){.server = i, .body = (const unsigned char *)"said", .n = 4};
        snprintf(scores[i].model, sizeof scores[i].model, "m");
        scores[i].group = i;
        spans[i] = (store_maintenance){i, origin_ms, origin_ms + STEP};
    }
    assert_int_equal(store_put_incidents(s, incidents, 2, NULL), TFT_OK);
    assert_int_equal(store_put_set(s, &set, NULL), TFT_OK);
    assert_int_equal(store_put_forecasts(s, set.number, forecasts, 2, true, NULL), TFT_OK);
    assert_int_equal(store_add_scores(s, set.number, 2, scores, 2, NULL), TFT_OK);
    assert_int_equal(store_mark_maintenance(s, spans, 2, NULL), TFT_OK);
}

static void a_forgotten_server_leaves_no_row_and_none_comes_after_it(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.retention_records_ms = DAY;
    options.retention_steps_ms = 3 * DAY;
    store *const s = open_store(&options);
    int rows[N_TABLES];
    size_t n = 0;
    for (int day = 0; day < 5; day++) { // hours of the first, sealed steps, and raw records of the last
        clock_ms = T0 + day * DAY;
        append(s, "a", clock_ms, 10);
        append(s, "b", clock_ms, 20);
        clock_ms += HOUR;
        maintain(s);
    }
    write_what_was_seen(s, T0);
    count_rows(rows);
    for (size_t i = 0; i < N_TABLES; i++)
        assert_true(rows[i] > 0);
    assert_int_equal(store_forget_server(s, "a", 1, &n, NULL), TFT_OK);
    count_rows(rows);
    for (size_t i = 0; i < N_TABLES; i++)
        assert_int_equal(rows[i], 0);
    write_what_was_seen(s, T0 + DAY); // by somebody who saw it before
    count_rows(rows);
    for (size_t i = 0; i < N_TABLES; i++)
        assert_int_equal(rows[i], 0);
    store_set set;
    assert_int_equal(store_due_set(s, T0 + 2 * DAY, &set, NULL), TFT_OK); // the set of the others is complete
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_forgotten_server_leaves_no_row_and_none_comes_after_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
