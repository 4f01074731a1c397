/* simd_avx512.h - vectors of sixteen floats, AVX-512 F, VL, DQ, BW. The words are explained in simd_portable.h. */
#ifndef TFT_TENSOR_SIMD_AVX512_H
#define TFT_TENSOR_SIMD_AVX512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES 16
#define V_ROWS 12 // rows of the register tile of gemm.inc: 12 · 2 sums, 2 columns, 1 row element: 27 of 32 registers

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef double vd __attribute__((vector_size(64))); // half as many lanes
typedef float v4 __attribute__((vector_size(16)));  // a number for each of four rows
typedef __mmask16 v_mask;

#define V_INLINE static inline __attribute__((always_inline, unused))

V_INLINE v_mask v_mask_first(size_t n)
{
    return (v_mask)((UINT32_C(1) << n) - 1);
}

V_INLINE vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

V_INLINE void v_store(float *p, vf v)
{
    _mm512_storeu_ps(p, v);
}

V_INLINE vf v_load_mask(const float *p, v_mask mask)
{
    return _mm512_maskz_loadu_ps(mask, p);
}

V_INLINE void v_store_mask(float *p, v_mask mask, vf v)
{
    _mm512_mask_storeu_ps(p, mask, v);
}

V_INLINE vf v_load_lanes(const float *const *row, size_t t)
{
    __m512 v = _mm512_castps128_ps512(_mm_loadu_ps(row[0] + t));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[4] + t), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(row[8] + t), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(row[12] + t), 3);
}

V_INLINE void v_transpose_lanes(vf v[4])
{
    const __m512d a = (__m512d)_mm512_unpacklo_ps(v[0], v[1]), b = (__m512d)_mm512_unpacklo_ps(v[2], v[3]);
    const __m512d c = (__m512d)_mm512_unpackhi_ps(v[0], v[1]), d = (__m512d)_mm512_unpackhi_ps(v[2], v[3]);
    v[0] = (vf)_mm512_unpacklo_pd(a, b);
    v[1] = (vf)_mm512_unpackhi_pd(a, b);
    v[2] = (vf)_mm512_unpacklo_pd(c, d);
    v[3] = (vf)_mm512_unpackhi_pd(c, d);
}

V_INLINE vf v_set1(float x)
{
    return _mm512_set1_ps(x);
}

V_INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

V_INLINE vf v_select(vi mask, vf yes, vf no)
{
    return _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), no, yes);
}

V_INLINE vf v_select_mask(v_mask mask, vf yes, vf no)
{
    return _mm512_mask_blend_ps(mask, no, yes);
}

V_INLINE vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}

V_INLINE vf v_max(vf bound, vf x)
{
    return _mm512_max_ps(bound, x);
}

V_INLINE vf v_min(vf bound, vf x)
{
    return _mm512_min_ps(bound, x);
}

V_INLINE vd v_lower_double(vf v)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(v));
}

V_INLINE vd v_upper_double(vf v)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
}

V_INLINE vi v_to_int(vf x)
{
    return (vi)_mm512_cvttps_epi32(x);
}

V_INLINE float v_sum(vf v)
{
    return _mm512_reduce_add_ps(v);
}

V_INLINE v4 v_sums(const vf v[4])
{
    __m128 x[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++) {
        const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(v[i]), _mm512_extractf32x8_ps(v[i], 1));
        x[i] = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    }
    const __m128 a = _mm_add_ps(_mm_unpacklo_ps(x[0], x[1]), _mm_unpackhi_ps(x[0], x[1]));
    const __m128 b = _mm_add_ps(_mm_unpacklo_ps(x[2], x[3]), _mm_unpackhi_ps(x[2], x[3]));
    return _mm_add_ps(_mm_movelh_ps(a, b), _mm_movehl_ps(b, a));
}

V_INLINE v4 v4_sqrt(v4 x)
{
    return _mm_sqrt_ps(x);
}

V_INLINE v4 v4_fma(v4 a, v4 b, v4 c)
{
    return _mm_fmadd_ps(a, b, c);
}

V_INLINE float v_largest(vf v)
{
    return _mm512_reduce_max_ps(v);
}

#endif
