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
#include <strings.h>

#include "ingest/json.h"
#include "ingest/unpack.h"
#include "server/accept.h"
#include "server/server.h"

#define REJECTS_LOGGED_EVERY_S 10
#define TROUBLE_LOGGED_EVERY_S 30

/* Everything one request holds. */
typedef struct feed {
    tft_text unpacked;
    ingest_batch batch;
    store_verdict *verdicts; // [batch.n]
    ingest_note *refused;    // [n_refused] by the store: too_old, too_many_servers
    size_t n_refused;
    accept_counts counts;
} feed;

static void feed_free(feed *f)
{
    tft_text_free(&f->unpacked);
    ingest_batch_free(&f->batch);
    free(f->verdicts);
    free(f->refused);
}

/* application/json, application/…+json, or nothing; charset utf-8 or none. */
static bool content_type_ok(const char *type)
{
    if (type == NULL)
        return true;
    type += strspn(type, " \t");
    const size_t n = strcspn(type, "; \t");
    const bool json =
        (n == 16 && strncasecmp(type, "application/json", 16) == 0) ||
        (n > 17 && strncasecmp(type, "application/", 12) == 0 && strncasecmp(type + n - 5, "+json", 5) == 0);
    if (!json && n > 0)
        return false;
    for (const char *at = strchr(type, ';'); at != NULL; at = strchr(at, ';')) {
        at += 1 + strspn(at + 1, " \t");
        if (strncasecmp(at, "charset=", 8) != 0)
            continue;
        at += 8;
        at += *at == '"';
        const size_t length = strcspn(at, "\"; \t");
        if (!(length == 5 && strncasecmp(at, "utf-8", 5) == 0) && !(length == 4 && strncasecmp(at, "utf8", 4) == 0))
            return false;
    }
    return true;
}

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

