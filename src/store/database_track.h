/* database_track.h - the tables forecast_sets, forecasts and scores of tftd.db as typed calls.
 *
 *     forecast_sets  number, origin_ms, first_ms, model, rows, scored_to, complete
 *     forecasts      (number, server), body
 *     scores         (from_ms, model, grp, metric), sums       grp: a server's id, or −1 − profile; metric: an id of
 *                                                              table metrics, −1 = incidents; sums: binary32, little-endian
 * Threads: as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_TRACK_H
#define TFTD_STORE_DATABASE_TRACK_H

#include "store/database.h"
#include "store/track_log.h"

tft_status database_put_set(database *db, store_set *set, tft_error *err);
tft_status database_put_forecasts(database *db, int64_t set, const store_forecast *rows, size_t n, bool complete,
                                  tft_error *err);
tft_status database_due_set(database *db, int64_t before_ms, store_set *set, tft_error *err);
tft_status database_each_forecast(database *db, int64_t set, int64_t from, size_t limit,
                                  void (*visit)(void *context, const store_forecast *row), void *context,
                                  tft_error *err);
/* columns: contract metric → id, as the store maps them. */
tft_status database_add_scores(database *db, const size_t *columns, const store_score *rows, size_t n, tft_error *err);
tft_status database_mark_scored(database *db, int64_t set, int64_t scored_to, tft_error *err);
tft_status database_forget_sets(database *db, int64_t cutoff_ms, int64_t max_rows, size_t limit, size_t *n,
                                tft_error *err);
tft_status database_forget_scores(database *db, int64_t cutoff_ms, tft_error *err);

#endif
