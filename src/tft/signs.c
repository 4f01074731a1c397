/* signs.c - see signs.h. */
#include "tft/signs.h"

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"

enum { OF_INPUTS, OF_HIDDEN }; // places of dropout in here

void tft_signs_define(tft_builder *builder, tft_signs *w, const tft_config *config)
{
    memset(w, 0, sizeof *w);
    if (!config->hazard || config->n_signs == 0)
        return;
    const size_t n = config->n_signs, hidden = config->sign_hidden;
    w->n = n;
    w->hidden = hidden;
    w->w1 = tft_builder_add(builder, TFT_INITIAL_UNIFORM, tft_xavier_bound(n, hidden), false, hidden, n,
                            "signs_layer.hidden.weight");
    w->b1 = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, true, hidden, 0, "signs_layer.hidden.bias");
    w->w2 = tft_builder_add(builder, TFT_INITIAL_UNIFORM, 0.3 / sqrt((double)hidden), false, TFT_SIGN_KNOTS, hidden,
                            "signs_layer.output.weight");
    w->linear =
        tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, false, TFT_SIGN_KNOTS, n, "signs_layer.linear.weight");
}

/* Decoder step t, counted from 0, lies between knots k and k + 1, a share u of the way. */
static size_t knot_of(size_t t, float *u)
{
    static const double knots[TFT_SIGN_KNOTS] = {1, 3, 6, 12, 24, 48, 96};
    const double step = (double)t + 1;
    size_t k = 0;
    while (k + 2 < TFT_SIGN_KNOTS && step >= knots[k + 1])
        k++;
    const double part = log(step / knots[k]) / log(knots[k + 1] / knots[k]);
    *u = (float)(part < 1 ? part : 1);
    return k;
}

static tft_dropout input_dropout(tft_dropout dropout)
{
    dropout.p /= (float)3;
    return tft_dropout_at(dropout, OF_INPUTS);
}

void tft_signs_forward(const tft_signs *w, const tft_rows *rows, const float *signs, tft_dropout dropout,
                       const tft_signs_tape *tape, float *logit)
{
    const size_t b = rows->n_windows, n = w->n, h = w->hidden;
    float *const out = tape->by_window;
    if (n == 0)
        return;
    memcpy(tape->dropped, signs, b * n * sizeof *signs);
    for (size_t i = 0; i < b; i++) { // a row at a time, so that the mask fits beside the hidden values
        tft_dropout row = tft_dropout_at(input_dropout(dropout), i);
        tft_dropout_apply(row, tape->dropped + i * n, n, tape->dhidden);
    }
    tft_linear(tape->dropped, n, w->w1, w->b1, b, n, h, tape->hidden, h);
    for (size_t i = 0; i < b * h; i++)
        tape->hidden[i] = tape->hidden[i] > (float)0 ? tape->hidden[i] : (float)0;
    tft_dropout_apply(tft_dropout_at(dropout, OF_HIDDEN), tape->hidden, b * h, tape->dhidden);
    tft_linear(tape->hidden, h, w->w2, NULL, b, h, TFT_SIGN_KNOTS, out, TFT_SIGN_KNOTS);
    tft_linear_add(tape->dropped, n, w->linear, NULL, b, n, TFT_SIGN_KNOTS, out, TFT_SIGN_KNOTS);
    for (size_t t = 0; t < rows->longest; t++) {
        float u;
        const size_t k = knot_of(t, &u);
        for (size_t i = 0; i < b; i++) {
            const float *const at = out + i * TFT_SIGN_KNOTS + k;
            if (t < rows->length[i])
                logit[rows->start[i] + t] += at[0] + u * (at[1] - at[0]);
        }
    }
}

void tft_signs_backward(const tft_signs *w, const tft_rows *rows, const float *dlogit, tft_dropout dropout,
                        const tft_signs_tape *tape, tft_signs *grad)
{
    const size_t b = rows->n_windows, n = w->n, h = w->hidden;
    float *const dout = tape->by_window;
    if (n == 0)
        return;
    memset(dout, 0, b * TFT_SIGN_KNOTS * sizeof *dout);
    for (size_t t = 0; t < rows->longest; t++) {
        float u;
        const size_t k = knot_of(t, &u);
        for (size_t i = 0; i < b; i++) {
            float *const at = dout + i * TFT_SIGN_KNOTS + k;
            if (t >= rows->length[i])
                continue;
            at[0] += ((float)1 - u) * dlogit[rows->start[i] + t];
            at[1] += u * dlogit[rows->start[i] + t];
        }
    }
    memset(tape->dhidden, 0, b * h * sizeof *tape->dhidden);
    tft_linear_backward(tape->dropped, n, w->linear, dout, TFT_SIGN_KNOTS, b, n, TFT_SIGN_KNOTS, NULL, 0, grad->linear,
                        NULL);
    tft_linear_backward(tape->hidden, h, w->w2, dout, TFT_SIGN_KNOTS, b, h, TFT_SIGN_KNOTS, tape->dhidden, h, grad->w2,
                        NULL);
    const float kept = dropout.p > (float)0 ? (float)1 / ((float)1 - dropout.p) : (float)1;
    for (size_t i = 0; i < b * h; i++) // above 0 is what was neither cut nor dropped
        tape->dhidden[i] = tape->hidden[i] > (float)0 ? tape->dhidden[i] * kept : (float)0;
    tft_linear_backward(tape->dropped, n, w->w1, tape->dhidden, h, b, n, h, NULL, 0, grad->w1, grad->b1);
}
