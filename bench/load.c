/* load.c - see load.h. */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

void bench_write_batch(tft_text *text, size_t first, size_t servers, int64_t time_ms)
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

int bench_compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

bool bench_feed_history(const bench_child *child, size_t servers, size_t steps, size_t per_step)
{
    tft_text body = tft_text_new(BENCH_REPLY_BYTES), reply = tft_text_new(BENCH_REPLY_BYTES);
    const size_t most = servers < 10000 ? servers : 10000; // records a request
    const int64_t now = tft_wall_ms(), gap_ms = 300000 / (int64_t)per_step;
    const int fd = bench_connect(child);
    bool fine = fd >= 0;
    for (size_t i = 0; i < steps * per_step && fine; i++)
        for (size_t first = 0; first < servers && fine; first += most) {
            bench_write_batch(&body, first, most < servers - first ? most : servers - first,
                              now - (int64_t)(steps * per_step - 1 - i) * gap_ms);
            fine = bench_post(fd, "/feed/data", body.bytes, body.n, &reply) == 200;
        }
    if (!fine)
        fprintf(stderr, "bench: the history was refused\n");
    if (fd >= 0)
        close(fd);
    tft_text_free(&body);
    tft_text_free(&reply);
    return fine;
}

bool bench_wait_for_forecast(const bench_child *child, size_t servers)
{
    tft_text reply = tft_text_new(BENCH_REPLY_BYTES);
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

double bench_metric(const bench_child *child, const char *sample)
{
    tft_text reply = tft_text_new(BENCH_REPLY_BYTES);
    const int fd = bench_connect(child);
    double value = (double)NAN;
    if (fd >= 0 && bench_get(fd, "/metrics", &reply) == 200) {
        const char *at = strstr(reply.bytes, sample);
        while (at != NULL && at > reply.bytes && at[-1] != '\n')
            at = strstr(at + 1, sample);
        if (at != NULL)
            value = strtod(at + strlen(sample), NULL);
    }
    if (fd >= 0)
        close(fd);
    tft_text_free(&reply);
    return value;
}
