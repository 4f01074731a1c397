/* recent.c - see recent.h. */
#include "store/recent.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/read_ahead.h"

#define NEVER INT64_MIN
#define FEW                                                                                                            \
    2 // servers that want a step are asked for one by one: a look at a key is less than half of reading a record

tft_status recent_init(recent *r, const store *s, size_t n_recent, tft_error *err)
{
    const size_t n = s->names.n > 0 ? s->names.n : 1;
    *r = (recent){.s = s, .n_servers = s->names.n, .n_recent = n_recent};
    r->steps = calloc(n * n_recent, sizeof *r->steps);
    r->records = calloc(n * n_recent, sizeof *r->records);
    r->n_seen = calloc(n, sizeof *r->n_seen);
    r->with_value = calloc(n * s->n_metrics, sizeof *r->with_value);
    if (!r->steps || !r->records || !r->n_seen || !r->with_value) {
        recent_free(r);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to find the newest records of %zu servers", n);
    }
    for (size_t i = 0; i < n * s->n_metrics; i++)
        r->with_value[i] = NEVER;
    return TFT_OK;
}

void recent_free(recent *r)
{
    free(r->steps);
    free(r->records);
    free(r->n_seen);
    free(r->with_value);
    *r = (recent){0};
}

void recent_note(recent *r, uint32_t server, int64_t step, uint16_t records, const uint16_t *value_counts)
{
    const size_t m = r->s->n_metrics, at = server * r->n_recent + r->n_seen[server]++ % r->n_recent;
    r->steps[at] = step;
    r->records[at] = records;
    for (size_t i = 0; i < m; i++) {
        if (value_counts[i] > 0)
            r->with_value[server * m + i] = step;
    }
}

/* ---- what is wanted ------------------------------------------------------------------------------------- */

typedef struct want {
    int64_t step;
    uint32_t server;
    uint32_t newest; // so many of the step's newest records; 0 = all
} want;

typedef struct wants {
    const recent *r;
    const int64_t *due_ms;
    size_t n_due;
    const store_visitor *to;
    int64_t whole_from; // steps from here on have all their records
    size_t n;
    want *items;        // [n] by step
    bool *looks_behind; // [n_servers] something of it may be before whole_from
    size_t n_behind;
    int64_t step; // whose servers have now[server] == step
    int64_t *now; // [n_servers]
    size_t next;  // of items: the first one behind `step`
} wants;

static int by_step(const void *left, const void *right)
{
    const want *const a = left, *const b = right;
    if (a->step != b->step)
        return a->step > b->step ? 1 : -1;
    if (a->server != b->server)
        return a->server > b->server ? 1 : -1;
    return (a->newest > b->newest) - (a->newest < b->newest);
}

/* Of a server that wants a step twice, what asks for more is left. */
static void drop_doubles(wants *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) { // 0, which is all, comes first
        if (n == 0 || w->items[n - 1].step != w->items[i].step || w->items[n - 1].server != w->items[i].server)
            w->items[n++] = w->items[i];
    }
    w->n = n;
}

/* Its newest steps until there are enough records; false where there are not. */
static bool want_newest(wants *w, uint32_t server)
{
    const recent *const r = w->r;
    const size_t n = r->n_seen[server] < r->n_recent ? r->n_seen[server] : r->n_recent;
    size_t n_records = 0;
    for (size_t back = 1; back <= n && n_records < r->n_recent; back++) {
        const size_t at = server * r->n_recent + (r->n_seen[server] - back) % r->n_recent;
        if (r->steps[at] < w->whole_from)
            break;
        w->items[w->n++] = (want){r->steps[at], server, (uint32_t)(r->n_recent - n_records)};
        n_records += r->records[at];
    }
    return n_records >= r->n_recent;
}

static bool want_values(wants *w, uint32_t server)
{
    const size_t m = w->r->s->n_metrics;
    bool all = true;
    for (size_t i = 0; i < m; i++) {
        const int64_t step = w->r->with_value[server * m + i];
        if (step != NEVER && step >= w->whole_from)
            w->items[w->n++] = (want){step, server, 0};
        else
            all = false;
    }
    return all;
}

