/* test_fleet.c - what batches do to the fleet: names, warm-up, newest values, clock, states, restart. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forecast/fleet.h"

#define NONE ((double)NAN)
#define STEP 300000
#define MINUTE 60000
static const int64_t T0 = 1760371200000; // 2025-10-13T16:00:00Z

static fleet *open_fleet(size_t max_servers)
{
    const tft_contract contract = tft_contract_default();
    fleet_options options;
    fleet_options_default(&contract, &options);
    options.max_servers = max_servers;
    fleet *f = NULL;
    tft_error err = {0};
    if (fleet_open(&options, &f, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return f;
}

/* A copy of all steps of a server, for tft_series_free(). */
static tft_series steps_of(const fleet *f, size_t id)
{
    tft_series series;
    tft_series_init(&series, 4, 0);
    assert_int_equal(fleet_copy_steps(f, id, INT64_MIN, INT64_MAX, &series, NULL), TFT_OK);
    return series;
}

/* One record with cpu, mem, disk, latency. */
static fleet_receipt give(fleet *f, const char *name, int64_t time_ms, const double values[4], tft_state state,
                          fleet_verdict verdict, int64_t wall_ms)
{
    const fleet_record record = {.name = name,
                                 .name_length = strlen(name),
                                 .time_ms = time_ms,
                                 .values = values,
                                 .state = state,
                                 .profile = -1,
                                 .verdict = verdict};
    const fleet_batch batch = {.records = &record, .n = 1};
    fleet_receipt receipt = {0};
    tft_error err = {0};
    if (fleet_apply(f, &batch, wall_ms, &receipt, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return receipt;
}

static const double quiet[4] = {30, 40, 5, 10};

static fleet_receipt tick(fleet *f, const char *name, int64_t time_ms)
{
    return give(f, name, time_ms, quiet, TFT_STATE_NONE, FLEET_NEW, time_ms);
}

static tft_state state_of(const fleet *f, const char *name, int64_t wall_ms, bool *planned)
{
    const size_t id = fleet_find(f, name, strlen(name));
    assert_true(id != FLEET_NO_SERVER);
    const fleet_clock clock = fleet_now(f, wall_ms);
    fleet_read_lock(f);
    const tft_state state = fleet_state(f, fleet_at(f, id), &clock, planned);
    fleet_read_unlock(f);
    return state;
}

static void names_are_compared_byte_for_byte(void **state)
{
    (void)state;
    fleet *f = open_fleet(100);
    const char nul[] = "a\0b";
    tick(f, "ppdb001", T0);
    tick(f, "PPDB001", T0);
    tick(f, "ppdb001 ", T0);
    const fleet_record record = {nul, 3, T0, quiet, TFT_STATE_NONE, -1, FLEET_NEW};
    const fleet_batch batch = {.records = &record, .n = 1};
    assert_int_equal(fleet_apply(f, &batch, T0, NULL, NULL), TFT_OK);
    assert_int_equal(fleet_size(f), 4);
    assert_int_equal(fleet_find(f, "ppdb001", 7), 0);
    assert_int_equal(fleet_find(f, "PPDB001", 7), 1);
    assert_int_equal(fleet_find(f, "ppdb001 ", 8), 2);
    assert_int_equal(fleet_find(f, nul, 3), 3);
    assert_true(fleet_find(f, "a", 1) == FLEET_NO_SERVER);
    fleet_close(f);
}

static void ids_stay_and_the_bound_holds(void **state)
{
    (void)state;
    fleet *f = open_fleet(1000);
    char name[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(name, sizeof name, "server-%d", i);
            tick(f, name, T0 + round);
            assert_int_equal(fleet_find(f, name, strlen(name)), i);
        }
    assert_int_equal(fleet_room(f), 0);
    const fleet_record records[2] = {{"one too many", 12, T0, quiet, TFT_STATE_NONE, -1, FLEET_NEW},
                                     {"server-7", 8, T0 + 5, quiet, TFT_STATE_NONE, -1, FLEET_NEW}};
    const fleet_batch batch = {.records = records, .n = 2};
    tft_error err = {0};
    assert_int_equal(fleet_apply(f, &batch, T0, NULL, &err), TFT_ERR_LIMIT);
    assert_non_null(strstr(err.text, "1000"));
    assert_int_equal(fleet_size(f), 1000);
    fleet_read_lock(f);
    assert_int_equal(fleet_at(f, 7)->records, 3); // its neighbour was not harmed
    fleet_read_unlock(f);
    fleet_close(f);
}

static void who_sleeps_gives_back_its_place_and_takes_one_when_it_wakes(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    fleet *f = open_fleet(2);
    tick(f, "gone", T0);
    tick(f, "gone", T0 + STEP);
    tick(f, "here", T0 + 2 * day);
    assert_int_equal(fleet_room(f), 0);
    assert_int_equal(fleet_sleep_silent(f, T0 + 2 * day, 3 * day), 0);
    assert_int_equal(fleet_sleep_silent(f, T0 + 2 * day, day), 1);
    assert_int_equal(fleet_n_asleep(f), 1);
    assert_int_equal(fleet_room(f), 1);
    assert_int_equal(fleet_most_ids(f), 3);
    fleet_counters c = fleet_count(f, T0 + 2 * day);
    assert_int_equal(c.servers_tracked, 1);
    assert_int_equal(c.totals.records_total, 3); // what was counted stays counted
    assert_int_equal(fleet_find_asleep(f, "gone", 4), 0);
    assert_true(fleet_find_asleep(f, "here", 4) == FLEET_NO_SERVER);
    tft_series steps = steps_of(f, 0);
    assert_int_equal(steps.n_steps, 0);
    tft_series_free(&steps);
    // a newcomer takes the place; its owner sleeps on until there is one again
    tick(f, "new", T0 + 2 * day);
    assert_int_equal(fleet_find(f, "new", 3), 2);
    assert_false(fleet_wake(f, 0));
    fleet_forget(f, 2, 0);
    assert_true(fleet_wake(f, 0));
    assert_int_equal(fleet_n_asleep(f), 0);
    c = fleet_count(f, T0 + 2 * day);
    assert_int_equal(c.servers_tracked, 2);
    const float means[4] = {30, 40, 5, 10};
    const uint16_t counts[4] = {1, 1, 1, 1};
    assert_int_equal(fleet_load_step(f, 0, T0 / STEP, means, counts, 1, TFT_STATE_HEALTHY, NULL), TFT_OK);
    steps = steps_of(f, 0);
    assert_int_equal(steps.n_steps, 1);
    tft_series_free(&steps);
    tick(f, "gone", T0 + 2 * day);
    fleet_read_lock(f);
    assert_int_equal(fleet_at(f, 0)->records, 3);
    assert_int_equal(fleet_at(f, 0)->first_seen_ms, T0);
    fleet_read_unlock(f);
    fleet_close(f);
}

static void names_that_never_come_back_do_not_pile_up(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    char name[32];
    fleet_read_lock(f);
    fleet_options how = *fleet_settings(f);
    fleet_read_unlock(f);
    how.clock = FLEET_CLOCK_WALL;
    fleet_reconfigure(f, &how);
    for (int round = 0; round < FLEET_IDS_PER_PLACE; round++) {
        const int64_t at = T0 + (int64_t)round * 86400000;
        assert_int_equal(fleet_sleep_silent(f, at, 3600000), round > 0 ? 10 : 0);
        for (int i = 0; i < 10; i++) {
            snprintf(name, sizeof name, "pod-%d-%d", round, i);
            tick(f, name, at);
        }
    }
    fleet_sleep_silent(f, T0 + (int64_t)FLEET_IDS_PER_PLACE * 86400000, 3600000);
    assert_int_equal(fleet_n_asleep(f), 10 * FLEET_IDS_PER_PLACE);
    assert_int_equal(fleet_room(f), 0);
    assert_int_equal(fleet_find(f, "pod-3-7", 7), 37); // the tables have grown
    assert_int_equal(fleet_find_asleep(f, "pod-0-7", 7), 7);
    fleet_close(f);
}

static void another_bound_holds_from_then_on(void **state)
{
    (void)state;
    fleet *f = open_fleet(1);
    tick(f, "a", T0);
    fleet_read_lock(f);
    fleet_options how = *fleet_settings(f);
    fleet_read_unlock(f);
    how.max_servers = 40;
    fleet_reconfigure(f, &how);
    for (int i = 1; i < 40; i++) {
        const char name[2] = {(char)('a' + i % 26), (char)('0' + i / 26)};
        const fleet_record record = {name, 2, T0, quiet, TFT_STATE_NONE, -1, FLEET_NEW};
        assert_int_equal(fleet_apply(f, &(fleet_batch){.records = &record, .n = 1}, T0, NULL, NULL), TFT_OK);
    }
    assert_int_equal(fleet_room(f), 0);
    how.max_servers = 5;
    fleet_reconfigure(f, &how);
    assert_int_equal(fleet_room(f), 0);
    assert_int_equal(fleet_size(f), 40); // nobody goes
    assert_int_equal(fleet_find(f, "a", 1), 0);
    fleet_close(f);
}

static void warm_up_ends_with_the_150th_record(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    fleet_receipt r = {0};
    for (int i = 0; i < 149; i++)
        r = tick(f, "a", T0 + i * 5000);
    assert_int_equal(r.servers_ready, 0);
    assert_false(r.warmup_complete);
    assert_int_equal(r.tick, 149);
    assert_int_equal(r.window_size, 149);
    fleet_counters c = fleet_count(f, T0 + 149 * 5000);
    assert_int_equal(c.progress_percent, 99);
    assert_int_equal(c.warmup_current_size, 149);
    r = tick(f, "a", T0 + 149 * 5000);
    assert_int_equal(r.servers_ready, 1);
    assert_true(r.warmup_complete);
    c = fleet_count(f, T0 + 149 * 5000);
    assert_int_equal(c.progress_percent, 100);
    assert_int_equal(c.totals.records_total, 150);
    fleet_close(f);
}

static void a_newcomer_in_a_warm_fleet_is_seen_in_the_progress(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    for (int i = 0; i < 300; i++)
        tick(f, "old", T0 + i * 1000);
    const fleet_receipt r = tick(f, "new", T0 + 300 * 1000);
    assert_int_equal(r.servers_tracked, 2);
    assert_int_equal(r.servers_ready, 1);
    assert_false(r.warmup_complete);
    const fleet_counters c = fleet_count(f, T0 + 300 * 1000);
    assert_int_equal(c.progress_percent, 50);     // 150 + 1 of 300: the old one's surplus does not help the new one
    assert_int_equal(c.warmup_current_size, 150); // (300 + 1) / 2
    fleet_close(f);
}

static void a_server_that_left_does_not_hold_the_fleet_in_warm_up(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    tick(f, "gone", T0);
    fleet_receipt r = {0};
    for (int i = 0; i < 150; i++)
        r = tick(f, "a", T0 + 30 * MINUTE - 149 * 5000 + i * 5000);
    assert_false(r.warmup_complete); // "gone" is exactly 30 minutes old: still active
    r = tick(f, "a", T0 + 30 * MINUTE + 1);
    assert_true(r.warmup_complete);
    assert_int_equal(r.servers_tracked, 2);
    fleet_close(f);
}

static void ticks_count_batches_that_stored_something(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    assert_int_equal(tick(f, "a", T0).tick, 1);
    assert_int_equal(give(f, "a", T0, quiet, TFT_STATE_NONE, FLEET_NOTHING, T0).tick, 1); // a duplicate
    const double fill[4] = {NONE, 41, NONE, NONE};
    const fleet_receipt r = give(f, "a", T0, fill, TFT_STATE_NONE, FLEET_FILLED, T0);
    assert_int_equal(r.tick, 2);
    assert_int_equal(r.window_size, 1); // no new record
    const fleet_batch nothing = {.rejected = 3, .duplicates = 2, .conflicts = 1};
    assert_int_equal(fleet_apply(f, &nothing, T0, NULL, NULL), TFT_OK);
    const fleet_counters c = fleet_count(f, T0);
    assert_int_equal(c.totals.tick, 2);
    assert_int_equal(c.totals.rejected_total, 3);
    assert_int_equal(c.totals.duplicates_total, 2);
    assert_int_equal(c.totals.conflicts_total, 1);
    assert_int_equal(c.totals.filled_total, 1);
    fleet_close(f);
}

static void late_records_count_and_leave_the_newest_values(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    const double newer[4] = {50, NONE, NONE, NONE}, older[4] = {10, 20, NONE, NONE};
    assert_int_equal(give(f, "a", T0 + 10000, newer, TFT_STATE_NONE, FLEET_NEW, T0).late, 0);
    assert_int_equal(give(f, "a", T0, older, TFT_STATE_CRITICAL_ISSUE, FLEET_NEW, T0).late, 1);
    fleet_read_lock(f);
    const fleet_server *s = fleet_at(f, 0);
    assert_true(s->newest[0] == 50 && s->newest[1] == 20 && isnan(s->newest[2]));
    assert_true(s->newest_ms[0] == T0 + 10000 && s->newest_ms[1] == T0);
    assert_int_equal(s->last_seen_ms, T0 + 10000);
    assert_int_equal(s->first_seen_ms, T0);
    assert_int_equal(s->sent_state, TFT_STATE_NONE);
    fleet_read_unlock(f);
    assert_int_equal(fleet_count(f, T0).totals.late_total, 1);
    fleet_close(f);
}

static void filled_values_complete_a_record_without_counting(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    const double first[4] = {30, NONE, NONE, NONE}, rest[4] = {NONE, 60, NONE, NONE};
    give(f, "a", T0, first, TFT_STATE_NONE, FLEET_NEW, T0);
    give(f, "a", T0, rest, TFT_STATE_RECOVERY, FLEET_FILLED, T0);
    fleet_read_lock(f);
    const fleet_server *s = fleet_at(f, 0);
    assert_int_equal(s->records, 1);
    assert_true(s->newest[1] == 60);
    assert_int_equal(s->sent_state, TFT_STATE_RECOVERY);
    assert_int_equal(s->n_recent, 1);
    assert_true(s->recent[0] == 30.0f && s->recent[1] == 60.0f);
    fleet_read_unlock(f);
    tft_series series = steps_of(f, 0);
    assert_int_equal(series.counts[0], 1);
    assert_true(series.values[0] == 30.0f && series.values[1] == 60.0f);
    tft_series_free(&series);
    fleet_close(f);
}

static void the_last_records_are_kept_by_time(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    for (int i = 0; i < 100; i++) { // 63, 0, 73, 10 … : any order
        const double values[4] = {(double)(i * 63 % 100), NONE, NONE, NONE};
        give(f, "a", T0 + (i * 63 % 100) * 1000, values, TFT_STATE_NONE, FLEET_NEW, T0 + 100000);
    }
    fleet_read_lock(f);
    const fleet_server *s = fleet_at(f, 0);
    assert_int_equal(s->n_recent, FLEET_RECENT);
    bool seen[100] = {false};
    for (size_t i = 0; i < s->n_recent; i++) {
        const int at = (int)((s->recent_ms[i] - T0) / 1000);
        assert_true(at >= 100 - FLEET_RECENT && at < 100 && !seen[at]);
        assert_true(s->recent[i * 4] == (float)at);
        seen[at] = true;
    }
    fleet_read_unlock(f);
    fleet_close(f);
}

static tft_profile by_first_letter(void *context, const char *name, size_t n)
{
    (void)n;
    return name[0] == *(const char *)context ? TFT_PROFILE_DATABASE : TFT_PROFILE_GENERIC;
}

static void a_profile_is_what_was_sent_before_what_the_name_says(void **state)
{
    (void)state;
    const tft_contract contract = tft_contract_default();
    char letter = 'd';
    fleet_options options;
    fleet_options_default(&contract, &options);
    options.profile_of_name = by_first_letter;
    options.profile_context = &letter;
    fleet *f = NULL;
    assert_int_equal(fleet_open(&options, &f, NULL), TFT_OK);
    tick(f, "d1", T0);
    tick(f, "x1", T0);
    const fleet_record sent = {"d1", 2, T0 + 1, quiet, TFT_STATE_NONE, TFT_PROFILE_WEB_API, FLEET_NEW};
    const fleet_batch batch = {.records = &sent, .n = 1};
    fleet_read_lock(f);
    assert_int_equal(fleet_at(f, 0)->profile, TFT_PROFILE_DATABASE);
    assert_int_equal(fleet_at(f, 1)->profile, TFT_PROFILE_GENERIC);
    fleet_read_unlock(f);
    assert_int_equal(fleet_apply(f, &batch, T0, NULL, NULL), TFT_OK);
    letter = 'x';
    fleet_reconfigure(f, &options); // new prefixes: what was sent stays
    fleet_read_lock(f);
    assert_int_equal(fleet_at(f, 0)->profile, TFT_PROFILE_WEB_API);
    assert_int_equal(fleet_at(f, 0)->history.profile, TFT_PROFILE_WEB_API);
    assert_int_equal(fleet_at(f, 1)->profile, TFT_PROFILE_DATABASE);
    fleet_read_unlock(f);
    fleet_close(f);
}

static void the_clock_is_the_wall_until_the_fleet_is_half_an_hour_behind(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    fleet_clock c = fleet_now(f, T0);
    assert_true(!c.data && c.now_ms == T0 && c.data_lag_ms == 0);
    tick(f, "a", T0);
    c = fleet_now(f, T0 + 30 * MINUTE);
    assert_true(!c.data && c.now_ms == T0 + 30 * MINUTE && c.data_lag_ms == 30 * MINUTE);
    c = fleet_now(f, T0 + 30 * MINUTE + 1);
    assert_true(c.data && c.now_ms == T0);
    tick(f, "b", T0 + 20 * MINUTE);
    c = fleet_now(f, T0 + 30 * MINUTE + 1);
    assert_true(!c.data);

    fleet_options options = *fleet_settings(f);
    options.clock = FLEET_CLOCK_WALL;
    fleet_reconfigure(f, &options);
    c = fleet_now(f, T0 + 1000 * MINUTE);
    assert_true(!c.data && c.now_ms == T0 + 1000 * MINUTE && c.data_lag_ms == 980 * MINUTE);
    options.clock = FLEET_CLOCK_DATA;
    fleet_reconfigure(f, &options);
    c = fleet_now(f, T0 + 20 * MINUTE + 1);
    assert_true(c.data && c.now_ms == T0 + 20 * MINUTE);
    fleet_close(f);
}

static void silence_for_three_steps_while_others_report_is_offline(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    bool planned = true;
    tick(f, "silent", T0 + 1000);
    for (int step = 0; step <= 3; step++)
        tick(f, "loud", T0 + step * STEP + 2000);
    assert_int_equal(state_of(f, "silent", T0 + 4 * STEP - 1, &planned),
                     TFT_STATE_HEALTHY); // the third is not whole yet
    assert_int_equal(state_of(f, "silent", T0 + 4 * STEP, &planned), TFT_STATE_OFFLINE);
    assert_false(planned);
    assert_int_equal(state_of(f, "loud", T0 + 4 * STEP, NULL), TFT_STATE_HEALTHY);
    tick(f, "silent", T0 + 4 * STEP + 5); // back
    assert_int_equal(state_of(f, "silent", T0 + 4 * STEP + 5, NULL), TFT_STATE_HEALTHY);
    fleet_close(f);
}

static void when_everybody_is_silent_nobody_is_offline(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    tick(f, "a", T0);
    tick(f, "b", T0);
    assert_int_equal(state_of(f, "a", T0 + 6 * STEP, NULL), TFT_STATE_HEALTHY);
    // The collector is back after 20 minutes, and `a` reports first: `b` was silent with all the others.
    tick(f, "a", T0 + 4 * STEP);
    assert_int_equal(state_of(f, "b", T0 + 5 * STEP, NULL), TFT_STATE_HEALTHY);
    fleet_close(f);
}

static void silence_after_maintenance_is_planned(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    bool planned = false;
    give(f, "a", T0, quiet, TFT_STATE_MAINTENANCE, FLEET_NEW, T0);
    give(f, "b", T0, quiet, TFT_STATE_MAINTENANCE, FLEET_NEW, T0);
    give(f, "b", T0 + 1, quiet, TFT_STATE_OFFLINE, FLEET_NEW, T0);
    give(f, "c", T0, quiet, TFT_STATE_OFFLINE, FLEET_NEW, T0);
    for (int step = 0; step <= 4; step++)
        tick(f, "loud", T0 + step * STEP);
    assert_int_equal(state_of(f, "a", T0 + 4 * STEP, &planned), TFT_STATE_OFFLINE);
    assert_true(planned);
    assert_int_equal(state_of(f, "b", T0 + 1, &planned), TFT_STATE_OFFLINE); // sent, after maintenance
    assert_true(planned);
    assert_int_equal(state_of(f, "c", T0 + 1, &planned), TFT_STATE_OFFLINE);
    assert_false(planned);
    fleet_close(f);
}

static void a_state_that_was_not_sent_is_derived(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    const double hot[4] = {96, NONE, NONE, NONE}, slow[4] = {NONE, NONE, NONE, 150};
    give(f, "a", T0, hot, TFT_STATE_NONE, FLEET_NEW, T0);
    assert_int_equal(state_of(f, "a", T0, NULL), TFT_STATE_CRITICAL_ISSUE);
    give(f, "a", T0 + 1000, slow, TFT_STATE_NONE, FLEET_NEW, T0); // a metric at a time: both are fresh
    assert_int_equal(state_of(f, "a", T0 + 1000, NULL), TFT_STATE_CRITICAL_ISSUE);
    give(f, "a", T0 + STEP + 1000, slow, TFT_STATE_NONE, FLEET_NEW, T0); // cpu is a step old by now
    assert_int_equal(state_of(f, "a", T0 + STEP + 1000, NULL), TFT_STATE_HEAVY_LOAD);
    give(f, "a", T0 + STEP + 2000, hot, TFT_STATE_MORNING_SPIKE, FLEET_NEW, T0); // what is sent is believed
    assert_int_equal(state_of(f, "a", T0 + STEP + 2000, NULL), TFT_STATE_MORNING_SPIKE);
    fleet_close(f);
}

/* Two fleets, one fed live, one filled as after a restart: the same to the eye. */
static void a_restart_comes_back_warm(void **state)
{
    (void)state;
    fleet *live = open_fleet(10), *back = open_fleet(10);
    for (int i = 0; i < 160; i++) {
        const double values[4] = {30 + i % 7, 40, NONE, 10};
        give(live, "a", T0 + i * 5000, values, TFT_STATE_HEALTHY, FLEET_NEW, T0 + i * 5000);
    }
    tft_series steps = steps_of(live, 0);
    fleet_read_lock(live);
    const fleet_server *from = fleet_at(live, 0);
    const fleet_saved_server saved = {
        "a", 1, -1, from->records, from->first_seen_ms, from->last_seen_ms, from->sent_state};
    size_t id = 99;
    assert_int_equal(fleet_load_server(back, &saved, &id, NULL), TFT_OK);
    // Two whole steps from disk, the rest of the records one by one.
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(fleet_load_step(back, id, steps.first_step + (int64_t)i, steps.values + i * 4,
                                         steps.value_counts + i * 4, steps.counts[i], (tft_state)steps.states[i], NULL),
                         TFT_OK);
    fleet_read_unlock(live);
    for (int i = 120; i < 160; i++) {
        const double values[4] = {30 + i % 7, 40, NONE, 10};
        assert_int_equal(fleet_load_record(back, id, T0 + i * 5000, values, TFT_STATE_HEALTHY, NULL), TFT_OK);
    }
    fleet_counters count = fleet_count(live, T0 + 160 * 5000);
    fleet_load_totals(back, &count.totals);

    const fleet_counters again = fleet_count(back, T0 + 160 * 5000);
    assert_int_equal(again.totals.tick, 160);
    assert_int_equal(again.totals.records_total, 160);
    assert_int_equal(again.totals.held, 160);
    assert_true(again.warmup_complete);
    assert_int_equal(again.progress_percent, 100);
    assert_true(again.clock.newest_ms == count.clock.newest_ms);
    tft_series x = steps_of(live, 0), y = steps_of(back, 0);
    assert_int_equal(x.n_steps, y.n_steps);
    assert_memory_equal(x.counts, y.counts, x.n_steps * sizeof *x.counts);
    for (size_t i = 0; i < x.n_steps * 4; i++)
        assert_true((isnan(x.values[i]) && isnan(y.values[i])) || fabsf(x.values[i] - y.values[i]) < 1e-4f);
    tft_series_free(&x);
    tft_series_free(&y);
    tft_series_free(&steps);
    fleet_read_lock(live);
    fleet_read_lock(back);
    assert_true(fleet_at(back, 0)->newest[0] == fleet_at(live, 0)->newest[0]);
    assert_int_equal(fleet_at(back, 0)->sent_state, TFT_STATE_HEALTHY);
    assert_int_equal(fleet_at(back, 0)->n_recent, FLEET_RECENT);
    fleet_read_unlock(back);
    fleet_read_unlock(live);

    fleet_pruned(back, 100);
    assert_int_equal(fleet_count(back, T0).totals.held, 60);
    assert_int_equal(fleet_count(back, T0).totals.records_total, 160); // never falls
    assert_true(fleet_count(back, T0 + 160 * 5000).warmup_complete);
    fleet_close(live);
    fleet_close(back);
}

static void memory_of_a_server_is_bounded(void **state)
{
    (void)state;
    fleet *f = open_fleet(10);
    for (int i = 0; i < 3000; i++) // more steps than are kept
        tick(f, "a", T0 + (int64_t)i * STEP);
    tft_series s = steps_of(f, 0);
    assert_int_equal(s.n_steps, 2304);
    assert_int_equal(s.n_known, 2304);
    assert_int_equal(s.first_step, T0 / STEP + 3000 - 2304);
    tft_series_free(&s);
    assert_true(fleet_bytes(f) < 16 * 1024); // usual values: a quarter of what 2304 steps of floats and counts take
    assert_true(fleet_bytes_per_server(f) < 2304 * 60); // whatever comes
    fleet_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_byte_for_byte),
        cmocka_unit_test(ids_stay_and_the_bound_holds),
        cmocka_unit_test(who_sleeps_gives_back_its_place_and_takes_one_when_it_wakes),
        cmocka_unit_test(names_that_never_come_back_do_not_pile_up),
        cmocka_unit_test(another_bound_holds_from_then_on),
        cmocka_unit_test(warm_up_ends_with_the_150th_record),
        cmocka_unit_test(a_newcomer_in_a_warm_fleet_is_seen_in_the_progress),
        cmocka_unit_test(a_server_that_left_does_not_hold_the_fleet_in_warm_up),
        cmocka_unit_test(ticks_count_batches_that_stored_something),
        cmocka_unit_test(late_records_count_and_leave_the_newest_values),
        cmocka_unit_test(filled_values_complete_a_record_without_counting),
        cmocka_unit_test(the_last_records_are_kept_by_time),
        cmocka_unit_test(a_profile_is_what_was_sent_before_what_the_name_says),
        cmocka_unit_test(the_clock_is_the_wall_until_the_fleet_is_half_an_hour_behind),
        cmocka_unit_test(silence_for_three_steps_while_others_report_is_offline),
        cmocka_unit_test(when_everybody_is_silent_nobody_is_offline),
        cmocka_unit_test(silence_after_maintenance_is_planned),
        cmocka_unit_test(a_state_that_was_not_sent_is_derived),
        cmocka_unit_test(a_restart_comes_back_warm),
        cmocka_unit_test(memory_of_a_server_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
