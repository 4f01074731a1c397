/* alert_log.h - what the daemon remembers of alerts: their lives, who was told, silences, acknowledgements, maintenance.
 *
 * An alert's row is written when something about it moves (it begins, fires, is silenced, ends), never for a new number alone,
 * and before anybody is told of it: after kill -9 it goes on with its id, and a receiver that has heard of it hears of the same
 * one. Rows of alerts that have ended stay for store.retention.alerts.
 *
 * A delivery is what one target (a receiver's address) has been told of one alert, and no more than that: so the queue of what is
 * still to be told is at most one row per target and open alert.
 *
 * Silences are texts here (JSON, made and read by notify/silence_json.c), with their version for If-Match.
 *
 * Memory:  rows are structs without pointers; a visitor's row is lent for the call.
 * Threads: any, after store_open(). A write waits for the writer of the store, like an append.
 */
#ifndef TFTD_STORE_ALERT_LOG_H
#define TFTD_STORE_ALERT_LOG_H

#include "store/store.h"

#define STORE_ID_BYTES 20
#define STORE_NAME_BYTES 257 // of a server, with its NUL
#define STORE_TARGET_BYTES 96
#define STORE_NEVER INT64_MIN // a time that is not there

typedef struct store_ack {
    char by[128], comment[256];
    int64_t at_ms, until_ms; // at_ms STORE_NEVER: not acknowledged; until_ms STORE_NEVER: as long as the alert lasts
} store_ack;

/* Words as in the API: kind "threshold", severity "critical", status "firing", mute "" or "silenced" or "maintenance". Texts are
 * "" and times STORE_NEVER where there is none; numbers may be NaN. */
typedef struct store_alert {
    char id[STORE_ID_BYTES], server[STORE_NAME_BYTES], profile[20], kind[12], metric[TFT_MAX_METRIC_NAME], severity[12],
        status[12], mute[12], inhibited_by[STORE_ID_BYTES];
    int64_t starts_ms, since_ms, ends_ms, below_since_ms, expected_at_ms, p10_ms, p50_ms, p90_ms, minutes_ahead;
    double predicted_value, threshold, current, probability, crossing_probability;
    store_ack ack;
} store_alert;

typedef struct store_delivery {
    char target[STORE_TARGET_BYTES], alert[STORE_ID_BYTES];
    int told; // 0 nothing, 1 that it fires, 2 that it is over, 3 unknown: a post was under way; < 0: forget the row
} store_delivery;

/* One transaction: rows new or moved (their acknowledgement stays as it is), rows to be forgotten, deliveries. */
typedef struct store_alert_batch {
    const store_alert *alerts; // [n_alerts]
    size_t n_alerts;
    const char (*forgotten)[STORE_ID_BYTES]; // [n_forgotten]
    size_t n_forgotten;
    const store_delivery *deliveries; // [n_deliveries]
    size_t n_deliveries;
} store_alert_batch;
tft_status store_put_alerts(store *store, const store_alert_batch *batch, tft_error *err);

/* Which rows: NULL and STORE_NEVER mean any. Newest start first, then by id. */
typedef struct store_alert_query {
    bool pending, firing, resolved; // statuses that are wanted
    const char *severities, *kinds; // ",warning,": words between commas
    const char *server;             // exact
    int64_t from_ms, to_ms;         // alive at some time in [from, to)
    int64_t after_starts_ms;        // a page goes on behind (starts_ms, id)
    const char *after_id;
    size_t limit; // 0 = none
} store_alert_query;
tft_status store_each_alert(store *store, const store_alert_query *query,
                            void (*visit)(void *context, const store_alert *alert), void *context, tft_error *err);
/* TFT_ERR_NOT_FOUND (without text) where there is none. */
tft_status store_find_alert(store *store, const char *id, store_alert *alert, tft_error *err);
/* TFT_ERR_NOT_FOUND likewise. ack->at_ms STORE_NEVER takes the acknowledgement back. */
tft_status store_acknowledge(store *store, const char *id, const store_ack *ack, tft_error *err);
/* Forgets at most `limit` alerts that ended before cutoff_ms. */
tft_status store_forget_alerts(store *store, int64_t cutoff_ms, size_t limit, size_t *n, tft_error *err);

tft_status store_each_delivery(store *store, void (*visit)(void *context, const store_delivery *delivery),
                               void *context, tft_error *err);

typedef struct store_silence {
    char id[STORE_ID_BYTES];
    int64_t version;
    const char *body; // [body_len] JSON, lent
    size_t body_len;
} store_silence;
tft_status store_put_silence(store *store, const store_silence *silence, tft_error *err);
tft_status store_delete_silence(store *store, const char *id, tft_error *err);
tft_status store_each_silence(store *store, void (*visit)(void *context, const store_silence *silence), void *context,
                              tft_error *err);

/* [from_ms, to_ms): a maintenance covered the server, so its steps in there are marked. Spans of one server that begin at the same
 * instant are one: the longer counts. */
typedef struct store_maintenance {
    uint32_t server; // index in the store
    int64_t from_ms, to_ms;
} store_maintenance;
tft_status store_mark_maintenance(store *store, const store_maintenance *spans, size_t n, tft_error *err);
/* Spans of a server (UINT32_MAX = all) that touch [from_ms, to_ms), by server and start. */
tft_status store_each_maintenance(store *store, uint32_t server, int64_t from_ms, int64_t to_ms,
                                  void (*visit)(void *context, const store_maintenance *span), void *context,
                                  tft_error *err);

#endif
