/* keeper.c - see keeper.h. */
#include "server/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "forecast/background.h"
#include "server/server.h"

#define FORGET_EVERY_S 300.0
#define LOGGED_EVERY_S 300

struct keeper_round {
    int64_t now_ms;
    bool has_model;
    char model[STORE_MODEL_BYTES];
};

/* Sleeps a second; false at the end. */
static bool wait_a_second(server *srv)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&srv->keeper_lock);
    while (!srv->keeper_ends && pthread_cond_timedwait(&srv->keeper_wake, &srv->keeper_lock, &until) != ETIMEDOUT) {
    }
    const bool goes_on = !srv->keeper_ends;
    pthread_mutex_unlock(&srv->keeper_lock);
    return goes_on;
}

static bool ends(server *srv)
{
    pthread_mutex_lock(&srv->keeper_lock);
    const bool over = srv->keeper_ends;
    pthread_mutex_unlock(&srv->keeper_lock);
    return over;
}

static void complain(server *srv, log_gate *gate, const char *doing, const tft_error *why)
{
    uint64_t held = 0;
    if (log_gate_open(gate, LOGGED_EVERY_S, &held))
        log_line(srv->log, LOG_TAG_ERROR, "%s failed, the next round tries again: %s", doing, why->text);
}

/* Keeps the current forecast if it is time to; notes when and by which model it was made. */
static tft_status keep(server *srv, struct keeper_round *round, tft_error *err)
{
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    bool kept = false;
    const tft_status status = track_keep(srv->track, s, &kept, err);
    round->now_ms = s->clock.now_ms;
    round->has_model = s->sufficient;
    snprintf(round->model, sizeof round->model, "%s", track_model_of(s));
    if (kept)
        log_line(srv->log, LOG_TAG_DEBUG, "Kept the forecast of %zu servers", s->n_servers);
    engine_release(srv->engine, s);
    return status == TFT_OK && kept ? shadow_run(srv, err) : status;
}

static tft_status sum_up(server *srv, const struct keeper_round *round, tft_error *err)
{
    track_last last;
    alert_quality quality[TFT_MAX_METRICS];
    const tft_status status = track_sum_up(srv->track, round->model, round->now_ms, err);
    if (status != TFT_OK)
        return status;
    track_read_last(srv->track, &last);
    alert_worth_record(&srv->worth, last.incidents);
    engine_set_quality(srv->engine, quality, track_quality(&last, quality));
    return TFT_OK;
}

/* Everything whose time has come; *scored: there was something. */
static tft_status score(server *srv, const struct keeper_round *round, bool *scored, tft_error *err)
{
    bool more = round->has_model;
    tft_status status = TFT_OK;
    *scored = false;
    while (more && status == TFT_OK && !ends(srv)) {
        status = track_score(srv->track, round->now_ms, &more, err);
        *scored |= more;
    }
    return status;
}

static void *run(void *context)
{
    server *const srv = context;
    log_gate gate = {0};
    double next_forget = tft_monotonic_s() + FORGET_EVERY_S;
    int64_t retention = track_retention(srv->track); // one that a reload has moved is gone by at once
    char summed[STORE_MODEL_BYTES] = "";
    background_give_way();
    while (wait_a_second(srv)) {
        struct keeper_round round = {0};
        bool scored = false;
        tft_error why = {0};
        if (keep(srv, &round, &why) != TFT_OK)
            complain(srv, &gate, "Keeping a forecast", &why);
        why = (tft_error){0};
        if (track_keep_environment(srv->track, false, &why) != TFT_OK)
            complain(srv, &gate, "Keeping the environment", &why);
        why = (tft_error){0};
        if (round.has_model && track_observe(srv->track, round.now_ms, &why) != TFT_OK)
            complain(srv, &gate, "Looking for incidents", &why);
        why = (tft_error){0};
        if (score(srv, &round, &scored, &why) != TFT_OK)
            complain(srv, &gate, "Scoring forecasts", &why);
        why = (tft_error){0};
        const bool another = round.has_model && strcmp(summed, round.model) != 0;
        if ((scored || another) && sum_up(srv, &round, &why) != TFT_OK)
            complain(srv, &gate, "Summing up scores", &why);
        else if (another)
            snprintf(summed, sizeof summed, "%s", round.model);
        if (round.has_model && (tft_monotonic_s() >= next_forget || track_retention(srv->track) != retention)) {
            retention = track_retention(srv->track);
            why = (tft_error){0};
            if (track_forget(srv->track, round.now_ms, &why) != TFT_OK)
                complain(srv, &gate, "Forgetting old forecasts", &why);
            next_forget = tft_monotonic_s() + FORGET_EVERY_S;
        }
    }
    (void)track_keep_environment(srv->track, true, NULL); // where it fails, the step is there as it began
    return NULL;
}

tft_status server_start_keeper(server *srv, tft_error *err)
{
    const track_options how = {.store = srv->store,
                               .fleet = srv->fleet,
                               .dir = srv->options.store.dir,
                               .keep_ms = srv->options.forecasts_every_ms,
                               .retention_ms = srv->options.retention_forecasts_ms,
                               .max_bytes = srv->options.store.max_bytes / 4};
    const tft_status status = track_open(&how, &srv->track, err);
    if (status != TFT_OK)
        return status;
    pthread_mutex_init(&srv->keeper_lock, NULL);
    pthread_cond_init(&srv->keeper_wake, NULL);
    srv->keeper_ends = false;
    srv->has_keeper = pthread_create(&srv->keeper, NULL, run, srv) == 0;
    return srv->has_keeper ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no thread to keep the track record");
}

void server_stop_keeper(server *srv)
{
    if (!srv->has_keeper)
        return;
    pthread_mutex_lock(&srv->keeper_lock);
    srv->keeper_ends = true;
    pthread_cond_signal(&srv->keeper_wake);
    pthread_mutex_unlock(&srv->keeper_lock);
    pthread_join(srv->keeper, NULL);
    srv->has_keeper = false;
}

void server_close_keeper(server *srv)
{
    server_stop_keeper(srv);
    if (srv->track == NULL)
        return;
    track_close(srv->track);
    pthread_mutex_destroy(&srv->keeper_lock);
    pthread_cond_destroy(&srv->keeper_wake);
    srv->track = NULL;
}
