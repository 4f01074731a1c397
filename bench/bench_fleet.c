/* bench_fleet.c - a large fleet on one machine: what it takes, and what its readers wait while it takes records and forecasts.
 *
 *     TFTD=build/release/tftd build/release/bench/bench_fleet            10,000 servers with a day of steps, 100,000 with three steps
 *     TFTD=build/release/tftd build/release/bench/bench_fleet 10000 288  or another fleet: servers, steps
 *
 * While one client posts a record of a thousand servers at a time, as fast as they are acknowledged, and the engine forecasts all of them
 * over and over:
 *     one server's forecast    asked for at fixed instants, 100 times a second, so that an answer that comes late delays nobody's question
 *                              (the wait counts from the instant it was due)
 *     /predictions/current     one reader after the other, packed and plain: its size is what it takes, so the first byte is told too
 * Then the memory with the page in it, and a restart: exec to [READY], with the history loaded.
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"
#include "subject.h"

enum { RATE = 100, MOST = 1 << 16, BATCH = 1000 };
static const double READ_S = 20.0;

typedef struct waits {
    float *ms; // [MOST]
    size_t n, failed;
} waits;

static float at(const waits *w, double share)
{
    return w->n > 0 ? w->ms[(size_t)((double)(w->n - 1) * share)] : NAN;
}

static void print_waits(const char *what, waits *w, double mb)
{
    qsort(w->ms, w->n, sizeof *w->ms, bench_compare_floats);
    printf("  %-40s%10zu%12.2f%12.2f%12.2f", what, w->n, (double)at(w, 0.5), (double)at(w, 0.99), (double)at(w, 1));
    if (mb > 0)
        printf("%12.1f", mb);
    printf("%s\n", w->failed > 0 ? "   some failed" : "");
    fflush(stdout);
}

/* ---- the threads beside each other ------------------------------------------------------------------------------ */

typedef struct run {
    const bench_child *child;
    size_t servers;
    _Atomic bool stop;
    _Atomic size_t records;
    waits one, packed, plain, first_packed, first_plain;
    double packed_mb, plain_mb;
} run;

static void *send_all_the_time(void *context)
{
    run *const r = context;
    tft_text body = tft_text_new(BENCH_REPLY_BYTES), reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(r->child);
    bool fine = fd >= 0;
    for (size_t first = 0; fine && !atomic_load(&r->stop); first = first + BATCH < r->servers ? first + BATCH : 0) {
        const size_t n = BATCH < r->servers - first ? BATCH : r->servers - first;
        bench_write_batch(&body, first, n, tft_wall_ms());
        fine = bench_post(fd, "/feed/data", body.bytes, body.n, &reply) == 200;
        atomic_fetch_add(&r->records, fine ? n : 0);
    }
    if (!fine)
        fprintf(stderr, "bench_fleet: records were refused\n");
    if (fd >= 0)
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return NULL;
}

static void sleep_until(double then_s)
{
    const double left = then_s - tft_monotonic_s();
    if (left > 0)
        usleep((unsigned)(left * 1e6));
}

static void note(waits *w, double ms, bool fine)
{
    w->failed += !fine;
    if (w->n < MOST)
        w->ms[w->n++] = (float)ms;
}

static void *ask_for_one(void *context)
{
    run *const r = context;
    tft_text reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(r->child);
    const double from_s = tft_monotonic_s();
    for (size_t i = 0; fd >= 0 && !atomic_load(&r->stop); i++) {
        char path[64];
        const double due_s = from_s + (double)i / RATE;
        snprintf(path, sizeof path, "/api/v1/forecasts/bench-%05zu", i * 7919 % r->servers);
        sleep_until(due_s);
        const bool fine = bench_get(fd, path, &reply) == 200;
        note(&r->one, (tft_monotonic_s() - due_s) * 1e3, fine);
    }
    if (fd >= 0)
        close(fd);
    tft_text_free(&reply);
    return NULL;
}

static double ask_for_all(const bench_child *child, const char *fields, waits *whole, waits *first)
{
    size_t bytes = 0;
    double first_s = 0;
    const int fd = bench_connect(child);
    const double began_s = tft_monotonic_s();
    const int code = fd >= 0 ? bench_get_unkept(fd, "/predictions/current", fields, &bytes, &first_s) : -1;
    note(whole, (tft_monotonic_s() - began_s) * 1e3, code == 200);
    note(first, (first_s - began_s) * 1e3, code == 200);
    if (fd >= 0)
        close(fd);
    return (double)bytes / 1e6;
}

/* The first page is made while it is asked for, and comes without its length. Seconds until there is one. */
static double wait_for_page(const bench_child *child)
{
    const double began_s = tft_monotonic_s();
    for (int i = 0; i < 1200; i++) {
        size_t bytes;
        double first_s;
        const int fd = bench_connect(child);
        const int code = fd >= 0 ? bench_get_unkept(fd, "/predictions/current", "", &bytes, &first_s) : -1;
        if (fd >= 0)
            close(fd);
        if (code == 200)
            break;
        usleep(50000);
    }
    return tft_monotonic_s() - began_s;
}

static bool open_waits(waits *w)
{
    w->ms = malloc(MOST * sizeof *w->ms);
    return w->ms != NULL;
}

