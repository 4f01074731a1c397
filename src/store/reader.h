/* reader.h - history read beside the daemon's writing: a read-only connection of its own to tftd.db.
 *
 * SQLite's write-ahead log gives a reader the state of when it began, and neither waits for the other; so the routes of
 * /api/v1/history, exports and backups never hold up a sender.
 *
 * Cost: the tables are ordered by time, then server, because that is how they are written; a span of one server therefore
 * walks the records of all servers in the span (about 2 million rows a second on one core). Ask for hours, page through days.
 *
 * Memory:  a reader is a connection (about 100 kB while it works). Threads: one at a time per reader; open one per request.
 */
#ifndef TFTD_STORE_READER_H
#define TFTD_STORE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/alert_log.h"
#include "store/fleet_log.h"
#include "store/track_log.h"
#include "tft/contract.h"
#include "tft/error.h"

typedef struct store_reader store_reader;

/* `dir` is the data directory; values come in the order of `contract`, NaN where missing. TFT_ERR_IO, TFT_ERR_FORMAT. */
tft_status store_reader_open(const char *dir, const tft_contract *contract, store_reader **reader, tft_error *err);
void store_reader_close(store_reader *reader); // accepts NULL

/* The server's number in the tables, or −1. */
int64_t store_reader_server(store_reader *reader, const char *name, size_t n);
/* The name of a number, lent until the next call; NULL where there is none. */
const char *store_reader_name(store_reader *reader, int64_t server);

typedef struct store_past_record {
    int64_t time_ms, server;
    tft_state state; // NONE: not sent
    double values[TFT_MAX_METRICS];
} store_past_record;

/* Visits records with from_ms ≤ time < to_ms of one server (0 = all), oldest first, until visit returns false. */
tft_status store_reader_records(store_reader *reader, int64_t server, int64_t from_ms, int64_t to_ms,
                                bool (*visit)(void *context, const store_past_record *record), void *context,
                                tft_error *err);

typedef struct store_past_step {
    int64_t start_ms, server;
    int64_t length_ms; // a step's; an hour's where steps are beyond their retention (hours.h)
    tft_state state;   // the worst one sent; NONE where none was
    size_t records;
    double mean[TFT_MAX_METRICS], least[TFT_MAX_METRICS], most[TFT_MAX_METRICS]; // NaN = not known
    size_t count[TFT_MAX_METRICS];
} store_past_step;

/* The same for steps that have been counted (step_log.h), and for hours of what is beyond the retention of steps, by start, then
 * server, an hour before its steps: a step that came late may stand behind its hour, which does not hold it. Of steps that were sealed
 * before there was a log, least and most are not known.
 * Cost: of one server a look-up per step and hour of the span that the tables reach, some microseconds each, however many servers
 * there are; of all a walk, about a million rows a second. */
tft_status store_reader_steps(store_reader *reader, int64_t server, int64_t from_ms, int64_t to_ms,
                              bool (*visit)(void *context, const store_past_step *step), void *context, tft_error *err);

/* ---- the track record (track_log.h) ---- */

typedef struct store_past_forecast {
    int64_t origin_ms, first_ms;
    const char *model;         // lent, as the next
    const unsigned char *body; // [n]
    size_t n;
} store_past_forecast;

/* Visits what was forecast for one server at origins from_ms ≤ origin < to_ms, oldest first, until visit returns false. */
tft_status store_reader_forecasts(store_reader *reader, int64_t server, int64_t from_ms, int64_t to_ms,
                                  bool (*visit)(void *context, const store_past_forecast *forecast), void *context,
                                  tft_error *err);
/* Visits the sums of all six hours that begin in from_ms ≤ begin < to_ms; those of metrics outside the contract are left out. */
tft_status store_reader_scores(store_reader *reader, int64_t from_ms, int64_t to_ms,
                               void (*visit)(void *context, const store_score *score), void *context, tft_error *err);
/* The newest origin whose forecasts are scored; INT64_MIN = none. */
int64_t store_reader_scored(store_reader *reader);

/* ---- what happened to the fleet (fleet_log.h; reader_fleet.c) ---- */

typedef struct store_past_incident {
    int64_t server;
    const char *server_name; // lent, as the next
    store_incident incident; // planned: also where a maintenance window covered its start
    /* The first alert of kind threshold or incident that fired at most horizon_ms before the start, and still did then. */
    int64_t warned_ms; // INT64_MIN = nobody warned
    char alert[STORE_ID_BYTES], kind[12], severity[12];
} store_past_incident;

typedef struct store_incident_query {
    int64_t server;                 // 0 = all
    int64_t from_ms, to_ms;         // some of it lies in [from, to)
    int64_t after_ms, after_server; // a page goes on behind this start and server; INT64_MIN = from the beginning
    int64_t horizon_ms;
} store_incident_query;

/* By start, then server, until visit returns false. */
tft_status store_reader_incidents(store_reader *reader, const store_incident_query *query,
                                  bool (*visit)(void *context, const store_past_incident *incident), void *context,
                                  tft_error *err);
/* Steps of the environment with from_ms ≤ start < to_ms, oldest first, until visit returns false. */
tft_status store_reader_environment(store_reader *reader, int64_t from_ms, int64_t to_ms,
                                    bool (*visit)(void *context, const store_environment *row), void *context,
                                    tft_error *err);

/* That the database of a data directory is sound (SQLite's integrity check, and of a layout that this program reads), beside a
 * running daemon; counts its servers, and says the newest record of all (INT64_MIN = none). */
tft_status store_check(const char *dir, size_t *n_servers, int64_t *newest_ms, tft_error *err);

/* A consistent copy of the whole database while the daemon runs, written aside, checked (PRAGMA integrity_check), synced and
 * renamed to `file`. `progress` may be NULL. TFT_ERR_BUSY where `file` is there already. */
tft_status store_backup(const char *dir, const char *file, void (*progress)(void *context, double share), void *context,
                        tft_error *err);
/* Puts a backup into an empty (or new) data directory, after checking it. TFT_ERR_BUSY where a database is there. */
tft_status store_restore(const char *file, const char *dir, tft_error *err);

#endif
