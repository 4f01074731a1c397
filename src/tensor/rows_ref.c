/* rows_ref.c - what the kernels over rows mean: the formulas of tensor.h in double, rounded once.
 *
 * The oracle of tests/tensor; rows.inc is what runs.
 */
#include <math.h>
#include <string.h>

#include "tensor/kernels.h"

static double sigmoid(float x)
{
    return 1.0 / (1.0 + exp(-(double)x));
}

void tft_ref_glu(const float *x, size_t n, size_t d, float *y, float *gate_sigmoid)
{
    for (size_t r = 0; r < n; r++) {
        const float *value = x + r * 2 * d, *gate = value + d;
        for (size_t i = 0; i < d; i++) {
            const double s = sigmoid(gate[i]);
            y[r * d + i] = (float)((double)value[i] * s);
            if (gate_sigmoid != NULL)
                gate_sigmoid[r * d + i] = (float)s;
        }
    }
}

void tft_ref_glu_backward(const float *x, const float *gate_sigmoid, const float *dy, size_t n, size_t d, float *dx)
{
    for (size_t r = 0; r < n; r++) {
        const float *value = x + r * 2 * d;
        for (size_t i = 0; i < d; i++) {
            const double s = (double)gate_sigmoid[r * d + i], g = (double)dy[r * d + i];
            dx[r * 2 * d + i] = (float)(g * s);
            dx[r * 2 * d + d + i] = (float)(g * (double)value[i] * s * (1.0 - s));
        }
    }
}

void tft_ref_layernorm(const float *x, const float *w, const float *b, size_t n, size_t d, float eps, float *y,
                       float *normed, float *inv_std)
{
    for (size_t r = 0; r < n; r++) {
        const float *row = x + r * d;
        double mean = 0.0, variance = 0.0;
        for (size_t i = 0; i < d; i++)
            mean += (double)row[i] / (double)d;
        for (size_t i = 0; i < d; i++)
            variance += ((double)row[i] - mean) * ((double)row[i] - mean) / (double)d;
        const double scale = 1.0 / sqrt(variance + (double)eps);
        for (size_t i = 0; i < d; i++) {
            const double z = ((double)row[i] - mean) * scale;
            y[r * d + i] = (float)(z * (double)w[i] + (double)b[i]);
            if (normed != NULL)
                normed[r * d + i] = (float)z;
        }
        if (inv_std != NULL)
            inv_std[r] = (float)scale;
    }
}

void tft_ref_layernorm_backward(const float *w, const float *normed, const float *inv_std, const float *dy, size_t n,
                                size_t d, float *dx, float *dw, float *db)
{
    for (size_t r = 0; r < n; r++) {
        const float *z = normed + r * d, *g = dy + r * d;
        double mean = 0.0, along = 0.0; // of dz = dy ⊙ w, and of dz ⊙ z
        for (size_t i = 0; i < d; i++) {
            const double dz = (double)g[i] * (double)w[i];
            mean += dz / (double)d;
            along += dz * (double)z[i] / (double)d;
        }
        for (size_t i = 0; i < d; i++) {
            const double gi = (double)g[i], dz = gi * (double)w[i]; // read before dx, which may be dy
            dw[i] = (float)((double)dw[i] + gi * (double)z[i]);
            db[i] = (float)((double)db[i] + gi);
            dx[r * d + i] = (float)((double)inv_std[r] * (dz - mean - (double)z[i] * along));
        }
    }
}

void tft_ref_softmax(const float *x, size_t n, size_t d, size_t ld, float *y)
{
    for (size_t r = 0; r < n; r++) {
        const float *row = x + r * ld;
        float *out = y + r * ld;
        double top = -INFINITY, sum = 0.0;
        for (size_t i = 0; i < d; i++)
            top = fmax(top, (double)row[i]);
        if (top == -INFINITY) { // nothing to choose from: no weight anywhere, instead of 0/0
            memset(out, 0, d * sizeof *out);
            continue;
        }
        for (size_t i = 0; i < d; i++)
            sum += exp((double)row[i] - top);
        for (size_t i = 0; i < d; i++)
            out[i] = (float)(exp((double)row[i] - top) / sum);
    }
}

