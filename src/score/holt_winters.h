/* holt_winters.h - exponential smoothing with a damped trend and a season, and its spread.
 *
 *     ŷ_t = l + φ b + s_{t−m}           e = y_t − ŷ_t
 *     l  ← l + φ b + α e                b ← φ b + β e            s_t = s_{t−m} + γ e
 *
 * in error-correction form (Hyndman, Koehler, Ord, Snyder 2008, ch. 2; additive errors, damped trend of Gardner and
 * McKenzie 1985). h steps ahead: l + (φ + … + φ^h) b + s, and a one-step error that happens now moves that forecast by
 * c_j = α + β (φ + … + φ^j) + γ·[j is a multiple of m], so that
 *
 *     σ_h² = σ² (1 + c_1² + … + c_{h−1}²).
 *
 * A quantile is the point forecast plus the same quantile of the one-step errors of the past, stretched by σ_h / σ: no
 * bell curve is assumed. φ is .98; α, β and whether there is a season at all are the best of a small grid (16 settings,
 * walked side by side) by squared one-step error on the same history. That is what people get from a library's default
 * fit; nothing looks at the future. The setting without a season matters: on a random walk the first day's shape would be
 * taken for a season, and P10–P90 hold 60 % instead of 80 %.
 *
 * The season's first values are the first day's deviations from its mean, and errors are counted after that day. With less
 * than two days of history there is no season. A missing value moves level and trend on and leaves the season.
 *
 * Threads: one call at a time per workspace.
 */
#ifndef TFTD_SCORE_HOLT_WINTERS_H
#define TFTD_SCORE_HOLT_WINTERS_H

#include <stddef.h>

#define SCORE_HW_SETTINGS 16

typedef struct score_hw_space { // the caller's, at least so large for n values, a day and a horizon
    float *season;              // [day, SCORE_HW_SETTINGS]
    float *errors;              // [n]
    float *spare;               // [n]
} score_hw_space;

/* past [n], oldest first, NaN where missing, at least one value known; day: steps in a day.
 * out [horizon, SCORE_N_LEVELS], not yet cut to any range. */
void score_holt_winters(const float *past, size_t n, size_t day, size_t horizon, const score_hw_space *space,
                        float *out);

#endif
