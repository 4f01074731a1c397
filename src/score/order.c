/* order.c - see order.h. */
#include "score/order.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define SMALL 48 // up to here insertion sort is faster than four passes over 256 counters

static void insertion_sort(float *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        const float value = values[i];
        size_t at = i;
        for (; at > 0 && values[at - 1] > value; at--)
            values[at] = values[at - 1];
        values[at] = value;
    }
}

/* An unsigned number that is ordered as the float is: negative ones have all bits turned, others their sign bit. */
static uint32_t key_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

void score_sort(float *values, float *spare, size_t n)
{
    if (n <= SMALL) {
        insertion_sort(values, n);
        return;
    }
    size_t counts[4][256] = {{0}};
    for (size_t i = 0; i < n; i++) {
        assert(!isnan(values[i]));
        const uint32_t key = key_of(values[i]);
        for (size_t pass = 0; pass < 4; pass++)
            counts[pass][(key >> (8 * pass)) & 255]++;
    }
    float *from = values, *to = spare;
    for (size_t pass = 0; pass < 4; pass++) { // an even number of passes: the result ends up in `values`
        size_t start[256], sum = 0;
        for (size_t b = 0; b < 256; b++) {
            start[b] = sum;
            sum += counts[pass][b];
        }
        for (size_t i = 0; i < n; i++)
            to[start[(key_of(from[i]) >> (8 * pass)) & 255]++] = from[i];
        float *const swap = from;
        from = to;
        to = swap;
    }
}

size_t score_known(const float *from, size_t n, float *out)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        out[known] = from[i]; // written always, counted where known: no branch
        known += isnan(from[i]) ? 0 : 1;
    }
    return known;
}

float score_quantile(const float *sorted, size_t n, double q)
{
    assert(n >= 1 && q >= 0 && q <= 1);
    const double position = q * (double)(n - 1);
    const size_t below = (size_t)position;
    if (below + 1 >= n)
        return sorted[n - 1];
    const double low = (double)sorted[below], high = (double)sorted[below + 1];
    return (float)(low + (high - low) * (position - (double)below));
}
