/* bits.h - whole numbers of any width up to 32 bits, one behind the other in bytes, lowest bits first.
 *
 *     byte 0             byte 1             the first number's lowest bit is bit 0 of byte 0
 *     | b a a a a a a a | b b b b b b b b | ...
 *
 * Memory:  the caller's; the writer needs ⌈bits / 8⌉ bytes. The reader loads eight bytes at a time: TFT_BITS_SLACK bytes behind
 *          the last one must be readable; what they hold does not matter.
 * Threads: one reader or writer, one thread.
 */
#ifndef TFT_BASE_BITS_H
#define TFT_BASE_BITS_H

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define TFT_BITS_SLACK 8

typedef struct tft_bit_writer {
    unsigned char *at; // next byte
    uint64_t held;     // bits that do not fill a byte yet
    unsigned n;        // how many, less than 8 between calls
} tft_bit_writer;

typedef struct tft_bit_reader {
    const unsigned char *bytes;
    uint64_t at; // bit
} tft_bit_reader;

static inline void tft_bits_put(tft_bit_writer *to, uint32_t value, unsigned width)
{
    assert(width <= 32 && (width == 32 || value >> width == 0));
    to->held |= (uint64_t)value << to->n;
    for (to->n += width; to->n >= 8; to->n -= 8) {
        *to->at++ = (unsigned char)(to->held & 0xff);
        to->held >>= 8;
    }
}

/* Writes what is held, filled up with zeros: the next number begins with a byte. */
static inline void tft_bits_align(tft_bit_writer *to)
{
    if (to->n > 0)
        *to->at++ = (unsigned char)(to->held & 0xff);
    to->held = 0;
    to->n = 0;
}

static inline uint32_t tft_bits_take(tft_bit_reader *from, unsigned width)
{
    uint64_t word;
    assert(width <= 32);
    memcpy(&word, from->bytes + from->at / 8, sizeof word);
    word = le64toh(word) >> from->at % 8;
    from->at += width;
    return (uint32_t)(word & (((uint64_t)1 << width) - 1));
}

/* Bits that a number takes; 0 for 0. */
static inline unsigned tft_bits_of(uint32_t value)
{
    unsigned n = 0;
    for (; value != 0; value >>= 1)
        n++;
    return n;
}

/* Signed as unsigned, small ones staying small: 0 −1 1 −2 2 … is 0 1 2 3 4 … */
static inline uint32_t tft_bits_fold(int32_t value)
{
    return value < 0 ? (uint32_t)(-(value + 1)) * 2 + 1 : (uint32_t)value * 2;
}

static inline int32_t tft_bits_unfold(uint32_t folded)
{
    return (folded & 1) != 0 ? -(int32_t)(folded >> 1) - 1 : (int32_t)(folded >> 1);
}

#endif
