/* hazard.c - see hazard.h. */
#include "tft/hazard.h"

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"

#define FIRST_BIAS (-7.0) // a first hazard of about one in a thousand per step: incidents are rare

void tft_hazard_define(tft_builder *builder, tft_hazard *w, const tft_config *config)
{
    const size_t h = config->hidden_size;
    memset(w, 0, sizeof *w);
    if (!config->hazard)
        return;
    w->hidden = h;
    if (!config->shallow_hazard)
        w->w =
            tft_builder_add(builder, TFT_INITIAL_UNIFORM, 0.05 / sqrt((double)h), false, 1, h, "hazard_layer.weight");
    w->b = tft_builder_add(builder, TFT_INITIAL_CONSTANT, FIRST_BIAS, true, 1, 0, "hazard_layer.bias");
    if (!config->wide_hazard)
        return;
    w->n_static = config->static_inputs.n_reals;
    w->n_known = config->decoder_inputs.n_reals;
    if (w->n_static > 0)
        w->statics = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, false, TFT_HAZARD_CURVES, w->n_static,
                                     "hazard_layer.statics");
    if (w->n_known > 0)
        w->known = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, false, 1, w->n_known, "hazard_layer.known");
}

/* φ of decoder step t, counted from 0. */
static void curves_at(size_t t, float curves[TFT_HAZARD_CURVES])
{
    static const double spans[TFT_HAZARD_CURVES] = {0, 3, 12, 48};
    curves[0] = (float)1;
    for (size_t k = 1; k < TFT_HAZARD_CURVES; k++)
        curves[k] = (float)exp(-(double)t / spans[k]);
}

void tft_hazard_forward(const tft_hazard *w, const tft_hazard_inputs *in, float *by_window, float *logit)
{
    const tft_rows *const rows = in->rows;
    if (w->w != NULL) {
        tft_linear(in->x, w->hidden, w->w, w->b, rows->n, w->hidden, 1, logit, 1);
    } else {
        for (size_t r = 0; r < rows->n; r++)
            logit[r] = w->b[0];
    }
    if (w->known != NULL)
        tft_linear_add(in->known, w->n_known, w->known, NULL, rows->n, w->n_known, 1, logit, 1);
    if (w->statics == NULL)
        return;
    tft_linear(in->statics, w->n_static, w->statics, NULL, rows->n_windows, w->n_static, TFT_HAZARD_CURVES, by_window,
               TFT_HAZARD_CURVES);
    for (size_t t = 0; t < rows->longest; t++) {
        float curves[TFT_HAZARD_CURVES];
        curves_at(t, curves);
        for (size_t b = 0; b < rows->n_windows; b++) {
            const float *const share = by_window + b * TFT_HAZARD_CURVES;
            for (size_t k = 0; t < rows->length[b] && k < TFT_HAZARD_CURVES; k++)
                logit[rows->start[b] + t] += curves[k] * share[k];
        }
    }
}

void tft_hazard_backward(const tft_hazard *w, const tft_hazard_inputs *in, const float *dlogit, tft_hazard *grad,
                         float *dx, float *by_window)
{
    const tft_rows *const rows = in->rows;
    if (w->w != NULL) {
        tft_linear_backward(in->x, w->hidden, w->w, dlogit, 1, rows->n, w->hidden, 1, dx, w->hidden, grad->w, grad->b);
    } else {
        for (size_t r = 0; r < rows->n; r++)
            grad->b[0] += dlogit[r];
    }
    if (w->known != NULL)
        tft_linear_backward(in->known, w->n_known, w->known, dlogit, 1, rows->n, w->n_known, 1, NULL, 0, grad->known,
                            NULL);
    if (w->statics == NULL)
        return;
    memset(by_window, 0, rows->n_windows * TFT_HAZARD_CURVES * sizeof *by_window);
    for (size_t t = 0; t < rows->longest; t++) {
        float curves[TFT_HAZARD_CURVES];
        curves_at(t, curves);
        for (size_t b = 0; b < rows->n_windows; b++) {
            for (size_t k = 0; t < rows->length[b] && k < TFT_HAZARD_CURVES; k++)
                by_window[b * TFT_HAZARD_CURVES + k] += curves[k] * dlogit[rows->start[b] + t];
        }
    }
    tft_linear_backward(in->statics, w->n_static, w->statics, by_window, TFT_HAZARD_CURVES, rows->n_windows,
                        w->n_static, TFT_HAZARD_CURVES, NULL, 0, grad->statics, NULL);
}
