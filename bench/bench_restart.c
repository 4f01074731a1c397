/* bench_restart.c - how long a real `tftd serve` takes from exec to [READY] with a history on disk: as it stands after a clean stop, and
 * after kill -9.
 *
 *     TFTD=build/release/tftd build/release/bench/bench_restart            all
 *     TFTD=build/release/tftd build/release/bench/bench_restart sparse     or: dense
 *
 * Sparse: 1,000 servers, eight days, a record a step. Dense: 200 servers, one day, a record every 5 s: 3.5 million records. The history
 * is written with the store itself, each record arriving when it is from, and maintained as a daemon that was running all the time
 * would have: steps counted, sealed, packed. Before kill -9 the daemon is given a batch.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"
#include "series/record.h"
#include "store/store.h"
#include "subject.h"

enum { ROUNDS = 5, BATCH = 1000 };

typedef struct history {
    const char *name;
    size_t servers;
    int64_t span_ms, every_ms;
} history;

static const history histories[] = {{"sparse", 1000, INT64_C(8) * 86400000, 300000}, {"dense", 200, 86400000, 5000}};

/* One record of each server. */
static bool append(store *s, const history *h, int64_t time_ms)
{
    static char names[BATCH][32];
    static tft_record records[BATCH];
    static store_verdict verdicts[BATCH];
    tft_error err = {0};
    for (size_t i = 0; i < h->servers; i++) {
        snprintf(names[i], sizeof names[i], "bench-%05zu", i);
        records[i] = tft_record_empty();
        records[i].name = names[i];
        records[i].name_length = strlen(names[i]);
        records[i].time_ms = time_ms;
        const double phase = (double)time_ms / 86400000.0 * 6.283185307 + (double)i;
        for (size_t m = 0; m < 4; m++)
            records[i].values[m] = 30 + 20 * sin(phase) + (double)(rand() % 1000) * 0.01;
        records[i].state = TFT_STATE_HEALTHY;
    }
    store_batch batch = {.records = records, .n = h->servers, .arrival_ms = time_ms, .verdicts = verdicts};
    if (store_append(s, &batch, &err) == TFT_OK)
        return true;
    fprintf(stderr, "bench: the history was refused: %s\n", err.text);
    return false;
}

/* Until the maintainer finds nothing to do. */
static bool settle(store *s)
{
    double took = 1;
    while (took > 0.05) {
        const double from = tft_monotonic_s();
        tft_error err = {0};
        if (store_maintain(s, NULL, &err) != TFT_OK) {
            fprintf(stderr, "bench: %s\n", err.text);
            return false;
        }
        took = tft_monotonic_s() - from;
    }
    return true;
}

static bool write_history(const history *h, const char *folder)
{
    const tft_contract contract = tft_contract_default();
    store_options options = store_options_default();
    store *s = NULL;
    tft_error err = {0};
    options.dir = folder;
    options.sync_full = false;
    if (store_open(&options, &contract, &s, &err) != TFT_OK) {
        fprintf(stderr, "bench: %s\n", err.text);
        return false;
    }
    const int64_t now_ms = tft_wall_ms();
    bool fine = true;
    for (int64_t time_ms = now_ms - h->span_ms; time_ms <= now_ms && fine; time_ms += h->every_ms)
        fine = append(s, h, time_ms);
    fine = fine && settle(s);
    printf("\n%s: %zu servers, %.0f days, a record every %.0f s: %.2f million raw records\n", h->name, h->servers,
           (double)h->span_ms / 86400e3, (double)h->every_ms * 1e-3, (double)store_counters_now(s).window_size * 1e-6);
    store_close(s);
    return fine;
}

static bool give_a_batch(const bench_child *child, const history *h)
{
    tft_text body = tft_text_new(BENCH_REPLY_BYTES), reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(child);
    bench_write_batch(&body, 0, h->servers, tft_wall_ms());
    const bool fine = fd >= 0 && bench_post(fd, "/feed/data", body.bytes, body.n, &reply) == 200;
    if (fd >= 0)
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return fine;
}

/* Restarts, each after this signal. */
static bool print_restarts(const char *program, const bench_subject *subject, const history *h, bench_child *child,
                           int signal_number)
{
    bool fine = true;
    for (int i = 0; i < ROUNDS && fine; i++) {
        double ready_s = 0;
        fine = give_a_batch(child, h);
        bench_child_halt(child, signal_number);
        fine = bench_child_launch(program, subject->path, child, &ready_s) && fine;
        printf("%-12s exec to [READY]: %.2f s, CPU %.2f s\n", signal_number == SIGKILL ? "kill -9" : "clean stop",
               ready_s, fine ? bench_child_cpu_s(child) : 0);
        fflush(stdout);
    }
    return fine;
}

static bool measure(const char *program, const bench_subject *subject, const history *h)
{
    bench_child child;
    double ready_s = 0;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    bench_child_halt(&child, SIGTERM);
    const bool fine = write_history(h, child.folder) && bench_child_launch(program, subject->path, &child, &ready_s) &&
                      print_restarts(program, subject, h, &child, SIGTERM) &&
                      print_restarts(program, subject, h, &child, SIGKILL);
    bench_child_stop(&child);
    return fine;
}

int main(int argc, char **argv)
{
    const char *const only = argc > 1 ? argv[1] : "", *program = getenv("TFTD");
    bench_subject subject;
    if (program == NULL)
        program = "build/release/tftd";
    if (!bench_subject_open(&subject))
        return 1;
    bool fine = true;
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        if (*only == '\0' || strcmp(only, histories[i].name) == 0)
            fine = measure(program, &subject, &histories[i]) && fine;
    }
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