void tft_ref_softmax_backward(const float *y, const float *dy, size_t n, size_t d, size_t ld, float *dx)
{
    for (size_t r = 0; r < n; r++) {
        const float *p = y + r * ld, *g = dy + r * ld;
        double along = 0.0;
        for (size_t i = 0; i < d; i++)
            along += (double)p[i] * (double)g[i];
        for (size_t i = 0; i < d; i++)
            dx[r * ld + i] = (float)((double)p[i] * ((double)g[i] - along));
    }
}

static void cell_row(float *gates, const float *c_prev, size_t hidden, float *c, float *h, float *tanh_c)
{
    for (size_t j = 0; j < hidden; j++) {
        const double i = sigmoid(gates[j]), f = sigmoid(gates[hidden + j]);
        const double g = tanh((double)gates[2 * hidden + j]), o = sigmoid(gates[3 * hidden + j]);
        const double cell = f * (double)c_prev[j] + i * g;
        gates[j] = (float)i;
        gates[hidden + j] = (float)f;
        gates[2 * hidden + j] = (float)g;
        gates[3 * hidden + j] = (float)o;
        c[j] = (float)cell;
        tanh_c[j] = (float)tanh(cell);
        h[j] = (float)(o * tanh(cell));
    }
}

void tft_ref_lstm_cell(float *gates, const float *c_prev, const float *h_prev, const uint8_t *live, size_t n,
                       size_t hidden, float *c, float *h, float *tanh_c, float *h_out, size_t ld_h_out)
{
    const size_t bytes = hidden * sizeof(float);
    for (size_t r = 0; r < n; r++) {
        const size_t at = r * hidden;
        if (live != NULL && live[r] == 0) {
            memmove(c + at, c_prev + at, bytes); // memmove: c may be c_prev
            memmove(h + at, h_prev + at, bytes);
            memset(tanh_c + at, 0, bytes);
            memset(h_out + r * ld_h_out, 0, bytes);
            continue;
        }
        cell_row(gates + 4 * at, c_prev + at, hidden, c + at, h + at, tanh_c + at);
        memcpy(h_out + r * ld_h_out, h + at, bytes);
    }
}

static void cell_row_backward(const float *gates, const float *c_prev, const float *tanh_c, size_t hidden, float *dh,
                              float *dc, float *dgates)
{
    for (size_t j = 0; j < hidden; j++) {
        const double i = (double)gates[j], f = (double)gates[hidden + j];
        const double g = (double)gates[2 * hidden + j], o = (double)gates[3 * hidden + j];
        const double t = (double)tanh_c[j], up = (double)dh[j];
        const double cell = (double)dc[j] + up * o * (1.0 - t * t); // h = o tanh(c) brings the second term
        dgates[j] = (float)(cell * g * i * (1.0 - i));
        dgates[hidden + j] = (float)(cell * (double)c_prev[j] * f * (1.0 - f));
        dgates[2 * hidden + j] = (float)(cell * i * (1.0 - g * g));
        dgates[3 * hidden + j] = (float)(up * t * o * (1.0 - o));
        dc[j] = (float)(cell * f);
        dh[j] = 0.0f;
    }
}

void tft_ref_lstm_cell_backward(const float *gates, const float *c_prev, const float *tanh_c, const uint8_t *live,
                                size_t n, size_t hidden, float *dh, float *dc, float *dgates)
{
    for (size_t r = 0; r < n; r++) {
        const size_t at = r * hidden;
        if (live != NULL && live[r] == 0)
            memset(dgates + 4 * at, 0, 4 * hidden * sizeof(float));
        else
            cell_row_backward(gates + 4 * at, c_prev + at, tanh_c + at, hidden, dh + at, dc + at, dgates + 4 * at);
    }
}
