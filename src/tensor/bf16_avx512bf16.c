/* bf16_avx512bf16.c - the products in bfloat16 by VDPBF16PS; CMake compiles *_avx512bf16.c with the flags for it.
 *
 * The instruction takes pairs of bfloat16, sixteen at a time, and adds both products of each to a float32: twice the
 * multiply-adds of a float32 vector. So a pair of neighbours in k is what a tile reads where gemm.inc reads one number:
 *
 *     packed:  | k = 0, 1 of columns 0 … 31 | k = 2, 3 of columns 0 … 31 | …      32 bits a pair, the lower k in the lower half
 *
 * panel after panel of 32 columns; an odd k ends with a zero. Rows of x are rounded into pairs on the stack, a chunk at a time, which
 * all panels then share. The tile, its sums in registers and their order are those of gemm.inc: a row of the result depends on that
 * row of x alone.
 *
 * Rounding: factors to the nearest, ties to even (VCVTNEPS2BF16), their products and sums by the instruction, which rounds to the nearest even and takes
 * numbers below 2⁻¹²⁶ for zero, whatever MXCSR says, and adds the upper product of a pair before the lower (Intel SDM, VDPBF16PS). With every
 * order the error of the sum is at most (k + 3) 2⁻²⁴ Σ |x w|, and 2⁻¹²⁶ a term for what was taken for zero.
 *
 * Memory: 32 KB of stack for the pairs. Nothing here may be called before dispatch.c has asked the CPU.
 */
#include "tensor/kernels.h"

#ifdef __AVX512BF16__

#include "tensor/simd_avx512.h"

