/* sign_nets.c - see sign_nets.h. */
#include "tft/sign_nets.h"

#include <math.h>
#include <stdlib.h>

#include "tensor/tensor.h"

#define HIDDEN ((size_t)TFT_SIGN_NET_HIDDEN)
#define OUT ((size_t)TFT_N_HORIZONS)

size_t tft_sign_net_floats(size_t n_signs)
{
    return HIDDEN * n_signs + HIDDEN + OUT * HIDDEN + OUT + OUT * n_signs;
}

void tft_sign_net_place(float *at, size_t n_signs, tft_sign_net *net)
{
    net->w1 = at;
    net->b1 = net->w1 + HIDDEN * n_signs;
    net->w2 = net->b1 + HIDDEN;
    net->b2 = net->w2 + OUT * HIDDEN;
    net->linear = net->b2 + OUT;
}

tft_status tft_sign_nets_open(size_t n_signs, tft_sign_nets **nets, tft_error *err)
{
    if (n_signs < 1 || n_signs > TFT_MAX_SIGNS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%zu signs, may be 1 to %d", n_signs, TFT_MAX_SIGNS);
    tft_sign_nets *const n = calloc(1, sizeof *n);
    if (n != NULL)
        n->block = calloc(2 * n_signs + TFT_SIGN_NETS * tft_sign_net_floats(n_signs), sizeof(float));
    if (n == NULL || n->block == NULL) {
        free(n);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for networks of %zu signs", n_signs);
    }
    n->n_signs = n_signs;
    n->mean = n->block;
    n->inverse_spread = n->mean + n_signs;
    float *const w1 = n->inverse_spread + n_signs, *const b1 = w1 + TFT_SIGN_NETS * HIDDEN * n_signs,
                 *const w2 = b1 + TFT_SIGN_NETS * HIDDEN, *const b2 = w2 + TFT_SIGN_NETS * OUT * HIDDEN,
                 *const linear = b2 + TFT_SIGN_NETS * OUT;
    for (size_t i = 0; i < TFT_SIGN_NETS; i++)
        n->net[i] = (tft_sign_net){w1 + i * HIDDEN * n_signs, b1 + i * HIDDEN, w2 + i * OUT * HIDDEN, b2 + i * OUT,
                                   linear + i * OUT * n_signs};
    *nets = n;
    return TFT_OK;
}

void tft_sign_nets_close(tft_sign_nets *n)
{
    if (n == NULL)
        return;
    free(n->block);
    free(n);
}

void tft_sign_nets_scale(const tft_sign_nets *n, const float *signs, float *x)
{
    for (size_t i = 0; i < n->n_signs; i++)
        x[i] = fminf(fmaxf((signs[i] - n->mean[i]) * n->inverse_spread[i], -TFT_MAX_SIGN), TFT_MAX_SIGN);
}

void tft_sign_nets_logits(const tft_sign_nets *n, const float *signs, double logits[TFT_N_HORIZONS])
{
    float x[TFT_MAX_SIGNS], hidden[TFT_SIGN_NET_HIDDEN], out[TFT_N_HORIZONS];
    tft_sign_nets_scale(n, signs, x);
    for (size_t k = 0; k < OUT; k++)
        logits[k] = 0;
    for (size_t i = 0; i < TFT_SIGN_NETS; i++) {
        const tft_sign_net *const net = &n->net[i];
        tft_linear(x, n->n_signs, net->w1, net->b1, 1, n->n_signs, HIDDEN, hidden, HIDDEN);
        for (size_t j = 0; j < HIDDEN; j++)
            hidden[j] = hidden[j] > 0 ? hidden[j] : 0;
        tft_linear(hidden, HIDDEN, net->w2, net->b2, 1, HIDDEN, OUT, out, OUT);
        tft_linear_add(x, n->n_signs, net->linear, NULL, 1, n->n_signs, OUT, out, OUT);
        for (size_t k = 0; k < OUT; k++)
            logits[k] += (double)out[k] / TFT_SIGN_NETS;
    }
}
