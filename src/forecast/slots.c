/* slots.c - laying out, reusing and publishing snapshots. See slots.h. */
#include "forecast/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHELF_BYTES ((size_t)256 << 10) // of a fleet of a hundred
#define SHELF_FIRST ((size_t)64 << 10)

struct slot_shelf {
    slot_shelf *next;
    size_t size, used;
    unsigned char bytes[];
};

void slots_init(slots *all, const tft_contract *contract)
{
    memset(all, 0, sizeof *all);
    for (size_t i = 0; i < SLOTS_N; i++) {
        forecast_snapshot *s = &all->slot[i].s;
        s->n_metrics = contract->n_metrics;
        s->n_targets = tft_contract_targets(contract);
        s->horizon = contract->horizon;
        s->step_ms = contract->step_ms;
        s->contract = contract;
        atomic_init(&all->slot[i].readers, 0);
    }
    atomic_init(&all->current, &all->slot[0]);
}

void slots_free(slots *all)
{
    for (size_t i = 0; i < SLOTS_N; i++) {
        assert(atomic_load(&all->slot[i].readers) == 0);
        tft_arena_free(&all->slot[i].arena);
        for (slot_shelf *shelf = all->slot[i].shelves, *next; shelf != NULL; shelf = next) {
            next = shelf->next;
            free(shelf);
        }
        free(all->slot[i].alerts);
        free(all->slot[i].ended);
        free(all->slot[i].order);
    }
    memset(all, 0, sizeof *all);
}

snapshot_slot *slots_free_one(slots *all)
{
    const snapshot_slot *current = atomic_load(&all->current);
    snapshot_slot *best = NULL;
    for (size_t i = 0; i < SLOTS_N; i++) {
        snapshot_slot *slot = &all->slot[i];
        if (slot != current && atomic_load(&slot->readers) == 0 && (best == NULL || slot->capacity > best->capacity))
            best = slot; // one that has memory already before one that has none
    }
    return best;
}

static void lay_out(tft_arena *a, snapshot_slot *slot, size_t n)
{
    const size_t metrics = slot->s.n_metrics, targets = slot->s.n_targets, horizon = slot->s.horizon;
    slot->servers = tft_arena_alloc(a, n, sizeof *slot->servers);
    slot->present = tft_arena_alloc(a, n, metrics * sizeof *slot->present);
    slot->current = tft_arena_alloc(a, n, metrics * sizeof *slot->current);
    slot->current_ms = tft_arena_alloc(a, n, metrics * sizeof *slot->current_ms);
    slot->trend = tft_arena_alloc(a, n, targets * sizeof *slot->trend);
    slot->incident = tft_arena_alloc(a, n, horizon * sizeof *slot->incident);
    slot->failed = tft_arena_alloc(a, n, sizeof *slot->failed);
    slot->packed_n = tft_arena_alloc(a, n, sizeof *slot->packed_n);
}

/* A server's pointers into the arrays are set once: they depend on its place alone. */
static void link_servers(snapshot_slot *slot)
{
    const size_t metrics = slot->s.n_metrics, targets = slot->s.n_targets, horizon = slot->s.horizon;
    for (size_t i = 0; i < slot->capacity; i++) {
        snapshot_server *s = &slot->servers[i];
        s->present = slot->present + i * metrics;
        s->current = slot->current + i * metrics;
        s->current_ms = slot->current_ms + i * metrics;
        s->trend = slot->trend + i * targets;
        s->incident = slot->incident + i * horizon;
    }
    slot->s.servers = slot->servers;
}

