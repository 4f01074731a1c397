/* scalar_ref.c - what the networks of one number mean: the formulas of tensor.h in double, a row at a time.
 *
 * The oracle of tests/tensor; scalar.inc is what runs.
 */
#include <math.h>
#include <string.h>

#include "tensor/hash.h"
#include "tensor/kernels.h"

/* One row's values, in the order in which they are made. */
typedef struct scalar_row {
    double eta2[TFT_SCALAR_DEEPEST], mask[TFT_SCALAR_DEEPEST], eta1[TFT_SCALAR_DEEPEST];
    double skip_normed[TFT_SCALAR_WIDEST], skip_inv_std; // without a norm: p x + r and 1
    double value[TFT_SCALAR_WIDEST], sigmoid[TFT_SCALAR_WIDEST];
    double normed[TFT_SCALAR_WIDEST], inv_std;
} scalar_row;

/* z ← (z − mean) / std; returns 1 / std. */
static double normalise(double *z, size_t d, double eps)
{
    double mean = 0.0, variance = 0.0;
    for (size_t j = 0; j < d; j++)
        mean += z[j] / (double)d;
    for (size_t j = 0; j < d; j++) {
        z[j] -= mean;
        variance += z[j] * z[j] / (double)d;
    }
    const double inv_std = 1.0 / sqrt(variance + eps);
    for (size_t j = 0; j < d; j++)
        z[j] *= inv_std;
    return inv_std;
}

/* From the gradient of the normed to that of what was normalised, in place. */
static void normalise_backward(double *dz, const double *normed, double inv_std, size_t d)
{
    double mean = 0.0, tilt = 0.0;
    for (size_t j = 0; j < d; j++) {
        mean += dz[j] / (double)d;
        tilt += dz[j] * normed[j] / (double)d;
    }
    for (size_t j = 0; j < d; j++)
        dz[j] = (dz[j] - mean - normed[j] * tilt) * inv_std;
}

static void row_forward(const tft_scalar_net *w, double x, size_t row, float p, const tft_dropout_key *key, double eps,
                        scalar_row *s)
{
    const size_t k = w->k, d = w->d;
    for (size_t t = 0; t < k; t++) {
        const double pre = (double)w->u[t] * x + (double)w->v[t];
        s->eta2[t] = pre > 0.0 ? pre : expm1(pre);
    }
    for (size_t t = 0; t < k; t++) {
        const bool kept = p <= (float)0 || tft_dropout_hash(key, row * k + t) >= key->threshold;
        s->mask[t] = p <= (float)0 ? 1.0 : kept ? (double)key->keep : 0.0;
        double sum = (double)w->b2[t];
        for (size_t i = 0; i < k; i++)
            sum += (double)w->w2[t * k + i] * s->eta2[i];
        s->eta1[t] = sum * s->mask[t];
    }
    for (size_t j = 0; j < d; j++)
        s->skip_normed[j] = (double)w->p[j] * x + (double)w->r[j];
    s->skip_inv_std = w->skip_w != NULL ? normalise(s->skip_normed, d, eps) : 1.0;
    for (size_t j = 0; j < d; j++) {
        double value = (double)w->glu_b[j], gate = (double)w->glu_b[d + j], skip = s->skip_normed[j];
        for (size_t t = 0; t < k; t++) {
            value += (double)w->glu_w[j * k + t] * s->eta1[t];
            gate += (double)w->glu_w[(d + j) * k + t] * s->eta1[t];
        }
        if (w->skip_w != NULL)
            skip = skip * (double)w->skip_w[j] + (double)w->skip_b[j];
        s->value[j] = value;
        s->sigmoid[j] = 1.0 / (1.0 + exp(-gate));
        s->normed[j] = skip + value * s->sigmoid[j];
    }
    s->inv_std = normalise(s->normed, d, eps);
}

