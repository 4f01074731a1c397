/* numpy_choice.c - see numpy_choice.h. */
#include "score/numpy_choice.h"

#include <assert.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

#define POOL 4
#define INIT_A 0x43b0d7e5u // constants of SeedSequence
#define MULT_A 0x931e8875u
#define INIT_B 0x8b51f9ddu
#define MULT_B 0x58f38dedu
#define MIX_L 0xca01f9ddu
#define MIX_R 0x4973f715u

static uint32_t hash_mix(uint32_t value, uint32_t *hash)
{
    value ^= *hash;
    *hash *= MULT_A;
    value *= *hash;
    return value ^ (value >> 16);
}

static uint32_t mix(uint32_t x, uint32_t y)
{
    const uint32_t result = MIX_L * x - MIX_R * y;
    return result ^ (result >> 16);
}

/* SeedSequence(seed).generate_state(4, uint64) for a seed of one word. */
static void spread_seed(uint32_t seed, uint64_t out[4])
{
    uint32_t pool[POOL], hash = INIT_A;
    for (size_t i = 0; i < POOL; i++)
        pool[i] = hash_mix(i == 0 ? seed : 0, &hash);
    for (size_t from = 0; from < POOL; from++) {
        for (size_t to = 0; to < POOL; to++) {
            if (from != to)
                pool[to] = mix(pool[to], hash_mix(pool[from], &hash));
        }
    }
    uint32_t words[8];
    hash = INIT_B;
    for (size_t i = 0; i < 8; i++) {
        uint32_t value = pool[i % POOL] ^ hash;
        hash *= MULT_B;
        value *= hash;
        words[i] = value ^ (value >> 16);
    }
    for (size_t i = 0; i < 4; i++)
        out[i] = (uint64_t)words[2 * i] | (uint64_t)words[2 * i + 1] << 32;
}

static wide multiplier(void)
{
    return (wide)UINT64_C(2549297995355413924) << 64 | UINT64_C(4865540595714422341);
}

static void step(score_numpy_generator *g)
{
    const wide increment = (wide)g->increment_high << 64 | g->increment_low;
    const wide state = ((wide)g->state_high << 64 | g->state_low) * multiplier() + increment;
    g->state_high = (uint64_t)(state >> 64);
    g->state_low = (uint64_t)state;
}

score_numpy_generator score_numpy_default_rng(uint32_t seed)
{
    uint64_t words[4];
    spread_seed(seed, words);
    score_numpy_generator g = {0};
    const wide sequence = (wide)words[2] << 64 | words[3], increment = sequence << 1 | 1;
    g.increment_high = (uint64_t)(increment >> 64);
    g.increment_low = (uint64_t)increment;
    step(&g);
    const wide start = ((wide)g.state_high << 64 | g.state_low) + ((wide)words[0] << 64 | words[1]);
    g.state_high = (uint64_t)(start >> 64);
    g.state_low = (uint64_t)start;
    step(&g);
    return g;
}

uint64_t score_numpy_next64(score_numpy_generator *g)
{
    step(g); // XSL RR: the halves xored, rotated by the top six bits
    const uint64_t x = g->state_high ^ g->state_low;
    const unsigned turn = (unsigned)(g->state_high >> 58);
    return turn == 0 ? x : x >> turn | x << (64 - turn);
}

static uint32_t next32(score_numpy_generator *g)
{
    if (g->has_half) {
        g->has_half = 0;
        return g->half;
    }
    const uint64_t bits = score_numpy_next64(g);
    g->half = (uint32_t)(bits >> 32);
    g->has_half = 1;
    return (uint32_t)bits;
}

/* Uniform in 0 … last: bits under the smallest mask that covers `last`, drawn again while they are above it. */
static uint32_t bounded(score_numpy_generator *g, uint32_t last)
{
    uint32_t mask = last;
    for (unsigned shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    uint32_t value = next32(g) & mask;
    while (value > last)
        value = next32(g) & mask;
    return value;
}

tft_status score_numpy_choose(score_numpy_generator *generator, size_t n, size_t k, uint8_t *chosen, tft_error *err)
{
    assert(k <= n);
    if (n >= UINT32_MAX / sizeof(uint32_t))
        return tft_fail(err, TFT_ERR_LIMIT, "%zu windows are too many to draw from", n);
    uint32_t *const order = malloc((n + 1) * sizeof *order);
    if (order == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to draw from %zu windows", n);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i-- > 1;) {
        const uint32_t j = bounded(generator, (uint32_t)i);
        const uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; chosen != NULL && i < k; i++)
        chosen[order[i]] = 1;
    free(order);
    return TFT_OK;
}
