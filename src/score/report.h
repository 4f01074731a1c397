/* report.h - a result as tables for people and as JSON for programs.
 *
 *     cpu_pct (%): 2,504,113 cells, mean |value| 10.15
 *     forecaster                       MAE     P50     P90    CRPS     1–6    7–24   25–96  in 80 %  in 96 %      gm
 *     TFT                            5.477  0.5397 …
 *
 * The verdict of a metric is plain: whether the forecaster under test has a lower pooled CRPS than every baseline. JSON
 * has every figure unrounded; what cannot be said (no cell, no label) is null.
 *
 * Threads: any; results are only read.
 */
#ifndef TFTD_SCORE_REPORT_H
#define TFTD_SCORE_REPORT_H

#include "base/text.h"
#include "score/evaluate.h"

typedef struct score_report {
    const score_result *result;
    const tft_contract *contract;
    const score_windows *windows;
    char *const *server_names; // [n_servers]
    const char *title;         // what was scored: the split's or the files' name
    const char *model;         // NULL = no model
    const char *precision;     // what its network multiplied in; NULL = float32, which nobody needs to be told
    bool by_metric, by_horizon, by_server;
    const struct score_extras *extras; // what only a model can tell, for the JSON; NULL = none
} score_report;

void score_report_text(const score_report *report, tft_text *text);
void score_report_json(const score_report *report, tft_text *text);

#endif
