/* slots.c - laying out, reusing and publishing snapshots. See slots.h. */
#include "forecast/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHELF_FIRST ((size_t)64 << 10)
#define SHELF_BYTES ((size_t)256 << 10) // of a fleet of a hundred
#define SHELF_LARGE                                                                                                    \
    ((size_t)1 << 20)   // of a fleet of thousands; malloc() maps it on its own, so that free() gives it back
#define LARGE_FLEET 512 // servers
#define NO_SHELF SIZE_MAX

struct slot_shelf {
    size_t size, used;
    size_t holders; // slots
    size_t place;   // in the uses of the slot that has held it last: a guess
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
        all->slot[i].filling = NO_SHELF;
        atomic_init(&all->slot[i].readers, 0);
    }
    atomic_init(&all->current, &all->slot[0]);
}

/* Holds a shelf no longer; who was the last frees it. */
static void leave_shelf(slot_shelf *shelf)
{
    if (--shelf->holders == 0)
        free(shelf);
}

static void leave_shelves(snapshot_slot *slot)
{
    for (size_t i = 0; i < slot->n_uses; i++)
        leave_shelf(slot->uses[i].shelf);
    free(slot->uses);
    slot->uses = NULL;
    slot->n_uses = slot->uses_capacity = 0;
    slot->filling = NO_SHELF;
}

