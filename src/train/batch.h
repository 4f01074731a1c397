/* batch.h - windows in memory, and several of them packed into one batch of the network.
 *
 * A slot holds one window as tft_window_build() leaves it: rows for the longest context, mostly unused by a short
 * history. A pack is what the network reads: the used rows of up to `capacity` slots side by side, padded to the longest
 * encoder among them, so that a batch of short histories costs little. Anchors, nine tenths of a window's bytes, stay in the slots.
 *
 * Letters: B windows, E encoder steps, T decoder steps, M targets, Q outputs, K anchors.
 * Memory:  laid out in an arena of the caller's, once; nothing is allocated afterwards.
 * Threads: a slot or a pack belongs to one thread at a time.
 */
#ifndef TFT_TRAIN_BATCH_H
#define TFT_TRAIN_BATCH_H

#include "base/arena.h"
#include "tft/model.h"
#include "tft/window.h"

typedef struct tft_batch_shape {
    size_t context, horizon, n_static, n_encoder, n_decoder, n_codes, n_targets, n_outputs, n_anchors, n_anchor_values,
        n_signs;
} tft_batch_shape;

tft_batch_shape tft_batch_shape_of(const tft_config *config, size_t context, size_t horizon);

typedef struct tft_slot {
    tft_window window;
    float *target_scaled, *cell_weight; // [T, M]; NULL without truth
    uint32_t event_step, at_risk;
    bool ok; // the window was built
} tft_slot;

void tft_slot_layout(tft_arena *arena, const tft_batch_shape *shape, bool truth, tft_slot *slot);

typedef struct tft_pack {
    tft_batch_shape shape;
    size_t capacity;
    uint32_t *encoder_lengths, *decoder_lengths;
    float *static_reals, *encoder_reals, *decoder_reals, *target_scale, *signs;
    tft_anchor *anchors; // [capacity, M, K], pointing at the slots' values: a pack is good as long as they stay
    int32_t *static_codes, *encoder_codes, *decoder_codes;
    float *target_scaled, *cell_weight; // NULL without truth
    uint32_t *event_step, *at_risk;
    tft_batch batch; // points at the arrays above, filled by tft_pack_fill
    tft_truth truth;
} tft_pack;

void tft_pack_layout(tft_arena *arena, const tft_batch_shape *shape, size_t capacity, bool truth, tft_pack *pack);

/* Packs n ≤ capacity slots with `steps` decoder steps each (1 … horizon). Cannot fail. */
void tft_pack_fill(tft_pack *pack, const tft_slot *const *slots, size_t n, size_t steps, float hazard_weight,
                   float horizon_weight);

#endif