static void put_note(const ingest_note *note, tft_text *out)
{
    const tft_fault *const fault = &note->fault;
    tft_text_printf(out, "{\"index\": %zu, \"field\": ", note->index);
    if (fault->field[0] == '\0')
        tft_text_puts(out, "null");
    else
        tft_text_json_string(out, fault->field, strlen(fault->field));
    tft_text_printf(out, ", \"code\": \"%s\", \"reason\": ",
                    fault->code == TFT_FAULT_NONE ? "unknown_profile" : tft_fault_word(fault->code));
    tft_text_json_string(out, fault->reason, strlen(fault->reason));
    tft_text_puts(out, ", \"server_name\": ");
    if (note->has_name)
        tft_text_json_string(out, note->name, strlen(note->name));
    else
        tft_text_puts(out, "null");
    tft_text_puts(out, "}");
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

/* The faults of validation and of the store are two lists by index: writes the first INGEST_MAX_NOTES of both, in order. */
static void put_faults(const feed *f, void (*put)(const ingest_note *, tft_text *), tft_text *out)
{
    size_t a = 0, b = 0;
    for (size_t n = 0; n < INGEST_MAX_NOTES && (a < f->batch.n_faults || b < f->n_refused); n++) {
        const bool from_store =
            a == f->batch.n_faults || (b < f->n_refused && f->refused[b].index < f->batch.faults[a].index);
        tft_text_puts(out, n > 0 ? ", " : "");
        put(from_store ? &f->refused[b++] : &f->batch.faults[a++], out);
    }
}

static void reply_result(const feed *f, http_reply *reply)
{
    const ingest_batch *const batch = &f->batch;
    const accept_counts *const c = &f->counts;
    const fleet_receipt *const r = &c->receipt;
    const size_t rejected = batch->n_rejected + c->rejected;
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
    put_faults(f, put_note, out);
    tft_text_puts(out, "]");
    if (rejected > INGEST_MAX_NOTES)
        tft_text_puts(out, ", \"errors_truncated\": true");
    tft_text_puts(out, ", \"warnings\": [");
    for (size_t i = 0; i < batch->n_warnings; i++) {
        tft_text_puts(out, i > 0 ? ", " : "");
        put_note(&batch->warnings[i], out);
    }
    tft_text_puts(out, "]");
    if (none) {
        tft_text_puts(out, ", \"detail\": [");
        put_faults(f, put_detail, out);
        tft_text_puts(out, "]");
    }
    tft_text_puts(out, "}");
}

/* ---- the work ------------------------------------------------------------------------------------------ */

static void note_refusals(const server *srv, feed *f)
{
    for (size_t i = 0; i < f->batch.n && f->n_refused < INGEST_MAX_NOTES; i++) {
        const tft_record *const r = &f->batch.records[i];
        tft_fault fault = {0};
        if (f->verdicts[i].outcome == STORE_TOO_OLD)
            tft_fault_set(&fault, TFT_FAULT_TOO_OLD, "timestamp",
                          "timestamp lies in a step that is sealed: raw records are kept for %.1f days",
                          (double)srv->options.store.retention_records_ms / 86400000.0);
        else if (f->verdicts[i].outcome == STORE_TOO_MANY_SERVERS)
            tft_fault_set(&fault, TFT_FAULT_TOO_MANY_SERVERS, "server_name",
                          "a new server, and %zu are known already (servers.max)", srv->options.max_servers);
        else
            continue;
        ingest_note_set(&f->refused[f->n_refused++], f->batch.indices[i], &fault, r->name, r->name_length);
    }
}

static void log_rejects(server *srv, const feed *f, const char *peer)
{
    const size_t rejected = f->batch.n_rejected + f->counts.rejected;
    uint64_t held = 0;
    if (rejected == 0 || !log_gate_open(&srv->rejects_gate, REJECTS_LOGGED_EVERY_S, &held))
        return;
    const ingest_note *first = f->batch.n_faults > 0 ? &f->batch.faults[0] : NULL;
    if (f->n_refused > 0 && (first == NULL || f->refused[0].index < first->index))
        first = &f->refused[0];
    if (first == NULL)
        return;
    char more[64] = "";
    if (held > 0)
        snprintf(more, sizeof more, " (%llu more such requests before)", (unsigned long long)held);
    log_line(srv->log, LOG_TAG_WARNING, "Rejected %zu of %zu records from %s: first: index %zu %s %s%s", rejected,
             f->batch.received, peer, first->index, first->fault.field[0] != '\0' ? first->fault.field : "record",
             tft_fault_word(first->fault.code), more);
}

/* Decodes, checks, commits. */
static tft_status take(server *srv, const http_request *request, feed *f, tft_error *err)
{
    const ingest_encoding encoding = ingest_encoding_of(http_header(request, "Content-Encoding"));
    const char *body = request->body;
    size_t n = request->body_len;
    if (encoding != INGEST_PLAIN) {
        const tft_status status = ingest_unpack(encoding, body, n, &f->unpacked, err);
        if (status != TFT_OK)
            return status;
        body = f->unpacked.bytes != NULL ? f->unpacked.bytes : "";
        n = f->unpacked.n;
    }
    const tft_record_limits limits = {request->received_ms, srv->options.max_future_ms, srv->options.max_past_ms};
    tft_status status = ingest_json(body, n, &srv->contract, &limits, srv->options.max_records, &f->batch, err);
    if (status != TFT_OK)
        return status;
    f->verdicts = calloc(f->batch.n > 0 ? f->batch.n : 1, sizeof *f->verdicts);
    f->refused = calloc(INGEST_MAX_NOTES, sizeof *f->refused);
    if (f->verdicts == NULL || f->refused == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu verdicts", f->batch.n);
    status = accept_records(srv, METERS_FEED, f->batch.records, f->batch.n, f->batch.n_rejected, request->received_ms,
                            f->verdicts, &f->counts, err);
    for (size_t code = 0; code < TFT_N_FAULTS && status == TFT_OK; code++)
        srv->meters.rejected[code] += f->batch.by_code[code];
    if (status == TFT_OK)
        note_refusals(srv, f);
    return status;
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
    if (!content_type_ok(http_header(request, "Content-Type"))) {
        http_reply_detail(reply, 415, "Content-Type must be application/json in UTF-8");
        return;
    }
    if (ingest_encoding_of(http_header(request, "Content-Encoding")) == INGEST_UNKNOWN_ENCODING) {
        http_reply_detail(reply, 415, "Content-Encoding must be gzip, zstd or identity");
        http_reply_field(reply, "Accept-Encoding", "gzip, zstd, identity");
        return;
    }
    feed f = {.unpacked = tft_text_new(srv->options.max_body)};
    const tft_status status = take(srv, request, &f, &err);
    if (status == TFT_OK) {
        reply_result(&f, reply);
        log_rejects(srv, &f, request->peer);
    } else if (status == TFT_ERR_ARGUMENT && f.batch.shape != INGEST_SHAPE_OK) {
        reply_shape(f.batch.shape, reply);
    } else {
        reply_failure(srv, status, err.text, reply);
    }
    feed_free(&f);
}
