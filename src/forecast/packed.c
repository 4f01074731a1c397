/* packed.c - see packed.h. */
#include "forecast/packed.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"

#define GROUP 16
#define WIDTH_BITS 5
#define PART_HEAD 6
#define CURVE_BITS 22

size_t packed_most(size_t n_targets, size_t horizon)
{
    const size_t groups = (horizon + GROUP - 1) / GROUP;
    const size_t bits =
        FORECAST_N_QUANTILES * (groups * WIDTH_BITS + horizon * 17); // differences of 14-bit numbers twice
    return n_targets * (sizeof(uint32_t) + PART_HEAD + bits / 8 + 1);
}

/* Exponent of the step between served values. */
static int exponent_of(float least, float most)
{
    int span, size;
    const float largest = fmaxf(fabsf(least), fabsf(most));
    if (largest == 0.0f)
        return 0;
    frexp((double)most - (double)least, &span); // in [2^(span−1), 2^span)
    frexp((double)largest, &size);
    const int finest = size - 24; // a float has no finer steps
    const int wanted = most > least ? span - 13 : finest;
    return wanted > finest ? wanted : finest;
}

static void to_numbers(const float *rows, size_t n, int32_t *k, int *exponent, int32_t *base)
{
    float least = rows[0], most = rows[0];
    for (size_t i = 1; i < n; i++) { // no fminf(): nothing here is NaN, and the call would be most of the work
        least = rows[i] < least ? rows[i] : least;
        most = rows[i] > most ? rows[i] : most;
    }
    *exponent = exponent_of(least, most);
    const double scale = ldexp(1.0, -*exponent);
    const double low = ceil((double)least * scale), high = floor((double)most * scale); // nothing leaves the span
    *base = (int32_t)low;
    const int32_t last = (int32_t)(high - low);
    for (size_t i = 0; i < n; i++) {
        const int32_t nearest = (int32_t)((double)rows[i] * scale - low + 0.5); // at least −0.5: cut towards 0
        k[i] = nearest > last ? last : nearest;
    }
}

/* k of level q, step t, as the numbers before it make it likely. Both directions walk in the same order. */
static inline int32_t expected(const int32_t *row, const int32_t *below, size_t t)
{
    if (below == NULL)
        return t > 0 ? row[t - 1] : 0;
    return below[t] + (t > 0 ? row[t - 1] - below[t - 1] : 0);
}

static void put_row(tft_bit_writer *to, const int32_t *row, const int32_t *below, size_t horizon)
{
    for (size_t first = 0; first < horizon; first += GROUP) {
        const size_t n = horizon - first < GROUP ? horizon - first : GROUP;
        uint32_t folded[GROUP], all = 0;
        for (size_t i = 0; i < n; i++) {
            folded[i] = tft_bits_fold(row[first + i] - expected(row, below, first + i));
            all |= folded[i];
        }
        const unsigned width = tft_bits_of(all);
        tft_bits_put(to, width, WIDTH_BITS);
        for (size_t i = 0; i < n; i++)
            tft_bits_put(to, folded[i], width);
    }
}

size_t packed_make(const float *rows, const bool *present, size_t n_targets, size_t horizon, int32_t *scratch,
                   unsigned char *out)
{
    tft_bit_writer to = {.at = out + n_targets * sizeof(uint32_t)};
    for (size_t m = 0; m < n_targets; m++) {
        uint32_t place = 0;
        if (present[m]) {
            int exponent;
            int32_t base;
            to_numbers(rows + m * FORECAST_N_QUANTILES * horizon, FORECAST_N_QUANTILES * horizon, scratch, &exponent,
                       &base);
            place = (uint32_t)(to.at - out);
            tft_bits_put(&to, (uint32_t)(exponent + 32768), 16);
            tft_bits_put(&to, (uint32_t)base, 32);
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
                put_row(&to, scratch + q * horizon, q > 0 ? scratch + (q - 1) * horizon : NULL, horizon);
            tft_bits_align(&to);
        }
        memcpy(out + m * sizeof place, &place, sizeof place);
    }
    return (size_t)(to.at - out);
}

