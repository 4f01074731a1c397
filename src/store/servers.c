/* servers.c - what people change about one server: profile, state, labels; and forgetting it. See store.h.
 *
 * Each is a transaction of its own, made while nobody else writes.
 */
#include <stdio.h>
#include <string.h>

#include "store/database_servers.h"
#include "store/internal.h"

#define GAP '\001' // names of forgotten servers begin with it; no client can send one

bool store_is_gap(const char *name, size_t n)
{
    return n > 0 && name[0] == GAP;
}

bool store_is_forgotten(const store *s, uint32_t server)
{
    return server < s->names.n && store_is_gap(s->names.servers[server].name, s->names.servers[server].length);
}

/* The pending facts of a server become its row. */
static tft_status put_row(store *s, uint32_t index, tft_error *err)
{
    const name_entry *const entry = &s->names.servers[index];
    const name_facts *const f = &entry->pending;
    const database_server row = {(int64_t)index + 1, entry->name, entry->length, f->profile,
                                 f->state,           f->records,  f->first_ms,   f->newest_ms};
    return database_put_server(s->db, &row, err);
}

static tft_status change(store *s, uint32_t index, const store_change *wanted, tft_error *err)
{
    name_facts *const facts = names_touch(&s->names, index);
    if (facts == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to change a server");
    facts->profile = wanted->profile >= 0 ? wanted->profile : facts->profile;
    facts->state = wanted->state >= 0 ? wanted->state : facts->state;
    tft_status status = put_row(s, index, err);
    if (status == TFT_OK && wanted->set_labels)
        status = database_put_labels(s->db, (int64_t)index + 1, wanted->labels, err);
    return status;
}

tft_status store_change_server(store *s, const char *name, size_t n, const store_change *wanted, tft_error *err)
{
    store_begin_writing(s);
    const uint32_t index = names_find(&s->names, name, n);
    tft_status status = index == NAMES_NONE ? tft_fail(err, TFT_ERR_NOT_FOUND, "no such server") : TFT_OK;
    if (status == TFT_OK) {
        const database_counters counters = s->counters;
        status = database_begin(s->db, err);
        if (status == TFT_OK)
            status = change(s, index, wanted, err);
        if (status == TFT_OK)
            status = database_commit(s->db, err);
        if (status == TFT_OK)
            store_settle(s, &counters);
        else
            store_undo(s, status);
    }
    store_end_writing(s);
    return status;
}

tft_status store_forget_server(store *s, const char *name, size_t n, size_t *n_records, tft_error *err)
{
    *n_records = 0;
    store_begin_writing(s);
    const uint32_t index = names_find(&s->names, name, n);
    tft_status status = index == NAMES_NONE ? tft_fail(err, TFT_ERR_NOT_FOUND, "no such server") : TFT_OK;
    if (status == TFT_OK) {
        char gap[32];
        snprintf(gap, sizeof gap, "%c%u", GAP, index);
        database_counters counters = s->counters;
        status = database_begin(s->db, err);
        if (status == TFT_OK)
            status = database_forget_server(s->db, (int64_t)index + 1, name, n, gap, n_records, err);
        counters.window_size -= (int64_t)*n_records;
        if (status == TFT_OK)
            status = database_set_counters(s->db, &counters, err);
        if (status == TFT_OK)
            status = names_rename(&s->names, index, gap, err);
        if (status == TFT_OK)
            status = database_commit(s->db, err);
        if (status == TFT_OK) {
            const name_facts nothing = {.profile = -1, .first_ms = INT64_MAX, .newest_ms = INT64_MIN};
            s->names.servers[index].committed = s->names.servers[index].pending = nothing;
            s->counting_void = true; // what is being counted may hold its records
            store_settle(s, &counters);
        } else {
            names_rename(&s->names, index, name, NULL); // as the database still has it
            store_undo(s, status);
        }
    }
    store_end_writing(s);
    return status;
}

tft_status store_each_labels(store *s, void (*visit)(void *context, uint32_t server, const char *labels), void *context,
                             tft_error *err)
{
    store_begin_writing(s);
    const tft_status status = database_each_labels(s->db, visit, context, err);
    store_end_writing(s);
    return status;
}
