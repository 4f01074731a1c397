/* pool.c - see pool.h. A run is announced under the mutex; tasks are then taken from one atomic counter.
 *
 *     caller:  lock, set run, ++generation, wake all, unlock;  take tasks;  lock, wait for busy == 0, unlock
 *     worker:  lock, sleep until generation moves, unlock;     take tasks;  lock, --busy, wake caller at 0
 *
 * Every worker joins every run, even if no task is left for it: `busy` then counts down to 0 exactly when nobody
 * looks at the run any more, and its fields may be overwritten. Workers block all signals, so that SIGINT and
 * SIGTERM reach the thread that waits for them.
 *
 * Memory:  one block for the pool and one for its workers, from open to close.
 */
#include "tensor/pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_MAX_THREADS = 1024 };

typedef struct pool_worker {
    tft_pool *pool;
    pthread_t thread;
    size_t index; // 1 … n_threads−1; the caller is 0
} pool_worker;

struct tft_pool {
    size_t n_threads;     // with the caller
    size_t n_started;     // threads to join
    pool_worker *workers; // [n_threads − 1]
    pthread_mutex_t mutex;
    pthread_cond_t wake, idle;
    // guarded by mutex:
    size_t generation; // of the last run announced
    size_t busy;       // workers that have not left it yet
    bool stop;
    // written under mutex before a run, constant during it:
    void (*task)(void *context, size_t i, size_t worker);
    void *context;
    size_t n_tasks;
    atomic_size_t next; // task to be taken
};

static size_t cores_of_this_process(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int n = CPU_COUNT(&set);
    return n > 0 ? (size_t)n : 1;
}

static void take_tasks(tft_pool *pool, size_t worker)
{
    for (;;) {
        const size_t i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed); // the mutex orders the data
        if (i >= pool->n_tasks)
            return;
        pool->task(pool->context, i, worker);
    }
}

static void *worker_main(void *argument)
{
    const pool_worker *self = (const pool_worker *)argument;
    tft_pool *pool = self->pool;
    size_t seen = 0;
    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        while (pool->generation == seen && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->mutex);
        const bool stop = pool->stop;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->mutex);
        if (stop)
            return NULL;

        take_tasks(pool, self->index);

        pthread_mutex_lock(&pool->mutex);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->idle);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static tft_status start_workers(tft_pool *pool, tft_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // inherited by the threads below
    int failed = 0;
    while (failed == 0 && pool->n_started + 1 < pool->n_threads) {
        pool_worker *worker = &pool->workers[pool->n_started];
        worker->pool = pool;
        worker->index = pool->n_started + 1;
        failed = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failed == 0)
            pool->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return tft_fail(err, TFT_ERR_MEMORY, "thread %zu of %zu could not be started: %s", pool->n_started + 2,
                        pool->n_threads, strerror(failed));
    return TFT_OK;
}

tft_status tft_pool_open(size_t n_threads, tft_pool **pool, tft_error *err)
{
    *pool = NULL;
    if (n_threads > POOL_MAX_THREADS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu threads, at most %d are allowed", n_threads, POOL_MAX_THREADS);
    const size_t n = n_threads != 0 ? n_threads : cores_of_this_process();
    tft_pool *made = (tft_pool *)calloc(1, sizeof *made);
    pool_worker *workers = (pool_worker *)calloc(n, sizeof *workers);
    if (made == NULL || workers == NULL) {
        free(made);
        free(workers);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a pool of %zu threads", n);
    }
    made->n_threads = n;
    made->workers = workers;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->wake, NULL);
    pthread_cond_init(&made->idle, NULL);
    atomic_init(&made->next, 0);
    const tft_status status = start_workers(made, err);
    if (status != TFT_OK) {
        tft_pool_close(made);
        return status;
    }
    *pool = made;
    return TFT_OK;
}

void tft_pool_close(tft_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

size_t tft_pool_threads(const tft_pool *pool)
{
    return pool->n_threads;
}

void tft_pool_run(tft_pool *pool, size_t n, void (*task)(void *context, size_t i, size_t worker), void *context)
{
    if (pool->n_threads == 1 || n <= 1) { // nobody to wake
        for (size_t i = 0; i < n; i++)
            task(context, i, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    assert(pool->busy == 0); // one run at a time
    pool->task = task;
    pool->context = context;
    pool->n_tasks = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    pool->busy = pool->n_threads - 1;
    pool->generation++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);

    take_tasks(pool, 0);

    pthread_mutex_lock(&pool->mutex);
    while (pool->busy != 0)
        pthread_cond_wait(&pool->idle, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
