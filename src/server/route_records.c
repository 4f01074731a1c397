/* route_records.c - POST /api/v1/records: as /feed/data, in more forms, with problems as errors, and all or nothing if wanted.
 *
 *     application/json       {"records": […]} or […]
 *     application/x-ndjson   an object per line
 *     text/csv               a row per record, with a header
 *
 * The reply goes out after the commit. A bad record costs its neighbours nothing, unless `atomic=true`: then nothing is
 * stored where one is bad.
 */
#include <string.h>
#include <strings.h>

#include "ingest/unpack.h"
#include "server/api.h"
#include "server/feed.h"
#include "server/routes.h"

static feed_form form_of(const char *type)
{
    const size_t n = type != NULL ? strcspn(type, "; \t") : 0;
    if (n == 20 && strncasecmp(type, "application/x-ndjson", n) == 0)
        return FEED_NDJSON;
    return n == 8 && strncasecmp(type, "text/csv", n) == 0 ? FEED_CSV : FEED_JSON;
}

static void put_list(const feed *f, tft_text *out)
{
    tft_text_puts(out, "[");
    feed_each_fault(f, feed_put_note, out);
    tft_text_puts(out, "]");
}

static void reply_result(const feed *f, http_reply *reply)
{
    const accept_counts *const c = &f->counts;
    tft_text *const out = &reply->text;
    tft_text_printf(out,
                    "{\"received\": %zu, \"accepted\": %zu, \"filled\": %zu, \"duplicates\": %zu, \"conflicts\": %zu, "
                    "\"late\": %zu, \"rejected\": %zu, \"errors\": ",
                    f->batch.received, c->accepted, c->filled, c->duplicates, c->conflicts, c->late, feed_rejected(f));
    put_list(f, out);
    tft_text_puts(out, feed_rejected(f) > INGEST_MAX_NOTES ? ", \"errors_truncated\": true" : "");
    tft_text_puts(out, ", \"warnings\": [");
    for (size_t i = 0; i < f->batch.n_warnings; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        feed_put_note(&f->batch.warnings[i], out);
    }
    tft_text_puts(out, "]}");
}

/* Every record was rejected, or one of an atomic batch. */
static void reply_rejected(const feed *f, http_reply *reply)
{
    if (f->given_up)
        http_reply_problem(reply, 422, "rejected", "Records rejected",
                           "%zu of %zu records are bad, and nothing was stored", feed_rejected(f), f->batch.received);
    else
        http_reply_problem(reply, 422, "rejected", "Records rejected", "All %zu records were rejected",
                           f->batch.received);
    put_list(f, http_problem_member(reply, "errors"));
    http_problem_end(reply);
}

static void reply_failure(server *srv, tft_status status, const char *why, http_reply *reply)
{
    switch (status) {
    case TFT_ERR_FORMAT:
        http_reply_problem(reply, 400, "malformed-body", "Malformed body", "%s", why);
        return;
    case TFT_ERR_ARGUMENT:
        http_reply_problem(reply, 422, "invalid", "Invalid content", "%s", why);
        return;
    case TFT_ERR_LIMIT:
        http_reply_problem(reply, 413, "body-too-large", "Body too large", "%s", why);
        return;
    default:
        log_line(srv->log, LOG_TAG_DEBUG, "Records refused, nothing of them stored: %s", why);
        http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s, nothing was stored, try again",
                           store_trouble(srv->store) != NULL ? store_trouble(srv->store) : "the store cannot write");
        http_reply_field(reply, "Retry-After", "5");
    }
}

static void route_records(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    bool whole = false;
    if (!api_read_bool(request, reply, "atomic", &whole))
        return;
    if (srv->phase != SERVER_SERVING) {
        http_reply_problem(reply, 503, "draining", "Shutting down", "Nothing was stored, try again");
        http_reply_field(reply, "Retry-After", "5");
        return;
    }
    if (ingest_encoding_of(http_header(request, "Content-Encoding")) == INGEST_UNKNOWN_ENCODING) {
        http_reply_problem(reply, 415, "unsupported-media-type", "Unsupported media type",
                           "Content-Encoding must be gzip, zstd or identity");
        http_reply_field(reply, "Accept-Encoding", "gzip, zstd, identity");
        return;
    }
    feed f = feed_new(srv);
    const tft_status status =
        feed_take(srv, request, form_of(http_header(request, "Content-Type")), whole, METERS_RECORDS, &f, &err);
    if (status != TFT_OK)
        reply_failure(srv, status, err.text, reply);
    else if (f.given_up || (f.batch.received > 0 && feed_rejected(&f) == f.batch.received))
        reply_rejected(&f, reply);
    else
        reply_result(&f, reply);
    if (status == TFT_OK)
        feed_log_rejects(srv, &f, request->peer);
    feed_free(&f);
}

static const http_parameter of_records[] = {{"atomic", API_BOOL, "All or nothing", NULL, false}, {0}};

const http_route routes_records[] = {
    {.path = "/api/v1/records",
     .method = HTTP_POST,
     .role = ROLE_WRITE,
     .carries_records = true,
     .handler = route_records,
     .parameters = of_records,
     .tag = "Records",
     .summary = "Records in, as JSON, NDJSON or CSV",
     .takes = "application/json, application/x-ndjson, text/csv",
     .body = "Records",
     .example = "[{\"timestamp\": \"2025-10-13T16:00:05Z\", \"server_name\": \"ppdb001\", \"cpu_pct\": 37.5, "
                "\"latency_ms\": 9.1}]",
     .reply = "RecordsResult",
     .statuses = "200 422 503"},
    {0}};
