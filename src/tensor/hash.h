/* hash.h - the counter-based hash behind dropout: element i of a mask is a function of (key, i) alone.
 *
 * Two rounds of a 32-bit finaliser (two multiplications, three shift-xors) with a key word before each. All
 * operations are 32-bit integers, which every vector unit has, so the vector kernels (elementwise.inc) draw exactly
 * these bits. Philox would be the textbook choice; it costs ten widening multiplications per element and dropout
 * needs independence of neighbours and keys, not cryptography: tests/tensor/test_dropout.c measures both.
 */
#ifndef TFT_TENSOR_HASH_H
#define TFT_TENSOR_HASH_H

#include <stdint.h>

#define TFT_HASH_STEP UINT32_C(0x9E3779B9)  // odd, so i -> i · step is a bijection
#define TFT_HASH_MUL_A UINT32_C(0x7FEB352D) // the finaliser's multipliers; shifts 16, 15, 16
#define TFT_HASH_MUL_B UINT32_C(0x846CA68B)

typedef struct tft_dropout_key {
    uint32_t word0, word1; // the two key words
    uint32_t threshold;    // kept where hash >= threshold
    float keep;            // 1 / (1 − p)
} tft_dropout_key;

/* splitmix64's finaliser: neighbouring keys give unrelated words. */
static inline uint64_t tft_hash_mix64(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline tft_dropout_key tft_dropout_key_of(float p, uint64_t key)
{
    const uint64_t mixed = tft_hash_mix64(key);
    const double share = p > 0.0f ? (p < 1.0f ? (double)p : 1.0) : 0.0;
    const double cut = share * 4294967296.0; // 2^32
    tft_dropout_key k;
    k.word0 = (uint32_t)mixed;
    k.word1 = (uint32_t)(mixed >> 32);
    k.threshold = cut >= 4294967295.0 ? UINT32_MAX : (uint32_t)cut;
    k.keep = share < 1.0 ? (float)(1.0 / (1.0 - share)) : 0.0f; // p = 1 drops everything
    return k;
}

static inline uint32_t tft_hash_finalise(uint32_t x)
{
    x = (x ^ (x >> 16)) * TFT_HASH_MUL_A;
    x = (x ^ (x >> 15)) * TFT_HASH_MUL_B;
    return x ^ (x >> 16);
}

/* The upper half of i only changes the second key word, once every 2^32 elements. */
static inline uint32_t tft_dropout_word1(const tft_dropout_key *k, uint64_t i)
{
    return k->word1 ^ ((uint32_t)(i >> 32) * TFT_HASH_STEP);
}

static inline uint32_t tft_dropout_hash(const tft_dropout_key *k, uint64_t i)
{
    const uint32_t x = tft_hash_finalise((uint32_t)i * TFT_HASH_STEP + k->word0);
    return tft_hash_finalise(x + tft_dropout_word1(k, i));
}

#endif
