/* route_feed.c - POST /feed/data: keep the good records, name the bad ones.
 *
 * The reply goes out after the store has committed, so "accepted" means: survives kill -9. One bad record never costs its
 * neighbours; it is listed with index, field, code and reason.
 *
 * Memory:  the request's body, its document and its records; bounded by http.max_body and http.max_records.
 * Threads: any HTTP worker; what they share is behind accept_records().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/unpack.h"
#include "server/feed.h"
#include "server/negotiate.h"

#define TROUBLE_LOGGED_EVERY_S 30

/* ---- replies ------------------------------------------------------------------------------------------- */

static void reply_shape(ingest_shape shape, http_reply *reply)
{
    static const struct {
        const char *place, *message, *type;
    } words[] = {
        [INGEST_SHAPE_OK] = {"", "", ""},
        [INGEST_NOT_OBJECT] = {"[\"body\"]", "Input should be a valid dictionary", "dict_type"},
        [INGEST_NO_RECORDS] = {"[\"body\", \"records\"]", "Field required", "missing"},
        [INGEST_NOT_A_LIST] = {"[\"body\", \"records\"]", "Input should be a valid list", "list_type"},
    };
    reply->status = 422;
    tft_text_printf(&reply->text, "{\"detail\": [{\"loc\": %s, \"msg\": \"%s\", \"type\": \"%s\"}]}",
                    words[shape].place, words[shape].message, words[shape].type);
}

static void reply_failure(server *srv, tft_status status, const char *why, http_reply *reply)
{
    uint64_t held = 0;
    switch (status) {
    case TFT_ERR_FORMAT:
        http_reply_detail(reply, 400, "%s", why);
        return;
    case TFT_ERR_LIMIT:
        http_reply_detail(reply, 413, "%s", why);
        return;
    default:
        if (log_gate_open(&srv->store_gate, TROUBLE_LOGGED_EVERY_S, &held))
            log_line(srv->log, LOG_TAG_ERROR,
                     "Records refused, nothing of them stored: %s (%llu more refusals before this)", why,
                     (unsigned long long)held);
        const char *const trouble = store_trouble(srv->store);
        http_reply_detail(reply, 503, "%s, nothing was stored, try again",
                          trouble != NULL ? trouble : "the store cannot write");
        http_reply_field(reply, "Retry-After", "5");
    }
}

static void put_detail(const ingest_note *note, tft_text *out)
{
    const tft_fault *const fault = &note->fault;
    tft_text_printf(out, "{\"loc\": [\"body\", \"records\", %zu", note->index);
    if (fault->field[0] != '\0') {
        tft_text_puts(out, ", ");
        tft_text_json_string(out, fault->field, strlen(fault->field));
    }
    tft_text_puts(out, "], \"msg\": ");
    tft_text_json_string(out, fault->reason, strlen(fault->reason));
    tft_text_printf(out, ", \"type\": \"%s\"}", tft_fault_word(fault->code));
}

static void reply_result(const feed *f, http_reply *reply)
{
    const ingest_batch *const batch = &f->batch;
    const accept_counts *const c = &f->counts;
    const fleet_receipt *const r = &c->receipt;
    const size_t rejected = feed_rejected(f);
    const bool none = batch->received > 0 && rejected == batch->received;
    tft_text *const out = &reply->text;
    reply->status = none ? 422 : 200;
    tft_text_printf(out, "{\"status\": \"%s\"", none ? "rejected" : batch->received == 0 ? "ignored" : "accepted");
    if (batch->received == 0)
        tft_text_puts(out, ", \"reason\": \"empty batch\"");
    tft_text_printf(
        out,
        ", \"tick\": %llu, \"window_size\": %zu, \"servers_tracked\": %zu, \"servers_ready\": %zu, "
        "\"warmup_complete\": %s, \"received\": %zu, \"accepted\": %zu, \"filled\": %zu, \"duplicates\": %zu, "
        "\"conflicts\": %zu, \"late\": %zu, \"rejected\": %zu, \"errors\": [",
        (unsigned long long)r->tick, r->window_size, r->servers_tracked, r->servers_ready,
        r->warmup_complete ? "true" : "false", batch->received, c->accepted, c->filled, c->duplicates, c->conflicts,
        c->late, rejected);
    feed_each_fault(f, feed_put_note, out);
    tft_text_puts(out, "]");
    if (rejected > INGEST_MAX_NOTES)
        tft_text_puts(out, ", \"errors_truncated\": true");
    tft_text_puts(out, ", \"warnings\": [");
    for (size_t i = 0; i < batch->n_warnings; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        feed_put_note(&batch->warnings[i], out);
    }
    tft_text_puts(out, "]");
    if (none) {
        tft_text_puts(out, ", \"detail\": [");
        feed_each_fault(f, put_detail, out);
        tft_text_puts(out, "]");
    }
    tft_text_puts(out, "}");
}

void route_feed(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    tft_error err = {0};
    if (srv->phase != SERVER_SERVING) {
        http_reply_detail(reply, 503, "shutting down, nothing was stored, try again");
        http_reply_field(reply, "Retry-After", "5");
        return;
    }
    if (!negotiate_takes(http_header(request, "Content-Type"), "application/json")) {
        http_reply_detail(reply, 415, "Content-Type must be application/json in UTF-8");
        return;
    }
    if (ingest_encoding_of(http_header(request, "Content-Encoding")) == INGEST_UNKNOWN_ENCODING) {
        http_reply_detail(reply, 415, "Content-Encoding must be gzip, zstd or identity");
        http_reply_field(reply, "Accept-Encoding", "gzip, zstd, identity");
        return;
    }
    feed f = feed_new(srv);
    const tft_status status = feed_take(srv, request, FEED_OBJECT, false, METERS_FEED, &f, &err);
    if (status == TFT_OK) {
        reply_result(&f, reply);
        feed_log_rejects(srv, &f, request->peer);
    } else if (status == TFT_ERR_ARGUMENT && f.batch.shape != INGEST_SHAPE_OK) {
        reply_shape(f.batch.shape, reply);
    } else {
        reply_failure(srv, status, err.text, reply);
    }
    feed_free(&f);
}
