/* views.h - one server as the routes of /api/v1 show it: of the newest snapshot, or of the fleet where that is older.
 *
 * A snapshot holds every server that was known when it was made. A server that came since (and every server while there
 * are fewer than min_records records) is read from the fleet: it then has no forecast, risk or probabilities yet.
 *
 * Memory:  a view lends its name and what it points to: valid while the snapshot is held.
 * Threads: any.
 */
#ifndef TFTD_SERVER_VIEWS_H
#define TFTD_SERVER_VIEWS_H

#include "server/server.h"

typedef struct server_view {
    size_t id;
    const char *name; // [name_length], NUL behind it
    size_t name_length;
    tft_profile profile;
    tft_state state;
    bool stale, ready;
    int64_t first_seen_ms, last_seen_ms; // INT64_MIN = never
    uint64_t records;
    double current[TFT_MAX_METRICS]; // NaN = never seen
    const snapshot_server *forecast; // NULL: none yet
} server_view;

/* How many servers there are to look at: ids 0 … n−1. */
size_t views_count(const server *srv, const forecast_snapshot *s);
/* The server with this id; false where it has been forgotten. */
bool view_of(const server *srv, const forecast_snapshot *s, size_t id, int64_t wall_ms, server_view *out);
/* The same as the fleet has it now, without a forecast. */
bool view_now(const server *srv, size_t id, int64_t wall_ms, server_view *out);
/* The server of this name; false, and a 404 in the reply, where nobody has it. */
bool view_named(const server *srv, const forecast_snapshot *s, const http_request *request, http_reply *reply,
                server_view *out);

/* The id of the server that ?server= names; FLEET_NO_SERVER, and a problem in the reply, where it names none. */
size_t view_server_asked(const server *srv, const http_request *request, http_reply *reply);
/* 503 in the reply, for a history that cannot be read now; why goes to the log, because it may name paths. */
void view_reply_unreadable(const server *srv, http_reply *reply, const tft_error *why);

/* The newest forecast, or NULL and a 503 in the reply while there is none. Give it back with engine_release(). */
const forecast_snapshot *views_acquire(server *srv, http_reply *reply);

/* A server's place in a sorted list: the largest key first, then by name. Without a key to sort by, all keys are 0. */
typedef struct view_place {
    double key;
    const char *name; // [n]
    size_t n, id;
} view_place;
int view_compare_places(const void *a, const void *b); // for qsort

/* Since when it is in its present state, to a step; INT64_MIN where that is unknown. */
int64_t view_state_since(const server *srv, const server_view *view);
/* CONTRACT 1.7's number for display: "215733". */
void view_server_id(const server_view *view, char out[16]);

/* "f-20251013T163110Z-000412": names a snapshot. */
#define VIEW_FORECAST_ID 48
void view_forecast_id(const forecast_snapshot *s, char out[VIEW_FORECAST_ID]);
/* What every reply says of the forecast that it was made of, members without braces: "forecast_id", "origin", "finished_at", "model". */
void view_put_forecast_head(const forecast_snapshot *s, tft_text *out);
/* The same without the model: what an event says. */
void view_put_forecast_times(const forecast_snapshot *s, tft_text *out);

/* {"score": 1.3, "now": …, "soon", "band", "priority", "drivers": […]}, or null without a forecast. */
void view_put_risk(tft_text *out, const server *srv, const forecast_snapshot *s, const server_view *view);
/* The members of that object, without its braces. */
void view_put_risk_members(tft_text *out, const server *srv, const forecast_snapshot *s, const server_view *view);
/* {"30m": 0.004, …}, or null without a forecast. */
void view_put_probabilities(tft_text *out, const double *probabilities);
/* {"cpu_pct": 37.5, …}: newest values, null where one was never seen. */
void view_put_current(tft_text *out, const server *srv, const server_view *view);

#endif
