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
 * Memory:  a slot's arrays are one arena, laid out for `capacity` servers; they grow by an eighth more than needed and
 *          never shrink. Packed quantiles differ in size; they lie one behind the other in shelves, which are filled
 *          anew from the first one. Usually two slots are in use; a slow reader makes it three.
 * Threads: one writer (it holds the engine's run_lock), any number of readers.
 */
#ifndef TFTD_FORECAST_SLOTS_H
#define TFTD_FORECAST_SLOTS_H

#include <stdatomic.h>

#include "base/arena.h"
#include "forecast/snapshot.h"

#define SLOTS_N 4

typedef struct slot_shelf slot_shelf;

typedef struct snapshot_slot {
    forecast_snapshot s; // what readers see; its pointers are those below, const
    atomic_size_t readers;
    tft_arena arena; // everything but the alerts
    size_t capacity; // servers
    snapshot_server *servers;
    bool *present;               // [capacity, n_metrics]
    double *current;             // [capacity, n_metrics]
    int64_t *current_ms;         // [capacity, n_metrics]
    double *trend;               // [capacity, n_targets]
    float *incident;             // [capacity, horizon]
    uint8_t *failed;             // [capacity] the network was tried and failed: not taken over
    uint32_t *packed_n;          // [capacity] bytes of a server's packed quantiles
    slot_shelf *shelves, *shelf; // all of them; the one that is being filled
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
/* Copies a server's packed quantiles into the slot. */
tft_status slot_put_packed(snapshot_slot *slot, size_t server, const unsigned char *packed, size_t n, tft_error *err);
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
size_t slots_bytes(const slots *all); // for the writer

#endif
