/* delivery.c - see delivery.h. */
#include "notify/delivery.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "notify/lives.h"
#include "notify/payload.h"

#define LONGEST_SLEEP_MS 60000 // the wall clock may be set

typedef struct worker {
    delivery *of;
    size_t target;
    poster *post;
    pthread_t thread;
    bool started, complained;
    outbox_item items[OUTBOX_BATCH];
} worker;

struct delivery {
    delivery_options options;
    notify_config config;
    atomic_bool stop;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t news;
    outbox *box;
    char url[128];
    worker *workers[NOTIFY_MAX_TARGETS];
};

/* ---- workers ----------------------------------------------------------------------------------------------------- */

/* Under the lock: what the outbox has to say to the disk. Failing, the disk knows less: after kill -9 something is told twice. */
static void write_down(delivery *d)
{
    size_t n;
    const store_delivery *const rows = outbox_written(d->box, &n);
    const store_alert_batch batch = {.deliveries = rows, .n_deliveries = n};
    if (n > 0)
        (void)store_put_alerts(d->options.keep, &batch, NULL);
}

static void sleep_until(delivery *d, int64_t until_ms)
{
    const int64_t now_ms = tft_wall_ms();
    int64_t wait_ms = until_ms == OUTBOX_NEVER ? LONGEST_SLEEP_MS : until_ms - now_ms;
    wait_ms = wait_ms < 1 ? 1 : wait_ms > LONGEST_SLEEP_MS ? LONGEST_SLEEP_MS : wait_ms;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&d->news, &d->lock, &until);
}

static outbox_result result_of(const post_answer *answer)
{
    const int status = answer->status;
    if (status >= 200 && status < 300)
        return OUTBOX_SENT;
    return status >= 400 && status < 500 && status != 408 && status != 429 ? OUTBOX_REFUSED : OUTBOX_FAILED;
}

static void tell_log(worker *w, const char *name, outbox_result result, const post_answer *answer)
{
    char text[320];
    const bool bad = result != OUTBOX_SENT;
    if (bad == w->complained || w->of->options.log == NULL)
        return;
    if (bad)
        snprintf(text, sizeof text, "Receiver %s cannot be told of alerts, they wait: %s", name, answer->why);
    else
        snprintf(text, sizeof text, "Receiver %s answers again", name);
    w->of->options.log(w->of->options.context, bad, text);
    w->complained = bad;
}

/* Sends items[n] without the lock. */
static void send_items(worker *w, size_t n, const char *url, const notify_receiver *receiver, post_answer *answer)
{
    static const alert_expecter nobody; // a test message belongs to no delivery
    const payload_frame frame = {url, receiver->name, tft_wall_ms(), receiver->resend_ms,
                                 w->of != NULL ? w->of->options.expecter : nobody};
    tft_text body = tft_text_new(PAYLOAD_MAX);
    if (receiver->kind == NOTIFY_ALERTMANAGER)
        payload_alertmanager(&frame, w->items, n, &body);
    else
        payload_webhook(&frame, w->items, n, &body);
    if (body.failed)
        *answer = (post_answer){.why = "no memory for the message"};
    else
        poster_post(w->post, body.bytes, body.n, answer);
    tft_text_free(&body);
}

