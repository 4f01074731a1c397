/* route_export.c - GET /history/export: records, steps or alerts of a span, as one stream of CSV or NDJSON.
 *
 * Made while it is sent, some thousand rows at a time: each piece is read with a connection of its own, from where the one before ended,
 * so a reader that is slow holds nothing up, and a row that arrives behind the place that was reached is in it.
 *
 *     records   by time, then server; exactly as sent
 *     steps     by start, then server: those that have ended and are counted (some seconds after their end); hours in place of those
 *               beyond store.retention.steps
 *     alerts    newest start first, then by id, open ones with the numbers that they had when something about them last moved
 *
 * Packed as a whole with zstd or gzip where the client takes it: an export is numbers, a tenth of its bytes.
 *
 * Memory:  one piece (PIECE_ROWS rows, some 500 kB with four metrics) and what packs it, at most EXPORTS_MOST times: one more is a 503.
 * Threads: any.
 */
#include <stdlib.h>
#include <string.h>

#include "server/alert_json.h"
#include "server/alert_row.h"
#include "server/api.h"
#include "server/record_rows.h"
#include "server/routes.h"
#include "server/step_rows.h"
#include "server/stream_pack.h"
#include "server/views.h"
#include "store/reader.h"

#define DAY_MS ((int64_t)86400000)
#define PIECE_ROWS 2000
#define EXPORTS_MOST 8
#define MAX_TEXT ((size_t)64 << 20) // rows with names of 256 bytes, all escaped, stay below it
#define ALL_METRICS (~0u)

typedef struct exporting exporting;

/* One thing that can be exported. `fill` appends rows from the place on, PIECE_ROWS of them or all that are left. */
typedef struct export_kind {
    const char *word;
    void (*head)(const exporting *x, tft_text *out); // of its CSV
    tft_status (*fill)(exporting *x, tft_error *err);
} export_kind;

struct exporting {
    server *srv;
    const export_kind *kind;
    bool csv;
    int64_t server;                // its number in the store; 0 = all
    char name[STORE_NAME_BYTES];   // "" = all
    int64_t from_ms, to_ms;        // to_ms STORE_NEVER: alerts without an end
    int64_t place_ms, after;       // the last row: its time, its server,
    bool after_step;               // whether it was a step and no hour,
    char after_id[STORE_ID_BYTES]; // and an alert's id
    bool begun, over, broken;
    int64_t now_ms; // by the fleet's clock, when the piece was begun
    size_t n;       // rows of this piece
    tft_text piece;
    stream_pack *pack; // NULL: not packed
    tft_text packed;
    size_t sent; // bytes of the piece, or of what became of it
};

/* Name and profile of a server; NULL where it was forgotten meanwhile. The name lives as long as the fleet. */
static const char *server_of(const exporting *x, int64_t number, tft_profile *profile)
{
    const char *name = NULL;
    if (number < 1 || (uint64_t)number > fleet_size(x->srv->fleet))
        return NULL;
    fleet_read_lock(x->srv->fleet);
    const fleet_server *const s = fleet_at(x->srv->fleet, (size_t)number - 1);
    *profile = s->profile;
    if (!s->forgotten)
        name = s->name;
    fleet_read_unlock(x->srv->fleet);
    return name;
}

static bool next_row(exporting *x)
{
    if (!x->csv)
        tft_text_puts(&x->piece, "\n");
    return ++x->n < PIECE_ROWS;
}

/* ---- records ------------------------------------------------------------------------------------------- */

static void records_head(const exporting *x, tft_text *out)
{
    record_row_csv_head(&x->srv->contract, out);
}

static bool add_record(void *context, const store_past_record *record)
{
    exporting *const x = context;
    tft_profile profile;
    if (record->time_ms == x->place_ms && record->server <= x->after)
        return true;
    const char *const name = server_of(x, record->server, &profile);
    if (name == NULL)
        return true;
    x->place_ms = record->time_ms;
    x->after = record->server;
    if (x->csv)
        record_row_csv(&x->srv->contract, name, record, &x->piece);
    else
        record_row_json(&x->srv->contract, profile, name, record, &x->piece);
    return next_row(x);
}

static tft_status fill_records(exporting *x, tft_error *err)
{
    store_reader *reader = NULL;
    const int64_t from_ms = x->place_ms > x->from_ms ? x->place_ms : x->from_ms;
    tft_status status = store_reader_open(x->srv->options.store.dir, &x->srv->contract, &reader, err);
    if (status == TFT_OK)
        status = store_reader_records(reader, x->server, from_ms, x->to_ms, add_record, x, err);
    store_reader_close(reader);
    return status;
}

