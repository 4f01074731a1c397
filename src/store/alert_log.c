/* alert_log.c - see alert_log.h: each call is one transaction of the store's writer. */
#include "store/alert_log.h"

#include "store/database_alerts.h"
#include "store/internal.h"

tft_status store_put_alerts(store *s, const store_alert_batch *batch, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_put_alerts(s->db, batch->alerts, batch->n_alerts, err);
    if (status == TFT_OK)
        status = database_forget_alerts(s->db, batch->forgotten, batch->n_forgotten, err);
    if (status == TFT_OK)
        status = database_put_deliveries(s->db, batch->deliveries, batch->n_deliveries, err);
    return store_end_transaction(s, status, err);
}

tft_status store_each_alert(store *s, const store_alert_query *query,
                            void (*visit)(void *context, const store_alert *alert), void *context, tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_find_alerts(s->db, query, visit, context, err);
    store_end_writing(s);
    return status;
}

tft_status store_find_alert(store *s, const char *id, store_alert *alert, tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_find_alert(s->db, id, alert, err);
    store_end_writing(s);
    return status;
}

tft_status store_acknowledge(store *s, const char *id, const store_ack *ack, tft_error *err)
{
    size_t n = 0;
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_acknowledge(s->db, id, ack, &n, err);
    status = store_end_transaction(s, status, err);
    return status == TFT_OK && n == 0 ? TFT_ERR_NOT_FOUND : status;
}

tft_status store_forget_alerts(store *s, int64_t cutoff_ms, size_t limit, size_t *n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_prune_alerts(s->db, cutoff_ms, limit, n, err);
    return store_end_transaction(s, status, err);
}

tft_status store_each_delivery(store *s, void (*visit)(void *context, const store_delivery *delivery), void *context,
                               tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_each_delivery(s->db, visit, context, err);
    store_end_writing(s);
    return status;
}

tft_status store_put_silence(store *s, const store_silence *silence, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_put_silence(s->db, silence, err);
    return store_end_transaction(s, status, err);
}

tft_status store_delete_silence(store *s, const char *id, tft_error *err)
{
    size_t n = 0;
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_delete_silence(s->db, id, &n, err);
    status = store_end_transaction(s, status, err);
    return status == TFT_OK && n == 0 ? TFT_ERR_NOT_FOUND : status;
}

tft_status store_each_silence(store *s, void (*visit)(void *context, const store_silence *silence), void *context,
                              tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_each_silence(s->db, visit, context, err);
    store_end_writing(s);
    return status;
}

tft_status store_mark_maintenance(store *s, const store_maintenance *spans, size_t n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        if (!store_is_forgotten(s, spans[i].server))
            status = database_put_maintenance(s->db, &spans[i], 1, err);
    }
    return store_end_transaction(s, status, err);
}

tft_status store_each_maintenance(store *s, uint32_t server, int64_t from_ms, int64_t to_ms,
                                  void (*visit)(void *context, const store_maintenance *span), void *context,
                                  tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_each_maintenance(s->db, server, from_ms, to_ms, visit, context, err);
    store_end_writing(s);
    return status;
}
