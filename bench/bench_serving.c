/* bench_serving.c - a real `tftd serve` that is read while it takes records and forecasts.
 *
 *     TFTD=build/release/tftd build/release/bench/bench_serving
 *
 * 20 servers send a record every 5 s of their time, ten times as fast; readers ask at fixed instants, 1,000
 * times a second in all, so that an answer that comes late delays nobody's question (the wait counts from the instant it was
 * due).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load.h"
#include "subject.h"

enum { READERS = 4, RATE = 1000, SERVERS = 20 };
static const double READ_S = 8.0;

typedef struct reader {
    pthread_t thread;
    const bench_child *child;
    const char *path;
    double from_s; // the first question's instant
    size_t n, failed;
    float waits_ms[(size_t)RATE * 8 / READERS];
} reader;

static void sleep_until(double then_s)
{
    const double left = then_s - tft_monotonic_s();
    if (left > 0)
        usleep((unsigned)(left * 1e6));
}

static void *read_all_the_time(void *context)
{
    reader *const r = context;
    tft_text reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(r->child);
    const size_t most = sizeof r->waits_ms / sizeof r->waits_ms[0];
    for (r->n = 0; fd >= 0 && r->n < most; r->n++) {
        const double due_s = r->from_s + (double)r->n * READERS / RATE;
        sleep_until(due_s);
        r->failed += bench_get(fd, r->path, &reply) != 200;
        r->waits_ms[r->n] = (float)((tft_monotonic_s() - due_s) * 1e3);
    }
    if (fd < 0)
        r->failed++;
    else
        close(fd);
    tft_text_free(&reply);
    return NULL;
}

typedef struct sender {
    pthread_t thread;
    const bench_child *child;
    _Atomic bool stop;
} sender;

static void *send_all_the_time(void *context)
{
    sender *const s = context;
    tft_text body = tft_text_new(BENCH_REPLY_BYTES), reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(s->child);
    int64_t time_ms = tft_wall_ms();
    while (fd >= 0 && !atomic_load(&s->stop)) {
        bench_write_batch(&body, 0, SERVERS, time_ms);
        time_ms += 500;
        bench_post(fd, "/feed/data", body.bytes, body.n, &reply);
        usleep(500000);
    }
    if (fd >= 0)
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return NULL;
}

static bool print_row(const bench_child *child, const char *path)
{
    static reader readers[READERS];
    static float all[(size_t)RATE * 8];
    size_t n = 0, failed = 0;
    const double from_s = tft_monotonic_s() + 0.1;
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (reader){.child = child, .path = path, .from_s = from_s + (double)i / RATE};
        if (pthread_create(&readers[i].thread, NULL, read_all_the_time, &readers[i]) != 0)
            abort(); // a benchmark without threads has nothing to say
    }
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        memcpy(all + n, readers[i].waits_ms, readers[i].n * sizeof *all);
        n += readers[i].n;
        failed += readers[i].failed;
    }
    const double seconds = tft_monotonic_s() - from_s;
    qsort(all, n, sizeof *all, bench_compare_floats);
    if (n > 0)
        printf("%-44s%12.0f%12.2f%12.2f%12.2f\n", path, (double)n / seconds, (double)all[n / 2],
               (double)all[n * 99 / 100], (double)all[n - 1]);
    fflush(stdout);
    return n > 0 && failed == 0;
}

static bool print_requests(const char *program, const bench_subject *subject)
{
    bench_child child;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    bool fine = bench_feed_history(&child, SERVERS, 288, 1) && bench_wait_for_forecast(&child, SERVERS);
    sender s = {.child = &child};
    const bool sends = pthread_create(&s.thread, NULL, send_all_the_time, &s) == 0;
    printf("GET, %d servers, %d asked a second for %.0f s, records and forecasts running\n", SERVERS, RATE, READ_S);
    printf("%-44s%12s%12s%12s%12s\n", "", "answers/s", "median ms", "p99 ms", "longest ms");
    fine = print_row(&child, "/predictions/current") && fine;
    fine = print_row(&child, "/predictions/current?servers=bench-00007") && fine;
    fine = print_row(&child, "/api/v1/forecasts/bench-00007") && fine;
    atomic_store(&s.stop, true);
    if (sends)
        pthread_join(s.thread, NULL);
    bench_child_stop(&child);
    return fine && sends;
}

int main(void)
{
    const char *program = getenv("TFTD");
    bench_subject subject;
    if (program == NULL)
        program = "build/release/tftd";
    if (!bench_subject_open(&subject))
        return 1;
    const bool fine = print_requests(program, &subject);
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
