/* alert_row.c - see alert_row.h. */
#include "server/alert_row.h"

#include <string.h>

#include "notify/lives.h"
#include "server/alert_json.h"

void alert_row_json(server *srv, const store_alert *row, int64_t now_ms, tft_text *out)
{
    char ids[2 * SILENCES_MAX_IDS][ALERT_SILENCE_BYTES];
    const notify_subject subject = lives_subject(row);
    alert_extras extras = {.contract = &srv->contract,
                           .silenced_by = (const char(*)[ALERT_SILENCE_BYTES])ids,
                           .expecter = {alert_worth_of, &srv->worth}};
    if (strcmp(row->status, "resolved") != 0) {
        silences *const quiet = notify_silences(srv->notify);
        extras.n_silenced_by = silences_covering(quiet, &subject, now_ms, ids);
        if (row->server[0] != '\0')
            extras.n_silenced_by += silences_maintaining(quiet, row->server, subject.server_length, row->profile,
                                                         now_ms, ids + extras.n_silenced_by);
    }
    alert_json(row, &extras, out);
}
