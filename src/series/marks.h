/* marks.h - which steps of a past are of some kind, as bits: how many lie in any span is two look-ups, which is the latest is a word or two.
 *
 * Shapes:  n steps, oldest first; bit i % 64 of word i / 64 is step i, what is behind the last step is 0.
 * Memory:  in the scratch's arena. Threads: as the scratch.
 */
#ifndef TFT_SERIES_MARKS_H
#define TFT_SERIES_MARKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef struct tft_marks {
    uint64_t *bits;   // [n / 64 + 1]
    uint32_t *before; // [n / 64 + 1] marks in the words before
    size_t n;
} tft_marks;

void tft_marks_layout(tft_marks *marks, size_t n, tft_arena *arena);
/* From n bytes, each 0 or 1. */
void tft_marks_take(tft_marks *marks, const uint8_t *bytes, size_t n);
/* After the words were written by other means. */
void tft_marks_add_up(tft_marks *marks, size_t n);

/* Of the steps before step i ≤ n. */
size_t tft_marks_before(const tft_marks *marks, size_t i);
/* Of the newest steps, as many as there are. */
size_t tft_marks_newest(const tft_marks *marks, size_t newest);
/* One past the latest step that is marked (or not), 0 = none. */
size_t tft_marks_latest(const tft_marks *marks);
size_t tft_marks_latest_without(const tft_marks *marks);
/* The first marked step from step i on, n = none. */
size_t tft_marks_next(const tft_marks *marks, size_t i);

#endif
