/* marks.c - see marks.h. */
#include "series/marks.h"

#include <endian.h>
#include <string.h>

#define WORD ((size_t)64)

void tft_marks_layout(tft_marks *marks, size_t n, tft_arena *arena)
{
    marks->n = 0;
    marks->bits = tft_arena_alloc(arena, n / WORD + 1, sizeof *marks->bits);
    marks->before = tft_arena_alloc(arena, n / WORD + 1, sizeof *marks->before);
}

/* Sums of ever wider groups of bits (Warren, Hacker's Delight, 5-1); the compiler's own asks for an instruction that not all have. */
static size_t count_bits(uint64_t x)
{
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (size_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

/* Eight bytes of 0 or 1 become eight bits: each byte's bit is moved to its place in the uppermost byte, and no two meet. */
static uint64_t bits_of(const uint8_t *bytes)
{
    uint64_t x;
    memcpy(&x, bytes, sizeof x);
    return le64toh(x) * UINT64_C(0x0102040810204080) >> 56;
}

void tft_marks_take(tft_marks *marks, const uint8_t *bytes, size_t n)
{
    size_t i = 0;
    memset(marks->bits, 0, (n / WORD + 1) * sizeof *marks->bits);
    for (; i + 8 <= n; i += 8)
        marks->bits[i / WORD] |= bits_of(bytes + i) << i % WORD;
    for (; i < n; i++)
        marks->bits[i / WORD] |= (uint64_t)bytes[i] << i % WORD;
    tft_marks_add_up(marks, n);
}

void tft_marks_add_up(tft_marks *marks, size_t n)
{
    size_t sum = 0;
    marks->n = n;
    for (size_t w = 0; w <= n / WORD; w++) {
        marks->before[w] = (uint32_t)sum;
        sum += count_bits(marks->bits[w]);
    }
}

size_t tft_marks_before(const tft_marks *marks, size_t i)
{
    const uint64_t below = (UINT64_C(1) << i % WORD) - 1;
    return marks->before[i / WORD] + count_bits(marks->bits[i / WORD] & below);
}

size_t tft_marks_newest(const tft_marks *marks, size_t newest)
{
    const size_t n = marks->n;
    return tft_marks_before(marks, n) - tft_marks_before(marks, n - (newest < n ? newest : n));
}

static size_t latest(const tft_marks *marks, uint64_t flipped)
{
    const uint64_t inside = (UINT64_C(1) << marks->n % WORD) - 1;
    for (size_t w = marks->n / WORD + 1; w-- > 0;) {
        const uint64_t word = (marks->bits[w] ^ flipped) & (w == marks->n / WORD ? inside : UINT64_MAX);
        if (word != 0)
            return w * WORD + WORD - (size_t)__builtin_clzll(word);
    }
    return 0;
}

size_t tft_marks_latest(const tft_marks *marks)
{
    return latest(marks, 0);
}

size_t tft_marks_latest_without(const tft_marks *marks)
{
    return latest(marks, UINT64_MAX);
}

size_t tft_marks_next(const tft_marks *marks, size_t i)
{
    uint64_t above = UINT64_MAX << i % WORD;
    for (size_t w = i / WORD; w <= marks->n / WORD; w++, above = UINT64_MAX) {
        if ((marks->bits[w] & above) != 0)
            return w * WORD + (size_t)__builtin_ctzll(marks->bits[w] & above);
    }
    return marks->n;
}
