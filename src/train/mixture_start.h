/* mixture_start.h - where the weights of a tilted mixture start: near persistence for the first hour, then near analogues.
 *
 * From an even mixture the optimiser spends most of a short training on finding out that what is, stays for a while. So at
 * decoder step t the anchors that start from the newest value get logits of 3·e^(−(t−1)/hour) to begin with; training goes on
 * from there. What followed moments like this one (analogues, at any minute and at the same one) gets 2 at every step. A first value,
 * no more: data that wants otherwise says so.
 */
#ifndef TFT_TRAIN_MIXTURE_START_H
#define TFT_TRAIN_MIXTURE_START_H

#include "tft/contract.h"
#include "tft/model.h"

/* Nothing to do for a network without a tilted mixture. The caller refreshes the model. */
void tft_mixture_start(const tft_contract *contract, tft_model *model);

#endif
