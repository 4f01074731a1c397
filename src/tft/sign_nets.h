/* sign_nets.h - small networks on the signs of a window: the other half of the incident head's judge (tft/judge.h).
 *
 * x = the signs, each less its mean and by its spread over the training windows, cut to ±4. Of each of three networks, which differ
 * in their first weights and in what they were shown:
 *
 *     logits = W₂ relu(W₁ x + b₁) + b₂ + L x              W₁ [32, n], W₂ [5, 32], L [5, n]
 *
 * one logit for each of five horizons; what is said is their mean. They see slopes, and go on where the trees have
 * seen nothing.
 *
 * Memory:  the caller owns a tft_sign_nets until close: 14 kB a network of 98 signs. Threads: reading only, any.
 */
#ifndef TFT_TFT_SIGN_NETS_H
#define TFT_TFT_SIGN_NETS_H

#include "tft/trees.h"

#define TFT_SIGN_NETS 3
#define TFT_SIGN_NET_HIDDEN 32
#define TFT_MAX_SIGN 4.0f // spreads

typedef struct tft_sign_net {
    float *w1, *b1, *w2, *b2, *linear; // as above
} tft_sign_net;

typedef struct tft_sign_nets {
    size_t n_signs;
    float *block, *mean, *inverse_spread; // [n_signs] each
    tft_sign_net net[TFT_SIGN_NETS];      // a part of the first is followed by the same of the others, as on disk
} tft_sign_nets;

size_t tft_sign_net_floats(size_t n_signs);                            // of one network
void tft_sign_net_place(float *at, size_t n_signs, tft_sign_net *net); // its parts, in the order above

tft_status tft_sign_nets_open(size_t n_signs, tft_sign_nets **nets, tft_error *err);
void tft_sign_nets_close(tft_sign_nets *nets); // accepts NULL

/* x [n_signs] = the signs of one window as the networks want them. */
void tft_sign_nets_scale(const tft_sign_nets *nets, const float *signs, float *x);
/* logits[k] = logit P(a start within horizon k), the mean of the networks. */
void tft_sign_nets_logits(const tft_sign_nets *nets, const float *signs, double logits[TFT_N_HORIZONS]);

#endif
