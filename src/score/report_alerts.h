/* report_alerts.h - the alerts of an evaluation as a table for people and as JSON for programs. Threads: any. */
#ifndef TFTD_SCORE_REPORT_ALERTS_H
#define TFTD_SCORE_REPORT_ALERTS_H

#include "base/text.h"
#include "score/alert_run.h"

void score_report_alerts_text(const score_alerts *alerts, const tft_contract *contract, tft_text *text);
void score_report_alerts_json(const score_alerts *alerts, const tft_contract *contract, tft_text *text);

/* "P(incident) >= 30 %", "P(incident within 1h) >= 30 %", "cpu_pct p50 >= 75": what the row's rule looks at. */
void score_alert_row_text(const score_alert_row *row, const char *metric, char *out, size_t capacity);

#endif
