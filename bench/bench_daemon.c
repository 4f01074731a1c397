/* bench_daemon.c - a real `tftd serve`: records per second from socket to durable acknowledgement, and memory.
 *
 *     TFTD=build/release/tftd build/release/bench/bench_daemon          all
 *     TFTD=build/release/tftd build/release/bench/bench_daemon ingest   or: memory
 *
 * Each client keeps one connection and waits for each answer before it posts again; an answer means that the batch is
 * committed (store.sync: full). Records are 5 s apart, all metrics, as agents send them.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "child.h"
#include "subject.h"

static const double INGEST_S = 4.0;
enum { REPLY_BYTES = 64 << 20, MOST_CLIENTS = 16, MOST_WAITS = 1 << 20 };

/* One batch: `servers` servers at one instant, named from `first` on. */
static void write_batch(tft_text *text, size_t first, size_t servers, int64_t time_ms)
{
    char stamp[TFT_TIME_TEXT];
    tft_time_format_ms(time_ms, stamp);
    tft_text_clear(text);
    tft_text_puts(text, "{\"records\": [");
    for (size_t i = 0; i < servers; i++)
        tft_text_printf(
            text,
            "%s{\"timestamp\": \"%s\", \"server_name\": \"bench-%05zu\", \"cpu_pct\": %.1f, \"mem_pct\": %.1f, "
            "\"disk_io_mb_s\": %.1f, \"latency_ms\": %.1f, \"state\": \"healthy\"}",
            i > 0 ? ", " : "", stamp, first + i, 20.0 + (double)((first + i * 7) % 400) * 0.1,
            40.0 + (double)(time_ms / 5000 % 97) * 0.1, 5.0 + (double)(i % 50), 10.0 + (double)(i % 30) * 0.1);
    tft_text_puts(text, "]}");
}

/* ---- ingest ----------------------------------------------------------------------------------------------- */

typedef struct client {
    pthread_t thread;
    const bench_child *child;
    size_t first, servers; // its own servers
    int64_t time_ms;
    double until_s;
    size_t n, failed;
    float *waits_ms; // [MOST_WAITS]
} client;

static void *post_all_the_time(void *context)
{
    client *c = context;
    tft_text body = tft_text_new(REPLY_BYTES), reply = tft_text_new(REPLY_BYTES);
    const int fd = bench_connect(c->child);
    while (fd >= 0 && c->n < MOST_WAITS && tft_monotonic_s() < c->until_s) {
        write_batch(&body, c->first, c->servers, c->time_ms);
        c->time_ms += 5000;
        const double start = tft_monotonic_s();
        const int code = bench_post(fd, "/feed/data", body.bytes, body.n, &reply);
        c->waits_ms[c->n++] = (float)((tft_monotonic_s() - start) * 1e3);
        if (code != 200) {
            c->failed++;
            break;
        }
    }
    if (fd < 0)
        c->failed++;
    else
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return NULL;
}

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static bool print_ingest_row(const bench_child *child, size_t n_clients, size_t batch, int64_t from_ms)
{
    client clients[MOST_CLIENTS] = {0};
    float *all = malloc(n_clients * MOST_WAITS * sizeof *all);
    size_t n = 0, failed = 0;
    if (all == NULL)
        return false;
    const double start = tft_monotonic_s();
    for (size_t i = 0; i < n_clients; i++) {
        clients[i] = (client){.child = child,
                              .first = i * batch,
                              .servers = batch,
                              .time_ms = from_ms,
                              .until_s = start + INGEST_S,
                              .waits_ms = malloc(MOST_WAITS * sizeof(float))};
        if (clients[i].waits_ms == NULL ||
            pthread_create(&clients[i].thread, NULL, post_all_the_time, &clients[i]) != 0)
            abort(); // a benchmark without memory has nothing to say
    }
    for (size_t i = 0; i < n_clients; i++) {
        pthread_join(clients[i].thread, NULL);
        memcpy(all + n, clients[i].waits_ms, clients[i].n * sizeof *all);
        n += clients[i].n;
        failed += clients[i].failed;
        free(clients[i].waits_ms);
    }
    const double seconds = tft_monotonic_s() - start;
    qsort(all, n, sizeof *all, compare_floats);
    if (n > 0)
        printf("%-10zu%10zu%16.0f%16.0f%16.2f%16.2f\n", n_clients, batch, (double)(n * batch) / seconds,
               (double)n / seconds, (double)all[n / 2], (double)all[n * 99 / 100]);
    if (failed > 0)
        fprintf(stderr, "bench_daemon: %zu of %zu clients were refused\n", failed, n_clients);
    fflush(stdout);
    free(all);
    return n > 0 && failed == 0;
}

