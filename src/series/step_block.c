/* step_block.c - see step_block.h. */
#include "series/step_block.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

#define PLACE_BITS 6
#define STATE_BITS 4
#define WIDTH_BITS 5
#define LEAST_BITS 16
#define EXPONENT_BITS 16
#define N_SPARED_BITS 7
#define SPARED_BITS (PLACE_BITS + 32)
#define WIDEST 25          // bits of a number on the grid
#define FURTHEST (1 << 30) // numbers beyond are kept as floats
#define FEW 16             // of fewer values nobody knows what is usual

_Static_assert(TFT_STEP_BLOCK == 1 << PLACE_BITS, "a place is six bits");
_Static_assert(TFT_N_STATES <= 1 << STATE_BITS, "a state is four bits");

size_t tft_step_block_most(size_t n_metrics)
{
    const size_t column = LEAST_BITS + WIDTH_BITS + TFT_STEP_BLOCK * 16;
    const size_t values = EXPONENT_BITS + 32 + WIDTH_BITS + N_SPARED_BITS + TFT_STEP_BLOCK * (SPARED_BITS + WIDEST);
    const size_t bits = 2 * PLACE_BITS + column + 1 + TFT_STEP_BLOCK * STATE_BITS + n_metrics * (1 + column + values);
    return bits / 8 + 1;
}

/* ---- columns of counts and states ------------------------------------------------------------------------------- */

/* Every `stride`th number from `from` on. */
static void put_column(tft_bit_writer *to, const uint16_t *from, size_t n, size_t stride)
{
    uint16_t least = UINT16_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        least = from[i * stride] < least ? from[i * stride] : least;
        most = from[i * stride] > most ? from[i * stride] : most;
    }
    const unsigned width = tft_bits_of((uint32_t)(most - least));
    tft_bits_put(to, least, LEAST_BITS);
    tft_bits_put(to, width, WIDTH_BITS);
    for (size_t i = 0; i < n; i++)
        tft_bits_put(to, (uint32_t)(from[i * stride] - least), width);
}

/* What is read, and where it ends. */
typedef struct packed {
    tft_bit_reader bits;
    uint64_t end;
} packed;

static bool has(const packed *from, uint64_t bits)
{
    return from->bits.at + bits <= from->end;
}

static bool take_column(packed *from, uint16_t *to, size_t n, size_t stride)
{
    if (!has(from, LEAST_BITS + WIDTH_BITS))
        return false;
    const uint32_t least = tft_bits_take(&from->bits, LEAST_BITS);
    const unsigned width = tft_bits_take(&from->bits, WIDTH_BITS);
    uint32_t most = least;
    if (width > LEAST_BITS || !has(from, n * width))
        return false;
    for (size_t i = 0; i < n; i++) {
        const uint32_t count = least + tft_bits_take(&from->bits, width);
        most = count > most ? count : most;
        to[i * stride] = (uint16_t)count;
    }
    return most <= UINT16_MAX;
}

static void put_states(tft_bit_writer *to, const uint8_t *states, size_t n)
{
    bool one = true;
    for (size_t i = 1; i < n; i++)
        one = one && states[i] == states[0];
    tft_bits_put(to, one, 1);
    for (size_t i = 0; i < (one ? 1 : n); i++)
        tft_bits_put(to, states[i], STATE_BITS);
}

