/* packed.h - a layer's weights in the order that the products read, in float32 or in bfloat16.
 *
 * Float32 is what everything is made in, and packing changes no bit of it. In bfloat16 a product takes half the time where the processor has an
 * instruction for it (tensor/tensor.h), and its factors lose all but 8 bits of mantissa: for evaluation alone, and only where
 * tft_model_set_precision() asked for it (docs/decisions/022-bf16.md says which products that are, and what it costs).
 *
 * Memory: in the arena of the model; the same for both. Threads: written when weights change, else only read.
 */
#ifndef TFT_TFT_PACKED_H
#define TFT_TFT_PACKED_H

#include "tensor/tensor.h"
#include "tft/parameters.h"

typedef struct tft_packed {
    float *panels; // tft_linear_packed_floats(); NULL in a struct of gradients
    bool bf16;     // what stands there, from the next tft_packed_fill() on
} tft_packed;

/* Room for [out, in], in a model; none in a struct of gradients. */
static inline tft_packed tft_builder_packed(tft_builder *builder, size_t in, size_t out)
{
    return (tft_packed){.panels = builder->derived ? tft_arena_floats(builder->arena, tft_linear_packed_floats(in, out))
                                                   : NULL};
}

static inline void tft_packed_fill(const tft_packed *packed, const float *w, size_t in, size_t out)
{
    if (packed->bf16)
        tft_linear_pack_bf16(w, in, out, packed->panels);
    else
        tft_linear_pack(w, in, out, packed->panels);
}

/* y = x wᵀ + b with the weights packed before, or, where there is no memory for that, as they are. */
static inline void tft_linear_by(const float *x, size_t ldx, const float *w, tft_packed packed, const float *b,
                                 size_t n, size_t in, size_t out, float *y, size_t ldy)
{
    if (packed.panels == NULL)
        tft_linear(x, ldx, w, b, n, in, out, y, ldy);
    else if (packed.bf16)
        tft_linear_bf16(x, ldx, packed.panels, b, n, in, out, y, ldy);
    else
        tft_linear_packed(x, ldx, packed.panels, b, n, in, out, y, ldy);
}

/* The same, added to y. */
static inline void tft_linear_add_by(const float *x, size_t ldx, const float *w, tft_packed packed, const float *b,
                                     size_t n, size_t in, size_t out, float *y, size_t ldy)
{
    if (packed.panels == NULL)
        tft_linear_add(x, ldx, w, b, n, in, out, y, ldy);
    else if (packed.bf16)
        tft_linear_bf16_add(x, ldx, packed.panels, b, n, in, out, y, ldy);
    else
        tft_linear_packed_add(x, ldx, packed.panels, b, n, in, out, y, ldy);
}

#endif
