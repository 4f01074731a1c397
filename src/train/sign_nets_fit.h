/* sign_nets_fit.h - trains the small networks of the judge (tft/sign_nets.h) on signs and five answers.
 *
 * Loss: the cross-entropy of each horizon, added up, of windows drawn by their weight; an answer that is not known does not
 * count. AdamW with a rate that falls as a cosine, dropout of a tenth of the inputs and three tenths of the hidden values,
 * and the average of weights is what is kept. Twelve times all windows, in steps of 256, but 500 steps
 * at least and 12,000 at most.
 *
 * Memory:  4 n bytes of draws beside a few hundred kilobytes. Threads: one network a thread of the pool; each depends on
 * seed and data alone.
 */
#ifndef TFT_TRAIN_SIGN_NETS_FIT_H
#define TFT_TRAIN_SIGN_NETS_FIT_H

#include "tensor/pool.h"
#include "tft/sign_nets.h"

typedef struct tft_sign_rows {
    size_t n;
    const float *signs;   // [n, n_signs]
    const uint8_t *y;     // [TFT_N_HORIZONS, n] 0 or 1
    const uint8_t *known; // [TFT_N_HORIZONS, n]
    const float *weight;  // [n], some above 0
} tft_sign_rows;

tft_status tft_sign_nets_fit(const tft_sign_rows *rows, uint64_t seed, tft_pool *pool, tft_sign_nets *nets,
                             tft_error *err);

#endif