void slots_free(slots *all)
{
    for (size_t i = 0; i < SLOTS_N; i++) {
        assert(atomic_load(&all->slot[i].readers) == 0);
        tft_arena_free(&all->slot[i].arena);
        leave_shelves(&all->slot[i]);
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
    const size_t metrics = slot->s.n_metrics, targets = slot->s.n_targets;
    slot->servers = tft_arena_alloc(a, n, sizeof *slot->servers);
    slot->present = tft_arena_alloc(a, n, metrics * sizeof *slot->present);
    slot->current = tft_arena_alloc(a, n, metrics * sizeof *slot->current);
    slot->current_ms = tft_arena_alloc(a, n, metrics * sizeof *slot->current_ms);
    slot->trend = tft_arena_alloc(a, n, targets * sizeof *slot->trend);
    slot->failed = tft_arena_alloc(a, n, sizeof *slot->failed);
    slot->packed_n = tft_arena_alloc(a, n, sizeof *slot->packed_n);
    slot->use_of = tft_arena_alloc(a, n, sizeof *slot->use_of);
}

/* A server's pointers into the arrays are set once: they depend on its place alone. */
static void link_servers(snapshot_slot *slot)
{
    const size_t metrics = slot->s.n_metrics, targets = slot->s.n_targets;
    for (size_t i = 0; i < slot->capacity; i++) {
        snapshot_server *s = &slot->servers[i];
        s->present = slot->present + i * metrics;
        s->current = slot->current + i * metrics;
        s->current_ms = slot->current_ms + i * metrics;
        s->trend = slot->trend + i * targets;
    }
    slot->s.servers = slot->servers;
}

static void drop_arrays(snapshot_slot *slot)
{
    tft_arena_free(&slot->arena);
    slot->capacity = 0;
    slot->servers = NULL;
    slot->s.servers = NULL;
    slot->s.n_servers = 0;
}

tft_status slot_reserve(snapshot_slot *slot, size_t n, tft_error *err)
{
    if (n <= slot->capacity)
        return TFT_OK;
    const size_t capacity = n < 32 ? 32 : n + n / 16;
    tft_arena count = {0};
    lay_out(&count, slot, capacity);
    drop_arrays(slot); // first: both together would be the peak of the whole process
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
    size_t kept = 0;
    for (size_t i = 0; i < slot->n_uses; i++) {
        slot_shelf *const shelf = slot->uses[i].shelf;
        if (shelf->holders > 1) { // another snapshot has forecasts on it
            leave_shelf(shelf);
            continue;
        }
        shelf->used = 0;
        slot->uses[kept++] = (shelf_use){.shelf = shelf};
    }
    slot->n_uses = kept;
    slot->filling = kept > 0 ? 0 : NO_SHELF;
}

static tft_status no_memory(const snapshot_slot *slot, tft_error *err)
{
    return tft_fail(err, TFT_ERR_MEMORY, "no memory for forecasts of %zu servers", slot->s.n_servers);
}

/* One more shelf among the uses; its place, or NO_SHELF without memory. */
static size_t add_use(snapshot_slot *slot, slot_shelf *shelf)
{
    if (slot->n_uses == slot->uses_capacity) {
        const size_t capacity = slot->uses_capacity * 2 + 8;
        shelf_use *const uses = realloc(slot->uses, capacity * sizeof *uses);
        if (uses == NULL)
            return NO_SHELF;
        slot->uses = uses;
        slot->uses_capacity = capacity;
    }
    slot->uses[slot->n_uses] = (shelf_use){.shelf = shelf};
    shelf->holders++;
    shelf->place = slot->n_uses;
    return slot->n_uses++;
}

static size_t add_shelf(snapshot_slot *slot, size_t n)
{
    const size_t usual = slot->capacity > LARGE_FLEET ? SHELF_LARGE : slot->n_uses == 0 ? SHELF_FIRST : SHELF_BYTES;
    const size_t size = n > usual ? n : usual;
    slot_shelf *const fresh = malloc(sizeof *fresh + size + TFT_BITS_SLACK);
    if (fresh == NULL)
        return NO_SHELF;
    *fresh = (slot_shelf){.size = size};
    const size_t place = add_use(slot, fresh);
    if (place == NO_SHELF)
        free(fresh);
    return place;
}

/* Whether the slot may put n bytes on its use i: it is alone on that shelf, and there is room. */
static bool has_room(const snapshot_slot *slot, size_t i, size_t n)
{
    const slot_shelf *const shelf = slot->uses[i].shelf;
    return shelf->holders == 1 && shelf->size - shelf->used >= n;
}

/* The next shelf that has room for n bytes; a new one where the last is full. */
static size_t use_for(snapshot_slot *slot, size_t n)
{
    size_t i = slot->filling == NO_SHELF ? slot->n_uses : slot->filling;
    while (i < slot->n_uses && !has_room(slot, i, n))
        i++;
    if (i == slot->n_uses)
        i = add_shelf(slot, n);
    slot->filling = i;
    return i;
}

static void point(snapshot_slot *slot, size_t server, size_t use, const unsigned char *at, size_t n, size_t curve_at)
{
    slot->servers[server].packed = at;
    slot->servers[server].curve = at + curve_at;
    slot->packed_n[server] = (uint32_t)n;
    slot->use_of[server] = (uint32_t)use;
    slot->uses[use].live += n;
}

tft_status slot_put_packed(snapshot_slot *slot, size_t server, const unsigned char *packed, size_t n, size_t curve_at,
                           tft_error *err)
{
    assert(server < slot->capacity && curve_at <= n);
    const size_t use = use_for(slot, n);
    if (use == NO_SHELF)
        return no_memory(slot, err);
    slot_shelf *const shelf = slot->uses[use].shelf;
    unsigned char *const at = shelf->bytes + shelf->used;
    memcpy(at, packed, n);
    shelf->used += n;
    point(slot, server, use, at, n, curve_at);
    return TFT_OK;
}

/* The place of a shelf of another slot among the uses. */
static size_t hold(snapshot_slot *slot, slot_shelf *shelf)
{
    if (shelf->place < slot->n_uses && slot->uses[shelf->place].shelf == shelf)
        return shelf->place;
    for (size_t i = 0; i < slot->n_uses; i++) // the guess was of the other slot
        if (slot->uses[i].shelf == shelf)
            return shelf->place = i;
    return add_use(slot, shelf);
}

tft_status slot_take_packed(snapshot_slot *slot, size_t server, const snapshot_slot *from, tft_error *err)
{
    assert(server < slot->capacity && server < from->capacity);
    const shelf_use *const there = &from->uses[from->use_of[server]];
    const unsigned char *const at = from->servers[server].packed;
    const size_t n = from->packed_n[server], curve_at = (size_t)(from->servers[server].curve - at);
    if (there->shelf->size < SHELF_LARGE || there->live < there->shelf->size / 2)
        return slot_put_packed(slot, server, at, n, curve_at, err);
    const size_t use = hold(slot, there->shelf);
    if (use == NO_SHELF)
        return no_memory(slot, err);
    point(slot, server, use, at, n, curve_at);
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

/* Bytes of its arrays and shelves; of a shelf that it shares, its part. */
static size_t bytes_of(const snapshot_slot *slot)
{
    size_t bytes = slot->arena.size + slot->uses_capacity * sizeof *slot->uses;
    for (size_t i = 0; i < slot->n_uses; i++)
        bytes += (sizeof *slot->uses[i].shelf + slot->uses[i].shelf->size) / slot->uses[i].shelf->holders;
    return bytes;
}

void slots_give_back(slots *all, const snapshot_slot *except)
{
    const snapshot_slot *const current = atomic_load(&all->current);
    for (size_t i = 0; i < SLOTS_N; i++) {
        snapshot_slot *const slot = &all->slot[i];
        if (slot == current || slot == except || atomic_load(&slot->readers) > 0 || bytes_of(slot) < SLOTS_KEPT_BYTES)
            continue;
        drop_arrays(slot);
        leave_shelves(slot);
    }
}

size_t slots_bytes(const slots *all)
{
    size_t bytes = sizeof *all;
    for (size_t i = 0; i < SLOTS_N; i++) {
        bytes += bytes_of(&all->slot[i]) + all->slot[i].alerts_capacity * (sizeof(alert) + sizeof(uint32_t)) +
                 all->slot[i].ended_capacity * sizeof(alert);
    }
    return bytes;
}