static void find_wants(wants *w)
{
    const store *const s = w->r->s;
    for (uint32_t i = 0; i < w->r->n_servers; i++) {
        const bool newest = want_newest(w, i), values = want_values(w, i);
        const int64_t first_ms = s->names.servers[i].committed.first_ms;
        w->looks_behind[i] = (!newest || !values) && first_ms < s->sealed_end_ms;
        w->n_behind += w->looks_behind[i];
    }
    qsort(w->items, w->n, sizeof *w->items, by_step);
    drop_doubles(w);
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static int compare_times(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static bool is_due(const wants *w, int64_t step_ms)
{
    return w->n_due > 0 && bsearch(&step_ms, w->due_ms, w->n_due, sizeof *w->due_ms, compare_times) != NULL;
}

static tft_status check_server(const wants *w, const database_record *row, tft_error *err)
{
    return row->server >= 1 && (uint64_t)row->server <= w->r->n_servers
               ? TFT_OK
               : tft_fail(err, TFT_ERR_FORMAT, "a record of server number %lld, which is not in table servers",
                          (long long)row->server);
}

static tft_status visit_wanted(void *context, const database_record *row, tft_error *err)
{
    wants *const w = context;
    const store *const s = w->r->s;
    const int64_t step = tft_floor_to(row->time_ms, s->step_ms) / s->step_ms;
    const tft_status status = check_server(w, row, err);
    if (status != TFT_OK)
        return status;
    if (step != w->step) {
        w->step = step;
        for (; w->next < w->n && w->items[w->next].step <= step;
             w->next++) // a step whose records are gone is passed over
            w->now[w->items[w->next].server] = w->items[w->next].step;
    }
    return w->now[row->server - 1] == step ? store_give_record(s, w->to, row, err) : TFT_OK;
}

static tft_status visit_behind(void *context, const database_record *row, tft_error *err)
{
    wants *const w = context;
    const store *const s = w->r->s;
    const tft_status status = check_server(w, row, err);
    return status == TFT_OK && w->looks_behind[row->server - 1] && !is_due(w, tft_floor_to(row->time_ms, s->step_ms))
               ? store_give_record(s, w->to, row, err)
               : status;
}

/* How many want the same step as items[i], from there on. */
static size_t count_same(const wants *w, size_t i)
{
    size_t n = 0;
    while (i + n < w->n && w->items[i + n].step == w->items[i].step)
        n++;
    return n;
}

/* The steps that many want and that are not due as spans, neighbours as one. */
static size_t find_spans(const wants *w, read_ahead_span *spans)
{
    const int64_t step_ms = w->r->s->step_ms;
    size_t n = 0;
    for (size_t i = 0, same; i < w->n; i += same) {
        const int64_t from_ms = w->items[i].step * step_ms;
        same = count_same(w, i);
        if (same <= FEW || is_due(w, from_ms))
            continue;
        if (n > 0 && spans[n - 1].to_ms == from_ms)
            spans[n - 1].to_ms += step_ms;
        else
            spans[n++] = (read_ahead_span){from_ms, from_ms + step_ms};
    }
    return n;
}

static tft_status visit_one(void *context, const database_record *row, tft_error *err)
{
    const wants *const w = context;
    return store_give_record(w->r->s, w->to, row, err);
}

/* What is wanted of steps that few want. */
static tft_status read_few(wants *w, tft_error *err)
{
    const store *const s = w->r->s;
    tft_status status = TFT_OK;
    for (size_t i = 0, same; i < w->n; i += same) {
        const int64_t from_ms = w->items[i].step * s->step_ms;
        same = count_same(w, i);
        for (size_t k = i; k < i + same && same <= FEW && !is_due(w, from_ms) && status == TFT_OK; k++) {
            const database_span of = {from_ms, from_ms + s->step_ms, (int64_t)w->items[k].server + 1};
            status = database_newest_records(s->db, &of, w->items[k].newest, visit_one, w, err);
        }
    }
    return status;
}

static tft_status read_wanted(wants *w, read_ahead_span *spans, tft_error *err)
{
    const store *const s = w->r->s;
    size_t n_metrics = 0;
    tft_status status = database_count_metrics(s->db, &n_metrics, err);
    const size_t n_spans = find_spans(w, spans);
    if (status == TFT_OK && n_spans > 0)
        status = read_ahead_each_record(s->beside, spans, n_spans, n_metrics, visit_wanted, w, err);
    if (status == TFT_OK)
        status = read_few(w, err);
    const read_ahead_span behind = {INT64_MIN, s->sealed_end_ms};
    if (status == TFT_OK && w->n_behind > 0)
        status = read_ahead_each_record(s->beside, &behind, 1, n_metrics, visit_behind, w, err);
    return status;
}

tft_status recent_give(const recent *r, const int64_t *due_ms, size_t n_due, const store_visitor *to, tft_error *err)
{
    const store *const s = r->s;
    const size_t n = r->n_servers > 0 ? r->n_servers : 1, most = n * (r->n_recent + s->n_metrics);
    wants w = {.r = r, .due_ms = due_ms, .n_due = n_due, .to = to, .step = NEVER};
    w.whole_from = s->sealed_end_ms == INT64_MIN ? INT64_MIN : s->sealed_end_ms / s->step_ms;
    w.items = calloc(most, sizeof *w.items);
    w.looks_behind = calloc(n, sizeof *w.looks_behind);
    w.now = calloc(n, sizeof *w.now);
    for (size_t i = 0; w.now != NULL && i < n; i++)
        w.now[i] = NEVER;
    tft_status status = TFT_OK;
    read_ahead_span *spans = NULL;
    if (w.items != NULL && w.looks_behind != NULL && w.now != NULL) {
        find_wants(&w);
        spans = calloc(w.n + 1, sizeof *spans);
    }
    status = spans != NULL ? read_wanted(&w, spans, err)
                           : tft_fail(err, TFT_ERR_MEMORY, "no memory to find the newest records of %zu servers", n);
    free(spans);
    free(w.items);
    free(w.looks_behind);
    free(w.now);
    return status;
}
