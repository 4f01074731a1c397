/* watchdog.c - see watchdog.h. */
#include "server/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct watchdog {
    http_server *http;
    int64_t pause_ms;
    pthread_t thread;
    pthread_mutex_t lock; // guards the next two
    pthread_cond_t wake;
    bool ends;
};

static void *run(void *context)
{
    watchdog *const dog = context;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&dog->lock);
    while (!dog->ends) {
        http_probe(dog->http); // waits for nobody
        const int64_t ns = until.tv_nsec + (dog->pause_ms % 1000) * 1000000;
        until.tv_sec += dog->pause_ms / 1000 + ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        while (!dog->ends && pthread_cond_timedwait(&dog->wake, &dog->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

tft_status watchdog_open(http_server *http, int64_t every_ms, watchdog **out, tft_error *err)
{
    *out = NULL;
    if (every_ms <= 0)
        return TFT_OK;
    watchdog *const dog = calloc(1, sizeof *dog);
    if (dog == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the watchdog");
    dog->http = http;
    dog->pause_ms = every_ms / 3 > 0 ? every_ms / 3 : 1;
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->wake, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&dog->lock, NULL);
    if (pthread_create(&dog->thread, NULL, run, dog) != 0) {
        pthread_cond_destroy(&dog->wake);
        pthread_mutex_destroy(&dog->lock);
        free(dog);
        return tft_fail(err, TFT_ERR_MEMORY, "no thread for the watchdog");
    }
    *out = dog;
    return TFT_OK;
}

void watchdog_close(watchdog *dog)
{
    if (dog == NULL)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->ends = true;
    pthread_cond_signal(&dog->wake);
    pthread_mutex_unlock(&dog->lock);
    pthread_join(dog->thread, NULL);
    pthread_cond_destroy(&dog->wake);
    pthread_mutex_destroy(&dog->lock);
    free(dog);
}
