/* embedding.h - from inputs to vectors: a linear map of one number, or a row of a table.
 *
 * A real input x becomes x · w + b (pytorch-forecasting's prescaler, Linear(1 → size)); one prescaler per real, shared
 * by every place that reads it, so its gradients add up. A categorical code becomes its row of the table; a group's
 * value is the sum of its members' rows.
 *
 * Shapes:  N rows; outputs [N, size] with ldy floats from row to row.
 * Memory:  arrays lie in the builder's arena. Threads: weights are only read.
 */
#ifndef TFT_TFT_EMBEDDING_H
#define TFT_TFT_EMBEDDING_H

#include "tft/config.h"
#include "tft/parameters.h"

typedef struct tft_prescaler {
    size_t size;
    float *w, *b; // [size, 1], [size]; NULL where no place reads the real
} tft_prescaler;

typedef struct tft_table {
    size_t cardinality, dim, n_members;
    const uint8_t *members; // [n_members] columns of the codes
    bool padding;           // row 0 gets no gradient
    float *rows;            // [cardinality, dim]
} tft_table;

typedef struct tft_embeddings { // also holds gradients: same fields, same shapes
    tft_prescaler *prescalers;  // [config.n_reals]
    tft_table *tables;          // [config.n_embeddings]
} tft_embeddings;

/* Width of a real's embedding: its own, or the configuration's. */
size_t tft_real_size(const tft_config *config, size_t real);

/* `config` is lent for the life of `w`: the members of groups are read from it. */
void tft_embeddings_define(tft_builder *builder, tft_embeddings *w, const tft_config *config);

void tft_prescaler_forward(const tft_prescaler *w, const float *x, size_t ldx, size_t n, float *y, size_t ldy);
void tft_prescaler_backward(const tft_prescaler *w, const float *x, size_t ldx, const float *dy, size_t lddy, size_t n,
                            tft_prescaler *grad);

/* codes [N, n_codes], every one below the table's cardinality. */
void tft_table_forward(const tft_table *w, const uint32_t *codes, size_t n_codes, size_t n, float *y, size_t ldy);
void tft_table_backward(const tft_table *w, const uint32_t *codes, size_t n_codes, const float *dy, size_t lddy,
                        size_t n, tft_table *grad);

#endif