static void *run(void *context)
{
    worker *const w = context;
    delivery *const d = w->of;
    pthread_mutex_lock(&d->lock);
    while (!atomic_load(&d->stop)) {
        int64_t wait_until_ms;
        const size_t n = outbox_take(d->box, w->target, tft_wall_ms(), w->items, &wait_until_ms);
        if (n == 0) {
            sleep_until(d, wait_until_ms);
            continue;
        }
        const outbox_target *const target = outbox_target_at(d->box, w->target);
        const notify_receiver *const receiver = &d->config.receivers[target->receiver];
        char url[sizeof d->url];
        memcpy(url, d->url, sizeof url);
        write_down(d); // that something is under way
        pthread_mutex_unlock(&d->lock);
        post_answer answer;
        send_items(w, n, url, receiver, &answer);
        pthread_mutex_lock(&d->lock);
        const outbox_result result = result_of(&answer);
        outbox_done(d->box, w->target, w->items, n, result, answer.retry_after_ms, answer.why, tft_wall_ms());
        write_down(d);
        if (!atomic_load(&d->stop))
            tell_log(w, target->name, result, &answer);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static tft_status start_worker(delivery *d, size_t target, tft_error *err)
{
    const outbox_target *const to = outbox_target_at(d->box, target);
    size_t which = 0; // of the receiver's addresses: its targets stand side by side
    while (which < target && outbox_target_at(d->box, target - which - 1)->receiver == to->receiver)
        which++;
    worker *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for receiver %s", to->name);
    d->workers[target] = w;
    w->of = d;
    w->target = target;
    const tft_status status = poster_open(&d->config.receivers[to->receiver], which, &d->stop, &w->post, err);
    if (status != TFT_OK)
        return status;
    w->started = pthread_create(&w->thread, NULL, run, w) == 0;
    return w->started ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "the system gave no thread for receiver %s", to->name);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

typedef struct loading {
    store_delivery *rows;
    size_t n, capacity;
} loading;

static void load_one(void *context, const store_delivery *row)
{
    loading *const to = context;
    if (to->n == to->capacity) {
        const size_t capacity = to->capacity == 0 ? 64 : 2 * to->capacity;
        store_delivery *const more = realloc(to->rows, capacity * sizeof *more);
        if (more == NULL)
            return;
        to->rows = more;
        to->capacity = capacity;
    }
    to->rows[to->n++] = *row;
}

/* What the disk remembers; rows of targets or alerts that are not there any more are forgotten. */
static tft_status load(delivery *d, tft_error *err)
{
    loading all = {0};
    tft_status status = store_each_delivery(d->options.keep, load_one, &all, err);
    size_t n_stale = 0;
    for (size_t i = 0; i < all.n && status == TFT_OK; i++) {
        store_alert row;
        store_delivery *const from = &all.rows[i];
        const tft_status found = store_find_alert(d->options.keep, from->alert, &row, err);
        if (found != TFT_OK && found != TFT_ERR_NOT_FOUND) {
            status = found;
        } else if (found == TFT_ERR_NOT_FOUND || from->told < 0 || from->told > OUTBOX_UNKNOWN ||
                   !outbox_restore(d->box, &row, from->target, (outbox_told)from->told, tft_wall_ms())) {
            from->told = -1;
            all.rows[n_stale++] = *from;
        }
    }
    const store_alert_batch batch = {.deliveries = all.rows, .n_deliveries = n_stale};
    if (status == TFT_OK && n_stale > 0)
        status = store_put_alerts(d->options.keep, &batch, err);
    free(all.rows);
    return status;
}

tft_status delivery_open(const delivery_options *options, delivery **out, tft_error *err)
{
    *out = NULL;
    delivery *const d = calloc(1, sizeof *d);
    if (d == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for deliveries");
    d->options = *options;
    d->config = *options->config;
    d->options.config = NULL;
    atomic_init(&d->stop, false);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&d->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    tft_status status = outbox_open(&d->config, (uint64_t)tft_wall_ms(), &d->box, err);
    if (status == TFT_OK)
        status = load(d, err);
    pthread_mutex_lock(&d->lock);
    for (size_t t = 0; status == TFT_OK && t < outbox_targets(d->box); t++)
        status = start_worker(d, t, err);
    pthread_mutex_unlock(&d->lock);
    if (status != TFT_OK) {
        delivery_close(d);
        return status;
    }
    *out = d;
    return TFT_OK;
}

void delivery_close(delivery *d)
{
    if (d == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->stop, true);
    pthread_cond_broadcast(&d->news);
    pthread_mutex_unlock(&d->lock);
    for (size_t t = 0; t < NOTIFY_MAX_TARGETS; t++) {
        worker *const w = d->workers[t];
        if (w == NULL)
            continue;
        if (w->started)
            pthread_join(w->thread, NULL);
        poster_close(w->post);
        free(w);
    }
    outbox_close(d->box);
    pthread_cond_destroy(&d->news);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void delivery_set_url(delivery *d, const char *url)
{
    pthread_mutex_lock(&d->lock);
    snprintf(d->url, sizeof d->url, "%s", url);
    pthread_mutex_unlock(&d->lock);
}

/* ---- rounds ------------------------------------------------------------------------------------------------------ */

tft_status delivery_step(delivery *d, const delivery_round *round, tft_error *err)
{
    tft_status status = TFT_OK;
    store_alert_batch batch = round->extra;
    pthread_mutex_lock(&d->lock);
    const int64_t now_ms = tft_wall_ms();
    outbox_begin(d->box);
    for (size_t i = 0; i < round->n_open; i++) {
        const store_alert *const row = &round->open[i];
        const notify_subject subject = lives_subject(row);
        outbox_offer(d->box, row, notify_route_of(&d->config, &subject), now_ms);
    }
    for (size_t i = 0; i < round->n_over; i++)
        outbox_over(d->box, &round->over[i], now_ms);
    outbox_end(d->box, now_ms);
    batch.deliveries = outbox_written(d->box, &batch.n_deliveries);
    if (batch.n_alerts + batch.n_forgotten + batch.n_deliveries > 0)
        status = store_put_alerts(d->options.keep, &batch, err);
    if (round->n_open + round->n_over + batch.n_deliveries > 0)
        pthread_cond_broadcast(&d->news);
    pthread_mutex_unlock(&d->lock);
    return status;
}

void delivery_each(delivery *d,
                   void (*visit)(void *context, const notify_receiver *receiver, size_t which,
                                 const outbox_target *target, size_t waiting),
                   void *context)
{
    pthread_mutex_lock(&d->lock);
    size_t which = 0;
    for (size_t t = 0; t < outbox_targets(d->box); t++) {
        const outbox_target *const target = outbox_target_at(d->box, t);
        which = t > 0 && outbox_target_at(d->box, t - 1)->receiver == target->receiver ? which + 1 : 0;
        visit(context, &d->config.receivers[target->receiver], which, target, outbox_waiting(d->box, t));
    }
    pthread_mutex_unlock(&d->lock);
}

bool delivery_receiver(delivery *d, const char *name, notify_receiver *receiver, char url[128])
{
    bool found = false;
    pthread_mutex_lock(&d->lock);
    memcpy(url, d->url, sizeof d->url);
    for (size_t r = 0; r < d->config.n_receivers && !found; r++) {
        found = strcmp(d->config.receivers[r].name, name) == 0;
        if (found)
            *receiver = d->config.receivers[r];
    }
    pthread_mutex_unlock(&d->lock);
    return found;
}

tft_status delivery_test(const notify_receiver *to, const char *url,
                         void (*visit)(void *context, const char *target, const post_answer *answer), void *context,
                         tft_error *err)
{
    worker *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a test");
    w->items[0] = (outbox_item){payload_test_alert(tft_wall_ms()), true, STORE_NEVER};
    tft_status status = TFT_OK;
    for (size_t u = 0; u < to->n_urls && status == TFT_OK; u++) {
        char name[STORE_TARGET_BYTES];
        post_answer answer;
        if (to->n_urls > 1)
            snprintf(name, sizeof name, "%s#%zu", to->name, u + 1);
        else
            snprintf(name, sizeof name, "%s", to->name);
        status = poster_open(to, u, NULL, &w->post, err);
        if (status == TFT_OK) {
            send_items(w, 1, url, to, &answer);
            visit(context, name, &answer);
        }
        poster_close(w->post);
        w->post = NULL;
    }
    free(w);
    return status;
}