/* ---- steps --------------------------------------------------------------------------------------------- */

static void steps_head(const exporting *x, tft_text *out)
{
    step_row_csv_head(&x->srv->contract, ALL_METRICS, out);
}

static bool add_step(void *context, const store_past_step *stored)
{
    exporting *const x = context;
    store_past_step row = *stored;
    tft_profile profile;
    const bool is_step = row.length_ms == x->srv->contract.step_ms;
    if (row.start_ms == x->place_ms &&
        (row.server < x->after || (row.server == x->after && (x->after_step || !is_step))))
        return true;
    const char *const name = server_of(x, row.server, &profile);
    if (name == NULL)
        return true;
    x->place_ms = row.start_ms;
    x->after = row.server;
    x->after_step = is_step;
    step_row_derive(&x->srv->contract, profile, &row);
    const bool partial = row.start_ms + row.length_ms > x->now_ms;
    if (x->csv)
        step_row_csv(&x->srv->contract, ALL_METRICS, name, &row, partial, &x->piece);
    else
        step_row_json(&x->srv->contract, ALL_METRICS, name, &row, partial, &x->piece);
    return next_row(x);
}

static tft_status fill_steps(exporting *x, tft_error *err)
{
    store_reader *reader = NULL;
    const int64_t from_ms = x->place_ms > x->from_ms ? x->place_ms : x->from_ms;
    tft_status status = store_reader_open(x->srv->options.store.dir, &x->srv->contract, &reader, err);
    if (status == TFT_OK)
        status = store_reader_steps(reader, x->server, from_ms, x->to_ms, add_step, x, err);
    store_reader_close(reader);
    return status;
}

/* ---- alerts -------------------------------------------------------------------------------------------- */

static void alerts_head(const exporting *x, tft_text *out)
{
    (void)x;
    alert_csv_head(out);
}

static void add_alert(void *context, const store_alert *row)
{
    exporting *const x = context;
    x->place_ms = row->starts_ms;
    memcpy(x->after_id, row->id, sizeof x->after_id);
    if (x->csv)
        alert_csv(row, &x->piece);
    else
        alert_row_json(x->srv, row, x->now_ms, &x->piece);
    (void)next_row(x);
}

static tft_status fill_alerts(exporting *x, tft_error *err)
{
    const bool first = x->after_id[0] == '\0';
    char after_id[STORE_ID_BYTES]; // the query's own: the rows move the place
    memcpy(after_id, x->after_id, sizeof after_id);
    const store_alert_query query = {.pending = true,
                                     .firing = true,
                                     .resolved = true,
                                     .server = x->name[0] != '\0' ? x->name : NULL,
                                     .from_ms = x->from_ms,
                                     .to_ms = x->to_ms,
                                     .after_starts_ms = first ? STORE_NEVER : x->place_ms,
                                     .after_id = first ? NULL : after_id,
                                     .limit = PIECE_ROWS};
    return store_each_alert(x->srv->store, &query, add_alert, x, err);
}

static const export_kind kinds[] = {
    {"records", records_head, fill_records}, {"steps", steps_head, fill_steps}, {"alerts", alerts_head, fill_alerts}};

/* ---- the stream ---------------------------------------------------------------------------------------- */

static void refill(exporting *x)
{
    tft_error err = {0};
    tft_text_clear(&x->piece);
    tft_text_clear(&x->packed);
    x->sent = x->n = 0;
    if (!x->begun && x->csv)
        x->kind->head(x, &x->piece);
    x->begun = true;
    x->now_ms = fleet_now(x->srv->fleet, tft_wall_ms()).now_ms;
    x->broken = x->kind->fill(x, &err) != TFT_OK || x->piece.failed;
    x->over = x->n < PIECE_ROWS;
    if (!x->broken && x->pack != NULL)
        x->broken = !stream_pack_add(x->pack, x->piece.bytes, x->piece.n, x->over, &x->packed);
    if (x->broken)
        log_line(x->srv->log, LOG_TAG_ERROR, "An export of %s ends early: %s", x->kind->word,
                 err.text[0] != '\0' ? err.text : "no memory for a piece");
}

static ptrdiff_t read_export(void *context, char *out, size_t max)
{
    exporting *const x = context;
    const tft_text *const from = x->pack != NULL ? &x->packed : &x->piece;
    while (x->sent == from->n && !x->over && !x->broken) // a packer may hold a piece back
        refill(x);
    if (x->broken)
        return HTTP_STREAM_BROKEN;
    const size_t left = from->n - x->sent, n = left < max ? left : max;
    if (n == 0)
        return HTTP_STREAM_END;
    memcpy(out, from->bytes + x->sent, n);
    x->sent += n;
    return (ptrdiff_t)n;
}

