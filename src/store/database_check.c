/* database_check.c - see database_check.h. Where there is no thread to be had, the check is made at its start. */
#include "store/database_check.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define OPERATIONS 20000 // between two looks at the clock

struct database_check {
    char path[4096];
    sqlite3 *handle;
    double until;
    atomic_bool stop;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; // guards the fields below
    pthread_cond_t moved;
    bool ended;
    tft_status status;
    tft_error err;
};

static int is_long(void *context)
{
    database_check *const c = context;
    return atomic_load(&c->stop) || tft_monotonic_s() > c->until;
}

static tft_status look(const database_check *c, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = TFT_OK;
    int code = sqlite3_prepare_v2(c->handle, "PRAGMA quick_check(1)", -1, &one, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(one);
    const char *const said = code == SQLITE_ROW ? (const char *)sqlite3_column_text(one, 0) : NULL;
    if (said != NULL && strcmp(said, "ok") != 0)
        status = tft_fail(err, TFT_ERR_FORMAT, "%s: damaged: %.200s; restore a backup (tftd restore)", c->path, said);
    else if (said == NULL && (code & 0xff) != SQLITE_INTERRUPT)
        status = tft_fail(
            err, (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB ? TFT_ERR_FORMAT : TFT_ERR_IO,
            "%s: check the file: %s", c->path, sqlite3_errmsg(c->handle));
    sqlite3_finalize(one);
    return status;
}

static void *run(void *context)
{
    database_check *const c = context;
    tft_error err = {0};
    const tft_status status = look(c, &err);
    pthread_mutex_lock(&c->lock);
    c->status = status;
    c->err = err;
    c->ended = true;
    pthread_cond_signal(&c->moved);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void close_check(database_check *c)
{
    sqlite3_close(c->handle);
    pthread_cond_destroy(&c->moved);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

tft_status database_check_start(const char *path, double seconds, database_check **check, tft_error *err)
{
    *check = NULL;
    database_check *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to check %s", path);
    snprintf(c->path, sizeof c->path, "%s", path);
    c->until = tft_monotonic_s() + seconds;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->moved, NULL);
    if (sqlite3_open_v2(path, &c->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        const tft_status status =
            tft_fail(err, TFT_ERR_IO, "%s: %s", path, c->handle != NULL ? sqlite3_errmsg(c->handle) : "no memory");
        close_check(c);
        return status;
    }
    sqlite3_busy_timeout(c->handle, 5000);
    sqlite3_progress_handler(c->handle, OPERATIONS, is_long, c);
    c->has_thread = pthread_create(&c->thread, NULL, run, c) == 0;
    if (!c->has_thread)
        run(c);
    *check = c;
    return TFT_OK;
}

tft_status database_check_wait(database_check *c, double seconds, tft_error *err)
{
    if (c == NULL)
        return TFT_OK;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    const int64_t end_ns = (int64_t)until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += end_ns / 1000000000;
    until.tv_nsec = end_ns % 1000000000;
    pthread_mutex_lock(&c->lock);
    while (!c->ended && pthread_cond_timedwait(&c->moved, &c->lock, &until) != ETIMEDOUT) {
    }
    const tft_status status = c->ended ? c->status : TFT_OK;
    if (status != TFT_OK)
        tft_fail(err, status, "%s", c->err.text);
    pthread_mutex_unlock(&c->lock);
    return status;
}

tft_status database_check_end(database_check *c, bool at_once, tft_error *err)
{
    if (c == NULL)
        return TFT_OK;
    if (at_once)
        atomic_store(&c->stop, true);
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    const tft_status status = c->status;
    if (status != TFT_OK)
        tft_fail(err, status, "%s", c->err.text);
    close_check(c);
    return status;
}