static bool take_states(packed *from, uint8_t *states, size_t n)
{
    if (!has(from, 1))
        return false;
    const bool one = tft_bits_take(&from->bits, 1) != 0;
    bool known = true;
    if (!has(from, (one ? 1 : n) * STATE_BITS))
        return false;
    for (size_t i = 0; i < n; i++) {
        states[i] = i > 0 && one ? states[0] : (uint8_t)tft_bits_take(&from->bits, STATE_BITS);
        known = known && states[i] < TFT_N_STATES;
    }
    return known;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static int exponent_of(double value)
{
    int exponent;
    frexp(value, &exponent);
    return exponent;
}

/* Exponent of the grid for values in ascending order. */
static int grid_of(const float *sorted, size_t n)
{
    const double low = (double)sorted[n / 4], high = (double)sorted[n - 1 - n / 4], spread = high - low;
    const double middle = fmax(fabs(low), fabs(high)),
                 largest = fmax(fabs((double)sorted[0]), fabs((double)sorted[n - 1]));
    if (largest == 0)
        return 0;
    if (middle == 0)
        return exponent_of(largest) - 16;
    const int finest = exponent_of(middle) - 24, wanted = exponent_of(spread) - 7;
    return n >= FEW && spread > 0 && wanted > finest ? wanted : finest;
}

/* The number on the grid; FURTHEST where it is too far away. */
static int32_t number_of(float value, double scale)
{
    const double k = rint((double)value * scale);
    return fabs(k) < FURTHEST ? (int32_t)k : FURTHEST;
}

/* The window of numbers that makes the whole smallest. */
typedef struct window {
    int32_t base;
    unsigned width;
} window;

static window best_window(const int32_t *sorted, size_t n)
{
    window best = {0, 0};
    size_t least = SIZE_MAX;
    for (unsigned width = 0; width <= WIDEST; width++) {
        size_t most = 0;
        int32_t base = 0;
        for (size_t i = 0, end = 0; i < n; i++) {
            while (end < n && (int64_t)sorted[end] - sorted[i] < (int64_t)1 << width)
                end++;
            if (end - i > most) {
                most = end - i;
                base = sorted[i];
            }
        }
        const size_t bits = TFT_STEP_BLOCK * width + (n - most) * SPARED_BITS;
        if (bits < least) {
            least = bits;
            best = (window){base, width};
        }
        if (most == n)
            break;
    }
    return best;
}

static bool is_inside(window w, int32_t k)
{
    return k != FURTHEST && k >= w.base && (int64_t)k - w.base < (int64_t)1 << w.width;
}

/* values: [n] that are there, in order of time. */
static void put_values(tft_bit_writer *to, const float *values, size_t n)
{
    float sorted[TFT_STEP_BLOCK];
    int32_t k[TFT_STEP_BLOCK], sorted_k[TFT_STEP_BLOCK];
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_floats);
    const int grid = grid_of(sorted, n);
    const double scale = ldexp(1.0, -grid);
    size_t n_spared = 0, n_near = 0;
    for (size_t i = 0; i < n; i++) {
        k[i] = number_of(values[i], scale);
        const int32_t next = number_of(sorted[i], scale); // those too far below count as too far above
        if (next != FURTHEST)
            sorted_k[n_near++] = next;
    }
    const window w = best_window(sorted_k, n_near);
    for (size_t i = 0; i < n; i++)
        n_spared += !is_inside(w, k[i]);
    tft_bits_put(to, (uint32_t)(grid + 32768), EXPONENT_BITS);
    tft_bits_put(to, (uint32_t)w.base, 32);
    tft_bits_put(to, w.width, WIDTH_BITS);
    tft_bits_put(to, (uint32_t)n_spared, N_SPARED_BITS);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        if (is_inside(w, k[i]))
            continue;
        memcpy(&bits, &values[i], sizeof bits);
        tft_bits_put(to, (uint32_t)i, PLACE_BITS);
        tft_bits_put(to, bits, 32);
    }
    for (size_t i = 0; i < n; i++)
        tft_bits_put(to, is_inside(w, k[i]) ? (uint32_t)(k[i] - w.base) : 0, w.width);
}

