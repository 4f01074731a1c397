/* variable_selection.h - which inputs matter at this step: the network's first layer, and its explanation.
 *
 * Lim et al. 2021, for one row with variables i = 1 … V, embedded as e_i:
 *     weights = Softmax(GRN_v(e_1 ∥ … ∥ e_V, context))              (6)
 *     t_i     = GRN_i(e_i)                                          (7)
 *     y       = Σ_i weights_i · t_i                                 (8)
 * As in pytorch-forecasting, (6) reads the embedded values before (7), a categorical's t_i is ResampleNorm(e_i) alone
 * unless encoder and decoder share their single-variable networks, one variable has weight 1 and no GRN_v, and no
 * variable at all gives zeros.
 *
 * Rows are worked off in chunks so that everything between input and output stays in the cache, and backward computes
 * the chunk's forward again instead of keeping it: per row the tape would hold V · (4 size + 5 hidden) floats, which is
 * more to load than to make. Only the weights are kept.
 *
 * In training a folded real's own network is worked out with rows in the lanes of a vector (tensor.h, tft_scalar_net): narrow as
 * it is, row by row its matrices leave vectors empty.
 *
 * With a fold (fold.h) a real never becomes an embedding, which saves most of the arithmetic; without one, this is the
 * plain form and the oracle of the other.
 *
 * Shapes:  N rows; y [N, H], weights [N, V]. Variables in the order embeddings, reals.
 * Memory:  the caller owns every buffer. Threads: weights are only read; a tmp per thread.
 */
#ifndef TFT_TFT_VARIABLE_SELECTION_H
#define TFT_TFT_VARIABLE_SELECTION_H

#include "tft/embedding.h"
#include "tft/grn.h"

#define TFT_SELECTION_CHUNK 192 // rows

typedef struct tft_variable {
    bool categorical;
    size_t source;          // index of its table, or of its prescaler
    size_t column;          // of the place's reals; unused for a categorical
    size_t size, offset;    // width of its embedding, and where that begins in e_1 ∥ … ∥ e_V
    tft_grn *grn;           // (7), or NULL …
    tft_resample *resample; // … where this is all that is done
} tft_variable;

typedef struct tft_selection { // also holds gradients: same fields, same shapes
    size_t n, total, hidden;   // V, Σ sizes, H
    tft_variable *variables;   // [V]
    tft_grn flattened;         // (6), where V > 1
} tft_selection;

/* One place's inputs, packed to valid rows. */
typedef struct tft_selection_rows {
    size_t n;
    const float *reals;    // [N, n_reals] in the order of the place's list
    size_t n_reals;        // floats from one row to the next
    const uint32_t *codes; // [N, n_codes]
    size_t n_codes;
    const uint32_t *window_of;  // [N], NULL: row r is window r
    const float *product;       // [B, flattened.hidden] the context's part of (6), or NULL
    const float *const *shared; // [n_reals] values of columns that all windows share (shared_inputs.h), or NULL …
    const uint32_t *step;       // … and [N] which step each row takes
} tft_selection_rows;

/* A GRN per variable that encoder and decoder share; NULL entries where there is none. [n_embeddings + n_reals] */
typedef struct tft_shared_grns {
    tft_grn **grns;
} tft_shared_grns;

void tft_shared_grns_define(tft_builder *builder, tft_shared_grns *shared, const tft_config *config);

/* `name` is the place's prefix; `shared` is NULL where the place has networks of its own. */
void tft_selection_define(tft_builder *builder, tft_selection *w, const char *name, const tft_config *config,
                          const tft_inputs *inputs, size_t context_in, const tft_shared_grns *shared);

typedef struct tft_fold tft_fold;

typedef struct tft_selection_curves tft_selection_curves; // curves.h

/* t_i alone, for at most a chunk of rows, without dropout; `tmp` as for evaluation. */
void tft_selection_transform(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold, size_t i,
                             tft_selection_rows rows, float *y, float *tmp);

size_t tft_selection_tmp(const tft_selection *w, bool folded, bool training);

/* `fold` is the folded form of w, or NULL; tmp is for the same choice. `curves` (NULL: none) answer for the single networks
 * where there is neither dropout nor a tape. */
void tft_selection_forward(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                           const tft_selection_curves *curves, tft_selection_rows rows, tft_dropout dropout, float *y,
                           float *weights, float *tmp);
/* Adds to grad, embeddings_grad and dproduct [B, flattened.hidden] (NULL without context). With a fold, dfold is working
 * memory for its gradients. */
void tft_selection_backward(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                            tft_fold *dfold, tft_selection_rows rows, tft_dropout dropout, const float *weights,
                            const float *dy, tft_selection *grad, tft_embeddings *embeddings_grad, float *dproduct,
                            float *tmp);

#endif
