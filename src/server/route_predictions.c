/* route_predictions.c - GET /predictions/current: the newest finished forecast, whole or filtered. Never runs the network.
 *
 * Whole, it is the page of pages.c, lent to the reply; filtered, it is rendered from the snapshot into the reply. Either
 * way the tag names the snapshot and the filter. The tag is weak: forecast_age_s differs from reply to reply, and
 * the packed form has other bytes, but it is the same forecast.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "server/render.h"
#include "server/server.h"

#define FIRST_PAGE_S 60.0    // how long it may wait for the first page of a large fleet
#define FIRST_FORECAST_S 3.0 // how long a request waits for the very first one, once there are records enough

/* Calls take(context, item, length) for each item of "a,b,c"; false where one is empty or take() refuses it. */
static bool each_item(const char *list, bool (*take)(void *context, const char *item, size_t n), void *context)
{
    for (;;) {
        const size_t n = strcspn(list, ",");
        if (n == 0 || !take(context, list, n))
            return false;
        if (list[n] == '\0')
            return true;
        list += n + 1;
    }
}

typedef struct metric_choice {
    const tft_contract *contract;
    uint32_t metrics;
} metric_choice;

static bool is_word(const char *item, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(item, word, n) == 0;
}

static bool take_metric(void *context, const char *item, size_t n)
{
    metric_choice *const choice = context;
    for (size_t m = 0; m < choice->contract->n_metrics; m++) {
        const tft_metric *const metric = &choice->contract->metrics[m];
        if (is_word(item, n, metric->name) ||
            (metric->legacy_name[0] != '\0' && is_word(item, n, metric->legacy_name))) {
            choice->metrics |= 1u << m;
            return true;
        }
    }
    return false;
}

static bool take_quantile(void *context, const char *item, size_t n)
{
    unsigned *const quantiles = context;
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
        if (is_word(item, n, forecast_level_names[q])) {
            *quantiles |= 1u << q;
            return true;
        }
    }
    return false;
}

static bool take_server(void *context, const char *item, size_t n)
{
    (void)context, (void)item;
    return n <= FLEET_NAME_MAX; // a name nobody has is no mistake: the server may come tomorrow
}

/* Reads the query into *filter; *whole is false where it narrows anything. Returns the parameter that is wrong, or NULL. */
static const char *read_filter(const server *srv, const http_request *request, render_filter *filter, bool *whole)
{
    const char *const metrics = http_query(request, "metrics");
    const char *const quantiles = http_query(request, "quantiles");
    const char *const steps = http_query(request, "horizon_steps");
    const char *const names = http_query(request, "names");
    filter->servers = http_query(request, "servers");
    *whole = !filter->servers && !metrics && !quantiles && !steps && !names;
    if (filter->servers != NULL && !each_item(filter->servers, take_server, NULL))
        return "servers";
    metric_choice choice = {&srv->contract, 0};
    if (metrics != NULL && !each_item(metrics, take_metric, &choice))
        return "metrics";
    filter->metrics = metrics != NULL ? choice.metrics : UINT32_MAX;
    filter->quantiles = quantiles != NULL ? 0 : (1u << FORECAST_N_QUANTILES) - 1;
    if (quantiles != NULL && !each_item(quantiles, take_quantile, &filter->quantiles))
        return "quantiles";
    filter->horizon_steps = srv->contract.horizon;
    if (steps != NULL) {
        char *end;
        const unsigned long n = strtoul(steps, &end, 10);
        if (steps[0] < '0' || steps[0] > '9' || *end != '\0' || n < 1 || n > srv->contract.horizon)
            return "horizon_steps";
        filter->horizon_steps = n;
    }
    if (names != NULL && strcmp(names, "contract") != 0 && strcmp(names, "legacy") != 0)
        return "names";
    filter->contract_names = names != NULL && strcmp(names, "contract") == 0;
    return NULL;
}

