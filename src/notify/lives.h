/* lives.h - an alert of a snapshot as the flat row that is stored, sent and shown: words for numbers, names for indices.
 *
 * Memory:  a plain struct. Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_LIVES_H
#define TFTD_NOTIFY_LIVES_H

#include "forecast/snapshot.h"
#include "notify/matcher.h"
#include "store/alert_log.h"

/* The acknowledgement is left out (at_ms STORE_NEVER). */
void lives_row(const forecast_snapshot *s, const alert *a, store_alert *row);
/* What matchers look at; lent from the row. */
notify_subject lives_subject(const store_alert *row);
/* A row as the engine takes it back after a restart; the name is lent from the row. False where a word is unknown. */
bool lives_saved(const store_alert *row, alert_saved *saved);

#endif
