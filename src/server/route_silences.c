/* route_silences.c - GET, POST /api/v1/silences; GET, PUT, DELETE /silences/{id}: silences and maintenance windows.
 *
 * POST takes an Idempotency-Key: the id of the silence is made of the key and of the body, so whoever sends the same once more, after a
 * restart too, gets the silence that is there instead of a second one; and the same key with another body is a 422.
 *
 *     s-0123456789abcdef     the first half of the digits is the key's (with the name of who sent it), the other the body's
 *
 * A silence has a version, which is its ETag: PUT and DELETE need If-Match, so that of two people who change it at once one is told.
 */
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

/* The instant by which silences hold: the clock of the alerts. */
static int64_t clock_of(server *srv, const http_request *request)
{
    return fleet_now(srv->fleet, request->received_ms).now_ms;
}

/* Every window that touches the span, in order, at most MAX_WINDOWS of them; how many. */
#define MAX_WINDOWS 100
static size_t put_windows(const silence *s, const api_span *span, tft_text *out)
{
    size_t n = 0;
    int64_t from_ms, to_ms;
    tft_text_puts(out, ", \"windows\": [");
    for (int64_t at = span->from_ms;
         n < MAX_WINDOWS && silence_window_behind(s, at, &from_ms, &to_ms) && from_ms < span->to_ms; at = to_ms) {
        tft_text_puts(out, n++ > 0 ? ", {\"starts_at\": " : "{\"starts_at\": ");
        json_put_time_s(out, from_ms);
        tft_text_puts(out, ", \"ends_at\": ");
        json_put_time_s(out, to_ms);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
    return n;
}

/* span NULL: without the list of windows. Returns how many of them there are. */
static size_t put_silence(silence *s, int64_t now_ms, const api_span *span, tft_text *out)
{
    size_t n_windows = 0;
    int64_t from_ms = INT64_MIN, to_ms = INT64_MIN;
    const silence_status status = silence_status_at(s, now_ms);
    if (!silence_window(s, now_ms, &from_ms, &to_ms))
        from_ms = to_ms = INT64_MIN;
    tft_text_printf(out, "{\"id\": \"%s\", \"version\": %lld, \"status\": \"%s\", ", s->id, (long long)s->version,
                    silence_status_name(status));
    silence_write(s, out);
    tft_text_puts(out, ", \"window_starts_at\": ");
    json_put_time_s(out, from_ms);
    tft_text_puts(out, ", \"window_ends_at\": ");
    json_put_time_s(out, to_ms);
    if (span != NULL)
        n_windows = put_windows(s, span, out);
    tft_text_puts(out, "}");
    return n_windows;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

#define SPAN_MAX_MS (INT64_C(31) * 86400000)
#define PAGE_WINDOWS 1000 // a page ends where it has as many: what one request may work out is bounded

typedef struct listing {
    int64_t now_ms;
    const api_span *span; // NULL: windows are not asked for
    size_t limit, n, n_windows;
    bool statuses[3], more;
    const char *after; // id
    char last[ALERT_SILENCE_BYTES];
    tft_text *out;
} listing;

static void list_one(void *context, silence *s)
{
    listing *const l = context;
    if (!l->statuses[silence_status_at(s, l->now_ms)] || (l->after != NULL && strcmp(s->id, l->after) <= 0))
        return;
    if (l->n == l->limit || l->n_windows >= PAGE_WINDOWS) {
        l->more = true;
        return;
    }
    tft_text_puts(l->out, l->n > 0 ? ", " : "");
    l->n_windows += put_silence(s, l->now_ms, l->span, l->out);
    memcpy(l->last, s->id, sizeof l->last);
    l->n++;
}

static bool take_status(void *context, const char *item, size_t n)
{
    for (int i = SILENCE_PENDING; i <= SILENCE_EXPIRED; i++) {
        const char *const word = silence_status_name((silence_status)i);
        if (strlen(word) == n && memcmp(word, item, n) == 0) {
            ((bool *)context)[i] = true;
            return true;
        }
    }
    return false;
}

/* `from` and `to`: with either of them the reply tells every window in between, else none. */
static bool read_span(const http_request *request, http_reply *reply, listing *l, api_span *span)
{
    if (http_query(request, "from") == NULL && http_query(request, "to") == NULL)
        return true;
    if (!api_read_span(request, reply, 86400000, span))
        return false;
    if (span->to_ms - span->from_ms > SPAN_MAX_MS)
        return api_bad_parameter(request, reply, "from", "at most 31 days before to");
    l->span = span;
    return true;
}

static void route_silence_list(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    api_paging paging;
    api_span span;
    listing l = {.now_ms = clock_of(srv, request), .out = &reply->text};
    if (!api_read_paging(request, reply, &paging) || !read_span(request, reply, &l, &span) ||
        !api_each_item(request, reply, "status", "pending, active, expired by commas", take_status, l.statuses))
        return;
    for (size_t i = 0; http_query(request, "status") == NULL && i < 3; i++)
        l.statuses[i] = true;
    l.limit = paging.limit;
    l.after = paging.has_cursor ? paging.place : NULL;
    tft_text_puts(&reply->text, "{\"items\": [");
    silences_each(notify_silences(srv->notify), list_one, &l);
    api_put_list_end(&reply->text, l.more ? l.last : NULL, l.more ? strlen(l.last) : 0);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

typedef struct showing {
    int64_t now_ms, version;
    tft_text *out; // NULL: only the version is wanted
} showing;

static void show_one(void *context, silence *s)
{
    showing *const to = context;
    to->version = s->version;
    if (to->out != NULL)
        put_silence(s, to->now_ms, NULL, to->out);
}

/* The silence of the path; 404 else. */
static bool show(server *srv, const http_request *request, http_reply *reply, tft_text *out, int64_t *version)
{
    const char *const id = http_param(request, "id");
    showing to = {.now_ms = clock_of(srv, request), .out = out};
    const bool found = silences_find(notify_silences(srv->notify), id, show_one, &to);
    if (!found)
        http_reply_problem(reply, 404, "unknown-silence", "Unknown silence", "No silence '%.40s'", id);
    *version = to.version;
    return found;
}

static void put_tag(http_reply *reply, int64_t version)
{
    http_reply_field(reply, "ETag", "W/\"%lld\"", (long long)version);
}

static void route_silence(void *context, const http_request *request, http_reply *reply)
{
    int64_t version;
    if (!show(context, request, reply, &reply->text, &version))
        return;
    put_tag(reply, version);
    http_reply_field(reply, "Cache-Control", "no-cache");
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static void refuse(http_reply *reply, tft_status status, const tft_error *err)
{
    switch (status) {
    case TFT_ERR_NOT_FOUND:
        http_reply_problem(reply, 404, "unknown-silence", "Unknown silence", "%s", err->text);
        break;
    case TFT_ERR_MISMATCH:
        http_reply_problem(reply, 412, "precondition-failed", "Precondition failed", "%s", err->text);
        break;
    case TFT_ERR_LIMIT:
        http_reply_problem(reply, 409, "conflict", "Conflict", "%s", err->text);
        break;
    default:
        http_reply_problem(reply, 503, "store-unavailable", "Store unavailable", "%s", err->text);
        http_reply_field(reply, "Retry-After", "5");
        break;
    }
}

/* The body as a silence, which the caller gives on; false after a problem. */
static bool read_body(const http_request *request, http_reply *reply, int64_t now_ms, silence *s)
{
    silence_fault fault;
    tft_error err = {0};
    const tft_status status = silence_decode(request->body, request->body_len, now_ms, s, &fault, &err);
    if (status == TFT_OK)
        return true;
    if (status == TFT_ERR_ARGUMENT)
        return api_invalid(reply, fault.field, "%s", fault.why);
    if (status == TFT_ERR_FORMAT)
        http_reply_problem(reply, 400, "malformed-body", "Malformed body", "%s", err.text);
    else
        refuse(reply, status, &err);
    return false;
}

/* Keeps s under `id` ("" = a new one), and answers with it. */
static void keep(server *srv, const http_request *request, http_reply *reply, silence *s, const char *id,
                 int64_t version, int code)
{
    tft_error err = {0};
    snprintf(s->id, sizeof s->id, "%s", id);
    const tft_status status = silences_put(notify_silences(srv->notify), s, version, request->received_ms, &err);
    const char *const id_kept = version == SILENCES_NEW ? id : s->id;
    if (status != TFT_OK && !(status == TFT_ERR_MISMATCH && version == SILENCES_NEW)) { // there already: what is there
        refuse(reply, status, &err);
        return;
    }
    showing to = {.now_ms = clock_of(srv, request), .out = &reply->text};
    reply->status = code;
    if (!silences_find(notify_silences(srv->notify), id_kept, show_one, &to)) { // deleted this instant
        tft_fail(&err, TFT_ERR_NOT_FOUND, "No silence '%s'", id_kept);
        refuse(reply, TFT_ERR_NOT_FOUND, &err);
        return;
    }
    put_tag(reply, to.version);
    if (code == 201)
        http_reply_field(reply, "Location", "/api/v1/silences/%s", id_kept);
    engine_notify(srv->engine); // alerts are marked with the next forecast, within a second
}

#define KEY_MAX 255
#define HALF_ID 10 // "s-" and the key's digits

/* Eight digits that stand for two texts. */
static tft_status put_digits(const char *a, size_t n_a, const char *b, size_t n_b, char out[9], tft_error *err)
{
    unsigned char digest[TFT_SHA256_BYTES];
    char digits[TFT_SHA256_TEXT];
    tft_text both = tft_text_new(n_a + n_b + 2);
    tft_text_add(&both, a, n_a);
    tft_text_add(&both, "\n", 1); // stands in no header and no key's name
    tft_text_add(&both, b, n_b);
    const tft_status status = both.failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory for a key")
                                          : tft_sha256(both.bytes, both.n, digest, err);
    tft_text_free(&both);
    if (status != TFT_OK)
        return status;
    tft_sha256_hex(digest, digits);
    snprintf(out, 9, "%.8s", digits);
    return TFT_OK;
}

typedef struct reuse {
    const char *id;
    bool other_body;
} reuse;

static void look_for_reuse(void *context, silence *s)
{
    reuse *const r = context;
    r->other_body |= strncmp(s->id, r->id, HALF_ID) == 0 && strcmp(s->id, r->id) != 0;
}

/* The id that the Idempotency-Key stands for, "" without one; false after a problem. */
static bool read_key(server *srv, const http_request *request, http_reply *reply, char id[ALERT_SILENCE_BYTES])
{
    const char *const key = http_header(request, "Idempotency-Key");
    char of_key[9], of_body[9];
    tft_error err = {0};
    id[0] = '\0';
    if (key == NULL)
        return true;
    const size_t n = strlen(key);
    if (n == 0 || n > KEY_MAX) {
        http_reply_problem(reply, 400, "bad-header", "Bad header", "Idempotency-Key must have 1 to %d bytes, not %zu",
                           KEY_MAX, n);
        return false;
    }
    tft_status status = put_digits(request->key_name, strlen(request->key_name), key, n, of_key, &err);
    if (status == TFT_OK)
        status = put_digits(request->body, request->body_len, "", 0, of_body, &err);
    if (status != TFT_OK) {
        refuse(reply, status, &err);
        return false;
    }
    snprintf(id, ALERT_SILENCE_BYTES, "s-%s%s", of_key, of_body);
    reuse seen = {.id = id};
    silences_each(notify_silences(srv->notify), look_for_reuse, &seen);
    if (seen.other_body)
        http_reply_problem(reply, 422, "idempotency-key-reused", "Idempotency key reused",
                           "A silence was made with this Idempotency-Key and another body");
    return !seen.other_body;
}

static void route_silence_new(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    char id[ALERT_SILENCE_BYTES];
    silence s;
    if (read_key(srv, request, reply, id) && read_body(request, reply, clock_of(srv, request), &s))
        keep(srv, request, reply, &s, id, id[0] != '\0' ? SILENCES_NEW : 0, 201);
}

/* Whether If-Match names the version that is there; fills it in. */
static bool matches(server *srv, const http_request *request, http_reply *reply, int64_t *version)
{
    char tag[24];
    if (!show(srv, request, reply, NULL, version))
        return false;
    snprintf(tag, sizeof tag, "%lld", (long long)*version);
    return http_if_match(request, reply, tag);
}

static void route_silence_put(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    int64_t version;
    silence s;
    if (matches(srv, request, reply, &version) && read_body(request, reply, clock_of(srv, request), &s))
        keep(srv, request, reply, &s, http_param(request, "id"), version, 200);
}

static void route_silence_delete(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    int64_t version;
    tft_error err = {0};
    if (!matches(srv, request, reply, &version))
        return;
    const tft_status status = silences_delete(notify_silences(srv->notify), http_param(request, "id"), version, &err);
    if (status != TFT_OK) {
        refuse(reply, status, &err);
        return;
    }
    reply->status = 204;
    engine_notify(srv->engine);
}

/* ---- rows ------------------------------------------------------------------------------------------------- */

#define SILENCE_TEXT "{\"type\": [\"string\", \"null\"]}"
#define SILENCE_BODY                                                                                                   \
    "{\"type\": \"object\", \"properties\": {\"kind\": {\"enum\": [null, \"silence\", \"maintenance\"]}, "             \
    "\"matchers\": {\"type\": \"object\", \"minProperties\": 1, \"properties\": {\"server\": " SILENCE_TEXT            \
    ", \"profile\": " SILENCE_TEXT ", \"kind\": " SILENCE_TEXT ", \"metric\": " SILENCE_TEXT                           \
    ", \"severity\": " SILENCE_TEXT                                                                                    \
    "}}, \"starts_at\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\"}, "                               \
    "\"ends_at\": {\"type\": \"string\", \"format\": \"date-time\"}, \"rrule\": " SILENCE_TEXT                         \
    ", \"timezone\": " SILENCE_TEXT ", \"created_by\": " SILENCE_TEXT ", \"comment\": " SILENCE_TEXT                   \
    "}, \"required\": [\"matchers\", \"ends_at\"]}"
#define SILENCE_EXAMPLE                                                                                                \
    "{\"kind\": \"maintenance\", \"matchers\": {\"server\": \"ppdb*\"}, \"starts_at\": \"2036-11-30T01:00:00Z\", "     \
    "\"ends_at\": \"2036-11-30T03:00:00Z\", \"rrule\": \"FREQ=WEEKLY;BYDAY=SU\", \"timezone\": \"Europe/Berlin\", "    \
    "\"created_by\": \"ops\", \"comment\": \"weekly patching\"}"

static const http_parameter of_silences[] = {
    {"status", API_STRING, "pending, active, expired, by commas", NULL, false},
    {"from", API_STRING, "Tell every window from here on: RFC 3339, or relative as in -6h; at most 31 days before to",
     NULL, false},
    {"to", API_STRING, "Tell every window up to here: RFC 3339, relative, or now, which it is where only from is given",
     NULL, false},
    API_PAGING,
    {0}};
static const http_parameter of_silence[] = {{"id", API_STRING, "Id of the silence", "s-0123456789abcdef", true}, {0}};

const http_route routes_silences[] = {
    {.path = "/api/v1/silences",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_silence_list,
     .parameters = of_silences,
     .tag = "Alerts",
     .summary = "Silences and maintenance windows",
     .reply = "SilenceList",
     .statuses = "200"},
    {.path = "/api/v1/silences",
     .method = HTTP_POST,
     .role = ROLE_WRITE,
     .handler = route_silence_new,
     .tag = "Alerts",
     .summary = "A new silence or maintenance window; with an Idempotency-Key the same one, however often it is sent",
     .takes = "application/json",
     .body = SILENCE_BODY,
     .example = SILENCE_EXAMPLE,
     .reply = "Silence",
     .statuses = "201 400 409 422 503"},
    {.path = "/api/v1/silences/{id}",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_silence,
     .parameters = of_silence,
     .tag = "Alerts",
     .summary = "One silence, with its version as ETag",
     .reply = "Silence",
     .statuses = "200 404"},
    {.path = "/api/v1/silences/{id}",
     .method = HTTP_PUT,
     .role = ROLE_WRITE,
     .handler = route_silence_put,
     .parameters = of_silence,
     .tag = "Alerts",
     .summary = "Change a silence; needs If-Match",
     .takes = "application/json",
     .body = SILENCE_BODY,
     .example = SILENCE_EXAMPLE,
     .reply = "Silence",
     .statuses = "200 400 404 412 422 428 503"},
    {.path = "/api/v1/silences/{id}",
     .method = HTTP_DELETE,
     .role = ROLE_WRITE,
     .handler = route_silence_delete,
     .parameters = of_silence,
     .tag = "Alerts",
     .summary = "End a silence; needs If-Match",
     .statuses = "204 404 412 428 503"},
    {0}};
