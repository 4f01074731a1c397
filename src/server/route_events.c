/* route_events.c - GET /events: news as they happen (Server-Sent Events, HTML standard §9.2).
 *
 *     retry: 3000                      once, at the beginning
 *     id: 19a3c0d2e4f-1042             start of the process in hex, then the event's number
 *     event: forecast
 *     data: {"forecast_id": …}
 *
 * Who comes back with Last-Event-ID gets what he has missed, as far as it is still kept; where it is not, or the daemon
 * has been started anew, first an event `reset`: what the page shows must then be read again. The same happens to
 * a reader that is slower than the news. A heartbeat comes every 15 s of silence.
 *
 * A stream holds at most one event; everything else stays in the ring. A stream without news is suspended (http.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

#define MAX_STREAMS 200 // below http.max_connections_per_ip: one address cannot keep others from asking
#define HEARTBEAT_S 15.0
#define MAX_NAMES_BYTES 4096 // of the parameter `servers`

typedef struct stream {
    server *srv;
    uint64_t seen;    // number of the last event looked at
    unsigned kinds;   // bit set of event_kind
    char *servers;    // "a,b"; NULL = all
    double spoken_s;  // when something was last sent
    tft_text pending; // what is being sent
    size_t sent;      // of it
    tft_text data;    // of the event at hand
} stream;

static bool wants(const stream *st, const event *e)
{
    if ((st->kinds & 1u << e->kind) == 0)
        return false;
    if (st->servers == NULL || e->server[0] == '\0')
        return true;
    const size_t length = strlen(e->server);
    for (const char *at = st->servers; at != NULL;) {
        const size_t n = strcspn(at, ",");
        if (n == length && memcmp(at, e->server, n) == 0)
            return true;
        at = at[n] == ',' ? at + n + 1 : NULL;
    }
    return false;
}

static void put_id(const stream *st, uint64_t number, tft_text *out)
{
    tft_text_printf(out, "id: %llx-%llu\n", (unsigned long long)st->srv->started_ms, (unsigned long long)number);
}

static void put_reset(const stream *st, uint64_t number, tft_text *out)
{
    put_id(st, number, out);
    tft_text_puts(out, "event: reset\ndata: {\"reason\": \"events were lost, read again what you show\"}\n\n");
}

/* Makes the next thing to be sent; false where there is nothing. */
static bool refill(stream *st)
{
    tft_text_clear(&st->pending);
    st->sent = 0;
    event e = {.data = st->data};
    while (events_next(st->srv->events, st->seen, &e)) {
        if (e.number > st->seen + 1)
            put_reset(st, e.number - 1, &st->pending);
        st->seen = e.number;
        if (wants(st, &e)) {
            put_id(st, e.number, &st->pending);
            tft_text_printf(&st->pending, "event: %s\ndata: ", event_kind_names[e.kind]);
            tft_text_add(&st->pending, e.data.bytes, e.data.n);
            tft_text_puts(&st->pending, "\n\n");
        }
        tft_text_clear(&e.data);
        st->data = e.data;
        if (st->pending.n > 0)
            return true;
    }
    st->data = e.data;
    if (tft_monotonic_s() - st->spoken_s < HEARTBEAT_S)
        return false;
    char stamp[TFT_TIME_TEXT];
    tft_time_format_ms(tft_wall_ms(), stamp);
    if ((st->kinds & 1u << EVENT_HEARTBEAT) != 0)
        tft_text_printf(&st->pending, "event: heartbeat\ndata: {\"time\": \"%s\"}\n\n", stamp);
    else
        tft_text_puts(&st->pending, ":\n\n"); // keeps proxies from cutting the connection
    return true;
}

static ptrdiff_t read_stream(void *context, char *out, size_t max)
{
    stream *const st = context;
    if (st->pending.failed)
        return HTTP_STREAM_BROKEN;
    if (st->sent == st->pending.n && !refill(st))
        return HTTP_STREAM_WAIT;
    const size_t left = st->pending.n - st->sent, n = left < max ? left : max;
    memcpy(out, st->pending.bytes + st->sent, n);
    st->sent += n;
    st->spoken_s = tft_monotonic_s();
    return (ptrdiff_t)n;
}

