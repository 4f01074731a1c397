/* simd_avx2.h - vectors of eight floats, AVX2 and FMA. The words are explained in simd_portable.h. */
#ifndef TFT_TENSOR_SIMD_AVX2_H
#define TFT_TENSOR_SIMD_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define V_LANES 8
#define V_ROWS 6 // rows of the register tile of gemm.inc: 6 · 2 sums, 2 columns, 1 row element: 15 of 16 registers

typedef float vf __attribute__((vector_size(32)));
typedef int32_t vi __attribute__((vector_size(32)));
typedef uint32_t vu __attribute__((vector_size(32)));
typedef double vd __attribute__((vector_size(32))); // half as many lanes
typedef float v4 __attribute__((vector_size(16)));  // a number for each of four rows
typedef __m256i v_mask;

#define V_INLINE static inline __attribute__((always_inline, unused))

V_INLINE v_mask v_mask_first(size_t n)
{
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i_u *)(window + 8 - n));
}

V_INLINE vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

V_INLINE void v_store(float *p, vf v)
{
    _mm256_storeu_ps(p, v);
}

V_INLINE vf v_load_mask(const float *p, v_mask mask)
{
    return _mm256_maskload_ps(p, mask);
}

V_INLINE void v_store_mask(float *p, v_mask mask, vf v)
{
    _mm256_maskstore_ps(p, mask, v);
}

V_INLINE vf v_load_lanes(const float *const *row, size_t t)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row[0] + t)), _mm_loadu_ps(row[4] + t), 1);
}

V_INLINE void v_transpose_lanes(vf v[4])
{
    const __m256d a = (__m256d)_mm256_unpacklo_ps(v[0], v[1]), b = (__m256d)_mm256_unpacklo_ps(v[2], v[3]);
    const __m256d c = (__m256d)_mm256_unpackhi_ps(v[0], v[1]), d = (__m256d)_mm256_unpackhi_ps(v[2], v[3]);
    v[0] = (vf)_mm256_unpacklo_pd(a, b);
    v[1] = (vf)_mm256_unpackhi_pd(a, b);
    v[2] = (vf)_mm256_unpacklo_pd(c, d);
    v[3] = (vf)_mm256_unpackhi_pd(c, d);
}

V_INLINE vf v_set1(float x)
{
    return _mm256_set1_ps(x);
}

V_INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

V_INLINE vf v_select(vi mask, vf yes, vf no)
{
    return _mm256_blendv_ps(no, yes, (vf)mask);
}

V_INLINE vf v_select_mask(v_mask mask, vf yes, vf no)
{
    return _mm256_blendv_ps(no, yes, (vf)mask);
}

V_INLINE vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}

V_INLINE vf v_max(vf bound, vf x)
{
    return _mm256_max_ps(bound, x);
}

V_INLINE vf v_min(vf bound, vf x)
{
    return _mm256_min_ps(bound, x);
}

V_INLINE vd v_lower_double(vf v)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(v));
}

V_INLINE vd v_upper_double(vf v)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
}

V_INLINE vi v_to_int(vf x)
{
    return (vi)_mm256_cvttps_epi32(x);
}

V_INLINE float v_sum(vf v)
{
    const __m128 a = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 b = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

V_INLINE v4 v_sums(const vf v[4])
{
    __m128 x[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; i++)
        x[i] = _mm_add_ps(_mm256_castps256_ps128(v[i]), _mm256_extractf128_ps(v[i], 1));
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
    const __m128 a = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 b = _mm_max_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}

#endif
