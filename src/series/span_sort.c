/* span_sort.c - see span_sort.h. */
#include "series/span_sort.h"

#include <math.h>

#include "series/per_processor.h"
#include "series/sort_rows.h"

TFT_PER_PROCESSOR void tft_span_sort(float (*x)[TFT_SORT_COLUMNS], size_t n)
{
    const size_t n_blocks = (n + TFT_SORT_BLOCK - 1) / TFT_SORT_BLOCK;
    for (size_t i = n; i < n_blocks * TFT_SORT_BLOCK; i++) {
        for (size_t c = 0; c < TFT_SORT_COLUMNS; c++)
            x[i][c] = NAN;
    }
    for (size_t i = 0; i < n_blocks * TFT_SORT_BLOCK; i++)
        tft_row_to_keys(x[i], x[i]);
    tft_blocks_sort((tft_key_row *)x, n_blocks); // which sees memory through memcpy alone
    for (size_t i = 0; i < n; i++)
        tft_row_to_values(x[i], x[i]);
}
