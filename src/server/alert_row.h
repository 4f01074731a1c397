/* alert_row.h - an alert's JSON with what the daemon knows beside its row: which silences and maintenance windows cover it now. */
#ifndef TFTD_SERVER_ALERT_ROW_H
#define TFTD_SERVER_ALERT_ROW_H

#include "server/server.h"

/* Threads: any. */
void alert_row_json(server *srv, const store_alert *row, int64_t now_ms, tft_text *out);

#endif
