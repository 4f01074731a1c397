/* test_step_log.c - steps that are counted while something else happens: a record, a new server, a server forgotten, kill -9.
 *
 * Between taking a due step and keeping its rows the count reads the step's raw records as nobody: with a connection of its own. Here the
 * test steps in: SQLite calls `on_open` for every connection that is opened, and `on_statement` before that reading begins (it will see
 * what the test does) and at its first row (it will not).
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "small_store.h"

static store *counted;            // the store whose counting is disturbed
static void (*disturb)(store *s); // once
static unsigned disturb_at;       // BEFORE or AMID the reading
static size_t n_disturbed;

#define BEFORE SQLITE_TRACE_STMT
#define AMID SQLITE_TRACE_ROW

static int on_statement(unsigned what, void *context, void *statement, void *text)
{
    (void)context, (void)text;
    const char *const sql = sqlite3_sql(statement);
    void (*const now)(store *) = disturb;
    if (now != NULL && what == disturb_at && sqlite3_db_readonly(sqlite3_db_handle(statement), "main") == 1 &&
        strstr(sql, "FROM records WHERE time >= ?1 AND time < ?2") != NULL) {
        disturb = NULL;
        n_disturbed++;
        now(counted);
    }
    return 0;
}

static int on_open(sqlite3 *db, const char **why, const struct sqlite3_api_routines *api)
{
    (void)why, (void)api;
    sqlite3_trace_v2(db, BEFORE | AMID, on_statement, NULL);
    return SQLITE_OK;
}

/* Counts the steps that are due, and does `what` while the first one is counted. */
static void count_while(store *s, unsigned when, void (*what)(store *))
{
    counted = s;
    disturb_at = when;
    disturb = what;
    n_disturbed = 0;
    maintain(s);
    assert_int_equal(n_disturbed, 1);
}

static void send_another_record(store *s)
{
    assert_int_equal(append(s, "a", T0 + 5000, 40).outcome, STORE_NEW);
}

static void send_an_older_record(store *s)
{
    assert_int_equal(append(s, "a", T0 - HOUR + 5000, 40).outcome, STORE_NEW);
}

static void a_record_that_comes_while_its_step_is_counted_has_it_counted_again(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        store *const s = open_store(NULL);
        append(s, "a", T0 - i * HOUR, 10);
        clock_ms = T0 + STEP;
        count_while(s, i == 0 ? AMID : BEFORE, i == 0 ? send_another_record : send_an_older_record);
        maintain(s);
        const past *const p = read_past(1);
        assert_int_equal(p->n, 1 + i);
        assert_int_equal(p->steps[0].records, 2);
        assert_true(p->steps[0].most[0] == 40);
        store_close(s);
    }
}

static void fill_the_record(store *s)
{
    tft_record record = tft_record_empty();
    store_verdict verdict;
    store_batch batch = {.records = &record, .n = 1, .arrival_ms = clock_ms, .verdicts = &verdict};
    record.name = "a";
    record.name_length = 1;
    record.time_ms = T0;
    record.values[1] = 55;
    assert_int_equal(store_append(s, &batch, NULL), TFT_OK);
    assert_int_equal(verdict.outcome, STORE_FILLED);
}

static void so_has_a_value_that_completes_a_record(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append(s, "a", T0, 10);
    clock_ms = T0 + STEP;
    count_while(s, AMID, fill_the_record);
    maintain(s);
    const past *const p = read_past(1);
    assert_int_equal(p->steps[0].records, 1);
    assert_true(p->steps[0].mean[0] == 10 && p->steps[0].mean[1] == 55);
    store_close(s);
}

static void send_of_a_new_server(store *s)
{
    assert_int_equal(append(s, "newcomer", T0 + 5000, 77).outcome, STORE_NEW);
}

static void a_server_first_seen_while_a_step_is_counted_does_not_stop_the_count(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append(s, "a", T0, 10);
    clock_ms = T0 + STEP;
    count_while(s, BEFORE, send_of_a_new_server);
    assert_int_equal(read_past(1)->n, 1);
    maintain(s);
    const past *const p = read_past(2);
    assert_int_equal(p->n, 1);
    assert_true(p->steps[0].most[0] == 77);
    store_close(s);
}

static void forget_a(store *s)
{
    size_t n = 0;
    assert_int_equal(store_forget_server(s, "a", 1, &n, NULL), TFT_OK);
    assert_int_equal(n, 1);
}

static void a_server_forgotten_while_its_step_is_counted_leaves_no_row_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        store *const s = open_store(NULL);
        append(s, "b", T0 + i * STEP, 20);
        append(s, "a", T0 + i * STEP, 10);
        clock_ms = T0 + 2 * STEP;
        count_while(s, i == 0 ? AMID : BEFORE, forget_a);
        assert_int_equal(read_past(2 + i)->n, 0);
        maintain(s);
        assert_int_equal(read_past(2 + i)->n, 0); // a has a number of its own each time
        assert_int_equal(read_past(1)->n, 1 + i); // the others are counted in the next round
        store_close(s);
    }
}

static void forget_a_and_send_of_it_again(store *s)
{
    forget_a(s);
    assert_int_equal(append(s, "a", T0 + 5000, 50).outcome, STORE_NEW);
}

static void a_server_forgotten_and_back_while_its_step_is_counted_has_its_new_records_alone(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append(s, "a", T0, 10);
    clock_ms = T0 + STEP;
    count_while(s, AMID, forget_a_and_send_of_it_again);
    maintain(s);
    assert_int_equal(read_past(1)->n, 0);
    const past *const p = read_past(2);
    assert_int_equal(p->n, 1);
    assert_int_equal(p->steps[0].records, 1);
    assert_true(p->steps[0].least[0] == 50);
    store_close(s);
}

/* A child opens the store, does `work` and is killed in it. */
static void be_killed(void (*work)(store *s))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(open_store(NULL));
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void send_and_die(store *s)
{
    append(s, "a", T0, 10);
    raise(SIGKILL);
}

static void a_mark_outlives_kill_9(void **state)
{
    (void)state;
    be_killed(send_and_die);
    clock_ms = T0 + STEP;
    store *const s = open_store(NULL);
    assert_int_equal(read_past(1)->n, 0);
    maintain(s);
    assert_int_equal(read_past(1)->n, 1);
    store_close(s);
}

static void die(store *s)
{
    (void)s;
    raise(SIGKILL);
}

static void count_and_die(store *s)
{
    append(s, "a", T0, 10);
    clock_ms = T0 + STEP;
    count_while(s, AMID, die);
}

static void so_does_one_whose_step_was_being_counted(void **state)
{
    (void)state;
    be_killed(count_and_die);
    clock_ms = T0 + STEP;
    store *const s = open_store(NULL);
    maintain(s);
    const past *const p = read_past(1);
    assert_int_equal(p->n, 1);
    assert_int_equal(p->steps[0].records, 1);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_record_that_comes_while_its_step_is_counted_has_it_counted_again),
        TEST(so_has_a_value_that_completes_a_record),
        TEST(a_server_first_seen_while_a_step_is_counted_does_not_stop_the_count),
        TEST(a_server_forgotten_while_its_step_is_counted_leaves_no_row_behind),
        TEST(a_server_forgotten_and_back_while_its_step_is_counted_has_its_new_records_alone),
        TEST(a_mark_outlives_kill_9),
        TEST(so_does_one_whose_step_was_being_counted),
    };
    sqlite3_auto_extension((void (*)(void))on_open);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
