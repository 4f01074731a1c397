/* silences.h - all silences and maintenance windows: kept on disk, asked by the engine for every alert and server.
 *
 * A change is committed before it counts. The engine asks in_maintenance for each server of each forecast, always for the same
 * instant: what is active then is worked out once and kept until the instant or the set changes.
 *
 * Times are by the clock of CONTRACT 1.5, as alerts are.
 *
 * Memory:  at most SILENCES_MAX. Threads: any; one mutex, held for microseconds, but in silences_put and _delete, which
 *          hold it over a commit so that versions cannot cross. Nothing of the fleet or the engine is called under it.
 */
#ifndef TFTD_NOTIFY_SILENCES_H
#define TFTD_NOTIFY_SILENCES_H

#include "notify/silence.h"
#include "store/alert_log.h"

#define SILENCES_MAX 1000
#define SILENCES_MAX_IDS 8 // named for one alert

typedef struct silences silences;

/* Opens and loads. What cannot be read any more (a time zone that went) is left out: `log` is told which. `keep` is lent. */
tft_status silences_open(store *keep, void (*log)(void *context, const char *text), void *context, silences **out,
                         tft_error *err);
void silences_close(silences *all); // accepts NULL

/* Adds s (given: owned from here on, also on error) with a new id, or, where s->id is set, replaces that one: its version must
 * be `version` (0 = any), else TFT_ERR_MISMATCH; TFT_ERR_NOT_FOUND. TFT_ERR_LIMIT: SILENCES_MAX are there. id, version and stamps as
 * they are now are in *s afterwards. With version SILENCES_NEW s->id, where it is set, is the id of a new one: TFT_ERR_MISMATCH
 * where it is there already. */
#define SILENCES_NEW (-1)
tft_status silences_put(silences *all, silence *s, int64_t version, int64_t now_ms, tft_error *err);
tft_status silences_delete(silences *all, const char *id, int64_t version, tft_error *err);

/* Calls visit for each, by id, under the lock. */
void silences_each(silences *all, void (*visit)(void *context, silence *s), void *context);
/* Calls visit for the one; false where there is none. */
bool silences_find(silences *all, const char *id, void (*visit)(void *context, silence *s), void *context);

/* The ids of the silences (no maintenance) that cover this alert now; returns how many, at most SILENCES_MAX_IDS. */
size_t silences_covering(silences *all, const notify_subject *subject, int64_t now_ms,
                         char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES]);
/* The ids of the maintenance windows that cover this server now, likewise. */
size_t silences_maintaining(silences *all, const char *server, size_t n, const char *profile, int64_t now_ms,
                            char ids[SILENCES_MAX_IDS][ALERT_SILENCE_BYTES]);
bool silences_in_maintenance(silences *all, const char *server, size_t n, const char *profile, int64_t now_ms);

/* The windows of all maintenances that touch (since_ms, now_ms], cut there: for marking steps. */
typedef struct silences_span {
    notify_matcher matcher;
    int64_t from_ms, to_ms;
} silences_span;
size_t silences_spans(silences *all, int64_t since_ms, int64_t now_ms, silences_span *out, size_t capacity);
/* Moves with each change of the set. */
uint64_t silences_generation(silences *all);

#endif
