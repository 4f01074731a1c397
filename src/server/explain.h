/* explain.h - why a forecast is what it is: the network's own weights, and what changes where a part of its input is hidden.
 *
 *     selection    weights of the variable-selection networks (Lim et al. 2021, eq. 6–8): static inputs, inputs of the past
 *                  (mean over its steps), known inputs of the step asked for; each list sums to 1
 *     attention    how much that step looks at each past step (eq. 13–16), mean over heads, scaled to sum to 1
 *     occlusion    the median of the step with one part of the input hidden: another way to the same question, which
 *                  does not trust the weights
 *
 * Made on request, by a network of its own (one more copy of the weights, opened when first asked for, one thread): the
 * engine's is never waited for. One explanation at a time, one may wait, the next is refused; the last EXPLAIN_KEPT answers
 * are kept, so that asking again costs nothing.
 *
 * Memory:  the network, and EXPLAIN_KEPT texts of about 40 KiB. Threads: any.
 */
#ifndef TFTD_SERVER_EXPLAIN_H
#define TFTD_SERVER_EXPLAIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/views.h"

#define EXPLAIN_KEPT 32

typedef struct explain_key {
    uint64_t sequence; // of the snapshot; 0 = empty
    size_t server, metric, step;
} explain_key;

typedef struct explainer {
    pthread_mutex_t lock; // guards everything below, and the network while it runs
    bool open;
    engine_model model;
    size_t next; // of the kept ones, the one to give way
    explain_key keys[EXPLAIN_KEPT];
    tft_text texts[EXPLAIN_KEPT];
    atomic_int asked; // requests inside, the waiting one too
} explainer;

explainer *explain_open(void);    // NULL without memory
void explain_close(explainer *e); // accepts NULL

/* Appends the explanation of `metric` (an index of the contract) at horizon step `step` (from 0) to `out`.
 * TFT_ERR_BUSY: others are at it. TFT_ERR_STATE: this server was not forecast by the network. */
tft_status explain_server(explainer *e, server *srv, const forecast_snapshot *s, const server_view *view, size_t metric,
                          size_t step, tft_text *out, tft_error *err);

#endif
