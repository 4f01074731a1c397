/* audit.h - who did what to the daemon: one JSON line each, for people who have to know afterwards (audit.file).
 *
 *     {"time": "2026-11-24T01:20:00.000Z", "who": "admin-1", "address": "127.0.0.1", "action": "POST /api/v1/models/{id}/promote",
 *      "target": "tft_model_20251101_090000", "status": 200, "result": "ok"}
 *
 * Every request that may change something is written down, refused ones too, but for records, which come by the thousand and
 * say themselves who they are of. The action is the route's own method and path, so a new route is there without being named.
 * `who` is the key's name, null where none was shown or none is asked for; a signal's is "SIGHUP". The line is written before
 * the reply goes out.
 *
 *     result   ok  below 400 · refused  below 500 · failed
 *
 * Rotation: rename the file, then SIGHUP or SIGUSR1.
 * Memory:  a line at a time. Threads: any.
 */
#ifndef TFTD_SERVER_AUDIT_H
#define TFTD_SERVER_AUDIT_H

#include "server/http.h"
#include "server/log.h"

typedef struct audit audit;

/* Appends to the file at `path`, made with mode 0600; NULL or "" = no audit log, and *out is NULL. `log` hears of trouble. */
tft_status audit_open(const char *path, log_sink *log, audit **out, tft_error *err);
void audit_close(audit *a); // accepts NULL, as all below

/* Opens the file anew; where that fails the old one is written on. */
tft_status audit_reopen(audit *a, tft_error *err);

/* Writes the outcome down where its route is one of those above. */
void audit_request(audit *a, const http_outcome *outcome);
/* What no request did. */
void audit_say(audit *a, const char *who, const char *action, const char *target, bool ok);

#endif
