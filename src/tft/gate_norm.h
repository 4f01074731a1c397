/* gate_norm.h - gated skip: y = LayerNorm(skip + GLU(dropout(x))), equations 5, 17, 20, 22 of Lim et al. 2021.
 *
 *     (v ∥ g) = W x + b;   GLU = v ⊙ σ(g)
 *
 * Shapes: x [N, in], skip and y [N, out]. x is kept by the caller until backward; with dropout it is replaced by the
 * dropped x (in place).
 */
#ifndef TFT_TFT_GATE_NORM_H
#define TFT_TFT_GATE_NORM_H

#include "base/arena.h"
#include "tft/scratch.h"
#include "tft/weights.h"

typedef struct tft_dropout {
    float p;      // 0 = none
    uint64_t key; // differs at every place and step
} tft_dropout;

/* The dropout of another place of the same pass. */
static inline tft_dropout tft_dropout_at(tft_dropout d, uint64_t place)
{
    d.key = (d.key + place) * 0x9e3779b97f4a7c15u;
    d.key ^= d.key >> 29;
    return d;
}

typedef struct tft_gate_norm_tape {
    float *mask;       // [N, in], with dropout only
    float *glu, *gate; // [N, 2 out] pre-activations, [N, out] σ(g)
    float *normed, *inv_std;
} tft_gate_norm_tape;

void tft_gate_norm_tape_layout(tft_arena *arena, const tft_gate_norm_weights *w, size_t n, bool dropout,
                               tft_gate_norm_tape *tape);
void tft_gate_norm_forward(const tft_gate_norm_weights *w, float *x, const float *skip, size_t ldskip, size_t n,
                           tft_dropout dropout, const tft_gate_norm_tape *tape, tft_scratch *scratch, float *y);
/* dsum [N, out] receives the gradient of the sum inside the norm, which is that of the skip; dx [N, in] is overwritten. */
void tft_gate_norm_backward(const tft_gate_norm_weights *w, const float *x, size_t n, tft_dropout dropout,
                            const tft_gate_norm_tape *tape, const float *dy, tft_scratch *scratch,
                            tft_gate_norm_weights *grad, float *dx, float *dsum);

#endif
