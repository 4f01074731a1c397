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

void tft_ref_gate_norm(const float *x, const float *skip, const float *w, const float *b, size_t n, size_t d, float eps,
                       float *y, float *gate_sigmoid, float *normed, float *inv_std)
{
    for (size_t r = 0; r < n; r++) {
        float *const row = y + r * d; // holds the sum until it is normalised
        const float *value = x + r * 2 * d, *gate = value + d;
        for (size_t i = 0; i < d; i++) {
            const double s = sigmoid(gate[i]);
            row[i] = (float)((double)skip[r * d + i] + (double)value[i] * s);
            if (gate_sigmoid != NULL)
                gate_sigmoid[r * d + i] = (float)s;
        }
        tft_ref_layernorm(row, w, b, 1, d, eps, row, normed != NULL ? normed + r * d : NULL,
                          inv_std != NULL ? inv_std + r : NULL);
    }
}

void tft_ref_weigh_rows(const float *x, const float *a, size_t lda, size_t n, size_t d, float *y)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t i = 0; i < d; i++)
            y[r * d + i] = (float)((double)y[r * d + i] + (double)a[r * lda] * (double)x[r * d + i]);
    }
}

void tft_ref_weigh_rows_backward(const float *x, const float *a, size_t lda, const float *dy, size_t n, size_t d,
                                 float *dx, float *da, size_t ldda)
{
    for (size_t r = 0; r < n; r++) {
        double sum = 0.0;
        for (size_t i = 0; i < d; i++) {
            sum += (double)dy[r * d + i] * (double)x[r * d + i]; // before dx, which may be x
            dx[r * d + i] = a[r * lda] * dy[r * d + i];
        }
        da[r * ldda] = (float)sum;
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

/* ---- evaluation only ---------------------------------------------------------------------------------- */

/* Where x lies on curve `which`: its node, and Hermite's basis there. */
static bool find_piece(const tft_curves *c, size_t which, float x, const float **node, double basis[4])
{
    const double u = ((double)x - (double)c->first[which]) * (double)c->per_unit[which];
    if (!(u >= 0.0 && u < (double)c->pieces[which]))
        return false;
    const tft_curve_piece *const piece = &c->piece[c->start[which] + (size_t)u];
    const double along = (u - floor(u)) * (double)piece->splits, s = along - floor(along),
                 rise = s * s * (3.0 - 2.0 * s);
    *node = c->nodes + (piece->node + (size_t)along) * 2 * c->d;
    basis[0] = 1.0 - rise;
    basis[1] = s * (1.0 - s) * (1.0 - s);
    basis[2] = rise;
    basis[3] = -s * s * (1.0 - s);
    return true;
}

static double between(const float *node, const double basis[4], size_t d, size_t j)
{
    return basis[0] * (double)node[j] + basis[1] * (double)node[d + j] + basis[2] * (double)node[2 * d + j] +
           basis[3] * (double)node[3 * d + j];
}

bool tft_ref_curve_values(const tft_curves *c, size_t which, const float *x, size_t ldx, size_t n, float *y)
{
    bool all_inside = true;
    for (size_t r = 0; r < n; r++) {
        const float *node = NULL;
        double basis[4];
        const bool inside = find_piece(c, which, x[r * ldx], &node, basis);
        all_inside = all_inside && inside;
        for (size_t j = 0; j < c->d; j++)
            y[r * c->d + j] = (float)(inside ? between(node, basis, c->d, j) : 0.0);
    }
    return all_inside;
}

bool tft_ref_curves_mix(const tft_curves *c, const float *x, size_t ldx, const float *weights, size_t ldw,
                        const float *const *shared, const uint32_t *step, size_t n, float *y)
{
    bool all_inside = true;
    for (size_t r = 0; r < n; r++) {
        for (size_t i = 0; i < c->n; i++) {
            const float *node = NULL, *const made = shared != NULL ? shared[i] : NULL;
            const double weight = (double)weights[r * ldw + i];
            double basis[4];
            const bool inside = find_piece(c, i, x[r * ldx + i], &node, basis);
            all_inside = all_inside && inside;
            for (size_t j = 0; j < c->d && (inside || made != NULL); j++) {
                const double value = made != NULL ? (double)made[step[r] * c->d + j] : between(node, basis, c->d, j);
                y[r * c->d + j] = (float)((double)y[r * c->d + j] + weight * value);
            }
        }
    }
    return all_inside;
}

void tft_ref_attend(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                    size_t first_open, size_t step, float scale, float share, float *out, float *kept)
{
    for (size_t r = 0; r < n; r++) {
        double top = -INFINITY, total = 0.0, sum[TFT_ATTEND_WIDEST] = {0.0};
        for (int pass = 0; pass < 2; pass++) { // the largest score, then the weights
            for (size_t s = 0; s < first_open + r * step; s++) {
                double score = 0.0;
                for (size_t t = 0; t < d; t++)
                    score += (double)q[r * ldq + t] * (double)k[t * ld + s] * (double)scale;
                top = pass == 0 && score > top ? score : top;
                const double weight = pass == 0 ? 0.0 : exp(score - top);
                total += weight;
                for (size_t t = 0; t < d; t++)
                    sum[t] += weight * (double)v[t * ld + s];
            }
        }
        for (size_t t = 0; t < d && total > 0.0; t++)
            out[r * d + t] = (float)((double)out[r * d + t] + (double)share * sum[t] / total);
        if (kept != NULL) {
            kept[2 * r] = (float)top;
            kept[2 * r + 1] = (float)(1.0 / total);
        }
    }
}

void tft_ref_attend_heads(size_t n_heads, size_t d, const float *q, size_t ldq, const float *kv, size_t ld, size_t n,
                          size_t first_open, size_t step, float scale, float *weights, float *out)
{
    (void)weights;
    for (size_t r = 0; r < n; r++) {
        double sum[TFT_ATTEND_WIDEST] = {0.0};
        for (size_t h = 0; h < n_heads; h++) {
            float head[TFT_ATTEND_WIDEST] = {0};
            tft_ref_attend(q + r * ldq + h * d, ldq, kv + h * d * ld, kv + n_heads * d * ld, ld, 1, d,
                           first_open + r * step, 0, scale, (float)1, head, NULL);
            for (size_t t = 0; t < d; t++)
                sum[t] += (double)head[t] / (double)n_heads;
        }
        for (size_t t = 0; t < d; t++)
            out[r * d + t] = (float)((double)out[r * d + t] + sum[t]);
    }
}

void tft_ref_attend_backward(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                             size_t first_open, size_t step, float scale, const float *out, const float *kept,
                             const float *dout, float *dq, float *dk, float *dv)
{
    for (size_t r = 0; r < n; r++) {
        double along = 0.0, sum[TFT_ATTEND_WIDEST] = {0.0};
        for (size_t t = 0; t < d; t++)
            along += (double)dout[r * d + t] * (double)out[r * d + t];
        for (size_t s = 0; s < first_open + r * step; s++) {
            double score = 0.0, dp = 0.0;
            for (size_t t = 0; t < d; t++) {
                score += (double)q[r * ldq + t] * (double)k[t * ld + s] * (double)scale;
                dp += (double)dout[r * d + t] * (double)v[t * ld + s];
            }
            const double p = exp(score - (double)kept[2 * r]) * (double)kept[2 * r + 1], ds = p * (dp - along);
            for (size_t t = 0; t < d; t++) {
                sum[t] += ds * (double)k[t * ld + s] * (double)scale;
                dk[t * ld + s] = (float)((double)dk[t * ld + s] + ds * (double)q[r * ldq + t] * (double)scale);
                dv[t * ld + s] = (float)((double)dv[t * ld + s] + p * (double)dout[r * d + t]);
            }
        }
        for (size_t t = 0; t < d; t++)
            dq[r * ldq + t] = (float)sum[t];
    }
}

void tft_ref_lstm_cell_lean(const float *gates, size_t n, size_t hidden, float *c, float *h)
{
    for (size_t r = 0; r < n; r++) {
        const float *const gate = gates + r * 4 * hidden;
        for (size_t i = 0; i < hidden; i++) {
            const size_t at = r * hidden + i;
            const double cell =
                sigmoid(gate[hidden + i]) * (double)c[at] + sigmoid(gate[i]) * tanh((double)gate[2 * hidden + i]);
            c[at] = (float)cell;
            h[at] = (float)(sigmoid(gate[3 * hidden + i]) * tanh(cell));
        }
    }
}