static bool print_requests(const bench_child *child, size_t servers)
{
    static run r;
    pthread_t sender, reader;
    r = (run){.child = child, .servers = servers};
    if (!open_waits(&r.one) || !open_waits(&r.packed) || !open_waits(&r.plain) || !open_waits(&r.first_packed) ||
        !open_waits(&r.first_plain) || pthread_create(&sender, NULL, send_all_the_time, &r) != 0 ||
        pthread_create(&reader, NULL, ask_for_one, &r) != 0)
        abort(); // a benchmark without memory or threads has nothing to say
    const double from_s = tft_monotonic_s();
    sleep_until(from_s + READ_S); // nobody asks for the page yet
    waits alone = {.n = r.one.n}, beside;
    open_waits(&alone);
    memcpy(alone.ms, r.one.ms, alone.n * sizeof *alone.ms);
    const double first_page_s = wait_for_page(child);
    while (tft_monotonic_s() < from_s + 3 * READ_S || r.plain.n < 5) {
        r.packed_mb = ask_for_all(child, "Accept-Encoding: gzip\r\n", &r.packed, &r.first_packed);
        r.plain_mb = ask_for_all(child, "", &r.plain, &r.first_plain);
    }
    atomic_store(&r.stop, true);
    pthread_join(sender, NULL);
    pthread_join(reader, NULL);
    beside = (waits){.ms = r.one.ms + alone.n, .n = r.one.n - alone.n, .failed = r.one.failed};
    printf("  while %.0f records/s come in and all are forecast:\n", (double)r.records / (tft_monotonic_s() - from_s));
    printf("  %-40s%10s%12s%12s%12s%12s\n", "", "answers", "median ms", "p99 ms", "longest ms", "MB");
    print_waits("one server's forecast", &alone, 0);
    print_waits("... while others read the whole page", &beside, 0);
    print_waits("/predictions/current, packed", &r.packed, r.packed_mb);
    print_waits("... to its first byte", &r.first_packed, 0);
    print_waits("/predictions/current, plain", &r.plain, r.plain_mb);
    print_waits("... to its first byte", &r.first_plain, 0);
    printf("  the first page, made and read plain     %10.2f s\n", first_page_s);
    const bool fine = r.one.failed + r.packed.failed + r.plain.failed == 0 && r.one.n > 0;
    free(alone.ms);
    free(r.one.ms);
    free(r.packed.ms);
    free(r.plain.ms);
    free(r.first_packed.ms);
    free(r.first_plain.ms);
    return fine;
}

/* ---- a fleet ---------------------------------------------------------------------------------------------------- */

static void print_memory(const bench_child *child, const char *when, size_t servers, double few_mb)
{
    double now, peak;
    bench_child_memory(child, &now, &peak);
    printf("  resident %-24s%10.1f MB, %.1f more than with 20 servers (%.2f kB a server); at most %.1f\n", when, now,
           now - few_mb, (now - few_mb) * 1e3 / (double)servers, peak);
    fflush(stdout);
}

static bool print_fleet(const char *program, const bench_subject *subject, size_t servers, size_t steps, double few_mb)
{
    static const char sum[] = "tftd_forecast_duration_seconds_sum ", count[] = "tftd_forecast_duration_seconds_count ";
    bench_child child;
    double ready_s = 0;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    printf("\n%zu servers with %zu steps of history\n", servers, steps);
    bool fine = bench_feed_history(&child, servers, steps, 1) && bench_wait_for_forecast(&child, servers);
    const double n = bench_metric(&child, count), took = bench_metric(&child, sum);
    for (int i = 0; i < 6000 && fine && bench_metric(&child, count) < n + 2; i++) {
        if (i % 20 == 0)
            fine = bench_feed_history(&child, servers, 1, 1);
        usleep(100000);
    }
    printf("  one forecast of all                     %10.2f s\n",
           (bench_metric(&child, sum) - took) / (bench_metric(&child, count) - n));
    print_memory(&child, "with forecasts", servers, few_mb);
    fine = fine && print_requests(&child, servers);
    print_memory(&child, "with the page in it", servers, few_mb);
    bench_child_halt(&child, SIGTERM);
    fine = bench_child_launch(program, subject->path, &child, &ready_s) && fine;
    printf("  restart, exec to [READY]                %10.2f s\n", ready_s);
    fflush(stdout);
    bench_child_stop(&child);
    return fine;
}

/* Resident with 20 servers and eight days of steps: what the others are told beside. */
static bool measure_few(const char *program, const bench_subject *subject, double *mb)
{
    bench_child child;
    double peak;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    const bool fine = bench_feed_history(&child, 20, 2304, 1) && bench_wait_for_forecast(&child, 20);
    bench_child_memory(&child, mb, &peak);
    printf("20 servers with eight days of history: resident %.1f MB\n", *mb);
    bench_child_stop(&child);
    return fine;
}

int main(int argc, char **argv)
{
    const char *program = getenv("TFTD");
    bench_subject subject;
    double few_mb = 0;
    const size_t servers = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, steps = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (program == NULL)
        program = "build/release/tftd";
    if (argc == 2 || argc > 3 || (argc == 3 && (servers < 1 || servers > 100000 || steps < 1))) {
        fprintf(stderr, "usage: bench_fleet [SERVERS STEPS]; SERVERS is 1 to 100000\n");
        return 2;
    }
    if (!bench_subject_open(&subject))
        return 1;
    setenv("TFTD_SERVERS_MAX", "100000", 1);
    setenv("TFTD_FORECAST_WARMUP_RECORDS", "3", 1); // so that the network forecasts them all
    bool fine = measure_few(program, &subject, &few_mb);
    if (servers > 0)
        fine = fine && print_fleet(program, &subject, servers, steps, few_mb);
    else
        fine = fine && print_fleet(program, &subject, 10000, 288, few_mb) &&
               print_fleet(program, &subject, 100000, 3, few_mb);
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
