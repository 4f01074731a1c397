/* resample_norm.h - brings a row of n values to m values: interpolation, a trainable mask, layer normalisation.
 *
 * pytorch-forecasting's ResampleNorm, the skip of a GRN whose width changes and the whole transformation of a
 * categorical variable. For one row x of n values, j = 0 … m−1:
 *     z_j = ((1 − f_j) x[lo_j] + f_j x[lo_j + 1]) · 2σ(mask_j),   y = LayerNorm(z)
 * with end points aligned: position j(n−1)/(m−1), lo its whole and f its fractional part. Positions are worked out in
 * integers, once: in float32 a position near 160 is only good to 8e-6 (tests/golden/README.md, section 2).
 * With n = m there is no interpolation, only mask and normalisation. Interpolation and mask together are one small
 * matrix [m, n] with at most two entries a row, so both directions are matrix products: the kernels do those best.
 *
 * Shapes:  x [N, in] with ldx floats from row to row, y [N, out].
 * Memory:  the caller owns every buffer. Threads: weights are only read; a tape and a tmp per thread.
 */
#ifndef TFT_TFT_RESAMPLE_NORM_H
#define TFT_TFT_RESAMPLE_NORM_H

#include "tft/carve.h"
#include "tft/parameters.h"

typedef struct tft_resample { // also holds gradients: same fields, same shapes
    size_t in, out;
    uint32_t *lo;           // [out] left neighbour of each position
    float *fraction;        // [out] weight of the right neighbour; 0 where there is none
    float *mask;            // [out]
    float *norm_w, *norm_b; // [out]
} tft_resample;

typedef struct tft_resample_tape {
    float *z;       // [N, out] before the normalisation
    float *normed;  // [N, out]
    float *inv_std; // [N]
} tft_resample_tape;

/* Tensors "<name>.mask", "<name>.norm.weight", "<name>.norm.bias". */
void tft_resample_define(tft_builder *builder, tft_resample *w, const char *name, size_t in, size_t out);

/* Exact positions of the interpolation from `in` to `out` points. */
void tft_resample_positions(size_t in, size_t out, uint32_t *lo, float *fraction);

void tft_resample_tape_carve(tft_carve *carve, const tft_resample *w, size_t n, bool keep, tft_resample_tape *tape);
size_t tft_resample_tmp(const tft_resample *w); // floats, whatever the number of rows

/* The two halves: z = x · matrixᵀ into tape->z, then y = LayerNorm(z). */
void tft_resample_product(const tft_resample *w, const float *x, size_t ldx, size_t n, tft_resample_tape *tape,
                          float *tmp);
void tft_resample_normalise(const tft_resample *w, size_t n, tft_resample_tape *tape, float *y);
/* dz [N, out] is overwritten. dx [N, in], with lddx floats from row to row, and `grad` are added to. */
void tft_resample_normalise_backward(const tft_resample *w, size_t n, const tft_resample_tape *tape, const float *dy,
                                     tft_resample *grad, float *dz);
void tft_resample_product_backward(const tft_resample *w, size_t n, const tft_resample_tape *tape, const float *dz,
                                   tft_resample *grad, float *dx, size_t lddx, float *tmp);

/* factor [out] = 2σ(mask); matrix [out, in]: z = x · matrixᵀ. */
void tft_resample_matrix(const tft_resample *w, float *factor, float *matrix);

#endif
