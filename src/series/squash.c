/* squash.c - see squash.h.
 *
 * asinh x = log1p(|x| + x² / (1 + √(1 + x²))) with the sign of x (fdlibm s_asinh.c), and for u = 1 + y = 2^k (1 + f), √½ < 1 + f < √2,
 * log1p y = k ln 2 + f − (f²/2 − s (f²/2 + R(s²))), s = f / (2 + f), corrected by what 1 + y lost (fdlibm s_log1p.c).
 */
#include "series/squash.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "series/per_processor.h"
#include "series/scaled.h"

#define LANES ((size_t)8)
#define INLINE static inline __attribute__((always_inline))
#define ONE 0x3f800000 // the bits of 1
#define LARGEST 2.0f
#define SMALLEST 0x1p-15f // below it asinh x = x

typedef float floats __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ints __attribute__((vector_size(LANES * sizeof(int32_t))));

INLINE void choose(const ints *where, const floats *yes, const floats *no, floats *out)
{
    *out = (floats)(((ints)*yes & *where) | ((ints)*no & ~*where));
}

INLINE void square_root(floats *x)
{
    float each[LANES];
    memcpy(each, x, sizeof each);
    for (size_t i = 0; i < LANES; i++)
        each[i] = sqrtf(each[i]);
    memcpy(x, each, sizeof each);
}

/* log1p of 2⁻¹⁵ … 4. Lanes where 1 + f comes out within three units of 1 are marked in `odd`: fdlibm does them otherwise. */
INLINE void log_of_one_more(const floats *x, floats *out, ints *odd)
{
    const ints as_it_is = (ints)*x < 0x3ed413d7; // y < √2 − 1: k = 0, f = y, and nothing was lost
    floats u = *x + 1.0f, c, lost_above = 1.0f - (u - *x), lost_below = *x - (u - 1.0f);
    ints k = ((ints)u >> 23) - 127, fraction = (ints)u & 0x007fffff;
    const ints above = k > 0, upper = fraction >= 0x3504f7; // 1 + f ≥ √2: halve it
    choose(&above, &lost_above, &lost_below, &c);
    c /= u;
    k -= upper;
    *odd = (((fraction == 0) & ~upper) | ((fraction > 0x00800000 - 4) & upper)) & ~as_it_is;
    floats f = (floats)(fraction | (ONE & ~upper) | (0x3f000000 & upper)) - 1.0f;
    choose(&as_it_is, x, &f, &f);
    const floats half = 0.5f * f * f, s = f / (2.0f + f), z = s * s;
    const floats r = z * (6.6666668653e-01f +
                          z * (4.0000000596e-01f +
                               z * (2.8571429849e-01f +
                                    z * (2.2222198546e-01f +
                                         z * (1.8183572590e-01f + z * (1.5313838422e-01f + z * 1.4798198640e-01f))))));
    const floats n = __builtin_convertvector(k, floats);
    const floats plain = f - (half - s * (half + r));
    const floats whole =
        n * 6.9313812256e-01f - ((half - (s * (half + r) + (n * 9.0580006145e-06f + c))) - f); // ln 2 in two parts
    const ints alone = as_it_is | (k == 0);
    choose(&alone, &plain, &whole, out);
}

INLINE bool any(const ints *where)
{
    uint64_t parts[sizeof *where / sizeof(uint64_t)], all = 0;
    memcpy(parts, where, sizeof parts);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        all |= parts[i];
    return all != 0;
}

INLINE void squash(const float *values, float scale, float *out)
{
    floats v, w;
    memcpy(&v, values, sizeof v);
    v /= scale;
    const floats size = (floats)((ints)v & INT32_MAX), squares = size * size;
    const ints large = size > LARGEST, as_it_is = ~(size >= SMALLEST); // NaN, too
    ints odd;
    floats root = squares + 1.0f;
    square_root(&root);
    const floats more = size + squares / (1.0f + root);
    log_of_one_more(&more, &w, &odd);
    const ints sign = (ints)v & INT32_MIN;
    w = (floats)((ints)w | sign);
    choose(&as_it_is, &v, &w, &w);
    odd |= large;
    if (any(&odd)) {
        float each[LANES];
        int32_t other[LANES];
        memcpy(each, &w, sizeof each);
        memcpy(other, &odd, sizeof other);
        for (size_t i = 0; i < LANES; i++)
            each[i] = other[i] != 0 ? tft_squashed(values[i], scale) : each[i];
        memcpy(out, each, sizeof each);
        return;
    }
    memcpy(out, &w, sizeof w);
}

TFT_PER_PROCESSOR void tft_squash_all(const float *values, size_t n, float scale, float *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        squash(values + i, scale, out + i);
    if (i == n)
        return;
    float rest[LANES] = {0};
    memcpy(rest, values + i, (n - i) * sizeof *rest);
    squash(rest, scale, rest);
    memcpy(out + i, rest, (n - i) * sizeof *rest);
}
