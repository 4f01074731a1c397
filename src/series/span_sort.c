/* span_sort.c - see span_sort.h. */
#include "series/span_sort.h"

#include <stdint.h>

// The choice is made by the loader (ifunc), which only glibc has, and before a sanitizer is ready for it.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define PER_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define PER_PROCESSOR
#endif

/* A row, and what is true of each of its columns. The compiler makes one register of it, or two. */
typedef float row __attribute__((vector_size(TFT_SORT_COLUMNS * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t choice __attribute__((vector_size(TFT_SORT_COLUMNS * sizeof(int32_t))));

/* Puts the smaller of two values first, in every column of `rows` rows from a and from b on. */
static inline __attribute__((always_inline)) void exchange(row *a, row *b, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        const choice x = (choice)a[i], y = (choice)b[i], less = a[i] < b[i];
        a[i] = (row)((x & less) | (y & ~less));
        b[i] = (row)((y & less) | (x & ~less));
    }
}

PER_PROCESSOR void tft_span_sort(float (*x)[TFT_SORT_COLUMNS], size_t n)
{
    size_t top = 1;
    while (top < n)
        top *= 2;
    for (size_t p = top / 2; p > 0; p /= 2) {
        size_t d = p, r = 0;
        for (size_t q = top / 2;; q /= 2) {
            for (size_t i = r; i + d < n; i += 2 * p) { // the places i with (i & p) == r, p of them in a row; p ≤ d
                exchange((row *)x[i], (row *)x[i + d], n - d - i < p ? n - d - i : p);
            }
            if (q == p)
                break;
            d = q - p;
            r = p;
        }
    }
}
