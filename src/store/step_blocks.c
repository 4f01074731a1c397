/* step_blocks.c - see step_blocks.h. */
#include "store/step_blocks.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/database_blocks.h"

typedef struct packing {
    store *s;
    database_rows *rows;
    int64_t block, first, end; // servers first ≤ id < end
    tft_series series[STEP_BLOCKS_SERVERS];
    size_t i; // the next of them
    unsigned char bytes[TFT_STEP_BLOCK_MOST];
    database_block row;
} packing;

/* A counted step into its server's series, in the contract's order. */
static tft_status add(void *context, const database_logged_step *row, tft_error *err)
{
    packing *const p = context;
    const store *const s = p->s;
    float means[TFT_MAX_METRICS];
    uint16_t counts[TFT_MAX_METRICS];
    if (row->n_values == 0 || row->server < p->first || row->server >= p->end)
        return TFT_OK;
    store_step_values(s, row, means, counts);
    return tft_series_set(&p->series[row->server - p->first], row->time_ms / s->step_ms, means, counts,
                          store_step_records(row), (tft_state)row->state, err);
}

/* The next server's row, of those that have steps and are still known. */
static const database_block *next_row(void *context)
{
    packing *const p = context;
    while (p->i < (size_t)(p->end - p->first)) {
        const size_t at = p->i++;
        const int64_t server = p->first + (int64_t)at;
        if (p->series[at].n_steps == 0 || store_is_forgotten(p->s, (uint32_t)(server - 1)))
            continue;
        p->row = (database_block){server, p->bytes, tft_step_block_pack(&p->series[at], p->bytes)};
        return &p->row;
    }
    return NULL;
}

/* The block's rows of these servers; the last ones take the mark away. */
static tft_status make_part(packing *p, bool last, tft_error *err)
{
    tft_status status = TFT_OK;
    for (int64_t i = 0; i < TFT_STEP_BLOCK && status == TFT_OK; i++)
        status = database_rows_counted(p->rows, (p->block * TFT_STEP_BLOCK + i) * p->s->step_ms, p->first, p->end, add,
                                       p, err);
    if (status == TFT_OK) {
        p->i = 0;
        status = store_begin_transaction(p->s, err);
        if (status == TFT_OK)
            status = database_put_blocks(p->s->db, p->block, next_row, p, err);
        if (status == TFT_OK && last)
            status = database_unmark_block(p->s->db, p->block, err);
        status = store_end_transaction(p->s, status, err);
    }
    for (size_t i = 0; i < STEP_BLOCKS_SERVERS; i++) {
        tft_series_free(&p->series[i]);
        tft_series_init(&p->series[i], p->s->n_metrics, 0);
    }
    return status;
}

static tft_status make_block(packing *p, size_t n_servers, tft_error *err)
{
    tft_status status = TFT_OK;
    for (p->first = 1; p->first <= (int64_t)n_servers && status == TFT_OK; p->first = p->end) {
        p->end = p->first + STEP_BLOCKS_SERVERS;
        status = make_part(p, p->end > (int64_t)n_servers, err);
    }
    return status;
}

/* The newest due block below `before` that is to be packed; INT64_MIN where there is none. */
static tft_status find(store *s, int64_t before, int64_t *block, size_t *n_servers, tft_error *err)
{
    int64_t newest_ms = INT64_MIN;
    *block = INT64_MIN;
    store_begin_writing(s);
    *n_servers = s->names.n;
    tft_status status = database_newest_counted(s->db, &newest_ms, err);
    const int64_t newest = newest_ms == INT64_MIN ? INT64_MIN : step_blocks_of(s, newest_ms);
    if (status == TFT_OK && newest != INT64_MIN)
        status = database_due_block(s->db, before < newest ? before : newest, block, err);
    if (*block != INT64_MIN && *block < newest - STEP_BLOCKS_REACH)
        *block = INT64_MIN;
    store_end_writing(s);
    return status;
}

tft_status step_blocks_make(store *s, tft_error *err)
{
    const double until = tft_monotonic_s() + STEP_BLOCKS_PATIENCE_S;
    int64_t block = INT64_MAX;
    size_t n_servers = 0;
    packing *p = NULL;
    tft_status status = find(s, block, &block, &n_servers, err);
    if (status == TFT_OK && block != INT64_MIN) {
        p = calloc(1, sizeof *p);
        status = p != NULL ? database_rows_open(s->beside, &p->rows, err)
                           : tft_fail(err, TFT_ERR_MEMORY, "no memory to pack steps");
    }
    for (size_t i = 0; p != NULL && i < STEP_BLOCKS_SERVERS; i++)
        tft_series_init(&p->series[i], s->n_metrics, 0);
    while (status == TFT_OK && block != INT64_MIN && tft_monotonic_s() < until) {
        p->s = s;
        p->block = block;
        status = make_block(p, n_servers, err);
        if (status == TFT_OK)
            status = find(s, block, &block, &n_servers, err);
    }
    if (p != NULL)
        database_rows_close(p->rows);
    free(p);
    return status;
}
