/* page.h - the report as one page of HTML: no script to run, no resource from outside, charts as inline SVG, every figure of a
 * chart also in a table, light or dark as the reader has it. The JSON of the same report lies inside, for programs:
 * <script type="application/json" id="report">.
 *
 * Tables have ids, and say what score_report_json says, rounded: scores-METRIC, horizon-METRIC, hours-METRIC, pit-METRIC,
 * history-METRIC, incidents, bins-HORIZON, fleet, alerts, weights-PLACE.
 *
 * Threads: any; what it is given is only read.
 */
#ifndef TFTD_SCORE_PAGE_H
#define TFTD_SCORE_PAGE_H

#include "score/extras.h"
#include "score/report.h"

/* The report's result has details; extras NULL without a model. */
void score_page(const score_report *report, const tft_dataset *dataset, const score_extras *extras, tft_text *text);

/* The JSON of details and extras, as members of an object: ', "details": …, "history": …, "importance": …'. */
void score_page_json(const score_report *report, const score_extras *extras, tft_text *text);

#endif
