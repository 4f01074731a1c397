/* expectation.c - see expectation.h. */
#include "notify/expectation.h"

#include <inttypes.h>

bool expectation_of(const alert_expecter *expecter, const store_alert *row, alert_expectation *out)
{
    return expecter->of != NULL && expecter->of(expecter->context, row, out) && out->raised > 0;
}

double expectation_precision(const alert_expectation *e)
{
    return (double)e->followed / (double)e->raised;
}

const char *expectation_source(const alert_expectation *e)
{
    return e->own ? "own record" : "model";
}

/* "8 h", "90 min". */
static void put_span(int64_t ms, tft_text *out)
{
    if (ms % 3600000 == 0)
        tft_text_printf(out, "%" PRId64 " h", ms / 3600000);
    else
        tft_text_printf(out, "%" PRId64 " min", ms / 60000);
}

void expectation_text(const alert_expectation *e, tft_text *out)
{
    const double share = expectation_precision(e);
    const int of = share < 0.095 ? 100 : 10; // "about 0 of 10" would say never
    tft_text_printf(out, "of %d such alerts, about %.0f %s followed by an incident within ", of, of * share,
                    of * share < 1.5 && of * share >= 0.5 ? "is" : "are");
    put_span(e->within_ms, out);
    tft_text_printf(out, " (%" PRIu64 " of %" PRIu64 " %s)", e->followed, e->raised,
                    e->own ? "here, in the last 7 days" : "when the model was judged");
}