/* The numbers of a row, kept in the bits of its floats until the row above is known. */
static inline int32_t number_at(const float *row, size_t t)
{
    int32_t k;
    memcpy(&k, row + t, sizeof k);
    return k;
}

static void take_row(tft_bit_reader *from, float *row, const float *below, size_t horizon)
{
    int32_t last = 0, last_below = 0;
    unsigned width = 0;
    for (size_t t = 0; t < horizon; t++) {
        if (t % GROUP == 0)
            width = tft_bits_take(from, WIDTH_BITS);
        const int32_t under = below != NULL ? number_at(below, t) : 0;
        const int32_t k = tft_bits_unfold(tft_bits_take(from, width)) + under + last - last_below;
        memcpy(row + t, &k, sizeof k);
        last = k;
        last_below = under;
    }
}

bool packed_rows(const unsigned char *packed, size_t metric, size_t horizon, float *rows)
{
    uint32_t place;
    memcpy(&place, packed + metric * sizeof place, sizeof place);
    if (place == 0)
        return false;
    tft_bit_reader from = {.bytes = packed + place};
    const int exponent = (int)tft_bits_take(&from, 16) - 32768;
    const int32_t base = (int32_t)tft_bits_take(&from, 32);
    for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
        take_row(&from, rows + q * horizon, q > 0 ? rows + (q - 1) * horizon : NULL, horizon);
    const double step = ldexp(1.0, exponent);
    for (size_t i = 0; i < FORECAST_N_QUANTILES * horizon; i++)
        rows[i] = (float)((double)(base + number_at(rows, i)) * step);
    return true;
}

/* ---- the curve of incidents ------------------------------------------------------------------------------------- */

size_t packed_curve_most(size_t horizon)
{
    const size_t groups = (horizon + GROUP - 1) / GROUP;
    return (CURVE_BITS + 1 + groups * WIDTH_BITS + horizon * (CURVE_BITS + 1)) / 8 + 1;
}

static uint32_t grid_number(float p)
{
    const double k = (double)p * (double)(1 << CURVE_BITS) + 0.5;
    return k >= (double)(1 << CURVE_BITS) ? 1u << CURVE_BITS : k > 0.0 ? (uint32_t)k : 0;
}

size_t packed_curve_make(const float *curve, size_t horizon, unsigned char *out)
{
    tft_bit_writer to = {.at = out};
    uint32_t before = grid_number(curve[0]);
    tft_bits_put(&to, before, CURVE_BITS + 1);
    for (size_t first = 0; first < horizon; first += GROUP) {
        const size_t n = horizon - first < GROUP ? horizon - first : GROUP;
        uint32_t rise[GROUP], all = 0;
        for (size_t i = 0; i < n; i++) {
            const uint32_t k = grid_number(curve[first + i]);
            rise[i] = k > before ? k - before : 0;
            before += rise[i];
            all |= rise[i];
        }
        const unsigned width = tft_bits_of(all);
        tft_bits_put(&to, width, WIDTH_BITS);
        for (size_t i = 0; i < n; i++)
            tft_bits_put(&to, rise[i], width);
    }
    tft_bits_align(&to);
    return (size_t)(to.at - out);
}

void packed_curve(const unsigned char *packed, size_t horizon, float *curve)
{
    tft_bit_reader from = {.bytes = packed};
    uint32_t k = tft_bits_take(&from, CURVE_BITS + 1);
    unsigned width = 0;
    for (size_t t = 0; t < horizon; t++) {
        if (t % GROUP == 0)
            width = tft_bits_take(&from, WIDTH_BITS);
        k += tft_bits_take(&from, width);
        curve[t] = (float)k * (1.0f / (float)(1 << CURVE_BITS));
    }
}
