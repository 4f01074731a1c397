/* pool.h - a fixed number of threads that take numbered tasks; the only place that makes threads for the network.
 *
 * Work is cut by the caller into tasks 0 … n−1 whose results do not depend on who runs them; a reduction is done
 * by the caller in task order, so that the same thread count gives the same bytes. Idle threads sleep on a
 * condition variable: no spinning.
 *
 * Threads: one tft_pool_run() at a time per pool; the calling thread works too, so n_threads = 1 starts none.
 */
#ifndef TFT_TENSOR_POOL_H
#define TFT_TENSOR_POOL_H

#include <stddef.h>

#include "tft/error.h"

typedef struct tft_pool tft_pool;

/* n_threads 0 = as many as the machine has cores for this process. The caller owns *pool until close. */
tft_status tft_pool_open(size_t n_threads, tft_pool **pool, tft_error *err);
void tft_pool_close(tft_pool *pool); // accepts NULL
size_t tft_pool_threads(const tft_pool *pool);

/* Runs task(context, i, worker) for i in 0 … n−1 and returns when all are done. `worker` is 0 … n_threads−1 and
 * names the scratch memory that the task may use. */
void tft_pool_run(tft_pool *pool, size_t n, void (*task)(void *context, size_t i, size_t worker), void *context);

#endif
