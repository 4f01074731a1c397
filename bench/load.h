/* load.h - what benchmarks of a running daemon feed it with, and how they find out what it made of it.
 *
 * Memory: texts are the caller's. Threads: one connection, one thread.
 */
#ifndef TFTD_BENCH_LOAD_H
#define TFTD_BENCH_LOAD_H

#include <stdint.h>

#include "child.h"

#define BENCH_REPLY_BYTES ((size_t)1 << 30)

/* A body of one record of each of `servers` servers at one instant; they are called bench-NNNNN, from number `first` on. */
void bench_write_batch(tft_text *text, size_t first, size_t servers, int64_t time_ms);
/* Feeds `steps` steps of `servers` servers, `per_step` records each, up to now. False, with a line on stderr, where it is refused. */
bool bench_feed_history(const bench_child *child, size_t servers, size_t steps, size_t per_step);
/* Waits until a forecast holds all servers, or two minutes. */
bool bench_wait_for_forecast(const bench_child *child, size_t servers);

/* One number of GET /metrics, by all that stands in front of it; NaN where it is not there. */
double bench_metric(const bench_child *child, const char *sample);

int bench_compare_floats(const void *left, const void *right); // for qsort()

#endif
