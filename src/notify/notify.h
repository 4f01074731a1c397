/* notify.h - what becomes of alerts once the engine has found them: kept, silenced, acknowledged, told.
 *
 *     engine's thread                                             workers, one per target
 *     alert_round ─▶ mark: silences.c, acks.c                      wait for what is due ─▶ payload.c ─▶ post.c ─▶ receiver
 *                ─▶ settled: rows and deliveries in one commit ──▶ outbox.c ◀── what was told, committed ──┘
 *
 * The order is what makes one open alert at the receiver, whatever happens: an alert is on disk before the snapshot that shows it is
 * published and before anybody is told, so after kill -9 it goes on with the same id, labels and start.
 *
 * Memory:  bounded by SILENCES_MAX and OUTBOX_MAX. Threads: hooks on the engine's; the rest any.
 */
#ifndef TFTD_NOTIFY_NOTIFY_H
#define TFTD_NOTIFY_NOTIFY_H

#include "forecast/engine.h"
#include "notify/acks.h"
#include "notify/delivery.h"
#include "notify/expectation.h"
#include "notify/silences.h"

typedef struct notify notify;

typedef enum notify_level { NOTIFY_DEBUG, NOTIFY_INFO, NOTIFY_WARNING } notify_level;

typedef struct notify_options {
    store *keep;                 // lent
    const notify_config *config; // receivers and routes; lent for the call
    void (*log)(void *context, notify_level level, const char *text);
    /* An alert began to fire, ended, was silenced …; `row` is lent. On the engine's thread. */
    void (*changed)(void *context, const store_alert *row);
    void *context;
    alert_expecter expecter; // what alerts are worth, for messages; any thread
} notify_options;

tft_status notify_open(const notify_options *options, notify **out, tft_error *err);
void notify_close(notify *n); // accepts NULL; the engine must have stopped

/* For engine_options.hooks; they live as long as n. */
alert_hooks notify_hooks(notify *n);
/* Gives the engine the alerts of before back. After the fleet is loaded, before the first renewal. */
tft_status notify_restore(notify *n, engine *e, tft_error *err);

/* Marks the steps of servers in maintenance, by the newest snapshot; forgets alerts that ended more than retention_ms ago.
 * To be called every few seconds. */
tft_status notify_maintain(notify *n, const forecast_snapshot *snapshot, int64_t retention_ms, tft_error *err);

/* Where links in messages lead, once the daemon listens. */
void notify_set_url(notify *n, const char *url);
/* Other receivers and routes (a reload): who was told what goes on. */
tft_status notify_configure(notify *n, const notify_config *config, tft_error *err);
void notify_each_target(notify *n,
                        void (*visit)(void *context, const notify_receiver *receiver, size_t which,
                                      const outbox_target *target, size_t waiting),
                        void *context);
/* Sends a test alert to each address of the receiver, on this thread: at most its timeout for each. TFT_ERR_NOT_FOUND. */
tft_status notify_test(notify *n, const char *receiver,
                       void (*visit)(void *context, const char *target, const post_answer *answer), void *context,
                       tft_error *err);

silences *notify_silences(notify *n);
/* Sets or takes back (at_ms STORE_NEVER) an acknowledgement. TFT_ERR_NOT_FOUND (without text). */
tft_status notify_acknowledge(notify *n, const char *id, const store_ack *ack, tft_error *err);
bool notify_ack_of(notify *n, const char *id, int64_t now_ms, store_ack *ack);

#endif
