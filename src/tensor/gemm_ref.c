/* gemm_ref.c - what the matrix products mean: the loops of the formulas, summed in double, rounded once.
 *
 * The oracle of tests/tensor and nothing else; gemm.inc is what runs. See tensor.h for shapes.
 */
#include <string.h>

#include "tensor/kernels.h"

void tft_ref_linear(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                    float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = b != NULL ? (double)b[o] : 0.0;
            for (size_t i = 0; i < in; i++)
                sum += (double)x[r * ldx + i] * (double)w[o * in + i];
            y[r * ldy + o] = (float)sum;
        }
    }
}

void tft_ref_linear_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                        float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t o = 0; o < out; o++) {
            double sum = (double)y[r * ldy + o] + (b != NULL ? (double)b[o] : 0.0);
            for (size_t i = 0; i < in; i++)
                sum += (double)x[r * ldx + i] * (double)w[o * in + i];
            y[r * ldy + o] = (float)sum;
        }
    }
}

void tft_ref_linear_backward(const float *x, size_t ldx, const float *w, const float *dy, size_t lddy, size_t n,
                             size_t in, size_t out, float *dx, size_t lddx, float *dw, float *db)
{
    if (dx != NULL)
        tft_ref_matmul_nn(dy, lddy, w, in, n, in, out, 1.0f, 1.0f, dx, lddx);
    tft_ref_matmul_tn(dy, lddy, x, ldx, out, in, n, 1.0f, 1.0f, dw, in);
    for (size_t o = 0; db != NULL && o < out; o++) {
        double sum = (double)db[o];
        for (size_t r = 0; r < n; r++)
            sum += (double)dy[r * lddy + o];
        db[o] = (float)sum;
    }
}

/* alpha · sum + beta · c; c is not read where beta is 0, so that it may hold anything (NaN too). */
static float blend(float alpha, double sum, float beta, float c)
{
    return (float)((double)alpha * sum + (beta != 0.0f ? (double)beta * (double)c : 0.0));
}

void tft_ref_matmul_nt(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                       float alpha, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (size_t t = 0; t < k; t++)
                sum += (double)a[i * lda + t] * (double)b[j * ldb + t];
            c[i * ldc + j] = blend(alpha, sum, beta, c[i * ldc + j]);
        }
    }
}

void tft_ref_matmul_nn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                       float alpha, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (size_t t = 0; t < k; t++)
                sum += (double)a[i * lda + t] * (double)b[t * ldb + j];
            c[i * ldc + j] = blend(alpha, sum, beta, c[i * ldc + j]);
        }
    }
}

void tft_ref_matmul_tn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k,
                       float alpha, float beta, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (size_t t = 0; t < k; t++)
                sum += (double)a[t * lda + i] * (double)b[t * ldb + j];
            c[i * ldc + j] = blend(alpha, sum, beta, c[i * ldc + j]);
        }
    }
}

void tft_ref_linear_pack(const float *w, size_t in, size_t out, float *packed)
{
    if (in > 0 && out > 0)
        memcpy(packed, w, in * out * sizeof *w); // the reference reads weights as they are
}

void tft_ref_linear_packed(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                           size_t out, float *y, size_t ldy)
{
    tft_ref_linear(x, ldx, packed, b, n, in, out, y, ldy);
}

void tft_ref_linear_packed_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                               size_t out, float *y, size_t ldy)
{
    tft_ref_linear_add(x, ldx, packed, b, n, in, out, y, ldy);
}
