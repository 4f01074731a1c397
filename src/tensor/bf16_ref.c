/* bf16_ref.c - what the products in bfloat16 mean: both factors are rounded to bfloat16, the rest is float32's own definition.
 *
 * The oracle of tests/tensor/test_bf16.c, and what runs where a processor has no such product: right, and slow. The packed weights of
 * this form are the rounded weights as they lie. See tensor.h for shapes and bf16_avx512bf16.c for the fast form.
 */
#include <math.h>
#include <string.h>

#include "tensor/kernels.h"

/* To the nearest of 8 bits of mantissa, ties to even; what is below 2⁻¹²⁶ becomes a zero of its sign, and NaN stays NaN. */
float tft_bf16_round(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t exponent = bits >> 23 & 0xFF;
    if (exponent == 0)
        bits &= UINT32_C(0x80000000);
    else if (isnan(x))
        bits |= UINT32_C(0x00400000);
    else
        bits += UINT32_C(0x7FFF) + (bits >> 16 & 1);
    bits &= UINT32_C(0xFFFF0000);
    memcpy(&x, &bits, sizeof x);
    return x;
}

void tft_ref_linear_pack_bf16(const float *w, size_t in, size_t out, float *packed)
{
    for (size_t i = 0; i < in * out; i++)
        packed[i] = tft_bf16_round(w[i]);
}

static double product(const float *x, const float *w, size_t in, double sum)
{
    for (size_t i = 0; i < in; i++)
        sum += (double)tft_bf16_round(x[i]) * (double)w[i];
    return sum;
}

void tft_ref_linear_bf16(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                         size_t out, float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++)
        for (size_t o = 0; o < out; o++)
            y[r * ldy + o] = (float)product(x + r * ldx, packed + o * in, in, b != NULL ? (double)b[o] : 0.0);
}

void tft_ref_linear_bf16_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                             size_t out, float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++)
        for (size_t o = 0; o < out; o++)
            y[r * ldy + o] = (float)product(x + r * ldx, packed + o * in, in,
                                            (double)y[r * ldy + o] + (b != NULL ? (double)b[o] : 0.0));
}
