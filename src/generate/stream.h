/* stream.h - a fleet that sends: a batch every tick, history first, on or faster than the clock.
 *
 *     fleet clock   start − backfill ....... start ..................... now
 *                   | bulk, ≤ 5000 records  | a batch a tick, at `speed` |→ then with the wall clock
 *
 * A batch is sent when both have passed: its place in the plan (speed ticks per tick of wall time), and its stamp on the
 * wall clock. So a stream that runs faster than the clock starts in the past and never stamps the future. A stream that
 * starts now at speed 1 follows the wall clock alone: after a suspend it catches up.
 * While nobody answers, batches wait (at most 5000 records, the oldest go first and are counted) and are sent with the
 * next one. History waits for the daemon; live data does not.
 *
 * Memory:  the stream owns two buffers of 5000 records or one tick, and one text.
 * Threads: generate_stream_run() is one thread; set_scenario() and view() may be called by others while it runs: the fleet
 *          and the counters are guarded by one lock, which is never held while sending.
 */
#ifndef TFTD_GENERATE_STREAM_H
#define TFTD_GENERATE_STREAM_H

#include <signal.h>

#include "generate/fleet.h"
#include "generate/sender.h"

#define GENERATE_BATCH_MAX 5000

typedef struct generate_stream_plan {
    int64_t tick_ms;          // 5000
    double speed;             // ticks per tick of wall time, > 0
    int64_t live_ms;          // where the live part starts; the fleet's clock is at the start of the backfill
    int64_t backfill_step_ms; // tick of the backfill
    int64_t length_ms;        // of the live part; 0 = until stopped
    const volatile sig_atomic_t *stop;
    /* What the console shows, each may be NULL: after every live batch; when sending fails or works again; progress of the
     * backfill. */
    void (*on_tick)(void *context, int64_t time_ms, size_t tick, generate_scenario scenario, size_t n_servers,
                    double elapsed_s);
    void (*on_trouble)(void *context, const char *why, size_t n_waiting, size_t n_lost);
    void (*on_backfill)(void *context, size_t n_sent, int64_t time_ms);
    void *context;
} generate_stream_plan;

typedef struct generate_stream generate_stream;

typedef struct generate_stream_view {
    bool running;
    generate_status fleet;
    size_t tick_count;                            // live ticks so far
    size_t n_sent, n_refused, n_lost, n_failures; // records, records, records, posts
    const char *url;
} generate_stream_view;

/* Borrows fleet and sender for its life. TFT_ERR_MEMORY. */
tft_status generate_stream_open(generate_fleet *fleet, generate_sender *sender, const generate_stream_plan *plan,
                                generate_stream **stream, tft_error *err);
void generate_stream_close(generate_stream *stream); // accepts NULL

/* Sends until the plan is done or *stop is set. TFT_OK in both cases; errors of the peer are counted, not returned. */
void generate_stream_run(generate_stream *stream);

generate_stream_view generate_stream_look(generate_stream *stream);
/* Returns the scenario that was on; the view afterwards in *view. */
generate_scenario generate_stream_set_scenario(generate_stream *stream, generate_scenario scenario,
                                               generate_stream_view *view);
size_t generate_stream_affected(generate_stream *stream, const char **names, size_t capacity);

#endif
