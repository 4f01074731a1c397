/* delivery.h - the workers that tell receivers: the outbox under a lock, and a thread per target.
 *
 * One thread per target, so that a receiver that hangs for its whole timeout keeps no other one waiting. What a target was told is
 * committed before the next thing is taken for it; after kill -9 in between it is told once more of the same alert, under the same labels,
 * which is the same open alert to it.
 *
 *     lock order    delivery.lock → the store's writer (held over a commit of a few rows)
 *
 * Memory:  bounded by OUTBOX_MAX and NOTIFY_MAX_TARGETS. Threads: all functions from any thread.
 */
#ifndef TFTD_NOTIFY_DELIVERY_H
#define TFTD_NOTIFY_DELIVERY_H

#include "notify/expectation.h"
#include "notify/outbox.h"
#include "notify/post.h"

typedef struct delivery delivery;

typedef struct delivery_options {
    store *keep;                 // lent
    const notify_config *config; // copied
    /* A line for the log: a target begins to fail, or answers again. Any thread; may be NULL. */
    void (*log)(void *context, bool bad, const char *text);
    void *context;
    alert_expecter expecter; // what alerts are worth; any thread
} delivery_options;

/* Loads what the disk remembers and starts the workers. */
tft_status delivery_open(const delivery_options *options, delivery **out, tft_error *err);
void delivery_close(delivery *d); // accepts NULL; requests under way are given up

/* Where links in messages lead, once it is known. */
void delivery_set_url(delivery *d, const char *url);

/* One forecast: offers every row in `open` that is heard, ends those in `over`; `extra` is committed with what the deliveries
 * need, in one transaction (its deliveries are filled in here). Returns the store's status. */
typedef struct delivery_round {
    const store_alert *open; // [n_open]
    size_t n_open;
    const store_alert *over; // [n_over]
    size_t n_over;
    store_alert_batch extra;
} delivery_round;
tft_status delivery_step(delivery *d, const delivery_round *round, tft_error *err);

/* For GET /receivers and /metrics: each target with its receiver and what waits for it, under the lock. */
void delivery_each(delivery *d,
                   void (*visit)(void *context, const notify_receiver *receiver, size_t which,
                                 const outbox_target *target, size_t waiting),
                   void *context);
/* A copy of a receiver by its name, and the URL that links lead to; false where there is none. */
bool delivery_receiver(delivery *d, const char *name, notify_receiver *receiver, char url[128]);
/* Sends a test alert to each address of a receiver, now, on this thread; takes no lock. */
tft_status delivery_test(const notify_receiver *receiver, const char *url,
                         void (*visit)(void *context, const char *target, const post_answer *answer), void *context,
                         tft_error *err);

#endif