static bool print_ingest(const char *program, const bench_subject *subject)
{
    static const struct {
        size_t clients, batch;
    } rows[] = {{1, 1}, {1, 20}, {4, 20}, {16, 20}, {1, 1000}, {4, 1000}};
    bool fine = true;
    bench_child child;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    printf("POST /feed/data to the committed answer, forecasts running\n");
    printf("%-10s%10s%16s%16s%16s%16s\n", "clients", "batch", "records/s", "answers/s", "median ms", "p99 ms");
    int64_t from_ms = tft_floor_to(tft_wall_ms(), 300000) - (int64_t)6 * 86400 * 1000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, from_ms += (int64_t)86400 * 1000)
        fine = print_ingest_row(&child, rows[i].clients, rows[i].batch, from_ms) && fine;
    bench_child_stop(&child);
    return fine;
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

/* Feeds `steps` steps of `servers` servers, `per_step` records each, up to now. */
static bool feed_history(const bench_child *child, size_t servers, size_t steps, size_t per_step)
{
    tft_text body = tft_text_new(REPLY_BYTES), reply = tft_text_new(REPLY_BYTES);
    const size_t most = servers < 5000 ? servers : 5000; // records a request
    const int64_t now = tft_wall_ms(), gap_ms = 300000 / (int64_t)per_step;
    const int fd = bench_connect(child);
    bool fine = fd >= 0;
    for (size_t i = 0; i < steps * per_step && fine; i++)
        for (size_t first = 0; first < servers && fine; first += most) {
            write_batch(&body, first, most < servers - first ? most : servers - first,
                        now - (int64_t)(steps * per_step - 1 - i) * gap_ms);
            fine = bench_post(fd, "/feed/data", body.bytes, body.n, &reply) == 200;
        }
    if (!fine)
        fprintf(stderr, "bench_daemon: the history was refused\n");
    if (fd >= 0)
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return fine;
}

/* Waits until a forecast holds all servers, or two minutes. */
static bool wait_for_forecast(const bench_child *child, size_t servers)
{
    tft_text reply = tft_text_new(REPLY_BYTES);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"total_servers\": %zu", servers);
    const int fd = bench_connect(child);
    bool found = false;
    for (int i = 0; i < 240 && fd >= 0 && !found; i++) {
        found = bench_get(fd, "/predictions/current?servers=bench-00000&horizon_steps=1", &reply) == 200 &&
                strstr(reply.bytes, wanted) != NULL;
        if (!found)
            usleep(500000);
    }
    if (fd >= 0)
        close(fd);
    tft_text_free(&reply);
    return found;
}

static bool print_memory_row(const char *program, const bench_subject *subject, size_t servers, size_t steps,
                             size_t per_step)
{
    bench_child child;
    double empty, now, peak, unused;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    bench_child_memory(&child, &empty, &unused);
    const bool fine = feed_history(&child, servers, steps, per_step) && wait_for_forecast(&child, servers);
    bench_child_memory(&child, &now, &peak);
    printf("%-10zu%10zu%16zu%16.1f%16.1f%16.1f\n", servers, steps, steps * per_step, empty, now, peak);
    fflush(stdout);
    bench_child_stop(&child);
    return fine;
}

static bool print_memory(const char *program, const bench_subject *subject)
{
    printf("\nresident memory of the daemon (MB of 10^6 bytes), with a forecast of all servers\n");
    printf("%-10s%10s%16s%16s%16s%16s\n", "servers", "steps", "records each", "at start", "now", "peak");
    const bool few = print_memory_row(program, subject, 20, 2304, 1); // 8 days
    const bool many = print_memory_row(program, subject, 10000, 12, 1);
    printf("8 days of steps for all 10,000 servers would add 10,000 * 62 kB = 620 MB\n");
    return few && many;
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "", *program = getenv("TFTD");
    bench_subject subject;
    if (program == NULL)
        program = "build/release/tftd";
    if (!bench_subject_open(&subject))
        return 1;
    bool fine = true;
    if (*only == '\0' || strcmp(only, "ingest") == 0)
        fine = print_ingest(program, &subject) && fine;
    if (*only == '\0' || strcmp(only, "memory") == 0)
        fine = print_memory(program, &subject) && fine;
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
