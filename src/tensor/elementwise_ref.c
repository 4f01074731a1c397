/* elementwise_ref.c - what the element-wise kernels mean, through libm in double, rounded once.
 *
 * The oracle of tests/tensor; elementwise.inc is what runs. Dropout's hash is integers only: it is the same on
 * every instruction set, bit by bit.
 */
#include <math.h>

#include "tensor/hash.h"
#include "tensor/kernels.h"

void tft_ref_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void tft_ref_axpy(float *y, float a, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)y[i] + (double)a * (double)x[i]);
}

void tft_ref_scale(float *y, float a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= a;
}

void tft_ref_mul(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] * b[i];
}

void tft_ref_exp(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)exp((double)x[i]);
}

void tft_ref_sigmoid(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(1.0 / (1.0 + exp(-(double)x[i])));
}

void tft_ref_tanh(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)tanh((double)x[i]);
}

void tft_ref_elu(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0.0f ? x[i] : (float)expm1((double)x[i]);
}

void tft_ref_elu_backward(float *dx, const float *y, const float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double slope = y[i] > 0.0f ? 1.0 : (double)y[i] + 1.0;
        dx[i] = (float)((double)dx[i] + (double)dy[i] * slope);
    }
}

float tft_ref_dot(const float *a, const float *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

double tft_ref_sum_squares(const float *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}

void tft_ref_dropout_mask(float *mask, size_t n, float p, uint64_t key)
{
    const tft_dropout_key k = tft_dropout_key_of(p, key);
    for (size_t i = 0; i < n; i++)
        mask[i] = tft_dropout_hash(&k, (uint64_t)i) >= k.threshold ? k.keep : 0.0f;
}
