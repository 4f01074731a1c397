/* test_pool.c - the pool runs every task once, on any number of threads, and sleeps when it has nothing to do. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tensor/pool.h"

enum { MAX_TASKS = 20000, MAX_WORKERS = 16 };

typedef struct tally {
    atomic_int runs[MAX_TASKS];
    atomic_int inside[MAX_WORKERS]; // a worker's scratch memory is used by one task at a time
    atomic_int overlaps, strangers;
    size_t n_workers;
    double values[MAX_TASKS]; // plain memory: the pool must order it for the caller
} tally;

static void count_task(void *context, size_t i, size_t worker)
{
    tally *t = (tally *)context;
    if (worker >= t->n_workers) {
        atomic_fetch_add(&t->strangers, 1);
        return;
    }
    if (atomic_fetch_add(&t->inside[worker], 1) != 0)
        atomic_fetch_add(&t->overlaps, 1);
    atomic_fetch_add(&t->runs[i], 1);
    t->values[i] += (double)i;
    atomic_fetch_sub(&t->inside[worker], 1);
}

static void run_and_check(tft_pool *pool, size_t n)
{
    static tally t;
    memset(&t, 0, sizeof t);
    t.n_workers = tft_pool_threads(pool);
    tft_pool_run(pool, n, count_task, &t);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(atomic_load(&t.runs[i]), 1);
        assert_true(t.values[i] == (double)i);
    }
    for (size_t i = n; i < MAX_TASKS; i++)
        assert_int_equal(atomic_load(&t.runs[i]), 0);
    assert_int_equal(atomic_load(&t.overlaps), 0);
    assert_int_equal(atomic_load(&t.strangers), 0);
}

static void every_task_runs_once_for_every_count_and_thread_count(void **state)
{
    (void)state;
    const size_t threads[] = {1, 2, 3, 8}, counts[] = {0, 1, 2, 3, 7, 8, 9, 1000, MAX_TASKS};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        tft_pool *pool;
        assert_int_equal(tft_pool_open(threads[t], &pool, NULL), TFT_OK);
        assert_int_equal(tft_pool_threads(pool), threads[t]);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            run_and_check(pool, counts[c]);
        tft_pool_close(pool);
    }
}

static void thousands_of_short_runs_lose_no_task(void **state)
{
    (void)state;
    static tally t;
    memset(&t, 0, sizeof t);
    tft_pool *pool;
    assert_int_equal(tft_pool_open(3, &pool, NULL), TFT_OK);
    t.n_workers = 3;
    for (int round = 0; round < 3000; round++)
        tft_pool_run(pool, (size_t)(round % 5), count_task, &t);
    tft_pool_close(pool);
    const int expected[] = {2400, 1800, 1200, 600, 0}; // task i runs in the rounds with round % 5 > i
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(atomic_load(&t.runs[i]), expected[i]);
}

static void zero_threads_means_the_cores_of_this_process(void **state)
{
    (void)state;
    tft_pool *pool;
    assert_int_equal(tft_pool_open(0, &pool, NULL), TFT_OK);
    assert_in_range(tft_pool_threads(pool), 1, 4096);
    run_and_check(pool, 100);
    tft_pool_close(pool);
}

static void absurd_thread_counts_are_refused_with_a_reason(void **state)
{
    (void)state;
    tft_pool *pool;
    tft_error err = {0};
    assert_int_equal(tft_pool_open((size_t)-1, &pool, &err), TFT_ERR_ARGUMENT);
    assert_null(pool);
    assert_non_null(strstr(err.text, "threads"));
    tft_pool_close(NULL); // accepted
}

static void an_idle_pool_uses_no_processor_time(void **state)
{
    (void)state;
    tft_pool *pool;
    assert_int_equal(tft_pool_open(4, &pool, NULL), TFT_OK);
    run_and_check(pool, 100);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    const struct timespec nap = {0, 300000000};
    nanosleep(&nap, NULL);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    tft_pool_close(pool);
    const double used = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(used < 0.1); // three spinning threads would have used 0.3 s or more
}

static void read_signal_mask(void *context, size_t i, size_t worker)
{
    (void)i;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (worker != 0 && !sigismember(&mask, SIGINT))
        atomic_fetch_add((atomic_int *)context, 1);
    const struct timespec nap = {0, 2000000}; // long enough for the others to take a task as well
    nanosleep(&nap, NULL);
}

static void workers_leave_signals_to_the_thread_that_waits_for_them(void **state)
{
    (void)state;
    tft_pool *pool;
    assert_int_equal(tft_pool_open(3, &pool, NULL), TFT_OK);
    atomic_int open_to_signals = 0;
    tft_pool_run(pool, 30, read_signal_mask, &open_to_signals);
    tft_pool_close(pool);
    assert_int_equal(atomic_load(&open_to_signals), 0);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGINT)); // the caller's own mask is as before
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once_for_every_count_and_thread_count),
        cmocka_unit_test(thousands_of_short_runs_lose_no_task),
        cmocka_unit_test(zero_threads_means_the_cores_of_this_process),
        cmocka_unit_test(absurd_thread_counts_are_refused_with_a_reason),
        cmocka_unit_test(an_idle_pool_uses_no_processor_time),
        cmocka_unit_test(workers_leave_signals_to_the_thread_that_waits_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