static bool take_values(packed *from, float *values, size_t n)
{
    unsigned char places[TFT_STEP_BLOCK];
    float spared[TFT_STEP_BLOCK];
    if (!has(from, EXPONENT_BITS + 32 + WIDTH_BITS + N_SPARED_BITS))
        return false;
    const int grid = (int)tft_bits_take(&from->bits, EXPONENT_BITS) - 32768;
    const int32_t base = (int32_t)tft_bits_take(&from->bits, 32);
    const unsigned width = tft_bits_take(&from->bits, WIDTH_BITS);
    const size_t n_spared = tft_bits_take(&from->bits, N_SPARED_BITS);
    if (n_spared > n || !has(from, n_spared * SPARED_BITS + n * width))
        return false;
    for (size_t i = 0; i < n_spared; i++) {
        places[i] = (unsigned char)tft_bits_take(&from->bits, PLACE_BITS);
        const uint32_t bits = tft_bits_take(&from->bits, 32);
        memcpy(&spared[i], &bits, sizeof bits);
        if (places[i] >= n)
            return false;
    }
    const double step = ldexp(1.0, grid);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)((double)((int64_t)base + tft_bits_take(&from->bits, width)) * step);
    for (size_t i = 0; i < n_spared; i++)
        values[places[i]] = spared[i];
    return true;
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

size_t tft_step_block_pack(const tft_series *series, unsigned char *out)
{
    const size_t m = series->n_metrics, n = series->n_steps;
    const int64_t begin = tft_step_block_of(series->first_step) * TFT_STEP_BLOCK;
    assert(n >= 1 && series->first_step - begin + (int64_t)n <= TFT_STEP_BLOCK && m <= TFT_MAX_METRICS);
    tft_bit_writer to = {.at = out};
    tft_bits_put(&to, (uint32_t)(series->first_step - begin), PLACE_BITS);
    tft_bits_put(&to, (uint32_t)(n - 1), PLACE_BITS);
    put_column(&to, series->counts, n, 1);
    put_states(&to, series->states, n);
    for (size_t k = 0; k < m; k++) {
        float there[TFT_STEP_BLOCK];
        size_t n_there = 0;
        bool same = true;
        for (size_t i = 0; i < n; i++) {
            const uint16_t count = series->value_counts[i * m + k];
            same = same && count == series->counts[i];
            if (count > 0)
                there[n_there++] = series->values[i * m + k];
        }
        tft_bits_put(&to, same, 1);
        if (!same)
            put_column(&to, series->value_counts + k, n, m);
        if (n_there > 0)
            put_values(&to, there, n_there);
    }
    tft_bits_align(&to);
    return (size_t)(to.at - out);
}

bool tft_step_block_unpack(const unsigned char *bytes, size_t n, size_t n_metrics, tft_step_block *block)
{
    packed from = {.bits = {.bytes = bytes}, .end = (uint64_t)n * 8};
    const size_t m = n_metrics;
    if (n > tft_step_block_most(m) || !has(&from, 2 * PLACE_BITS))
        return false;
    block->first = tft_bits_take(&from.bits, PLACE_BITS);
    block->n = tft_bits_take(&from.bits, PLACE_BITS) + 1;
    if (block->first + block->n > TFT_STEP_BLOCK)
        return false;
    uint16_t *const counts = block->counts + block->first;
    float *const values = block->values + block->first * m;
    uint16_t *const value_counts = block->value_counts + block->first * m;
    if (!take_column(&from, counts, block->n, 1) || !take_states(&from, block->states + block->first, block->n))
        return false;
    for (size_t k = 0; k < m; k++) {
        float there[TFT_STEP_BLOCK] = {0};
        size_t n_there = 0, next = 0;
        if (!has(&from, 1))
            return false;
        if (tft_bits_take(&from.bits, 1) != 0)
            for (size_t i = 0; i < block->n; i++)
                value_counts[i * m + k] = counts[i];
        else if (!take_column(&from, value_counts + k, block->n, m))
            return false;
        for (size_t i = 0; i < block->n; i++)
            n_there += value_counts[i * m + k] > 0;
        if (n_there > 0 && !take_values(&from, there, n_there))
            return false;
        for (size_t i = 0; i < block->n; i++)
            values[i * m + k] = value_counts[i * m + k] > 0 ? there[next++] : NAN;
    }
    return (from.bits.at + 7) / 8 == n;
}