static void free_export(void *context)
{
    exporting *const x = context;
    atomic_fetch_sub(&x->srv->n_exports, 1);
    tft_text_free(&x->piece);
    tft_text_free(&x->packed);
    stream_pack_close(x->pack);
    free(x);
}

/* ---- the route ------------------------------------------------------------------------------------------- */

static bool read_wish(const http_request *request, http_reply *reply, exporting *x)
{
    static const char *const formats[] = {"csv", "ndjson"};
    const char *words[sizeof kinds / sizeof *kinds];
    size_t what = 0, format = 0;
    api_span span;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        words[i] = kinds[i].word;
    if (!api_read_word(request, reply, "what", words, sizeof kinds / sizeof *kinds, &what) ||
        !api_read_word(request, reply, "format", formats, 2, &format) || !api_read_span(request, reply, DAY_MS, &span))
        return false;
    x->kind = &kinds[what];
    x->csv = format == 0;
    x->from_ms = span.from_ms;
    x->to_ms = span.to_ms;
    if (x->kind->fill == fill_alerts && http_query(request, "to") == NULL)
        x->to_ms = STORE_NEVER; // now: what began this instant is in
    x->place_ms = INT64_MIN;
    if (http_query(request, "server") == NULL)
        return true;
    const size_t id = view_server_asked(x->srv, request, reply);
    if (id == FLEET_NO_SERVER)
        return false;
    x->server = (int64_t)id + 1; // the fleet's ids are the store's indices
    const char *const name = http_query(request, "server");
    const size_t n = strlen(name);
    memcpy(x->name, name, n < sizeof x->name ? n : sizeof x->name - 1); // zeroed; no server has a longer name
    return true;
}

static void reply_overloaded(http_reply *reply, const char *why)
{
    http_reply_problem(reply, 503, "overloaded", "Overloaded", "%s", why);
    http_reply_field(reply, "Retry-After", "5");
}

static void route_history_export(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    exporting *const x = calloc(1, sizeof *x);
    if (x == NULL || atomic_fetch_add(&srv->n_exports, 1) >= EXPORTS_MOST) {
        reply_overloaded(reply, x == NULL ? "No memory for an export, try again" : "Enough exports are under way");
        if (x != NULL)
            atomic_fetch_sub(&srv->n_exports, 1);
        free(x);
        return;
    }
    *x = (exporting){.srv = srv, .piece = tft_text_new(MAX_TEXT), .packed = tft_text_new(MAX_TEXT)};
    const negotiate_encoding encoding =
        srv->options.compress ? negotiate_encoding_of(http_header(request, "Accept-Encoding")) : ENCODE_NOTHING;
    bool good = read_wish(request, reply, x);
    if (good && encoding != ENCODE_NOTHING) {
        x->pack = stream_pack_open(encoding);
        good = x->pack != NULL;
        if (!good)
            reply_overloaded(reply, "No memory to pack an export, try again");
    }
    if (!good) {
        free_export(x);
        return;
    }
    reply->content_type = x->csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
    reply->encoding = stream_pack_name(encoding);
    reply->stream = read_export;
    reply->release = free_export;
    reply->release_context = x;
    http_reply_field(reply, "Content-Disposition", "attachment; filename=\"tftd-%s.%s\"", x->kind->word,
                     x->csv ? "csv" : "ndjson");
    http_reply_field(reply, "Vary", "Accept-Encoding");
    http_reply_field(reply, "Cache-Control", "no-cache");
}

static const http_parameter of_export[] = {
    {"what", "{\"type\": \"string\", \"enum\": [\"records\", \"steps\", \"alerts\"]}",
     "What to export; records where it is not given", NULL, false},
    {"server", API_NAME, "One server only", NULL, false},
    API_SPAN,
    {"format", "{\"type\": \"string\", \"enum\": [\"csv\", \"ndjson\"]}", "csv where it is not given", NULL, false},
    {0}};

const http_route routes_export[] = {{.path = "/api/v1/history/export",
                                     .method = HTTP_GET,
                                     .role = ROLE_READ,
                                     .handler = route_history_export,
                                     .parameters = of_export,
                                     .tag = "History",
                                     .summary = "Records, steps or alerts of a server or of all, as a stream; the CSV "
                                                "of records is what `tftd train` and POST "
                                                "/records read",
                                     .produces = "text/csv, application/x-ndjson",
                                     .statuses = "200 404 503"},
                                    {0}};
