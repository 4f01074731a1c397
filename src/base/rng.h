/* rng.h - random numbers that are the same on every machine.
 *
 * xoshiro256** (Blackman, Vigna 2021, "Scrambled linear pseudorandom number generators"), seeded by
 * splitmix64 so that neighbouring seeds give unrelated streams. A stream is a value: copying the struct
 * forks it, saving its 32 bytes saves it (checkpoints do).
 *
 * Threads: one stream, one thread.
 */
#ifndef TFT_BASE_RNG_H
#define TFT_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct tft_rng {
    uint64_t s[4];
} tft_rng;

/* A stream for (seed, stream): e.g. the run's seed and the number of the batch, server or layer. */
tft_rng tft_rng_seeded(uint64_t seed, uint64_t stream);

uint64_t tft_rng_next(tft_rng *rng);          // 64 uniform bits
double tft_rng_uniform(tft_rng *rng);         // [0, 1), 53 bits
double tft_rng_normal(tft_rng *rng);          // mean 0, variance 1 (Box-Muller, one value a call)
size_t tft_rng_below(tft_rng *rng, size_t n); // 0 … n−1 without bias; n ≥ 1

#endif
