/* track_log.c - see track_log.h: each call is one transaction of the store's writer. */
#include "store/track_log.h"

#include "store/database_track.h"
#include "store/internal.h"

tft_status store_put_set(store *s, store_set *set, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    bool known = false;
    if (status == TFT_OK) {
        status = database_put_set(s->db, set, err);
        known = status == TFT_ERR_BUSY && err->text[0] == '\0';
    }
    status = store_end_transaction(s, known ? TFT_OK : status, err);
    return known && status == TFT_OK ? TFT_ERR_BUSY : status;
}

tft_status store_put_forecasts(store *s, int64_t set, const store_forecast *rows, size_t n, bool complete,
                               tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    for (size_t i = 0; i < n && status == TFT_OK;) { // row by row there would be a statement to prepare for each
        size_t end = i;
        while (end < n && !store_is_forgotten(s, rows[end].server))
            end++;
        status = database_put_forecasts(s->db, set, rows + i, end - i, false, err);
        i = end + 1;
    }
    if (status == TFT_OK && complete)
        status = database_put_forecasts(s->db, set, NULL, 0, true, err);
    return store_end_transaction(s, status, err);
}

tft_status store_due_set(store *s, int64_t before_ms, store_set *set, tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_due_set(s->db, before_ms, set, err);
    store_end_writing(s);
    return status;
}

tft_status store_each_forecast(store *s, int64_t set, int64_t from, size_t limit,
                               void (*visit)(void *context, const store_forecast *row), void *context, tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_each_forecast(s->db, set, from, limit, visit, context, err);
    store_end_writing(s);
    return status;
}

tft_status store_add_scores(store *s, int64_t set, int64_t scored_to, const store_score *rows, size_t n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    for (size_t i = 0; i < n && status == TFT_OK;) {
        size_t end = i;
        while (end < n && (rows[end].group < 0 || !store_is_forgotten(s, (uint32_t)rows[end].group)))
            end++;
        status = database_add_scores(s->db, s->columns, rows + i, end - i, err);
        i = end + 1;
    }
    if (status == TFT_OK)
        status = database_mark_scored(s->db, set, scored_to, err);
    return store_end_transaction(s, status, err);
}

tft_status store_forget_track(store *s, int64_t cutoff_ms, int64_t scores_cutoff_ms, int64_t max_rows, size_t limit,
                              size_t *n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_forget_sets(s->db, cutoff_ms, max_rows, limit, n, err);
    if (status == TFT_OK)
        status = database_forget_scores(s->db, scores_cutoff_ms, err);
    return store_end_transaction(s, status, err);
}
