/* rows.c - see rows.h. */
#include "tft/rows.h"

#include <string.h>

void tft_rows_layout(tft_arena *arena, tft_rows *rows, size_t max_windows, size_t max_steps)
{
    const size_t n = tft_mul_sat(max_windows, max_steps);
    rows->start = tft_arena_alloc(arena, max_windows, sizeof(uint32_t));
    rows->window_of = tft_arena_alloc(arena, n, sizeof(uint32_t));
    rows->order = tft_arena_alloc(arena, max_windows, sizeof(uint32_t));
    rows->step = tft_arena_alloc(arena, max_steps + 2, sizeof(uint32_t));
    rows->packed_row = tft_arena_alloc(arena, n, sizeof(uint32_t));
}

/* A counting sort: step[L] first counts the windows of length L, then says where they go. */
static void sort_by_length(tft_rows *rows)
{
    uint32_t *const at = rows->step;
    memset(at, 0, (rows->longest + 2) * sizeof *at);
    for (size_t b = 0; b < rows->n_windows; b++)
        at[rows->length[b]]++;
    uint32_t next = 0;
    for (uint32_t length = rows->longest + 1; length-- > 0;) {
        const uint32_t count = at[length];
        at[length] = next;
        next += count;
    }
    for (size_t b = 0; b < rows->n_windows; b++)
        rows->order[at[rows->length[b]]++] = (uint32_t)b;
}

void tft_rows_set(tft_rows *rows, size_t n_windows, const uint32_t *length)
{
    rows->n_windows = n_windows;
    rows->length = length;
    rows->longest = 0;
    uint32_t n = 0;
    for (size_t b = 0; b < n_windows; b++) {
        rows->start[b] = n;
        for (uint32_t t = 0; t < length[b]; t++)
            rows->window_of[n++] = (uint32_t)b;
        rows->longest = length[b] > rows->longest ? length[b] : rows->longest;
    }
    rows->n = n;
    sort_by_length(rows);
    uint32_t in_time = 0;
    size_t live = n_windows;
    for (uint32_t t = 0; t < rows->longest; t++) {
        rows->step[t] = in_time;
        while (live > 0 && length[rows->order[live - 1]] <= t)
            live--;
        for (size_t rank = 0; rank < live; rank++)
            rows->packed_row[in_time++] = rows->start[rows->order[rank]] + t;
    }
    rows->step[rows->longest] = in_time;
}

void tft_rows_pack(const tft_rows *rows, const float *padded, size_t steps, size_t d, float *packed)
{
    for (size_t b = 0; b < rows->n_windows && d > 0; b++)
        memcpy(packed + rows->start[b] * d, padded + b * steps * d, rows->length[b] * d * sizeof *packed);
}

void tft_rows_unpack(const tft_rows *rows, const float *packed, size_t steps, size_t d, float *padded)
{
    for (size_t b = 0; b < rows->n_windows && d > 0; b++)
        memcpy(padded + b * steps * d, packed + rows->start[b] * d, rows->length[b] * d * sizeof *padded);
}

void tft_rows_to_time(const tft_rows *rows, const float *packed, size_t d, float *in_time)
{
    for (size_t r = 0; r < rows->n; r++)
        memcpy(in_time + r * d, packed + rows->packed_row[r] * d, d * sizeof *in_time);
}

void tft_rows_from_time(const tft_rows *rows, const float *in_time, size_t d, float *packed)
{
    for (size_t r = 0; r < rows->n; r++)
        memcpy(packed + rows->packed_row[r] * d, in_time + r * d, d * sizeof *packed);
}
