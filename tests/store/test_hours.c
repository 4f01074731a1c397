/* test_hours.c - what is beyond the retention of steps is kept as hours: once, whole, and no longer than there is room. */
#include <unistd.h>

#include "small_store.h"

#define N_STEPS 12

/* An hour of server `name`: step k of twelve gets records of 10 k and 10 k + 4. */
static void append_hour(store *s, const char *name, int64_t hour_ms)
{
    for (int k = 0; k < N_STEPS; k++) {
        append(s, name, hour_ms + k * STEP, 10.0 * k);
        append(s, name, hour_ms + k * STEP + 5000, 10.0 * k + 4);
    }
}

/* A record of servers s00, s01, … each, in one batch; cpu is the server's number. */
static void append_fleet(store *s, int n, int64_t time_ms)
{
    enum { MOST = 64 };
    static char names[MOST][8];
    tft_record records[MOST];
    store_verdict verdicts[MOST];
    tft_error err = {0};
    assert_in_range(n, 1, MOST);
    for (int i = 0; i < n; i++) {
        snprintf(names[i], sizeof names[i], "s%02d", i);
        records[i] = tft_record_empty();
        records[i].name = names[i];
        records[i].name_length = strlen(names[i]);
        records[i].time_ms = time_ms;
        records[i].values[0] = i;
    }
    store_batch batch = {.records = records, .n = (size_t)n, .arrival_ms = clock_ms, .verdicts = verdicts};
    if (store_append(s, &batch, &err) != TFT_OK)
        fail_msg("%s", err.text);
}

/* A store whose steps are kept for ten days and whose records for one. */
static store *open_short(void)
{
    store_options options = store_options_default();
    options.retention_records_ms = DAY;
    options.retention_steps_ms = 10 * DAY;
    return open_store(&options);
}

static void steps_beyond_their_retention_become_an_hour_with_mean_least_most_and_count(void **state)
{
    (void)state;
    store *const s = open_short();
    append_hour(s, "a", T0);
    clock_ms = T0 + HOUR;
    maintain(s);
    assert_int_equal(read_past(1)->n, N_STEPS);
    clock_ms = T0 + HOUR + 10 * DAY - 1;
    maintain(s);
    assert_int_equal(read_past(1)->n, N_STEPS); // not yet
    clock_ms = T0 + HOUR + 10 * DAY;
    maintain(s);
    const past *const p = read_past(1);
    assert_int_equal(p->n, 1);
    const store_past_step *const hour = &p->steps[0];
    assert_int_equal(hour->start_ms, T0);
    assert_int_equal(hour->length_ms, HOUR);
    assert_int_equal(hour->records, 2 * N_STEPS);
    assert_int_equal(hour->count[0], 2 * N_STEPS);
    assert_true(hour->mean[0] == 57 && hour->least[0] == 0 && hour->most[0] == 114);
    assert_true(hour->count[1] == 0 && isnan(hour->mean[1]) && isnan(hour->least[1]));
    store_close(s);
}

static void a_step_goes_into_its_hour_once_and_a_later_one_is_added(void **state)
{
    (void)state;
    store *const s = open_short();
    append(s, "a", T0, 10);
    append(s, "b", T0, 70);
    clock_ms = T0 + 11 * DAY;
    maintain(s);
    maintain(s);
    assert_int_equal(read_past(1)->n, 1);
    assert_int_equal(append(s, "a", T0 + 5000, 99).outcome, STORE_TOO_OLD); // its step is sealed, in an hour too
    assert_int_equal(append(s, "a", T0 + STEP, 30).outcome, STORE_NEW);     // of another step nobody knew anything
    maintain(s);
    const past *p = read_past(1);
    assert_int_equal(p->n, 2); // the step waits while its record is there
    assert_true(p->steps[0].length_ms == HOUR && p->steps[1].length_ms == STEP && p->steps[1].mean[0] == 30);
    clock_ms += DAY + 60000;
    maintain(s);
    maintain(s);
    p = read_past(1);
    assert_int_equal(p->n, 1);
    assert_int_equal(p->steps[0].count[0], 2);
    assert_true(p->steps[0].mean[0] == 20 && p->steps[0].least[0] == 10 && p->steps[0].most[0] == 30);
    assert_true(read_past(2)->steps[0].mean[0] == 70);
    store_close(s);
}

