/* shared_inputs.c - see shared_inputs.h. */
#include "tft/shared_inputs.h"

#include <string.h>

void tft_shared_inputs_layout(tft_arena *arena, size_t n_reals, size_t hidden, size_t max_windows, size_t max_steps,
                              tft_shared_inputs *shared)
{
    const size_t most = n_reals < TFT_SHARED_MOST ? n_reals : TFT_SHARED_MOST;
    shared->step = tft_arena_alloc(arena, tft_mul_sat(max_windows, max_steps), sizeof *shared->step);
    shared->values = tft_arena_alloc(arena, n_reals, sizeof *shared->values);
    shared->made = tft_arena_floats(arena, tft_mul_sat(tft_mul_sat(most, max_steps), hidden));
}

/* Whether column i of every window says what the longest one's last steps say. */
static bool is_shared(const tft_rows *rows, const float *reals, size_t n_reals, size_t i, const float *longest)
{
    for (size_t b = 0; b < rows->n_windows; b++) {
        const float *x = reals + rows->start[b] * n_reals + i;
        const float *y = longest + (rows->longest - rows->length[b]) * n_reals + i;
        for (size_t t = 0; t < rows->length[b]; t++, x += n_reals, y += n_reals) {
            if (!(*x == *y))
                return false;
        }
    }
    return true;
}

void tft_shared_inputs_find(const tft_curves *curves, const tft_rows *rows, const float *reals, size_t n_reals,
                            tft_shared_inputs *shared)
{
    shared->n = 0;
    if (rows->n_windows < 2)
        return;
    const float *const longest = reals + rows->start[rows->order[0]] * n_reals;
    for (size_t i = 0; i < curves->n; i++) {
        float *const made = shared->made + shared->n * rows->longest * curves->d;
        shared->values[i] = NULL;
        if (shared->n == TFT_SHARED_MOST || !is_shared(rows, reals, n_reals, i, longest) ||
            !tft_curve_values(curves, i, longest + i, n_reals, rows->longest, made))
            continue;
        shared->values[i] = made;
        shared->n++;
    }
    for (size_t r = 0; r < rows->n; r++) {
        const size_t b = rows->window_of[r];
        shared->step[r] = (uint32_t)(r - rows->start[b] + rows->longest - rows->length[b]);
    }
}
