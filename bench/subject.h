/* subject.h - the model that is measured, and histories to feed it with.
 *
 * The newest model under models/; where there is none, a network of the default contract and training options with random
 * weights, written to a temporary folder: its figures are those of any model of that shape.
 */
#ifndef TFTD_BENCH_SUBJECT_H
#define TFTD_BENCH_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "tft/dataset.h"
#include "tft/model.h"

typedef struct bench_subject {
    char path[512];
    bool shipped;    // false: random weights, in `folder`
    char folder[64]; // "" unless made here
} bench_subject;

/* False, with a line on stderr, where there is none and none can be made. */
bool bench_subject_open(bench_subject *subject);
void bench_subject_close(bench_subject *subject); // removes what was made

/* n servers with `steps` steps of daily rhythm and noise up to and with step number `last`. */
bool bench_histories(const tft_contract *contract, size_t n, size_t steps, int64_t last, tft_dataset *dataset);

/* Operations of one window's forward pass with E encoder and T decoder steps, as the equations are written: 2 · in · out for
 * every linear map and row, and the attention's products. What is folded or shared at run time counts in full, so that
 * cleverness shows as a higher rate. Functions (exp, tanh …) are not counted. */
double bench_operations(const tft_model *model, size_t encoder_steps, size_t decoder_steps);

#endif
