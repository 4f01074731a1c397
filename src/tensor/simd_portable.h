/* simd_portable.h - vectors of four floats in GCC's vector extension: what any machine of ours can do.
 *
 * The three simd_*.h define the same words, so that the kernels (*.inc) are written once:
 *     vf, vi, vu, V_LANES       a vector of floats, of int32, of uint32, and how many
 *     v_mask, v_mask_first(n)   which lanes take part in a partial access: the first n, 1 … V_LANES
 *     v_load_mask, v_store_mask memory of the other lanes is not touched; they read as 0
 *     v_select_mask             yes in the lanes of a v_mask, no elsewhere; v_select: where an integer mask is −1
 *     v_load_lanes(row, t)      4 floats at row[0] + t, 4 at row[4] + t, …: a row of a matrix in every 128-bit lane
 *     v_transpose_lanes(v[4])   afterwards float q of the old v[s] is float s of the new v[q], in each 128-bit lane
 *     v_fma(a, b, c)            a · b + c, in one rounding where the machine has it
 *     vd, v_lower_double(v)     the lower half of the lanes as doubles; v_upper_double: the other half
 *     v4, v_sums(v[4])          four floats; the sums of four vectors, each in the order of v_sum
 * v_min and v_max return x where one of (bound, x) is not a number.
 */
#ifndef TFT_TENSOR_SIMD_PORTABLE_H
#define TFT_TENSOR_SIMD_PORTABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define V_LANES 4
#define V_ROWS 6 // rows of the register tile of gemm.inc: 6 · 2 sums, 2 columns, 1 row element: 15 of 16 registers

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));
typedef double vd __attribute__((vector_size(16))); // half as many lanes
typedef float v4 __attribute__((vector_size(16)));  // a number for each of four rows
typedef size_t v_mask;                              // the count itself

#define V_INLINE static inline __attribute__((always_inline, unused))

V_INLINE v_mask v_mask_first(size_t n)
{
    return n;
}

V_INLINE vf v_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

V_INLINE void v_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

V_INLINE vf v_load_mask(const float *p, v_mask n)
{
    const vf v = {p[0], n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, n > 3 ? p[3] : 0.0f};
    return v;
}

V_INLINE void v_store_mask(float *p, v_mask n, vf v)
{
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
}

V_INLINE vf v_load_lanes(const float *const *row, size_t t)
{
    return v_load(row[0] + t);
}

V_INLINE void v_transpose_lanes(vf v[4])
{
    const vf a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5), b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const vf c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7), d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

V_INLINE vf v_set1(float x)
{
    const vf v = {x, x, x, x};
    return v;
}

V_INLINE vf v_fma(vf a, vf b, vf c)
{
    return a * b + c;
}

V_INLINE vf v_select(vi mask, vf yes, vf no)
{
    return (vf)(((vi)yes & mask) | ((vi)no & ~mask));
}

V_INLINE vf v_select_mask(v_mask n, vf yes, vf no)
{
    const vi lane = {0, 1, 2, 3};
    return v_select(lane < (int32_t)n, yes, no);
}

V_INLINE vf v_sqrt(vf x)
{
    const vf y = {__builtin_sqrtf(x[0]), __builtin_sqrtf(x[1]), __builtin_sqrtf(x[2]), __builtin_sqrtf(x[3])};
    return y;
}

V_INLINE vf v_max(vf bound, vf x)
{
    return v_select(bound > x, bound, x);
}

V_INLINE vf v_min(vf bound, vf x)
{
    return v_select(bound < x, bound, x);
}

V_INLINE vd v_lower_double(vf v)
{
    const vd d = {(double)v[0], (double)v[1]};
    return d;
}

V_INLINE vd v_upper_double(vf v)
{
    const vd d = {(double)v[2], (double)v[3]};
    return d;
}

V_INLINE vi v_to_int(vf x)
{
    return __builtin_convertvector(x, vi);
}

V_INLINE float v_sum(vf v)
{
    return (v[0] + v[2]) + (v[1] + v[3]);
}

V_INLINE v4 v_sums(const vf v[4])
{
    const v4 sums = {v_sum(v[0]), v_sum(v[1]), v_sum(v[2]), v_sum(v[3])};
    return sums;
}

V_INLINE v4 v4_sqrt(v4 x)
{
    return v_sqrt(x);
}

V_INLINE v4 v4_fma(v4 a, v4 b, v4 c)
{
    return v_fma(a, b, c);
}

V_INLINE float v_largest(vf v)
{
    const float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
}

#endif
