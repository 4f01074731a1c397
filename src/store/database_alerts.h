/* database_alerts.h - the tables alerts, deliveries, silences and maintenance of tftd.db as typed calls.
 *
 *     alerts       id, server, profile, kind, metric, severity, status, mute, inhibited_by, times, numbers, ack_…
 *     deliveries   target, alert, told
 *     silences     id, version, body
 *     maintenance  server, from_ms, to_ms
 *
 * Words are stored as words: the file can be read with any SQLite tool. Statements are prepared per call: none of this is
 * on the way of a record.
 *
 * Threads: one at a time, as database.h; a write stands between database_begin and database_commit.
 */
#ifndef TFTD_STORE_DATABASE_ALERTS_H
#define TFTD_STORE_DATABASE_ALERTS_H

#include "store/alert_log.h"
#include "store/database.h"

tft_status database_put_alerts(database *db, const store_alert *alerts, size_t n, tft_error *err);
tft_status database_forget_alerts(database *db, const char (*ids)[STORE_ID_BYTES], size_t n, tft_error *err);
tft_status database_find_alerts(database *db, const store_alert_query *query,
                                void (*visit)(void *context, const store_alert *alert), void *context, tft_error *err);
tft_status database_find_alert(database *db, const char *id, store_alert *alert, tft_error *err);
tft_status database_acknowledge(database *db, const char *id, const store_ack *ack, size_t *n, tft_error *err);
tft_status database_prune_alerts(database *db, int64_t cutoff_ms, size_t limit, size_t *n, tft_error *err);

tft_status database_put_deliveries(database *db, const store_delivery *deliveries, size_t n, tft_error *err);
tft_status database_each_delivery(database *db, void (*visit)(void *context, const store_delivery *delivery),
                                  void *context, tft_error *err);

tft_status database_put_silence(database *db, const store_silence *silence, tft_error *err);
tft_status database_delete_silence(database *db, const char *id, size_t *n, tft_error *err);
tft_status database_each_silence(database *db, void (*visit)(void *context, const store_silence *silence),
                                 void *context, tft_error *err);

tft_status database_put_maintenance(database *db, const store_maintenance *spans, size_t n, tft_error *err);
tft_status database_each_maintenance(database *db, uint32_t server, int64_t from_ms, int64_t to_ms,
                                     void (*visit)(void *context, const store_maintenance *span), void *context,
                                     tft_error *err);

#endif
