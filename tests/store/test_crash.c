/* test_crash.c - kill -9 in the middle of commits: every acknowledged batch is there afterwards, whole, and no half one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "series/record.h"
#include "store/store.h"

#define T0 1760371200000 // 2025-10-13T16:00:00Z
enum { BATCH = 20, ROUNDS = 12, MAX_BATCHES = 100000 };

static char folder[64];

static store *open_store(const tft_contract *contract)
{
    store_options options = store_options_default();
    options.dir = folder;
    store *s = NULL;
    tft_error err = {0};
    if (store_open(&options, contract, &s, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return s;
}

/* Batch number k: BATCH servers at one instant, values that follow from k and the server. */
static void make_batch(tft_record *records, char names[BATCH][16], int64_t k)
{
    for (int i = 0; i < BATCH; i++) {
        snprintf(names[i], 16, "server%02d", i);
        records[i] = tft_record_empty();
        records[i].name = names[i];
        records[i].name_length = strlen(names[i]);
        records[i].time_ms = T0 + k * 5000;
        records[i].values[0] = (double)(k % 100);
        records[i].values[1] = (double)i;
    }
}

/* The child: appends from batch `first` on until it is killed; each acknowledged number goes into the pipe. */
static void append_until_killed(int64_t first, int to_parent)
{
    const tft_contract contract = tft_contract_default();
    store_options options = store_options_default();
    options.dir = folder;
    store *s = NULL;
    if (store_open(&options, &contract, &s, NULL) != TFT_OK)
        _exit(3);
    for (int64_t k = first; k < MAX_BATCHES; k++) {
        tft_record records[BATCH];
        char names[BATCH][16];
        store_verdict verdicts[BATCH];
        make_batch(records, names, k);
        store_batch batch = {.records = records, .n = BATCH, .arrival_ms = T0, .verdicts = verdicts};
        if (store_append(s, &batch, NULL) != TFT_OK || write(to_parent, &k, sizeof k) != (ssize_t)sizeof k)
            _exit(4);
    }
    _exit(5);
}

typedef struct seen {
    uint8_t per_batch[MAX_BATCHES];
    size_t wrong;
} seen;

static tft_status take(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                       tft_error *err)
{
    (void)state, (void)err;
    seen *const all = context;
    const int64_t k = (time_ms - T0) / 5000;
    all->per_batch[k]++;
    all->wrong += values[0] != (double)(k % 100) || values[1] != (double)server;
    return TFT_OK;
}

static void no_acknowledged_batch_is_lost_and_none_is_half_there(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-crash-XXXXXX");
    assert_non_null(mkdtemp(folder));
    static seen all;
    tft_rng rng = tft_rng_seeded(3, 0);
    int64_t acknowledged = -1;
    for (int round = 0; round < ROUNDS; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(pipes[0]);
            append_until_killed(acknowledged + 1, pipes[1]);
        }
        close(pipes[1]);
        int64_t k; // the first acknowledgement says that it is at work; then it may be hit anywhere
        assert_int_equal(read(pipes[0], &k, sizeof k), (ssize_t)sizeof k);
        acknowledged = k;
        const struct timespec nap = {.tv_nsec = (long)tft_rng_below(&rng, 60000000)};
        nanosleep(&nap, NULL);
        kill(child, SIGKILL);
        while (read(pipes[0], &k, sizeof k) == (ssize_t)sizeof k)
            acknowledged = k;
        close(pipes[0]);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status)); // it was killed at work, and did not fail by itself

        const tft_contract contract = tft_contract_default();
        store *const s = open_store(&contract);
        memset(&all, 0, sizeof all);
        const store_visitor visitor = {&all, NULL, NULL, take};
        assert_int_equal(store_load(s, INT64_MIN, &visitor, NULL), TFT_OK);
        for (int64_t i = 0; i <= acknowledged; i++)
            assert_int_equal(all.per_batch[i], BATCH);
        // the one whose acknowledgement was under way is there whole, or not at all
        const size_t beyond = all.per_batch[acknowledged + 1];
        assert_true(beyond == 0 || beyond == BATCH);
        assert_int_equal(all.per_batch[acknowledged + 2], 0);
        assert_int_equal(all.wrong, 0);
        const store_counters counters = store_counters_now(s);
        assert_int_equal(counters.records_total, (acknowledged + 1) * BATCH + (int64_t)beyond);
        assert_int_equal(counters.window_size, counters.records_total);
        assert_int_equal(counters.ticks, counters.records_total / BATCH);
        store_close(s);
        acknowledged += beyond == BATCH;
    }
    assert_true(acknowledged >= ROUNDS - 1);
    tft_remove_folder(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_acknowledged_batch_is_lost_and_none_is_half_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
