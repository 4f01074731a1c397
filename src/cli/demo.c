/* demo.c - see demo.h. */
#include "cli/demo.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/control.h"
#include "generate/stream.h"
#include "series/record.h"
#include "server/accept.h"

#define HISTORY_MS ((int64_t)8 * 86400000)
#define FINE_MS ((int64_t)30 * 60000) // the last half hour is backfilled at the live pace: 360 records a server
#define CALM_BEFORE_MS ((int64_t)2 * 3600000)
#define CALM_MS ((int64_t)12 * 3600000)
#define COARSE_TICK_MS 300000
#define LIVE_TICK_MS 5000
#define BATCH 5000

struct demo {
    server *srv;
    generate_scenario scenario;
    generate_fleet *fleet;
    generate_sender *sender;
    generate_stream *stream;
    generate_control *control;
    volatile sig_atomic_t stop;
    pthread_t thread;
    size_t n; // records waiting below
    tft_record records[BATCH];
    store_verdict verdicts[BATCH];
    generate_record tick[GENERATE_BATCH_MAX];
};

/* The generator takes a signal handler's flag; here another thread sets it, so it is read and written atomically. */
static bool stopped(const demo *d)
{
    return __atomic_load_n(&d->stop, __ATOMIC_RELAXED) != 0;
}

/* The contract's metrics out of a generated record. */
static tft_record to_record(const tft_contract *contract, const generate_record *from)
{
    const struct {
        const char *name;
        double value;
    } fields[] = {
        {"cpu_pct", from->cpu_pct},       {"mem_pct", from->mem_pct},         {"disk_io_mb_s", from->disk_io_mb_s},
        {"latency_ms", from->latency_ms}, {"net_in_mb_s", from->net_in_mb_s}, {"net_out_mb_s", from->net_out_mb_s},
        {"error_rate", from->error_rate}, {"gc_pause_ms", from->gc_pause_ms},
    };
    tft_record to = tft_record_empty();
    to.name = from->server_name;
    to.name_length = strlen(from->server_name);
    to.time_ms = from->time_ms;
    to.state = from->state;
    to.profile = (int)from->profile;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const int m = tft_contract_find(contract, fields[i].name, strlen(fields[i].name));
        if (m >= 0)
            to.values[m] = fields[i].value;
    }
    return to;
}

static void send_waiting(demo *d)
{
    accept_counts counts;
    tft_error why = {0};
    if (d->n > 0 &&
        accept_records(d->srv, METERS_DEMO, d->records, d->n, 0, tft_wall_ms(), d->verdicts, &counts, &why) != TFT_OK)
        log_line(d->srv->log, LOG_TAG_WARNING, "Demo: %zu records of history are lost: %s", d->n, why.text);
    d->n = 0;
}

/* Moves the fleet on to until_ms and stores what it sends. */
static size_t backfill(demo *d, int64_t until_ms, int64_t tick_ms)
{
    const tft_contract *const contract = &d->srv->contract;
    const tft_record_limits limits = tft_record_limits_default(tft_wall_ms());
    size_t total = 0;
    while (!stopped(d) && generate_fleet_clock(d->fleet) + tick_ms <= until_ms) {
        const size_t n = generate_fleet_tick(d->fleet, tick_ms, d->tick);
        if (d->n + n > BATCH)
            send_waiting(d);
        for (size_t i = 0; i < n; i++) {
            const tft_record record = to_record(contract, &d->tick[i]);
            if (tft_record_check(contract, &limits, &record, NULL))
                d->records[d->n++] = record;
        }
        total += n;
    }
    send_waiting(d);
    return total;
}

static void *run(void *context)
{
    demo *const d = context;
    const double began = tft_monotonic_s();
    const int64_t now = tft_floor_to(tft_wall_ms(), LIVE_TICK_MS);
    size_t total = backfill(d, now - FINE_MS, COARSE_TICK_MS);
    generate_fleet_set_scenario(d->fleet, d->scenario);
    total += backfill(d, now, LIVE_TICK_MS);
    log_line(d->srv->log, LOG_TAG_INFO,
             "Demo: %zu servers, %zu records of history in %.1f s, scenario %s, a batch every 5 s",
             generate_fleet_size(d->fleet), total, tft_monotonic_s() - began, generate_scenario_name(d->scenario));
    if (!stopped(d))
        generate_stream_run(d->stream);
    return NULL;
}

static tft_status open_fleet(demo *d, tft_error *err)
{
    const int64_t now = tft_floor_to(tft_wall_ms(), LIVE_TICK_MS);
    const fleet_clock clock = fleet_now(d->srv->fleet, tft_wall_ms());
    generate_options options = generate_options_default();
    options.start_ms = tft_floor_to(now - HISTORY_MS, COARSE_TICK_MS);
    if (clock.newest_ms >= options.start_ms) // goes on where an earlier run ended
        options.start_ms = tft_floor_to(clock.newest_ms, LIVE_TICK_MS) + LIVE_TICK_MS;
    if (options.start_ms > now)
        options.start_ms = now;
    options.quiet_from_ms = now - CALM_BEFORE_MS; // a healthy demo looks calm until somebody switches the scenario
    options.quiet_to_ms = now + CALM_MS;
    tft_status status = generate_fleet_open(&options, &d->fleet, err);
    if (status == TFT_OK && generate_fleet_size(d->fleet) > GENERATE_BATCH_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "a demo of %zu servers", generate_fleet_size(d->fleet));
    if (status == TFT_OK)
        status = generate_sender_open(&(generate_sender_options){.url = server_url(d->srv), .stop = &d->stop},
                                      &d->sender, err);
    if (status != TFT_OK)
        return status;
    const generate_stream_plan plan = {
        .tick_ms = LIVE_TICK_MS, .speed = 1, .live_ms = now, .backfill_step_ms = COARSE_TICK_MS, .stop = &d->stop};
    return generate_stream_open(d->fleet, d->sender, &plan, &d->stream, err);
}

tft_status demo_open(server *srv, generate_scenario scenario, const char *control, demo **out, tft_error *err)
{
    *out = NULL;
    demo *const d = calloc(1, sizeof *d);
    if (d == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the demo");
    d->srv = srv;
    d->scenario = scenario;
    tft_error why = {0};
    tft_status status = open_fleet(d, err);
    if (status == TFT_OK && generate_control_open(control, d->stream, &d->control, &why) != TFT_OK)
        log_line(srv->log, LOG_TAG_WARNING, "Demo: no control port, the scenario cannot be switched: %s", why.text);
    if (status == TFT_OK && pthread_create(&d->thread, NULL, run, d) != 0)
        status = tft_fail(err, TFT_ERR_MEMORY, "no thread for the demo");
    if (status != TFT_OK) {
        generate_control_close(d->control);
        generate_stream_close(d->stream);
        generate_sender_close(d->sender);
        generate_fleet_close(d->fleet);
        free(d);
        return status;
    }
    *out = d;
    return TFT_OK;
}

void demo_close(demo *d)
{
    if (d == NULL)
        return;
    __atomic_store_n(&d->stop, 1, __ATOMIC_RELAXED);
    pthread_join(d->thread, NULL);
    generate_control_close(d->control);
    generate_stream_close(d->stream);
    generate_sender_close(d->sender);
    generate_fleet_close(d->fleet);
    free(d);
}
