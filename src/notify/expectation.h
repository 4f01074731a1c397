/* expectation.h - what an alert is worth: of so many like it, how many were followed by an incident.
 *
 *     "of 10 such alerts, about 4 are followed by an incident within 8 h (39 of 93 when the model was judged)"
 *
 * Who counts, and over what, is the server's business (server/alert_worth.h); here is only how it is said, in API and messages alike.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_EXPECTATION_H
#define TFTD_NOTIFY_EXPECTATION_H

#include "base/text.h"
#include "store/alert_log.h"

typedef struct alert_expectation {
    uint64_t raised, followed; // raised > 0
    int64_t within_ms;
    bool own; // counted by this daemon in its own fleet, not when the model was judged
} alert_expectation;

/* Asked for each alert that is shown or sent; false where nothing is known. Any thread. Zeroed: nothing ever is. */
typedef struct alert_expecter {
    bool (*of)(void *context, const store_alert *row, alert_expectation *out);
    void *context;
} alert_expecter;

bool expectation_of(const alert_expecter *expecter, const store_alert *row, alert_expectation *out);
double expectation_precision(const alert_expectation *e);
/* The sentence above. */
void expectation_text(const alert_expectation *e, tft_text *out);
/* "model", "own record". */
const char *expectation_source(const alert_expectation *e);

#endif
