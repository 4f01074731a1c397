/* stream.c - see stream.h. */
#include "generate/stream.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"
#include "generate/record_text.h"

#define RECORD_TEXT_MAX 512 // bytes of one record as JSON; about 350 are used

struct generate_stream {
    generate_fleet *fleet; // guarded by lock
    generate_sender *sender;
    generate_stream_plan plan;
    pthread_mutex_t lock;
    bool running; // guarded by lock, as all counters
    size_t tick_count, n_sent, n_refused, n_lost, n_failures;
    size_t capacity, n_waiting; // of `waiting`; the sending thread's own
    generate_record *waiting;   // oldest first
    tft_text body;
    bool troubled;
};

tft_status generate_stream_open(generate_fleet *fleet, generate_sender *sender, const generate_stream_plan *plan,
                                generate_stream **out, tft_error *err)
{
    generate_stream *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "stream: out of memory");
    const size_t n = generate_fleet_size(fleet);
    s->capacity = n > GENERATE_BATCH_MAX ? 2 * n : GENERATE_BATCH_MAX + n; // what waits, and one tick more
    s->waiting = calloc(s->capacity, sizeof *s->waiting);
    if (s->waiting == NULL) {
        free(s);
        return tft_fail(err, TFT_ERR_MEMORY, "batches of %zu servers: out of memory", n);
    }
    s->fleet = fleet;
    s->sender = sender;
    s->plan = *plan;
    s->body = tft_text_new((size_t)GENERATE_BATCH_MAX * RECORD_TEXT_MAX + 64);
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return TFT_OK;
}

void generate_stream_close(generate_stream *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    tft_text_free(&s->body);
    free(s->waiting);
    free(s);
}

static bool stopped(const generate_stream *s)
{
    // set by a signal handler, or by another thread (the demo inside the daemon): the builtin serves both
    return s->plan.stop != NULL && __atomic_load_n(s->plan.stop, __ATOMIC_RELAXED) != 0;
}

/* Sleeps, awake for *stop ten times a second (a signal may arrive in another thread). */
static void sleep_s(const generate_stream *s, double seconds)
{
    const double until = tft_monotonic_s() + seconds;
    for (double left = seconds; left > 0 && !stopped(s); left = until - tft_monotonic_s()) {
        const double nap = fmin(left, 0.1);
        const struct timespec wait = {.tv_sec = 0, .tv_nsec = (long)(nap * 1e9)};
        nanosleep(&wait, NULL);
    }
}

/* One tick behind what already waits; returns its stamp. */
static int64_t gather(generate_stream *s, int64_t length_ms)
{
    pthread_mutex_lock(&s->lock);
    const int64_t time_ms = generate_fleet_clock(s->fleet);
    s->n_waiting += generate_fleet_tick(s->fleet, length_ms, s->waiting + s->n_waiting);
    pthread_mutex_unlock(&s->lock);
    return time_ms;
}

static void forget(generate_stream *s, size_t n)
{
    memmove(s->waiting, s->waiting + n, (s->n_waiting - n) * sizeof s->waiting[0]);
    s->n_waiting -= n;
}

static void count(generate_stream *s, size_t *counter, size_t n)
{
    pthread_mutex_lock(&s->lock);
    *counter += n;
    pthread_mutex_unlock(&s->lock);
}

/* Sends what waits, oldest first, in batches; false where nobody took it. */
static bool flush(generate_stream *s)
{
    char why[512] = "";
    while (s->n_waiting > 0) {
        const size_t n = s->n_waiting < GENERATE_BATCH_MAX ? s->n_waiting : GENERATE_BATCH_MAX;
        tft_text_clear(&s->body);
        generate_json_batch(&s->body, s->waiting, n);
        const generate_outcome outcome =
            s->body.failed ? GENERATE_RETRY
                           : generate_sender_post(s->sender, s->body.bytes, s->body.n, why, sizeof why);
        if (outcome == GENERATE_RETRY) {
            count(s, &s->n_failures, 1);
            if (!s->troubled && !stopped(s) && s->plan.on_trouble != NULL)
                s->plan.on_trouble(s->plan.context, s->body.failed ? "out of memory" : why, s->n_waiting, s->n_lost);
            s->troubled = true;
            return false;
        }
        if (outcome == GENERATE_REFUSED && s->plan.on_trouble != NULL)
            s->plan.on_trouble(s->plan.context, why, 0, s->n_lost);
        count(s, outcome == GENERATE_SENT ? &s->n_sent : &s->n_refused, n);
        forget(s, n);
    }
    if (s->troubled && s->plan.on_trouble != NULL)
        s->plan.on_trouble(s->plan.context, NULL, 0, s->n_lost);
    s->troubled = false;
    return true;
}

