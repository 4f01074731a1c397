/* slots.h - the memory of snapshots: a fixed number of slots, one of them current, filled again when nobody reads.
 *
 *     writer                                   reader
 *     slot = one that is not current and       do   s = current; s.readers += 1
 *            has readers = 0                   while current ≠ s  (else s.readers −= 1 and again)
 *     fill it                                  … read …
 *     current = slot                           s.readers −= 1
 *
 * Why this is safe: all four are sequentially consistent. A reader that still finds s current after it has counted itself
 * did so before the writer took `current` away from s, so the writer sees the count when it looks for a free slot. A
 * reader that comes too late counts itself for a moment and reads nothing. Slots live as long as the engine, so even that
 * touches valid memory.
 *
 * Packed forecasts differ in size; they lie one behind the other on shelves. A forecast that still holds is not copied: the new
 * snapshot points at where it lies, and its shelf is held by both. A shelf of which less than half is still of use is left behind: what
 * is taken over from it is copied. So forecasts take at most twice what they need, however long some of them hold. The forecasts of a
 * small fleet lie on small shelves and are copied always.
 *
 *     slot A   shelf 1 | shelf 2 |             servers point into them
 *     slot B             shelf 2 | shelf 3     those on 2 were taken over, the others are new
 *
 * Memory:  a slot's arrays are one arena, laid out for `capacity` servers. Two slots are in use while a forecast is made, a slow
 *          reader makes it three. Between forecasts a large fleet has one: what nobody reads any more is given back
 *          (slots_give_back), but for small fleets, which use it again.
 * Threads: one writer (it holds the engine's run_lock), any number of readers. Shelves are held and left by the writer alone.
 */
#ifndef TFTD_FORECAST_SLOTS_H
#define TFTD_FORECAST_SLOTS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "forecast/snapshot.h"

#define SLOTS_N 4

#define SLOTS_KEPT_BYTES ((size_t)1 << 20) // a slot that takes less is kept for its next forecast

typedef struct slot_shelf slot_shelf;

/* A shelf that a slot holds. */
typedef struct shelf_use {
    slot_shelf *shelf;
    size_t live; // bytes on it that this slot's servers point at
} shelf_use;

typedef struct snapshot_slot {
    forecast_snapshot s; // what readers see; its pointers are those below, const
    atomic_size_t readers;
    tft_arena arena; // everything but the alerts
    size_t capacity; // servers
    snapshot_server *servers;
    bool *present;                         // [capacity, n_metrics]
    double *current;                       // [capacity, n_metrics]
    int64_t *current_ms;                   // [capacity, n_metrics]
    double *trend;                         // [capacity, n_targets]
    uint8_t *failed;                       // [capacity] the network was tried and failed: not taken over
    uint32_t *packed_n;                    // [capacity] bytes of a server's packed forecast
    uint32_t *use_of;                      // [capacity] which of the uses it lies on
    shelf_use *uses;                       // [n_uses]
    size_t n_uses, uses_capacity, filling; // filling: the use that new forecasts are put on; n_uses = none
    size_t alerts_capacity, ended_capacity;
    alert *alerts, *ended;
    uint32_t *order;
    uint64_t model_generation, settings_generation; // what it was made with
} snapshot_slot;

typedef struct slots {
    snapshot_slot slot[SLOTS_N];
    _Atomic(snapshot_slot *) current;
} slots;

/* All slots empty; slot 0 is current, with an insufficient snapshot of the contract's shape. */
void slots_init(slots *all, const tft_contract *contract);
void slots_free(slots *all);

/* A slot to fill, or NULL where readers hold all of them. */
snapshot_slot *slots_free_one(slots *all);
/* Room for n servers; what it held is lost. */
tft_status slot_reserve(snapshot_slot *slot, size_t n, tft_error *err);
/* Makes the shelves empty: what was packed is lost. */
void slot_clear_packed(snapshot_slot *slot);
/* Copies a server's packed forecast into the slot: n bytes, its curve (packed.h) at curve_at. */
tft_status slot_put_packed(snapshot_slot *slot, size_t server, const unsigned char *packed, size_t n, size_t curve_at,
                           tft_error *err);
/* Takes a server's packed forecast over from another slot, which may be given back then. */
tft_status slot_take_packed(snapshot_slot *slot, size_t server, const snapshot_slot *from, tft_error *err);
/* Room for n alerts; those that it holds stay. */
tft_status slot_reserve_alerts(snapshot_slot *slot, size_t n, tft_error *err);
/* The same for alerts that have ended. */
tft_status slot_reserve_ended(snapshot_slot *slot, size_t n, tft_error *err);

/* Points the snapshot at the slot's alerts: before it is shown to anybody, the engine's hooks included. */
void slot_link_alerts(snapshot_slot *slot);

void slots_publish(slots *all, snapshot_slot *slot);
snapshot_slot *slots_current(slots *all); // for the writer
const forecast_snapshot *slots_acquire(slots *all);
void slots_release(slots *all, const forecast_snapshot *snapshot);
/* Gives back the memory of slots that nobody reads, but for the current one, `except` (may be NULL) and small ones. */
void slots_give_back(slots *all, const snapshot_slot *except);
size_t slots_bytes(const slots *all); // for the writer

#endif
