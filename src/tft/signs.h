/* signs.h - the small network beside the TFT that reads the window's signs of an incident (series/incident_signs.h).
 *
 *     s' = dropout(s),  a = dropout(relu(W1 s' + b1)),  k = W2 a + L s' [7]
 *     logit_t += Σ_k hat_k(ln t) · k_k         (a line over ln t between the knots t = 1, 3, 6, 12, 24, 48, 96)
 *
 * Incidents are rare and come from few servers. What the TFT's tens of thousands of weights make of a few dozen servers' incidents does
 * not hold on others (decisions/012); a few thousand weights on numbers that were made for the purpose do better, need
 * no deep gradient, and cost nothing beside it. The signs are dropped with a third of the network's probability.
 *
 * Shapes:  B windows; signs, dropped [B, n]; hidden, dhidden [B, hidden]; by_window [B, 7].
 * Memory:  the caller owns every buffer; what forward leaves in dropped and hidden, backward reads. Threads: weights are only read.
 */
#ifndef TFT_TFT_SIGNS_H
#define TFT_TFT_SIGNS_H

#include "tft/config.h"
#include "tft/dropout.h"
#include "tft/parameters.h"
#include "tft/rows.h"

#define TFT_SIGN_KNOTS 7

typedef struct tft_signs {        // also holds gradients: same fields, same shapes
    size_t n, hidden;             // n 0: there is no such network
    float *w1, *b1, *w2, *linear; // [hidden, n], [hidden], [7, hidden], [7, n]
} tft_signs;

typedef struct tft_signs_tape {
    float *dropped, *hidden, *dhidden, *by_window;
} tft_signs_tape;

void tft_signs_define(tft_builder *builder, tft_signs *w, const tft_config *config);

/* Adds to logit [N]. dhidden is working memory. */
void tft_signs_forward(const tft_signs *w, const tft_rows *rows, const float *signs, tft_dropout dropout,
                       const tft_signs_tape *tape, float *logit);
void tft_signs_backward(const tft_signs *w, const tft_rows *rows, const float *dlogit, tft_dropout dropout,
                        const tft_signs_tape *tape, tft_signs *grad);

#endif