static void backfill(generate_stream *s)
{
    const size_t n = generate_fleet_size(s->fleet);
    int64_t shown_ms = INT64_MIN;
    while (!stopped(s)) {
        const int64_t left_ms = s->plan.live_ms - generate_fleet_clock(s->fleet);
        const bool full = s->n_waiting > 0 && s->n_waiting + n > GENERATE_BATCH_MAX;
        if (left_ms > 0 && !full) {
            shown_ms = gather(s, left_ms < s->plan.backfill_step_ms ? left_ms : s->plan.backfill_step_ms);
            continue;
        }
        if (s->n_waiting == 0)
            return;
        if (!flush(s))
            sleep_s(s, 1);
        else if (s->plan.on_backfill != NULL)
            s->plan.on_backfill(s->plan.context, s->n_sent, shown_ms);
    }
}

/* Waits until the tick stamped `stamp_ms` may be sent: due in the plan, and not in the future. */
static void wait_for_tick(const generate_stream *s, double due_s, int64_t stamp_ms)
{
    for (;;) {
        const double plan_s = due_s - tft_monotonic_s(), wall_s = (double)(stamp_ms - tft_wall_ms()) / 1000.0;
        const double left_s = fmax(plan_s, wall_s);
        if (left_s <= 0 || stopped(s))
            return;
        sleep_s(s, fmin(left_s, 1)); // the wall clock may be set meanwhile
    }
}

static void live(generate_stream *s)
{
    const double pace_s = (double)s->plan.tick_ms / 1000.0 / s->plan.speed;
    const int64_t end_ms = s->plan.length_ms > 0 ? s->plan.live_ms + s->plan.length_ms : INT64_MAX;
    const bool by_wall = s->plan.speed <= 1 && s->plan.speed >= 1 && s->plan.live_ms >= tft_wall_ms() - s->plan.tick_ms;
    double due_s = tft_monotonic_s();
    while (!stopped(s) && generate_fleet_clock(s->fleet) < end_ms) {
        wait_for_tick(s, due_s, generate_fleet_clock(s->fleet));
        if (stopped(s))
            return;
        due_s += by_wall ? 0 : pace_s;
        if (s->n_waiting + generate_fleet_size(s->fleet) > s->capacity) {
            const size_t oldest =
                s->n_waiting < generate_fleet_size(s->fleet) ? s->n_waiting : generate_fleet_size(s->fleet);
            count(s, &s->n_lost, oldest);
            forget(s, oldest);
        }
        const int64_t time_ms = gather(s, s->plan.tick_ms);
        count(s, &s->tick_count, 1);
        flush(s);
        const generate_stream_view view = generate_stream_look(s);
        if (s->plan.on_tick != NULL)
            s->plan.on_tick(s->plan.context, time_ms, view.tick_count, view.fleet.scenario, view.fleet.n_servers,
                            (double)view.tick_count * (double)s->plan.tick_ms / 1000.0);
    }
}

void generate_stream_run(generate_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->running = true;
    pthread_mutex_unlock(&s->lock);
    backfill(s);
    live(s);
    for (int tries = 0; s->n_waiting > 0 && !stopped(s) && tries < 3 && !flush(s); tries++)
        sleep_s(s, 1);
    pthread_mutex_lock(&s->lock);
    s->running = false;
    s->n_lost += s->n_waiting;
    pthread_mutex_unlock(&s->lock);
}

static generate_stream_view look(const generate_stream *s)
{
    return (generate_stream_view){.running = s->running,
                                  .fleet = generate_fleet_status(s->fleet),
                                  .tick_count = s->tick_count,
                                  .n_sent = s->n_sent,
                                  .n_refused = s->n_refused,
                                  .n_lost = s->n_lost,
                                  .n_failures = s->n_failures,
                                  .url = generate_sender_url(s->sender)};
}

generate_stream_view generate_stream_look(generate_stream *s)
{
    pthread_mutex_lock(&s->lock);
    const generate_stream_view view = look(s);
    pthread_mutex_unlock(&s->lock);
    return view;
}

generate_scenario generate_stream_set_scenario(generate_stream *s, generate_scenario scenario,
                                               generate_stream_view *view)
{
    pthread_mutex_lock(&s->lock);
    const generate_scenario old = generate_fleet_status(s->fleet).scenario;
    generate_fleet_set_scenario(s->fleet, scenario);
    *view = look(s);
    pthread_mutex_unlock(&s->lock);
    return old;
}

size_t generate_stream_affected(generate_stream *s, const char **names, size_t capacity)
{
    pthread_mutex_lock(&s->lock);
    const size_t n = generate_fleet_affected(s->fleet, names, capacity);
    pthread_mutex_unlock(&s->lock);
    return n;
}
