/* guard.h - buffers that notice being overrun, for the tests of the kernels.
 *
 * A guarded matrix ends where a page that may not be touched begins, so one float too many is a crash in any build: masked
 * vector accesses are invisible to AddressSanitizer. The floats between the rows (ld > width) are NaN: reading one spoils
 * the result, writing one is found by guard_check().
 */
#ifndef TFT_TESTS_TENSOR_GUARD_H
#define TFT_TESTS_TENSOR_GUARD_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "tensor/kernels.h"
#include "tensor/tensor.h"

typedef struct matrix {
    size_t rows, width, ld;
    float *p;
    unsigned char *map;
    size_t size; // 2^size pages
} matrix;

static inline size_t guard_floats(size_t rows, size_t width, size_t ld)
{
    return rows == 0 ? 0 : (rows - 1) * ld + width; // nothing behind the last row's end
}

/* Closed buffers wait here for the next of their size, a power of two of pages: the kernel's shapes are thousands. */
enum { GUARD_SIZES = 24, GUARD_WAITING = 32 };
typedef struct guard_store {
    unsigned char *map[GUARD_SIZES][GUARD_WAITING];
    size_t n[GUARD_SIZES];
} guard_store;
static guard_store guard_waiting;

static inline size_t guard_page(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* 2^size pages that may be used, one before and one behind that may not. */
static inline unsigned char *guard_map(size_t size)
{
    if (guard_waiting.n[size] > 0)
        return guard_waiting.map[size][--guard_waiting.n[size]];
    const size_t page = guard_page(), body = page << size;
    unsigned char *map =
        (unsigned char *)mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(map + page + body, page, PROT_NONE), 0);
    return map;
}

/* `offset` floats stay free between the buffer's end and the forbidden page: to move it out of alignment. */
static inline matrix guard_open_at(size_t rows, size_t width, size_t ld, size_t offset)
{
    const size_t bytes = (guard_floats(rows, width, ld) + offset) * sizeof(float);
    size_t size = 0;
    while (guard_page() << size < bytes)
        size++;
    matrix m = {.rows = rows, .width = width, .ld = ld, .size = size};
    m.map = guard_map(size);
    m.p = (float *)(void *)(m.map + guard_page() + (guard_page() << size) - bytes);
    for (size_t i = 0; i < guard_floats(rows, width, ld); i++)
        m.p[i] = NAN;
    return m;
}

static inline matrix guard_open(size_t rows, size_t width, size_t ld)
{
    return guard_open_at(rows, width, ld, 0);
}

static inline void guard_close(matrix *m)
{
    if (guard_waiting.n[m->size] < GUARD_WAITING)
        guard_waiting.map[m->size][guard_waiting.n[m->size]++] = m->map;
    else
        munmap(m->map, (guard_page() << m->size) + 2 * guard_page());
}

static inline void guard_fill(matrix *m, tft_rng *rng, float scale)
{
    for (size_t r = 0; r < m->rows; r++)
        for (size_t i = 0; i < m->width; i++)
            m->p[r * m->ld + i] = scale * (float)tft_rng_normal(rng);
}

static inline matrix guard_random(size_t rows, size_t width, size_t ld, tft_rng *rng)
{
    matrix m = guard_open(rows, width, ld);
    guard_fill(&m, rng, 1.0f);
    return m;
}

static inline void guard_copy(matrix *to, const matrix *from)
{
    assert_true(to->rows == from->rows && to->width == from->width);
    for (size_t r = 0; r < to->rows && to->width > 0; r++)
        memcpy(to->p + r * to->ld, from->p + r * from->ld, to->width * sizeof(float));
}

/* The same values elsewhere. */
static inline matrix guard_twin(const matrix *from)
{
    matrix m = guard_open(from->rows, from->width, from->ld);
    guard_copy(&m, from);
    return m;
}

/* The floats between the rows are still NaN. */
static inline void guard_check(const matrix *m)
{
    for (size_t r = 0; r + 1 < m->rows; r++)
        for (size_t i = m->width; i < m->ld; i++)
            assert_true(isnan(m->p[r * m->ld + i]));
}

static inline bool guard_same_bits(const float *a, const float *b, size_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

/* |got − want| ≤ bound in every element; a bound that is not reached anywhere is fine, NaN is not. */
static inline void guard_near(const matrix *got, const matrix *want, const matrix *bound, const char *what)
{
    for (size_t r = 0; r < got->rows; r++) {
        for (size_t i = 0; i < got->width; i++) {
            const double g = (double)got->p[r * got->ld + i], w = (double)want->p[r * want->ld + i];
            const double limit = (double)bound->p[r * bound->ld + i];
            if (!(fabs(g - w) <= limit))
                fail_msg("%s, %s: [%zu, %zu] of [%zu, %zu] is %.9g, expected %.9g within %.3g", what,
                         tft_isa_name(tft_tensor_isa()), r, i, got->rows, got->width, g, w, limit);
        }
    }
}

/* Runs the test for every instruction set that this machine has. */
static inline void for_each_isa(void (*test)(void))
{
    const tft_isa sets[] = {TFT_ISA_PORTABLE, TFT_ISA_AVX2, TFT_ISA_AVX512};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!tft_isa_usable(sets[i])) {
            printf("  (%s: not on this machine)\n", tft_isa_name(sets[i]));
            continue;
        }
        assert_int_equal(tft_tensor_init(sets[i]), sets[i]);
        test();
    }
    tft_tensor_init(TFT_ISA_AUTO);
}

#endif