/* FNV-1a of what the filter selects, for the tag. */
static uint64_t fingerprint(const render_filter *filter)
{
    uint64_t h = 0xcbf29ce484222325u;
    const uint64_t numbers[] = {filter->metrics, filter->quantiles, filter->horizon_steps, filter->contract_names};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        h = (h ^ numbers[i]) * 0x100000001b3u;
    for (const char *c = filter->servers; c != NULL && *c != '\0'; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    return h;
}

/* If-None-Match: a list of tags or "*", compared weakly (RFC 9110 §13.1.2). */
static bool matches(const char *list, const char *opaque)
{
    if (list == NULL)
        return false;
    while (*list != '\0') {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        const size_t n = strcspn(list, ",");
        const size_t length = strlen(opaque);
        if (n >= length && memcmp(list, opaque, length) == 0 && strspn(list + length, " \t") == n - length)
            return true;
        list += n;
    }
    return false;
}

static void put_insufficient(uint64_t have, size_t need, http_reply *reply)
{
    tft_text_puts(&reply->text, "{\"error\": \"insufficient_data\", \"message\": \"");
    if (have < need)
        tft_text_printf(&reply->text, "Need at least %zu records, have %llu", need, (unsigned long long)have);
    else
        tft_text_printf(&reply->text, "Have %llu records, the first forecast is being made", (unsigned long long)have);
    tft_text_puts(&reply->text, "\", \"predictions\": {}}");
    http_reply_field(reply, "Cache-Control", "no-store");
}

/* The sequence of the newest sufficient snapshot, 0 where there is none. Right after the record that opens this endpoint,
 * waits a moment for the first forecast. */
static uint64_t sequence_now(server *srv, uint64_t *have)
{
    const double until = tft_monotonic_s() + FIRST_FORECAST_S;
    for (;;) {
        const forecast_snapshot *const s = engine_acquire(srv->engine);
        const uint64_t sequence = s->sufficient ? s->sequence : 0;
        engine_release(srv->engine, s);
        if (sequence > 0)
            return sequence;
        *have = fleet_count(srv->fleet, tft_wall_ms()).totals.records_total;
        if (*have < srv->options.min_records || tft_monotonic_s() > until || srv->phase != SERVER_SERVING)
            return 0;
        const struct timespec nap = {.tv_nsec = 10000000};
        nanosleep(&nap, NULL);
    }
}

/* A page in pieces while it is sent. */
typedef struct sending {
    pages *all;
    page *p; // NULL: it is being made
    page_reader *reader;
    bool packed;
    double until_s; // so long it may take
} sending;

static bool begin_sending(sending *s, page *p)
{
    s->p = p;
    s->reader = p->pieces != NULL ? page_reader_open(p->pieces, s->packed, tft_monotonic_s() - p->finished_s) : NULL;
    return s->reader != NULL;
}

static ptrdiff_t read_pieces(void *context, char *out, size_t max)
{
    sending *const s = context;
    page *const p = s->p == NULL ? pages_current(s->all) : s->p;
    if (p == NULL)
        return tft_monotonic_s() < s->until_s ? HTTP_STREAM_WAIT : HTTP_STREAM_BROKEN;
    if (s->p == NULL && !begin_sending(s, p)) // without memory, or a fleet of thousands has become a small one
        return HTTP_STREAM_BROKEN;
    const ptrdiff_t n = page_reader_read(s->reader, out, max);
    return n > 0 ? n : n == 0 ? HTTP_STREAM_END : HTTP_STREAM_BROKEN;
}

static void end_sending(void *context)
{
    sending *const s = context;
    page_reader_close(s->reader);
    if (s->p != NULL)
        page_release(s->p);
    free(s);
}

/* p NULL: its first page is being made, and is sent as soon as it is there. The page is the reply's from here on. */
static void send_pieces(server *srv, page *p, bool packed, http_reply *reply)
{
    sending *const s = calloc(1, sizeof *s);
    if (s != NULL)
        *s = (sending){.all = &srv->pages, .packed = packed, .until_s = tft_monotonic_s() + FIRST_PAGE_S};
    if (s == NULL || (p != NULL && !begin_sending(s, p))) {
        free(s);
        if (p != NULL)
            page_release(p);
        http_reply_detail(reply, 503, "no memory to send the forecast");
        return;
    }
    reply->encoding = packed ? "gzip" : NULL;
    reply->stream = read_pieces;
    reply->stream_bytes = p != NULL ? page_reader_length(s->reader) : 0;
    reply->release = end_sending;
    reply->release_context = s;
}

static void send_page(page *p, bool packed, http_reply *reply)
{
    const double age_s = tft_monotonic_s() - p->finished_s;
    const tft_text *const head = packed ? &p->packed : &p->head;
    if (packed) {
        tft_text tail = tft_text_new(64);
        render_age(age_s, &tail);
        gzip_tail(&p->packed_head, tail.bytes, tail.n, &reply->text);
        tft_text_free(&tail);
        reply->encoding = "gzip";
    } else {
        render_age(age_s, &reply->text);
    }
    reply->shared = head->bytes;
    reply->shared_len = head->n;
    reply->release = page_release;
    reply->release_context = p;
}

static void send_filtered(server *srv, const render_filter *filter, http_reply *reply)
{
    const forecast_snapshot *const s = engine_acquire(srv->engine);
    render_predictions(s, filter, &reply->text);
    render_age(tft_monotonic_s() - s->finished_s, &reply->text);
    engine_release(srv->engine, s);
}

void route_predictions(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    render_filter filter;
    bool whole;
    const char *const wrong = read_filter(srv, request, &filter, &whole);
    if (wrong != NULL) {
        http_reply_detail(reply, 400, "bad value of %s: \"%.80s\"", wrong, http_query(request, wrong));
        return;
    }
    uint64_t have = 0;
    const uint64_t sequence = sequence_now(srv, &have);
    if (sequence == 0) {
        put_insufficient(have, srv->options.min_records, reply);
        return;
    }
    const bool packed = srv->options.compress && http_accepts_gzip(request);
    bool later = false;
    page *p = whole ? pages_predictions(&srv->pages, srv->engine, packed, &later) : NULL;
    if (later) { // of which snapshot it will be nobody knows yet: no tag
        http_reply_field(reply, "Cache-Control", "no-cache");
        http_reply_field(reply, "Vary", "Accept-Encoding");
        send_pieces(srv, NULL, packed, reply);
        return;
    }
    http_reply_field(reply, "ETag", "W/\"f-%llx-%llx-%llx\"", (unsigned long long)srv->started_ms,
                     (unsigned long long)(p != NULL ? p->sequence : sequence),
                     whole ? 0 : (unsigned long long)fingerprint(&filter));
    const char *const tag = reply->fields[reply->n_fields - 1].value;
    http_reply_field(reply, "Cache-Control", "no-cache");
    if (matches(http_header(request, "If-None-Match"), tag + 2)) {
        reply->status = 304;
        if (p != NULL)
            page_release(p);
        return;
    }
    if (p != NULL) {
        http_reply_field(reply, "Vary", "Accept-Encoding");
        if (p->pieces != NULL)
            send_pieces(srv, p, packed, reply);
        else
            send_page(p, packed && page_is_packed(p), reply);
    } else {
        send_filtered(srv, &filter, reply);
    }
}
