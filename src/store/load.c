/* load.c - store_load(): all that is there: servers, sealed steps, raw records and the steps that they make. A restart reads less
 * (restart.c), and gets the same out of it.
 *
 * Raw records are added up step by step on the way (they come ordered by time), so the caller gets whole steps and no
 * second pass is needed. A thread reads them from the connection beside the writer's while this one adds up what came before
 * (read_ahead.h). Where a step is sealed, that row stands for it, and its leftover records are not added again.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/internal.h"
#include "store/read_ahead.h"
#include "store/tally.h"

typedef struct load_context {
    store *s;
    const store_visitor *to;
    tally sums;
    int64_t step_ms; // the step that `sums` holds; INT64_MIN = none
} load_context;

void store_step_values(const store *s, const database_logged_step *row, float *means, uint16_t *counts)
{
    for (size_t m = 0; m < s->n_metrics; m++) {
        const size_t c = s->columns[m];
        const bool there = c < row->n_values && row->counts[c] > 0;
        means[m] = there ? row->means[c] : NAN;
        counts[m] = !there ? 0 : row->counts[c] > UINT16_MAX ? UINT16_MAX : (uint16_t)row->counts[c];
    }
}

uint16_t store_step_records(const database_logged_step *row)
{
    return row->records > UINT16_MAX ? UINT16_MAX : (uint16_t)row->records;
}

tft_status store_give_record(const store *s, const store_visitor *to, const database_record *row, tft_error *err)
{
    double values[TFT_MAX_METRICS];
    for (size_t m = 0; m < s->n_metrics; m++)
        values[m] = s->columns[m] < row->n_values ? row->values[s->columns[m]] : NAN;
    return to->record(to->context, (uint32_t)(row->server - 1), row->time_ms, values, (tft_state)row->state, err);
}

/* One database step in the contract's order. */
static tft_status give_step(const load_context *load, const database_step *row, tft_error *err)
{
    const store *const s = load->s;
    float means[TFT_MAX_METRICS];
    uint16_t counts[TFT_MAX_METRICS];
    if (row->server < 1 || (uint64_t)row->server > s->names.n)
        return tft_fail(err, TFT_ERR_FORMAT, "a step of server number %lld, which is not in table servers",
                        (long long)row->server);
    for (size_t m = 0; m < s->n_metrics; m++) {
        const size_t c = s->columns[m];
        const bool there = c < row->n_values && row->value_counts[c] > 0;
        means[m] = there ? row->means[c] : NAN;
        counts[m] = there ? row->value_counts[c] : 0;
    }
    const uint16_t records = row->records > UINT16_MAX ? UINT16_MAX : (uint16_t)row->records;
    return load->to->step(load->to->context, (uint32_t)(row->server - 1), row->time_ms / s->step_ms, means, counts,
                          records, (tft_state)row->state, err);
}

static tft_status visit_sealed(void *context, const database_step *row, tft_error *err)
{
    return row->n_values > 0 ? give_step(context, row, err) : TFT_OK;
}

static tft_status give_tally(load_context *load, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < load->sums.n_seen && status == TFT_OK; i++) {
        database_step row;
        tally_step(&load->sums, i, load->step_ms, &row);
        bool sealed = false;
        if (load->step_ms < load->s->sealed_end_ms)
            status = database_is_sealed(load->s->db, load->step_ms, row.server, &sealed, err);
        if (status == TFT_OK && !sealed)
            status = give_step(load, &row, err);
    }
    tally_clear(&load->sums);
    return status;
}

static tft_status visit_raw(void *context, const database_record *row, tft_error *err)
{
    load_context *const load = context;
    const store *const s = load->s;
    const int64_t step_ms = tft_floor_to(row->time_ms, s->step_ms);
    tft_status status = TFT_OK;
    if (step_ms != load->step_ms && load->to->step != NULL)
        status = give_tally(load, err);
    load->step_ms = step_ms;
    if (status == TFT_OK)
        status = tally_add(&load->sums, row, false, err);
    if (status != TFT_OK || load->to->record == NULL)
        return status;
    return store_give_record(s, load->to, row, err);
}

tft_status store_give_servers(const store *s, const store_visitor *to, tft_error *err)
{
    for (size_t i = 0; i < s->names.n; i++) {
        const name_entry *const entry = &s->names.servers[i];
        const name_facts *const facts = &entry->committed;
        const store_server server = {
            (uint32_t)i,    entry->name,     entry->length,   facts->profile, (tft_state)facts->state,
            facts->records, facts->first_ms, facts->newest_ms};
        const tft_status status = to->server(to->context, &server, err);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

tft_status store_load(store *s, int64_t from_ms, const store_visitor *visitor, tft_error *err)
{
    load_context load = {.s = s, .to = visitor, .step_ms = INT64_MIN};
    const read_ahead_span all = {from_ms, INT64_MAX};
    size_t n_metrics = 0;
    store_begin_writing(s);
    tft_status status = visitor->server != NULL ? store_give_servers(s, visitor, err) : TFT_OK;
    if (status == TFT_OK)
        status = database_count_metrics(s->db, &n_metrics, err);
    if (status == TFT_OK)
        status = tally_init(&load.sums, s->names.n, n_metrics, err);
    if (status == TFT_OK && visitor->step != NULL)
        status = database_each_step(s->db, from_ms, visit_sealed, &load, err);
    if (status == TFT_OK && (visitor->step != NULL || visitor->record != NULL))
        status = read_ahead_each_record(s->beside, &all, 1, n_metrics, visit_raw, &load, err);
    if (status == TFT_OK && visitor->step != NULL)
        status = give_tally(&load, err);
    tally_free(&load.sums);
    store_end_writing(s);
    return status;
}
