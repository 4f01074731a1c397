/* rng.c - see rng.h. */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

tft_rng tft_rng_seeded(uint64_t seed, uint64_t stream)
{
    uint64_t x = seed;
    uint64_t y = splitmix(&x) ^ (stream * 0xd1342543de82ef95u);
    tft_rng rng;
    for (size_t i = 0; i < 4; i++)
        rng.s[i] = splitmix(&y);
    return rng;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t tft_rng_next(tft_rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double tft_rng_uniform(tft_rng *rng)
{
    return (double)(tft_rng_next(rng) >> 11) * 0x1.0p-53;
}

double tft_rng_normal(tft_rng *rng)
{
    const double u = 1.0 - tft_rng_uniform(rng); // (0, 1]: log is finite
    const double v = tft_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

size_t tft_rng_below(tft_rng *rng, size_t n)
{
    assert(n >= 1);
    const uint64_t bound = (uint64_t)n;
    const uint64_t reject = (UINT64_MAX - bound + 1) % bound; // 2^64 mod n: the uneven part is drawn again
    uint64_t x = tft_rng_next(rng);
    while (x < reject)
        x = tft_rng_next(rng);
    return (size_t)(x % bound);
}
