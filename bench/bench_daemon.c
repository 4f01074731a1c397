/* bench_daemon.c - a real `tftd serve`: records per second from socket to durable acknowledgement, and memory.
 *
 *     TFTD=build/release/tftd build/release/bench/bench_daemon          all
 *     TFTD=build/release/tftd build/release/bench/bench_daemon ingest   or: memory, memory-all (eight days of 10,000 servers too)
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
#include "load.h"
#include "subject.h"

static const double INGEST_S = 4.0;
enum { MOST_CLIENTS = 16, MOST_WAITS = 1 << 20 };

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
    tft_text body = tft_text_new(BENCH_REPLY_BYTES), reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(c->child);
    while (fd >= 0 && c->n < MOST_WAITS && tft_monotonic_s() < c->until_s) {
        bench_write_batch(&body, c->first, c->servers, c->time_ms);
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

static bool print_ingest_row(const bench_child *child, size_t n_clients, size_t batch, int64_t from_ms)
{
    client clients[MOST_CLIENTS] = {0};
    float *all = malloc(n_clients * MOST_WAITS * sizeof *all);
    size_t n = 0, failed = 0;
    if (all == NULL)
        return false;
    const double start = tft_monotonic_s(), cpu = bench_child_cpu_s(child);
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
    qsort(all, n, sizeof *all, bench_compare_floats);
    if (n > 0)
        printf("%-10zu%10zu%16.0f%16.0f%16.2f%16.2f%16.1f\n", n_clients, batch, (double)(n * batch) / seconds,
               (double)n / seconds, (double)all[n / 2], (double)all[n * 99 / 100],
               (bench_child_cpu_s(child) - cpu) * 1e6 / (double)(n * batch));
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
    printf("POST /feed/data to the committed answer, forecasts running (their CPU time is in the last column)\n");
    printf("%-10s%10s%16s%16s%16s%16s%16s\n", "clients", "batch", "records/s", "answers/s", "median ms", "p99 ms",
           "CPU us/record");
    int64_t from_ms = tft_floor_to(tft_wall_ms(), 300000) - (int64_t)6 * 86400 * 1000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, from_ms += (int64_t)86400 * 1000)
        fine = print_ingest_row(&child, rows[i].clients, rows[i].batch, from_ms) && fine;
    bench_child_stop(&child);
    return fine;
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

typedef struct forecast_cost {
    double wall_s, cpu_s; // −1 where none was made
} forecast_cost;

/* The next forecasts after one record of every server, until one has begun and ended; CPU time is all that the daemon took
 * meanwhile, divided by their number. */
static forecast_cost measure_forecast(const bench_child *child, size_t servers)
{
    static const char sum[] = "tftd_forecast_duration_seconds_sum ", count[] = "tftd_forecast_duration_seconds_count ";
    const double before = bench_metric(child, count), sum_before = bench_metric(child, sum);
    const double cpu = bench_child_cpu_s(child);
    if (!bench_feed_history(child, servers, 1, 1))
        return (forecast_cost){-1, -1};
    for (int i = 0; i < 6000; i++) {
        usleep(100000);
        const double n = bench_metric(child, count) - before;
        if (n >= 2)
            return (forecast_cost){(bench_metric(child, sum) - sum_before) / n, (bench_child_cpu_s(child) - cpu) / n};
        if (i % 20 == 19 && !bench_feed_history(child, servers, 1, 1))
            break;
    }
    return (forecast_cost){-1, -1};
}

typedef struct fleet_case {
    size_t servers, steps, per_step;
} fleet_case;

static bool print_memory_row(const char *program, const bench_subject *subject, const fleet_case *c, double *few_mb)
{
    bench_child child;
    double empty, now, peak, unused;
    if (!bench_child_start(program, subject->path, &child))
        return false;
    bench_child_memory(&child, &empty, &unused);
    bool fine =
        bench_feed_history(&child, c->servers, c->steps, c->per_step) && bench_wait_for_forecast(&child, c->servers);
    const forecast_cost cost = fine ? measure_forecast(&child, c->servers) : (forecast_cost){-1, -1};
    const double engine_kb = bench_metric(&child, "tftd_memory_bytes{area=\"engine\"} ") / 1e3;
    const double fleet_kb = bench_metric(&child, "tftd_memory_bytes{area=\"fleet\"} ") / 1e3;
    bench_child_memory(&child, &now, &peak);
    *few_mb = c->servers == 20 ? now : *few_mb;
    printf("%-10zu%8zu%10.1f%10.1f%10.1f%14.1f%14.2f%14.2f%14.2f%14.2f\n", c->servers, c->steps, empty, now, peak,
           now - *few_mb, fleet_kb / (double)c->servers, engine_kb / (double)c->servers, cost.wall_s, cost.cpu_s);
    fflush(stdout);
    bench_child_stop(&child);
    return fine && cost.wall_s >= 0;
}

/* More than this many records take minutes to feed. */
#define USUAL_RECORDS 3000000

static bool print_memory(const char *program, const bench_subject *subject, bool all)
{
    static const fleet_case cases[] = {
        {20, 2304, 1}, {10000, 12, 1}, {10000, 288, 1}, {10000, 2304, 1}, {100000, 3, 1}};
    bool fine = true;
    double few_mb = 0;
    setenv("TFTD_SERVERS_MAX", "100000", 1);
    setenv("TFTD_FORECAST_WARMUP_RECORDS", "12", 1); // so that the network forecasts them all
    printf("\nresident memory of the daemon (MB of 10^6 bytes) and one forecast of all servers by the network\n");
    printf("fleet and engine: kB a server, tables for 100,000 servers and scratch included\n");
    printf("%-10s%8s%10s%10s%10s%14s%14s%14s%14s%14s\n", "servers", "steps", "at start", "now", "peak", "more than 20",
           "fleet", "engine", "forecast s", "CPU s");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!all && cases[i].servers * cases[i].steps > USUAL_RECORDS)
            printf("%-12zu%10zu   only with `bench_daemon memory-all`: feeding takes minutes\n", cases[i].servers,
                   cases[i].steps);
        else
            fine = print_memory_row(program, subject, &cases[i], &few_mb) && fine;
    }
    unsetenv("TFTD_SERVERS_MAX");
    unsetenv("TFTD_FORECAST_WARMUP_RECORDS");
    return fine;
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
    if (*only == '\0' || strncmp(only, "memory", 6) == 0)
        fine = print_memory(program, &subject, strcmp(only, "memory-all") == 0) && fine;
    bench_subject_close(&subject);
    return fine ? 0 : 1;
}
