/* alert_json.h - an alert as the JSON and CSV of CONTRACT 2.4, made from its row.
 *
 * Threads: any; pure functions of their arguments.
 */
#ifndef TFTD_SERVER_ALERT_JSON_H
#define TFTD_SERVER_ALERT_JSON_H

#include "base/text.h"
#include "notify/expectation.h"
#include "notify/silences.h"

/* What is known beside the row. */
typedef struct alert_extras {
    const tft_contract *contract;                   // units and shown names
    const char (*silenced_by)[ALERT_SILENCE_BYTES]; // [n_silenced_by]
    size_t n_silenced_by;
    alert_expecter expecter;
} alert_extras;

void alert_json(const store_alert *row, const alert_extras *extras, tft_text *out);
/* For events: id, kind, server, metric, severity, status, times, value, threshold. */
void alert_json_brief(const store_alert *row, tft_text *out);

void alert_csv_head(tft_text *out);
void alert_csv(const store_alert *row, tft_text *out);

#endif
