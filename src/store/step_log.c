/* step_log.c - see step_log.h. */
#include "store/step_log.h"

#include "base/clock.h"
#include "store/database_steps.h"
#include "store/tally.h"

#define FORGET_BATCH 5000
#define TOO_FULL 0.95 // share of max_bytes; from 0.9 on raw records are sealed early (retention.c)

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

static tft_status add(void *context, const database_record *row, tft_error *err)
{
    return tally_add(context, row, false, err);
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

static tft_status keep(store *s, const tally *sums, int64_t step_ms, tft_error *err)
{
    writing w = {.s = s, .sums = sums, .step_ms = step_ms, .err = err};
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK && !s->counting_void)
        status = database_log_steps(s->db, next_row, &w, err);
    if (status == TFT_OK)
        status = w.status;
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

tft_status step_log_forget(store *s, tft_error *err)
{
    const int64_t cutoff_ms = s->now_ms() - s->retention_steps_ms;
    size_t n = FORGET_BATCH;
    tft_status status = TFT_OK;
    while (n == FORGET_BATCH && status == TFT_OK) {
        status = store_begin_transaction(s, err);
        if (status == TFT_OK)
            status = database_forget_step_log(s->db, cutoff_ms, FORGET_BATCH, &n, err);
        status = store_end_transaction(s, status, err);
    }
    for (n = 1; n > 0 && status == TFT_OK;) {
        uint64_t bytes = 0;
        int64_t oldest = INT64_MAX;
        n = 0;
        status = store_begin_transaction(s, err);
        if (status == TFT_OK)
            status = database_bytes(s->db, &bytes, err);
        const bool full = s->max_bytes > 0 && (double)bytes > TOO_FULL * (double)s->max_bytes;
        if (status == TFT_OK && full)
            status = database_oldest_logged(s->db, &oldest, err);
        if (status == TFT_OK && full && oldest != INT64_MAX)
            status = database_forget_step_log(s->db, oldest + 288 * s->step_ms, FORGET_BATCH, &n, err);
        status = store_end_transaction(s, status, err);
    }
    return status;
}