static void free_stream(void *context)
{
    stream *const st = context;
    atomic_fetch_sub(&st->srv->sse_clients, 1);
    tft_text_free(&st->pending);
    tft_text_free(&st->data);
    free(st->servers);
    free(st);
}

/* "<start>-<number>" of this process: where to go on. Anything else: a reset. */
static void resume(stream *st, const char *last_id)
{
    st->seen = events_newest(st->srv->events);
    if (last_id == NULL || last_id[0] == '\0')
        return;
    unsigned long long start = 0, number = 0;
    char rest = '\0';
    if (sscanf(last_id, "%llx-%llu%c", &start, &number, &rest) == 2 &&
        start == (unsigned long long)st->srv->started_ms && number <= st->seen)
        st->seen = number;
    else
        put_reset(st, st->seen, &st->pending);
}

static bool take_kind(void *context, const char *item, size_t n)
{
    for (size_t k = 0; k < EVENT_N_KINDS; k++) {
        if (strlen(event_kind_names[k]) == n && memcmp(event_kind_names[k], item, n) == 0) {
            *(unsigned *)context |= 1u << k;
            return true;
        }
    }
    return false;
}

static bool take_name(void *context, const char *item, size_t n)
{
    (void)context, (void)item;
    return n <= FLEET_NAME_MAX;
}

static void route_events(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    unsigned kinds = 0;
    const char *const servers = http_query(request, "servers");
    if (!api_each_item(request, reply, "types", "kinds of events by commas", take_kind, &kinds) ||
        !api_each_item(request, reply, "servers", "names by commas", take_name, NULL))
        return;
    if (servers != NULL && strlen(servers) > MAX_NAMES_BYTES) {
        api_bad_parameter(request, reply, "servers", "at most 4096 bytes");
        return;
    }
    stream *const st = calloc(1, sizeof *st);
    const bool room = atomic_fetch_add(&srv->sse_clients, 1) < MAX_STREAMS;
    if (st != NULL && servers != NULL)
        st->servers = strdup(servers);
    if (!room || st == NULL || (servers != NULL && st->servers == NULL)) {
        atomic_fetch_sub(&srv->sse_clients, 1);
        free(st != NULL ? st->servers : NULL);
        free(st);
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "There are %d listeners already", MAX_STREAMS);
        http_reply_field(reply, "Retry-After", "10");
        return;
    }
    st->srv = srv;
    st->kinds = kinds != 0 ? kinds : ~0u;
    st->spoken_s = tft_monotonic_s();
    st->pending = tft_text_new(2 * EVENTS_MAX_BYTES);
    st->data = tft_text_new(EVENTS_MAX_BYTES);
    tft_text_puts(&st->pending, "retry: 3000\n\n");
    resume(st, http_header(request, "Last-Event-ID"));
    reply->content_type = "text/event-stream";
    reply->stream = read_stream;
    reply->release = free_stream;
    reply->release_context = st;
    http_reply_field(reply, "Cache-Control", "no-store");
    http_reply_field(reply, "X-Accel-Buffering", "no"); // nginx must not hold events back
}

static const http_parameter of_events[] = {
    {"types", API_STRING, "forecast alert warmup server model config heartbeat, by commas", NULL, false},
    {"servers", API_STRING, "Names, by commas: of events about a server only those", NULL, false},
    {0}};

const http_route routes_events[] = {{.path = "/api/v1/events",
                                     .method = HTTP_GET,
                                     .role = ROLE_READ,
                                     .handler = route_events,
                                     .parameters = of_events,
                                     .tag = "Events",
                                     .summary = "News as they happen (Server-Sent Events)",
                                     .produces = "text/event-stream",
                                     .statuses = "200 503"},
                                    {0}};
