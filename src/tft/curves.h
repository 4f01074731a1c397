/* curves.h - the network of one input as a table: what a variable's GRN says is a function of a single number.
 *
 * In evaluation t_i = GRN_i(embed(x)) (variable_selection.h, eq. 7) depends on the one real x alone, or on one code. So it is
 * read from a table instead of being worked out: for a categorical exactly, its row per code; for a real as cubic pieces
 * (Hermite: value and slope at both ends) over −8 … 8, where scaled inputs live. 3,840 times a window that replaces a product
 * of 16 x 64, 48 exponentials and two normalisations by eight multiply-adds of vectors.
 *
 * How good it is, is measured while it is made: with the value in the middle of every cubic, where one through the ends errs
 * most. A piece is halved until no middle is off by more than TFT_CURVE_ERROR times the curve's largest value: once or twice
 * where the curve is smooth, many times where an ELU of its network has its bend. A curve that does not come so close with
 * TFT_CURVE_SPLITS cubics a piece is left out. Left-out curves, numbers beyond the range and NaN go the plain way, row by
 * row; tests/tft/test_network.c holds both against each other.
 *
 * Memory:  256 bytes a node of 32 values, some hundred nodes a curve; what none needs is never touched.
 * Threads: made by tft_model_tabulate(), then only read. tft_model_refresh() forgets them: they follow the weights only when
 *          told to, so training does not pay for them.
 */
#ifndef TFT_TFT_CURVES_H
#define TFT_TFT_CURVES_H

#include "tft/variable_selection.h"

#define TFT_CURVE_RANGE 8
#define TFT_CURVE_PIECES 64
#define TFT_CURVE_SPLITS 64
#ifndef TFT_CURVE_ERROR // the double-precision build asks for the impossible and so gets every number the plain way
#define TFT_CURVE_ERROR 2e-6
#endif
#define TFT_CURVE_CODES 4096 // categories of a table

struct tft_selection_curves {
    bool ready;
    tft_arena arena;         // the small arrays; nodes are blocks of their own
    tft_curves codes, reals; // of the embeddings and of the reals, in the selection's order
    float worst;             // largest error measured, relative to its curve's largest value
};

tft_status tft_selection_curves_open(const tft_selection *w, const tft_embeddings *embeddings,
                                     tft_selection_curves *curves, tft_error *err);
void tft_selection_curves_close(tft_selection_curves *curves); // accepts a zeroed struct

/* Fills them from the weights as they are folded now. `tmp` has tft_selection_curves_tmp() floats. */
size_t tft_selection_curves_tmp(const tft_selection *w, const tft_embeddings *embeddings);
void tft_selection_curves_make(const tft_selection *w, const tft_embeddings *embeddings, const tft_fold *fold,
                               tft_selection_curves *curves, float *tmp);

/* Whether curve i answers for x: the very comparison that tft_curves_mix() makes. */
static inline bool tft_curve_holds(const tft_curves *curves, size_t i, float x)
{
    const float u = (x - curves->first[i]) * curves->per_unit[i];
    return u >= (float)0 && u < curves->pieces[i];
}

#endif