void tft_ref_scalar_mix(const tft_scalar_net *w, const float *x, const float *a, size_t n, float p, uint64_t key,
                        float eps, float *y, size_t ld)
{
    const tft_dropout_key drawn = tft_dropout_key_of(p, key);
    scalar_row s;
    for (size_t r = 0; r < n; r++) {
        row_forward(w, (double)x[r], r, p, &drawn, (double)eps, &s);
        for (size_t j = 0; j < w->d; j++) {
            const double t = s.normed[j] * (double)w->norm_w[j] + (double)w->norm_b[j];
            y[j * ld + r] = (float)((double)y[j * ld + r] + (double)a[r] * t);
        }
    }
}

static void plus(float *sum, double term)
{
    *sum = (float)((double)*sum + term);
}

static void row_backward(const tft_scalar_net *w, double x, const scalar_row *s, double *dsum, tft_scalar_net *grad)
{
    const size_t k = w->k, d = w->d;
    double deta1[TFT_SCALAR_DEEPEST] = {0.0}, deta2[TFT_SCALAR_DEEPEST] = {0.0};
    for (size_t j = 0; j < d; j++) {
        const double dvalue = dsum[j] * s->sigmoid[j], dgate = dvalue * s->value[j] * (1.0 - s->sigmoid[j]);
        for (size_t t = 0; t < k; t++) {
            plus(&grad->glu_w[j * k + t], dvalue * s->eta1[t]);
            plus(&grad->glu_w[(d + j) * k + t], dgate * s->eta1[t]);
            deta1[t] += (double)w->glu_w[j * k + t] * dvalue + (double)w->glu_w[(d + j) * k + t] * dgate;
        }
        plus(&grad->glu_b[j], dvalue);
        plus(&grad->glu_b[d + j], dgate);
        if (w->skip_w == NULL)
            continue;
        plus(&grad->skip_w[j], dsum[j] * s->skip_normed[j]);
        plus(&grad->skip_b[j], dsum[j]);
        dsum[j] *= (double)w->skip_w[j];
    }
    if (w->skip_w != NULL)
        normalise_backward(dsum, s->skip_normed, s->skip_inv_std, d);
    for (size_t j = 0; j < d; j++) {
        plus(&grad->p[j], dsum[j] * x);
        plus(&grad->r[j], dsum[j]);
    }
    for (size_t t = 0; t < k; t++) {
        deta1[t] *= s->mask[t];
        plus(&grad->b2[t], deta1[t]);
        for (size_t i = 0; i < k; i++) {
            plus(&grad->w2[t * k + i], deta1[t] * s->eta2[i]);
            deta2[i] += (double)w->w2[t * k + i] * deta1[t];
        }
    }
    for (size_t t = 0; t < k; t++) {
        const double dpre = deta2[t] * (s->eta2[t] > 0.0 ? 1.0 : s->eta2[t] + 1.0);
        plus(&grad->u[t], dpre * x);
        plus(&grad->v[t], dpre);
    }
}

void tft_ref_scalar_mix_backward(const tft_scalar_net *w, const float *x, const float *a, const float *dy, size_t ld,
                                 size_t n, float p, uint64_t key, float eps, float *da, tft_scalar_net *grad,
                                 float *tmp)
{
    const tft_dropout_key drawn = tft_dropout_key_of(p, key);
    scalar_row s;
    (void)tmp;
    for (size_t r = 0; r < n; r++) {
        double dsum[TFT_SCALAR_WIDEST], along = 0.0;
        row_forward(w, (double)x[r], r, p, &drawn, (double)eps, &s);
        for (size_t j = 0; j < w->d; j++) {
            const double up = (double)dy[j * ld + r], dt = (double)a[r] * up;
            along += up * (s.normed[j] * (double)w->norm_w[j] + (double)w->norm_b[j]);
            plus(&grad->norm_w[j], dt * s.normed[j]);
            plus(&grad->norm_b[j], dt);
            dsum[j] = dt * (double)w->norm_w[j];
        }
        da[r] = (float)along;
        normalise_backward(dsum, s.normed, s.inv_std, w->d);
        row_backward(w, (double)x[r], &s, dsum, grad);
    }
}

void tft_ref_turn(const float *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++)
        for (size_t t = 0; t < d; t++)
            y[t * ldy + r] = x[r * ldx + t];
}
