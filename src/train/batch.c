/* batch.c - see batch.h. */
#include "train/batch.h"

#include <assert.h>
#include <string.h>

#include "series/anchors.h"

tft_batch_shape tft_batch_shape_of(const tft_config *config, size_t context, size_t horizon)
{
    return (tft_batch_shape){.context = context,
                             .horizon = horizon,
                             .n_static = config->static_inputs.n_reals,
                             .n_encoder = config->encoder_inputs.n_reals,
                             .n_decoder = config->decoder_inputs.n_reals,
                             .n_codes = config->n_categoricals,
                             .n_targets = config->n_targets,
                             .n_outputs = tft_config_outputs(config),
                             .n_anchors = config->n_anchors,
                             .n_anchor_values = tft_anchors_floats(config),
                             .n_signs = config->n_signs};
}

static int32_t *codes(tft_arena *arena, size_t n)
{
    return tft_arena_alloc(arena, n, sizeof(int32_t));
}

static uint32_t *numbers(tft_arena *arena, size_t n)
{
    return tft_arena_alloc(arena, n, sizeof(uint32_t));
}

void tft_slot_layout(tft_arena *arena, const tft_batch_shape *s, bool truth, tft_slot *slot)
{
    *slot = (tft_slot){0};
    slot->window = (tft_window){.static_reals = tft_arena_floats(arena, s->n_static),
                                .encoder_reals = tft_arena_floats(arena, s->context * s->n_encoder),
                                .decoder_reals = tft_arena_floats(arena, s->horizon * s->n_decoder),
                                .static_codes = codes(arena, s->n_codes),
                                .encoder_codes = codes(arena, s->context * s->n_codes),
                                .decoder_codes = codes(arena, s->horizon * s->n_codes),
                                .target_scale = tft_arena_floats(arena, s->n_targets * 2)};
    if (s->n_anchors > 0) {
        slot->window.anchors = tft_arena_alloc(arena, s->n_targets * s->n_anchors, sizeof *slot->window.anchors);
        slot->window.anchor_values = tft_arena_floats(arena, s->n_anchor_values);
    }
    if (s->n_signs > 0)
        slot->window.signs = tft_arena_floats(arena, s->n_signs);
    if (truth) {
        slot->target_scaled = tft_arena_floats(arena, s->horizon * s->n_targets);
        slot->cell_weight = tft_arena_floats(arena, s->horizon * s->n_targets);
    }
}

void tft_pack_layout(tft_arena *arena, const tft_batch_shape *s, size_t capacity, bool truth, tft_pack *pack)
{
    const size_t b = capacity;
    *pack = (tft_pack){.shape = *s, .capacity = capacity};
    pack->encoder_lengths = numbers(arena, b);
    pack->decoder_lengths = numbers(arena, b);
    pack->static_reals = tft_arena_floats(arena, b * s->n_static);
    pack->encoder_reals = tft_arena_floats(arena, b * s->context * s->n_encoder);
    pack->decoder_reals = tft_arena_floats(arena, b * s->horizon * s->n_decoder);
    pack->static_codes = codes(arena, b * s->n_codes);
    pack->encoder_codes = codes(arena, b * s->context * s->n_codes);
    pack->decoder_codes = codes(arena, b * s->horizon * s->n_codes);
    pack->target_scale = tft_arena_floats(arena, b * s->n_targets * 2);
    if (s->n_anchors > 0)
        pack->anchors = tft_arena_alloc(arena, b * s->n_targets * s->n_anchors, sizeof *pack->anchors);
    if (s->n_signs > 0)
        pack->signs = tft_arena_floats(arena, b * s->n_signs);
    if (truth) {
        pack->target_scaled = tft_arena_floats(arena, b * s->horizon * s->n_targets);
        pack->cell_weight = tft_arena_floats(arena, b * s->horizon * s->n_targets);
        pack->event_step = numbers(arena, b);
        pack->at_risk = numbers(arena, b);
    }
}

/* Row b of a packed array: `used` of the `row` values that a row has; the rest is 0. */
static void put(void *to, const void *from, size_t b, size_t row, size_t used)
{
    const size_t value = 4; // floats and codes alike
    unsigned char *const at = (unsigned char *)to + b * row * value;
    if (row == 0)
        return;
    if (used > 0)
        memcpy(at, from, used * value);
    memset(at + used * value, 0, (row - used) * value);
}

static void put_window(tft_pack *p, const tft_slot *slot, size_t b, size_t encoder, size_t steps)
{
    const tft_batch_shape *const s = &p->shape;
    const tft_window *const w = &slot->window;
    p->encoder_lengths[b] = w->encoder_length;
    p->decoder_lengths[b] = (uint32_t)steps;
    put(p->static_reals, w->static_reals, b, s->n_static, s->n_static);
    put(p->static_codes, w->static_codes, b, s->n_codes, s->n_codes);
    put(p->encoder_reals, w->encoder_reals, b, encoder * s->n_encoder, w->encoder_length * s->n_encoder);
    put(p->encoder_codes, w->encoder_codes, b, encoder * s->n_codes, w->encoder_length * s->n_codes);
    put(p->decoder_reals, w->decoder_reals, b, steps * s->n_decoder, steps * s->n_decoder);
    put(p->decoder_codes, w->decoder_codes, b, steps * s->n_codes, steps * s->n_codes);
    put(p->target_scale, w->target_scale, b, s->n_targets * 2, s->n_targets * 2);
    if (s->n_anchors > 0)
        memcpy(p->anchors + b * s->n_targets * s->n_anchors, w->anchors,
               s->n_targets * s->n_anchors * sizeof *w->anchors);
    put(p->signs, w->signs, b, s->n_signs, s->n_signs);
    if (p->cell_weight != NULL) {
        put(p->target_scaled, slot->target_scaled, b, steps * s->n_targets, steps * s->n_targets);
        put(p->cell_weight, slot->cell_weight, b, steps * s->n_targets, steps * s->n_targets);
        p->event_step[b] = slot->event_step <= steps ? slot->event_step : 0;
        p->at_risk[b] = slot->at_risk <= steps ? slot->at_risk : (uint32_t)steps;
    }
}

void tft_pack_fill(tft_pack *p, const tft_slot *const *slots, size_t n, size_t steps, float hazard_weight,
                   float horizon_weight)
{
    size_t encoder = 1;
    assert(n <= p->capacity && steps >= 1 && steps <= p->shape.horizon);
    for (size_t b = 0; b < n; b++)
        encoder = slots[b]->window.encoder_length > encoder ? slots[b]->window.encoder_length : encoder;
    for (size_t b = 0; b < n; b++)
        put_window(p, slots[b], b, encoder, steps);
    p->batch = (tft_batch){.n_windows = n,
                           .encoder_steps = encoder,
                           .decoder_steps = steps,
                           .encoder_lengths = p->encoder_lengths,
                           .decoder_lengths = p->decoder_lengths,
                           .static_reals = p->static_reals,
                           .encoder_reals = p->encoder_reals,
                           .decoder_reals = p->decoder_reals,
                           .static_codes = p->static_codes,
                           .encoder_codes = p->encoder_codes,
                           .decoder_codes = p->decoder_codes,
                           .target_scale = p->target_scale,
                           .anchors = p->anchors,
                           .signs = p->signs};
    p->truth = (tft_truth){.target_scaled = p->target_scaled,
                           .cell_weight = p->cell_weight,
                           .event_step = p->event_step,
                           .at_risk = p->at_risk,
                           .hazard_weight = hazard_weight,
                           .horizon_weight = horizon_weight};
}
