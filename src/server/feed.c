/* feed.c - see feed.h. */
#include "server/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/rows.h"
#include "ingest/unpack.h"

#define REJECTS_LOGGED_EVERY_S 10

feed feed_new(const server *srv)
{
    return (feed){.unpacked = tft_text_new(srv->options.max_body)};
}

void feed_free(feed *f)
{
    tft_text_free(&f->unpacked);
    ingest_batch_free(&f->batch);
    free(f->verdicts);
    free(f->refused);
}

size_t feed_rejected(const feed *f)
{
    return f->batch.n_rejected + f->counts.rejected;
}

void feed_put_note(const ingest_note *note, tft_text *out)
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

/* Two lists by index become one. */
void feed_each_fault(const feed *f, void (*put)(const ingest_note *, tft_text *), tft_text *out)
{
    size_t a = 0, b = 0;
    for (size_t n = 0; n < INGEST_MAX_NOTES && (a < f->batch.n_faults || b < f->n_refused); n++) {
        const bool from_store =
            a == f->batch.n_faults || (b < f->n_refused && f->refused[b].index < f->batch.faults[a].index);
        tft_text_puts(out, n > 0 ? ", " : "");
        put(from_store ? &f->refused[b++] : &f->batch.faults[a++], out);
    }
}

static void note_refusals(const live_settings *now, feed *f)
{
    for (size_t i = 0; i < f->batch.n && f->n_refused < INGEST_MAX_NOTES; i++) {
        const tft_record *const r = &f->batch.records[i];
        tft_fault fault = {0};
        if (f->verdicts[i].outcome == STORE_TOO_OLD)
            tft_fault_set(&fault, TFT_FAULT_TOO_OLD, "timestamp",
                          "timestamp lies in a step that is sealed: raw records are kept for %.1f days",
                          (double)now->retention_records_ms / 86400000.0);
        else if (f->verdicts[i].outcome == STORE_TOO_MANY_SERVERS)
            tft_fault_set(&fault, TFT_FAULT_TOO_MANY_SERVERS, "server_name",
                          "a new server, and %zu are known already (servers.max)", now->max_servers);
        else
            continue;
        ingest_note_set(&f->refused[f->n_refused++], f->batch.indices[i], &fault, r->name, r->name_length);
    }
}

/* A batch that was given up: only what the store refused has a verdict that counts. */
static size_t count_refusals(const feed *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->batch.n; i++)
        n += f->verdicts[i].outcome == STORE_TOO_OLD || f->verdicts[i].outcome == STORE_TOO_MANY_SERVERS;
    return n;
}

void feed_log_rejects(server *srv, const feed *f, const char *peer)
{
    const size_t rejected = feed_rejected(f);
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

static tft_status decode(const server *srv, const tft_contract *c, const char *body, size_t n, feed_form form,
                         const tft_record_limits *limits, ingest_batch *batch, tft_error *err)
{
    const size_t most = srv->options.max_records;
    switch (form) {
    case FEED_JSON:
        return ingest_json_any(body, n, c, limits, most, batch, err);
    case FEED_NDJSON:
        return ingest_ndjson(body, n, c, limits, most, batch, err);
    case FEED_CSV:
        return ingest_csv(body, n, c, limits, most, batch, err);
    case FEED_OBJECT:
    default:
        return ingest_json(body, n, c, limits, most, batch, err);
    }
}

static tft_status commit(server *srv, bool whole, meters_source source, int64_t arrival_ms, feed *f, tft_error *err)
{
    ingest_batch *const b = &f->batch;
    if (whole && b->n_rejected > 0) {
        f->given_up = true;
        return TFT_OK;
    }
    if (!whole)
        return accept_records(srv, source, b->records, b->n, b->n_rejected, arrival_ms, f->verdicts, &f->counts, err);
    const tft_status status =
        accept_whole(srv, source, b->records, b->n, arrival_ms, f->verdicts, &f->counts, &f->given_up, err);
    if (status == TFT_OK && f->given_up)
        f->counts.rejected = count_refusals(f);
    return status;
}

static tft_status take(server *srv, const live_settings *now, const http_request *request, feed_form form, bool whole,
                       meters_source source, feed *f, tft_error *err)
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
    const tft_record_limits limits = {request->received_ms, now->max_future_ms, now->max_past_ms};
    tft_status status = decode(srv, &now->contract, body, n, form, &limits, &f->batch, err);
    if (status != TFT_OK)
        return status;
    f->verdicts = calloc(f->batch.n > 0 ? f->batch.n : 1, sizeof *f->verdicts);
    f->refused = calloc(INGEST_MAX_NOTES, sizeof *f->refused);
    if (f->verdicts == NULL || f->refused == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu verdicts", f->batch.n);
    status = commit(srv, whole, source, request->received_ms, f, err);
    for (size_t code = 0; code < TFT_N_FAULTS && status == TFT_OK; code++)
        srv->meters.rejected[code] += f->batch.by_code[code];
    if (status == TFT_OK && (!f->given_up || f->counts.rejected > 0))
        note_refusals(now, f);
    return status;
}

tft_status feed_take(server *srv, const http_request *request, feed_form form, bool whole, meters_source source,
                     feed *f, tft_error *err)
{
    const live_settings *const now = live_hold(srv->live); // one batch, one set of rules
    const tft_status status = take(srv, now, request, form, whole, source, f, err);
    live_drop(now);
    return status;
}
