/* track_log.h - forecasts that were made, and how good they turned out: the daemon's track record on disk.
 *
 *     set        one forecast of the whole fleet: when, by which model, and how far it has been scored
 *     forecast   what it said about one server, packed by whoever keeps it (track/pack.h)
 *     score      sums over cells, by six hours, model, group and metric; sums of two scorings add up number by number
 *
 * Scores and the mark "scored up to here" are written in one transaction, so that kill -9 counts nothing twice.
 *
 * Threads: any, as store.h. Reading for requests goes over reader.h.
 */
#ifndef TFTD_STORE_TRACK_LOG_H
#define TFTD_STORE_TRACK_LOG_H

#include "store/store.h"

#define STORE_MODEL_BYTES 128
#define STORE_MAX_SUMS 320

typedef struct store_set {
    int64_t number; // given by store_put_set()
    int64_t origin_ms, first_ms;
    char model[STORE_MODEL_BYTES];
    int64_t scored_to; // rows of servers below it have been scored
    bool complete;     // all rows are there; one that is not was cut off by a crash
} store_set;

typedef struct store_forecast {
    uint32_t server;
    const unsigned char *body; // [n], lent
    size_t n;
} store_forecast;

/* One row of sums. `group`: a server's index, or −1 − profile. `metric`: its place in the contract, or −1 for incidents. */
typedef struct store_score {
    int64_t from_ms; // begin of its six hours
    char model[STORE_MODEL_BYTES];
    int64_t group;
    int metric;
    size_t n;
    float sums[STORE_MAX_SUMS];
} store_score;

/* A new set; TFT_ERR_BUSY where there is one of this origin and model. */
tft_status store_put_set(store *store, store_set *set, tft_error *err);
/* Rows of a set, in one transaction; `complete` with the last of them. */
tft_status store_put_forecasts(store *store, int64_t set, const store_forecast *rows, size_t n, bool complete,
                               tft_error *err);
/* The oldest complete set with origin ≤ before_ms that is not scored to its end. TFT_ERR_NOT_FOUND (without text): none. */
tft_status store_due_set(store *store, int64_t before_ms, store_set *set, tft_error *err);
/* The rows of a set from server `from` on, at most `limit`, by server. */
tft_status store_each_forecast(store *store, int64_t set, int64_t from, size_t limit,
                               void (*visit)(void *context, const store_forecast *row), void *context, tft_error *err);
/* Adds rows to the sums that are there and marks the set as scored up to `scored_to` (INT64_MAX = to its end). */
tft_status store_add_scores(store *store, int64_t set, int64_t scored_to, const store_score *rows, size_t n,
                            tft_error *err);
/* Forgets sets with an origin before cutoff_ms, and the oldest ones while more than `max_rows` forecasts are kept; scores
 * before scores_cutoff_ms; incomplete sets but the newest. At most `limit` sets a call; *n gets how many. */
tft_status store_forget_track(store *store, int64_t cutoff_ms, int64_t scores_cutoff_ms, int64_t max_rows, size_t limit,
                              size_t *n, tft_error *err);

#endif
