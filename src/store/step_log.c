/* step_log.c - see step_log.h. */
#include "store/step_log.h"

#include "base/clock.h"
#include "store/database_steps.h"
#include "store/step_blocks.h"
#include "store/tally.h"

tft_status step_log_mark(store *s, int64_t time_ms, tft_error *err)
{
    const int64_t step_ms = tft_floor_to(time_ms, s->step_ms);
    for (size_t i = 0; i < STORE_MARKED; i++) {
        if (s->marked_ms[i] == step_ms)
            return TFT_OK;
    }
    const tft_status status = database_mark_step(s->db, step_ms, err);
    if (status != TFT_OK)
        return status;
    s->marked_ms[s->next_marked++ % STORE_MARKED] = step_ms;
    s->counted_again = s->counted_again || step_ms == s->counting_ms;
    return TFT_OK;
}

void step_log_unmark(store *s)
{
    for (size_t i = 0; i < STORE_MARKED; i++)
        s->marked_ms[i] = INT64_MIN;
}

/* A server that came after the count had begun has marked the step anew: it is in the next one. */
static tft_status add(void *context, const database_record *row, tft_error *err)
{
    tally *const sums = context;
    return row->server > (int64_t)sums->n_servers ? TFT_OK : tally_add(sums, row, false, err);
}

/* Takes the newest due step that has ended. *step_ms is INT64_MIN where there is none. */
static tft_status take(store *s, int64_t before_ms, int64_t *step_ms, tally *sums, tft_error *err)
{
    size_t n_metrics = 0;
    store_begin_writing(s);
    tft_status status = database_due_step(s->db, before_ms, step_ms, err);
    if (status == TFT_OK && *step_ms != INT64_MIN)
        status = database_count_metrics(s->db, &n_metrics, err);
    if (status == TFT_OK && *step_ms != INT64_MIN) {
        status = tally_init(sums, s->names.n, n_metrics, err);
        step_log_unmark(s);
        s->counting_ms = *step_ms;
        s->counted_again = s->counting_void = false;
    }
    store_end_writing(s);
    return status;
}

typedef struct writing {
    store *s;
    const tally *sums;
    size_t i;
    int64_t step_ms;
    tft_status status;
    tft_error *err;
    database_logged_step row;
} writing;

/* The next server's row, of those whose step is not sealed. */
static const database_logged_step *next_row(void *context)
{
    writing *const w = context;
    while (w->status == TFT_OK && w->i < w->sums->n_seen) {
        bool sealed = false;
        tally_logged(w->sums, w->i++, w->step_ms, &w->row);
        w->status = database_is_sealed(w->s->db, w->step_ms, w->row.server, &sealed, w->err);
        if (w->status == TFT_OK && !sealed)
            return &w->row;
    }
    return NULL;
}

tft_status step_log_put(store *s, const tally *sums, int64_t step_ms, tft_error *err)
{
    writing w = {.s = s, .sums = sums, .step_ms = step_ms, .err = err};
    const tft_status status = database_log_steps(s->db, step_blocks_of(s, step_ms), next_row, &w, err);
    return status == TFT_OK ? w.status : status;
}

static tft_status keep(store *s, const tally *sums, int64_t step_ms, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK && !s->counting_void)
        status = step_log_put(s, sums, step_ms, err);
    if (status == TFT_OK && !s->counted_again && !s->counting_void)
        status = database_unmark_step(s->db, step_ms, err);
    s->counting_ms = INT64_MIN;
    return store_end_transaction(s, status, err);
}

tft_status step_log_count(store *s, tft_error *err)
{
    const double until = tft_monotonic_s() + STEP_LOG_PATIENCE_S;
    int64_t before_ms = s->now_ms() - s->step_ms + 1, step_ms = INT64_MIN;
    tft_status status = TFT_OK;
    do {
        tally sums = {0};
        status = take(s, before_ms, &step_ms, &sums, err);
        if (status == TFT_OK && step_ms != INT64_MIN) {
            status = database_each_record(s->beside, step_ms, step_ms + s->step_ms, add, &sums, err);
            if (status == TFT_OK)
                status = keep(s, &sums, step_ms, err);
        }
        tally_free(&sums);
        before_ms = step_ms; // one that is due again is the next round's
    } while (status == TFT_OK && step_ms != INT64_MIN && tft_monotonic_s() < until);
    return status;
}
