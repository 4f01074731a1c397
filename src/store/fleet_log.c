/* fleet_log.c - see fleet_log.h: each call is one transaction of the store's writer. */
#include "store/fleet_log.h"

#include "store/database_fleet.h"
#include "store/internal.h"

tft_status store_put_incidents(store *s, const store_incidents *servers, size_t n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        if (!store_is_forgotten(s, servers[i].server))
            status = database_put_incidents(s->db, &servers[i], 1, err);
    }
    return store_end_transaction(s, status, err);
}

tft_status store_put_environment(store *s, const store_environment *rows, size_t n, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_put_environment(s->db, rows, n, err);
    return store_end_transaction(s, status, err);
}

tft_status store_forget_fleet(store *s, int64_t cutoff_ms, tft_error *err)
{
    tft_status status = store_begin_transaction(s, err);
    if (status == TFT_OK)
        status = database_forget_fleet(s->db, cutoff_ms, err);
    return store_end_transaction(s, status, err);
}