static void what_was_sealed_stays_so_over_a_restart(void **state)
{
    (void)state;
    store *s = open_short();
    append(s, "a", T0, 10);
    clock_ms = T0 + 11 * DAY;
    maintain(s);
    store_close(s);
    s = open_short(); // no step is left in table steps
    assert_int_equal(append(s, "a", T0, 10).outcome, STORE_TOO_OLD);
    assert_int_equal(append(s, "a", T0 + 6 * STEP, 10).outcome, STORE_NEW);
    clock_ms = T0 + 60 * DAY; // and when the hour's values are gone
    maintain(s);
    assert_int_equal(read_past(1)->n, 0);
    assert_int_equal(append(s, "a", T0 + 1, 10).outcome, STORE_TOO_OLD);
    store_close(s);
}

static void hours_reach_four_times_as_far_as_steps(void **state)
{
    (void)state;
    store *const s = open_short();
    append_hour(s, "a", T0);
    append_hour(s, "a", T0 + 5 * DAY);
    clock_ms = T0 + 40 * DAY - 1;
    maintain(s);
    assert_int_equal(read_past(1)->n, 2);
    clock_ms = T0 + 40 * DAY + 1;
    maintain(s);
    const past *const p = read_past(1);
    assert_int_equal(p->n, 1);
    assert_int_equal(p->steps[0].start_ms, T0 + 5 * DAY);
    store_close(s);
}

static void an_hour_of_many_servers_is_made_in_parts(void **state)
{
    (void)state;
    store *const s = open_short();
    char name[16];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof name, "s%03d", i);
        append(s, name, T0 + (i % N_STEPS) * STEP, i);
    }
    clock_ms = T0 + 11 * DAY;
    maintain(s);
    const past *const p = read_past(0);
    assert_int_equal(p->n, 600);
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(p->steps[i].server, i + 1);
        assert_true(p->steps[i].mean[0] == (double)i && p->steps[i].length_ms == HOUR);
    }
    store_close(s);
}

static void a_forgotten_server_takes_its_hours_along(void **state)
{
    (void)state;
    store *const s = open_short();
    size_t n = 0;
    append(s, "a", T0, 10);
    append(s, "b", T0, 20);
    clock_ms = T0 + 11 * DAY;
    maintain(s);
    assert_int_equal(store_forget_server(s, "a", 1, &n, NULL), TFT_OK);
    assert_int_equal(read_past(1)->n, 0);
    assert_int_equal(read_past(0)->n, 1);
    store_close(s);
}

/* Steps and hours of the whole fleet that are there. */
static size_t count(int64_t length_ms)
{
    const past *const p = read_past(0);
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->steps[i].length_ms == length_ms;
    return n;
}

static void a_file_too_full_gives_up_its_oldest_steps_for_hours_and_takes_on_records(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.max_bytes = 512 * 1024;
    options.sync_full = false;
    store *const s = open_store(&options);
    for (int64_t step = 0; step < 1200; step++) { // some 3 MB, were nothing given up
        append_fleet(s, 20, T0 + step * STEP);
        clock_ms = T0 + (step + 1) * STEP;
        maintain(s);
    }
    assert_null(store_trouble(s));
    const size_t n_hours = count(HOUR), n_steps = count(STEP);
    const past *const p = read_past(1);
    assert_true(n_hours > 20 && n_steps > 20);
    assert_true(p->steps[0].length_ms == HOUR);                                                           // the oldest
    assert_true(p->steps[p->n - 1].start_ms == T0 + 1199 * STEP && p->steps[p->n - 1].length_ms == STEP); // the newest
    for (size_t i = 1; i < p->n; i++) // nothing twice, nothing missing from the first on
        assert_int_equal(p->steps[i].start_ms, p->steps[i - 1].start_ms + p->steps[i - 1].length_ms);
    const int64_t steps_reach = clock_ms - p->steps[p->n - n_steps / 20].start_ms;
    assert_in_range(clock_ms - p->steps[0].start_ms, 1, 4 * steps_reach + 2 * DAY);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steps_beyond_their_retention_become_an_hour_with_mean_least_most_and_count),
        TEST(a_step_goes_into_its_hour_once_and_a_later_one_is_added),
        TEST(what_was_sealed_stays_so_over_a_restart),
        TEST(hours_reach_four_times_as_far_as_steps),
        TEST(an_hour_of_many_servers_is_made_in_parts),
        TEST(a_forgotten_server_takes_its_hours_along),
        TEST(a_file_too_full_gives_up_its_oldest_steps_for_hours_and_takes_on_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
