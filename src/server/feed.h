/* feed.h - a request that brings records, in whatever form: decoded, checked, committed, and what to say about it.
 *
 * What POST /feed/data and POST /api/v1/records have in common; they differ in forms and in the shape of their answers.
 *
 * Memory:  a feed owns the request's document and records until feed_free(). Threads: a feed belongs to one thread.
 */
#ifndef TFTD_SERVER_FEED_H
#define TFTD_SERVER_FEED_H

#include "ingest/json.h"
#include "server/accept.h"

typedef enum feed_form {
    FEED_OBJECT, // {"records": […]}
    FEED_JSON,   // that, or the list alone
    FEED_NDJSON,
    FEED_CSV
} feed_form;

/* Everything one request holds. */
typedef struct feed {
    tft_text unpacked;
    ingest_batch batch;
    store_verdict *verdicts; // [batch.n]
    ingest_note *refused;    // [n_refused] by the store: too_old, too_many_servers
    size_t n_refused;
    bool given_up; // all or nothing was asked for, and one was rejected: nothing was stored
    accept_counts counts;
} feed;

feed feed_new(const server *srv);
void feed_free(feed *f);

/* Decodes, checks, commits. TFT_ERR_FORMAT: malformed. TFT_ERR_LIMIT: too large. TFT_ERR_ARGUMENT: of another shape. Anything
 * else: the store could not; nothing was stored. `whole`: all or nothing. */
tft_status feed_take(server *srv, const http_request *request, feed_form form, bool whole, meters_source source,
                     feed *f, tft_error *err);

/* How many records were rejected, by validation and by the store. */
size_t feed_rejected(const feed *f);
/* The faults of both, by index, at most INGEST_MAX_NOTES. */
void feed_each_fault(const feed *f, void (*put)(const ingest_note *, tft_text *), tft_text *out);
/* {"index": 7, "field": …, "code": …, "reason": …, "server_name": …} */
void feed_put_note(const ingest_note *note, tft_text *out);
/* A line about rejected records, now and then. */
void feed_log_rejects(server *srv, const feed *f, const char *peer);

#endif