tft_status slot_reserve(snapshot_slot *slot, size_t n, tft_error *err)
{
    if (n <= slot->capacity)
        return TFT_OK;
    const size_t capacity = n < 32 ? 32 : n + n / 8;
    tft_arena count = {0};
    lay_out(&count, slot, capacity);
    tft_arena_free(&slot->arena); // first: both together would be the peak of the whole process
    slot->capacity = 0;
    slot->s.n_servers = 0;
    const tft_status status = tft_arena_init(&slot->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    lay_out(&slot->arena, slot, capacity);
    slot->capacity = capacity;
    link_servers(slot);
    return TFT_OK;
}

void slot_clear_packed(snapshot_slot *slot)
{
    for (slot_shelf *shelf = slot->shelves; shelf != NULL; shelf = shelf->next)
        shelf->used = 0;
    slot->shelf = slot->shelves;
}

/* The next shelf that has room for n bytes; a new one where the last is full. */
static slot_shelf *shelf_for(snapshot_slot *slot, size_t n)
{
    slot_shelf **at = slot->shelf != NULL ? &slot->shelf : &slot->shelves;
    while (*at != NULL && (*at)->size - (*at)->used < n)
        at = &(*at)->next;
    if (*at == NULL) {
        const size_t usual = slot->shelves == NULL ? SHELF_FIRST : SHELF_BYTES, size = n > usual ? n : usual;
        slot_shelf *const fresh = malloc(sizeof *fresh + size + TFT_BITS_SLACK);
        if (fresh == NULL)
            return NULL;
        fresh->next = NULL;
        fresh->size = size;
        fresh->used = 0;
        *at = fresh;
    }
    slot->shelf = *at;
    return *at;
}

tft_status slot_put_packed(snapshot_slot *slot, size_t server, const unsigned char *packed, size_t n, tft_error *err)
{
    assert(server < slot->capacity);
    slot_shelf *const shelf = shelf_for(slot, n);
    if (shelf == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for forecasts of %zu servers", slot->s.n_servers);
    unsigned char *const at = shelf->bytes + shelf->used;
    memcpy(at, packed, n);
    shelf->used += n;
    slot->servers[server].packed = at;
    slot->packed_n[server] = (uint32_t)n;
    return TFT_OK;
}

tft_status slot_reserve_alerts(snapshot_slot *slot, size_t n, tft_error *err)
{
    if (n <= slot->alerts_capacity)
        return TFT_OK;
    const size_t capacity = n < 16 ? 16 : n + n / 2;
    alert *alerts = realloc(slot->alerts, tft_mul_sat(capacity, sizeof *alerts));
    if (alerts != NULL)
        slot->alerts = alerts;
    uint32_t *order = realloc(slot->order, tft_mul_sat(capacity, sizeof *order));
    if (order != NULL)
        slot->order = order;
    if (alerts == NULL || order == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu alerts", capacity);
    slot->alerts_capacity = capacity;
    return TFT_OK;
}

tft_status slot_reserve_ended(snapshot_slot *slot, size_t n, tft_error *err)
{
    if (n <= slot->ended_capacity)
        return TFT_OK;
    const size_t capacity = n < 16 ? 16 : n + n / 2;
    alert *const ended = realloc(slot->ended, tft_mul_sat(capacity, sizeof *ended));
    if (ended == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu alerts", capacity);
    slot->ended = ended;
    slot->ended_capacity = capacity;
    return TFT_OK;
}

void slot_link_alerts(snapshot_slot *slot)
{
    slot->s.alerts = slot->alerts;
    slot->s.ended = slot->ended;
    slot->s.alert_order = slot->order;
}

void slots_publish(slots *all, snapshot_slot *slot)
{
    slot_link_alerts(slot);
    atomic_store(&all->current, slot);
}

snapshot_slot *slots_current(slots *all)
{
    return atomic_load(&all->current);
}

const forecast_snapshot *slots_acquire(slots *all)
{
    for (;;) {
        snapshot_slot *slot = atomic_load(&all->current);
        atomic_fetch_add(&slot->readers, 1);
        if (atomic_load(&all->current) == slot)
            return &slot->s;
        atomic_fetch_sub(&slot->readers, 1); // it was replaced meanwhile: the next one
    }
}

void slots_release(slots *all, const forecast_snapshot *snapshot)
{
    for (size_t i = 0; i < SLOTS_N; i++)
        if (&all->slot[i].s == snapshot) {
            const size_t before = atomic_fetch_sub(&all->slot[i].readers, 1);
            assert(before > 0);
            (void)before;
            return;
        }
    assert(snapshot == NULL);
}

size_t slots_bytes(const slots *all)
{
    size_t bytes = sizeof *all;
    for (size_t i = 0; i < SLOTS_N; i++) {
        for (const slot_shelf *shelf = all->slot[i].shelves; shelf != NULL; shelf = shelf->next)
            bytes += sizeof *shelf + shelf->size;
        bytes += all->slot[i].arena.size + all->slot[i].alerts_capacity * (sizeof(alert) + sizeof(uint32_t)) +
                 all->slot[i].ended_capacity * sizeof(alert);
    }
    return bytes;
}
