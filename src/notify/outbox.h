/* outbox.h - who has yet to be told what: for each alert that somebody was or is to be told of, what each target knows.
 *
 *     open at the receivers = it fires, and no silence or maintenance keeps it from being heard
 *     inhibited             = nobody is told of it anew; but who knows of it goes on knowing (that a warning has become critical is not
 *                             its end)
 *
 *     told ╲ now      open                                        over, or not to be heard
 *     nothing         send "firing"                               over: send "resolved", once; muted: nothing, it is dropped
 *     firing          Alertmanager: again each resend_ms          send "resolved"
 *     resolved        send "firing" (it is heard again)           Alertmanager: again each resend_ms for 15 min; then done
 *
 * An alert that comes back is another one here, with an id and a start of its own, and the same one to Alertmanager, which knows labels
 * only and takes what it heard last. So there the end of the first is not told (again) once the second was told to fire.
 *
 * A post that broke off, and one that was under way at kill -9, may have been heard or not: such a target is told how things are in
 * any case. That is why UNKNOWN is written down before the post.
 *
 * Levels, not messages: a receiver that was down for an hour gets one message per alert about how things are, and each alert
 * that came and went meanwhile as resolved. So the queue has at most one entry per target and alert, and is bounded by OUTBOX_MAX.
 *
 * When a target fails (no connection, 408, 429, 5xx) all that is due there waits: 1 s, 2 s, 4 s … 5 min, times a random 0.5 … 1. What it
 * refuses for good (another 4xx) waits alone, so that one bad alert does not keep the others; and is sent alone from then on. What is over
 * and could not be told for a day is dropped and counted.
 *
 * Times are the wall clock's. Memory: OUTBOX_MAX · (sizeof(store_alert) + 40 bytes a target). Threads: none of its own; the owner locks.
 */
#ifndef TFTD_NOTIFY_OUTBOX_H
#define TFTD_NOTIFY_OUTBOX_H

#include "base/rng.h"
#include "notify/config.h"
#include "store/alert_log.h"

#define OUTBOX_MAX 20000
#define OUTBOX_BATCH 64
#define OUTBOX_NEVER INT64_MAX
#define OUTBOX_KEEP_RESOLVED_MS ((int64_t)15 * 60 * 1000) // as Prometheus does
#define OUTBOX_GIVE_UP_MS ((int64_t)24 * 3600 * 1000)

/* UNKNOWN stands on disk alone: written before a post that tells something new, replaced when its answer has come. */
typedef enum outbox_told { OUTBOX_NOTHING, OUTBOX_FIRING, OUTBOX_RESOLVED, OUTBOX_UNKNOWN } outbox_told;

/* One post to a target, for those who ask whether telling works. */
typedef enum outbox_result { OUTBOX_SENT, OUTBOX_REFUSED, OUTBOX_FAILED } outbox_result;
typedef struct outbox_post {
    int64_t at_ms;
    outbox_result result;
    size_t alerts, firing; // what it told of, and how many of these fired
    char why[160];         // of a failure
} outbox_post;
#define OUTBOX_POSTS 20 // kept per target

/* One address of one receiver. */
typedef struct outbox_target {
    char name[STORE_TARGET_BYTES]; // "chat", or "am#2" of a receiver with several
    size_t receiver;
    bool resends, send_resolved, one_server; // one_server: a batch is of one server (a webhook's group)
    int64_t resend_ms;
    int64_t blocked_until_ms;
    unsigned failures; // in a row
    uint64_t delivered, failed, dropped;
    int64_t last_attempt_ms, last_success_ms; // STORE_NEVER = none
    char last_error[160];
    size_t n_posts;                  // since the start; the newest is posts[(n_posts − 1) % OUTBOX_POSTS]
    outbox_post posts[OUTBOX_POSTS]; // a ring
} outbox_target;

typedef struct outbox outbox;

tft_status outbox_open(const notify_config *config, uint64_t seed, outbox **out, tft_error *err);
void outbox_close(outbox *o); // accepts NULL

size_t outbox_targets(const outbox *o);
const outbox_target *outbox_target_at(const outbox *o, size_t target);
/* Entries that wait for the target: not told what they should know. */
size_t outbox_waiting(const outbox *o, size_t target);

/* What the disk remembers: the alert's row, and what one target was told. Unknown targets are left out (returns false). */
bool outbox_restore(outbox *o, const store_alert *row, const char *target, outbox_told told, int64_t now_ms);

/* A round, after each forecast: offer() every alert that fires and is not muted, over() every one that has ended, end(). What was open and was not
 * offered is not to be heard any more. What the disk must know is added to *rows (n ≤ capacity is the caller's to ensure:
 * outbox_round_rows() at most). `receivers`: bits of notify_route_of. */
void outbox_begin(outbox *o);
void outbox_offer(outbox *o, const store_alert *row, uint32_t receivers, int64_t now_ms);
void outbox_over(outbox *o, const store_alert *row, int64_t now_ms);
void outbox_end(outbox *o, int64_t now_ms);
/* What has to be written since the last time this was asked: lent until the next call of anything here. */
const store_delivery *outbox_written(outbox *o, size_t *n);

/* What is to be sent to a target now, what is over first; commit outbox_written() before it is sent. n 0 = nothing, and *wait_until_ms says when to ask again. Between take() and done() nothing else is
 * taken for the target. */
typedef struct outbox_item {
    store_alert row;
    bool firing;
    int64_t closed_ms; // when it ceased to be open, of one that does not fire
} outbox_item;
size_t outbox_take(outbox *o, size_t target, int64_t now_ms, outbox_item items[OUTBOX_BATCH], int64_t *wait_until_ms);

/* retry_after_ms: what the receiver asked for, 0 = nothing. why: of a failure. */
void outbox_done(outbox *o, size_t target, const outbox_item *items, size_t n, outbox_result result,
                 int64_t retry_after_ms, const char *why, int64_t now_ms);

#endif