enum {
    PANEL = 2 * V_LANES, // columns that a tile covers
    BLOCK = 512,         // k at a time: a panel of that is 32 KB
    PAIRS = 8192         // of a chunk of rows
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* 32-bit pairs of a row of k numbers, to whole vectors. */
static size_t row_pairs(size_t k)
{
    return (k + PANEL - 1) / PANEL * V_LANES;
}

/* Two vectors of k as one of pairs. */
V_INLINE __m512i to_pairs(const float *x, size_t left)
{
    const v_mask low = v_mask_first(left < V_LANES ? left : V_LANES);
    const v_mask high = v_mask_first(left < V_LANES ? 0 : least(left - V_LANES, V_LANES));
    return (__m512i)_mm512_cvtne2ps_pbh(v_load_mask(x + V_LANES, high), v_load_mask(x, low));
}

static void rows_to_pairs(const float *x, size_t ldx, size_t rows, size_t k, uint32_t *pairs)
{
    const size_t ld = row_pairs(k);
    for (size_t r = 0; r < rows; r++) {
        size_t t = 0;
        for (; t + PANEL <= k; t += PANEL)
            _mm512_storeu_si512(pairs + r * ld + t / 2, (__m512i)_mm512_cvtne2ps_pbh(v_load(x + r * ldx + t + V_LANES),
                                                                                     v_load(x + r * ldx + t)));
        if (t < k)
            _mm512_storeu_si512(pairs + r * ld + t / 2, to_pairs(x + r * ldx + t, k - t));
    }
}

/* ---- the weights ------------------------------------------------------------------------------------------- */

/* Pairs of a block of k ≤ BLOCK, panel after panel. */
static size_t panel_pairs(size_t k)
{
    return (k + 1) / 2 * PANEL;
}

static void pack_block(const float *w, size_t in, size_t out, size_t k, uint32_t *packed)
{
    uint32_t row[BLOCK / 2];
    for (size_t o = 0; o < (out + PANEL - 1) / PANEL * PANEL; o++) {
        uint32_t *const column = packed + o / PANEL * panel_pairs(k) + o % PANEL;
        if (o < out)
            rows_to_pairs(w + o * in, in, 1, k, row);
        for (size_t t = 0; t < (k + 1) / 2; t++)
            column[t * PANEL] = o < out ? row[t] : 0;
    }
}

static size_t block_pairs(size_t k, size_t out)
{
    return panel_pairs(k) * ((out + PANEL - 1) / PANEL);
}

void tft_avx512_linear_pack_bf16(const float *w, size_t in, size_t out, float *packed)
{
    uint32_t *to = (uint32_t *)(void *)packed; // opaque to everybody else: at most as large as float32's
    for (size_t t = 0; t < in; t += BLOCK) {
        const size_t k = least(in - t, BLOCK);
        pack_block(w + t, in, out, k, to);
        to += block_pairs(k, out);
    }
}

/* ---- the product ------------------------------------------------------------------------------------------- */

typedef struct rows {
    const uint32_t *x; // pairs
    size_t ldx, pairs; // from row to row; of them that count
    const float *bias; // of the panel; or NULL
    bool add;
    float *y;
    size_t ldy;
    v_mask mask; // columns of the last vector
} rows;

/* One tile: `n` × `vecs` vectors, both constants at every call. */
V_INLINE void tile(const rows *g, size_t first, size_t n, size_t vecs, const uint32_t *w)
{
    const v_mask masks[2] = {vecs == 2 ? v_mask_first(V_LANES) : g->mask, g->mask};
    const uint32_t *x = g->x + first * g->ldx;
    float *const y = g->y + first * g->ldy;
    vf sum[V_ROWS][2];
#pragma GCC unroll 2
    for (size_t v = 0; v < vecs; v++) {
        const vf start = g->bias != NULL ? v_load_mask(g->bias + v * V_LANES, masks[v]) : v_set1(0.0f);
#pragma GCC unroll 16
        for (size_t r = 0; r < n; r++)
            sum[r][v] = start;
    }
    for (size_t t = 0; t < g->pairs; t++, w += PANEL) {
        __m512bh column[2];
#pragma GCC unroll 2
        for (size_t v = 0; v < vecs; v++)
            column[v] = (__m512bh)_mm512_loadu_si512(w + v * V_LANES);
#pragma GCC unroll 16
        for (size_t r = 0; r < n; r++) {
            const __m512bh pair = (__m512bh)_mm512_set1_epi32((int)x[r * g->ldx + t]);
#pragma GCC unroll 2
            for (size_t v = 0; v < vecs; v++)
                sum[r][v] = (vf)_mm512_dpbf16_ps((__m512)sum[r][v], column[v], pair);
        }
    }
#pragma GCC unroll 16
    for (size_t r = 0; r < n; r++) {
#pragma GCC unroll 2
        for (size_t v = 0; v < vecs; v++) {
            float *const to = y + r * g->ldy + v * V_LANES;
            v_store_mask(to, masks[v], g->add ? sum[r][v] + v_load_mask(to, masks[v]) : sum[r][v]);
        }
    }
}

V_INLINE void panel(const rows *g, size_t n, size_t vecs, const uint32_t *w)
{
    size_t i = 0;
#define TILES(count)                                                                                                   \
    for (; i + (count) <= n; i += (count))                                                                             \
        tile(g, i, count, vecs, w);
    TILES(V_ROWS)
    TILES(8)
    TILES(4)
    TILES(2)
    TILES(1)
#undef TILES
}

static void panel_1(const rows *g, size_t n, const uint32_t *w)
{
    panel(g, n, 1, w);
}

static void panel_2(const rows *g, size_t n, const uint32_t *w)
{
    panel(g, n, 2, w);
}

static void product(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in, size_t out,
                    float *y, size_t ldy, bool add)
{
    const uint32_t *w = (const uint32_t *)(const void *)packed;
    uint32_t pairs[PAIRS] __attribute__((aligned(64)));
    size_t t = 0;
    do { // once even for in = 0: y = bias
        const size_t k = least(in - t, BLOCK), ld = row_pairs(k);
        const size_t chunk = ld > 0 ? PAIRS / ld / V_ROWS * V_ROWS : n;
        for (size_t i = 0; i < n; i += chunk) {
            const size_t m = least(n - i, chunk);
            rows_to_pairs(x + i * ldx + t, ldx, m, k, pairs);
            for (size_t j = 0; j < out; j += PANEL) {
                const size_t width = least(out - j, PANEL);
                const rows g = {.x = pairs,
                                .ldx = ld,
                                .pairs = (k + 1) / 2,
                                .bias = b != NULL ? b + j : NULL,
                                .add = add,
                                .y = y + i * ldy + j,
                                .ldy = ldy,
                                .mask = v_mask_first(width % V_LANES == 0 ? V_LANES : width % V_LANES)};
                (width > V_LANES ? panel_2 : panel_1)(&g, m, w + j / PANEL * panel_pairs(k));
            }
        }
        w += block_pairs(k, out);
        b = NULL; // later blocks add
        add = true;
        t += k;
    } while (t < in);
}

void tft_avx512_linear_bf16(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                            size_t out, float *y, size_t ldy)
{
    product(x, ldx, packed, b, n, in, out, y, ldy, false);
}

void tft_avx512_linear_bf16_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                                size_t out, float *y, size_t ldy)
{
    product(x, ldx, packed, b, n, in, out, y, ldy, true);
}
#endif
