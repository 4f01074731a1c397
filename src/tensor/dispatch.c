/* dispatch.c - which set of kernels runs: a pointer to one of the constant tables, chosen once.
 *
 * It starts at the portable table, so that a program that forgets tft_tensor_init() is slow, not broken. The two
 * variables below are the room's mutable globals (STYLE.md, section 8): written by tft_tensor_init(), read by every
 * call. They are atomic so that two threads may open a model each without a race; both then write the same.
 *
 * Source of the machine's abilities: CPUID through the compiler's __builtin_cpu_supports, which also asks XGETBV whether
 * the operating system saves the wide registers.
 */
#include <stdatomic.h>

#include "base/arena.h" // tft_mul_sat
#include "tensor/kernels.h"

static _Atomic(const tft_kernels *) kernels_in_use = &tft_kernels_portable;
static _Atomic(tft_isa) chosen = TFT_ISA_AUTO; // nobody has chosen yet

/* What the CPU and its operating system can do, whatever this program was compiled with. */
static bool machine_has(tft_isa isa)
{
#if defined(__x86_64__) || defined(__i386__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == TFT_ISA_AVX2)
        return avx2;
    if (isa == TFT_ISA_AVX512)
        return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
    return isa == TFT_ISA_PORTABLE;
}

static bool machine_has_bf16(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("avx512bf16") != 0;
#else
    return false;
#endif
}

static const tft_kernels *table_of(tft_isa isa)
{
    switch (isa) {
    case TFT_ISA_AVX2:
        return tft_kernels_avx2();
    case TFT_ISA_AVX512:
        return machine_has_bf16() ? tft_kernels_avx512bf16() : tft_kernels_avx512();
    case TFT_ISA_AUTO:
    case TFT_ISA_PORTABLE:
        break;
    }
    return &tft_kernels_portable;
}

bool tft_isa_usable(tft_isa isa)
{
    return machine_has(isa) && table_of(isa) != NULL;
}

tft_isa tft_tensor_init(tft_isa wanted)
{
    const tft_isa before = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (wanted == TFT_ISA_AUTO && before != TFT_ISA_AUTO) // a library that only wants to be sure changes nothing
        return before;
    tft_isa isa = wanted == TFT_ISA_AUTO ? TFT_ISA_AVX512 : wanted;
    while (!tft_isa_usable(isa)) // the enumeration goes from least to most able; portable always is
        isa = (tft_isa)(isa - 1);
    atomic_store_explicit(&kernels_in_use, table_of(isa), memory_order_relaxed); // the tables themselves are constant
    atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    return isa;
}

tft_isa tft_tensor_isa(void)
{
    const tft_isa isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    return isa == TFT_ISA_AUTO ? TFT_ISA_PORTABLE : isa;
}

const char *tft_isa_name(tft_isa isa)
{
    switch (isa) {
    case TFT_ISA_AUTO:
        return "auto";
    case TFT_ISA_PORTABLE:
        return "portable";
    case TFT_ISA_AVX2:
        return "avx2";
    case TFT_ISA_AVX512:
        return "avx512";
    }
    return "unknown";
}

bool tft_bf16_usable(void)
{
    return tft_tensor_isa() == TFT_ISA_AVX512 && machine_has_bf16();
}

size_t tft_linear_packed_floats(size_t in, size_t out)
{
    enum { WIDEST_PANEL = 32 }; // columns are padded to whole panels; the instruction sets' panels divide this
    const size_t panels = out / WIDEST_PANEL + (out % WIDEST_PANEL != 0);
    return tft_mul_sat(in, tft_mul_sat(panels, WIDEST_PANEL));
}

static inline const tft_kernels *kernels(void)
{
    return atomic_load_explicit(&kernels_in_use, memory_order_relaxed);
}

const tft_kernels *tft_kernels_current(void)
{
    return kernels();
}

void tft_kernels_replace(const tft_kernels *table)
{
    atomic_store_explicit(&kernels_in_use, table, memory_order_relaxed);
}

/* ---- the public functions, in tensor.h's order ------------------------------------------------------- */

void tft_linear(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out, float *y,
                size_t ldy)
{
    kernels()->linear(x, ldx, w, b, n, in, out, y, ldy);
}

void tft_linear_add(const float *x, size_t ldx, const float *w, const float *b, size_t n, size_t in, size_t out,
                    float *y, size_t ldy)
{
    kernels()->linear_add(x, ldx, w, b, n, in, out, y, ldy);
}

void tft_linear_backward(const float *x, size_t ldx, const float *w, const float *dy, size_t lddy, size_t n, size_t in,
                         size_t out, float *dx, size_t lddx, float *dw, float *db)
{
    kernels()->linear_backward(x, ldx, w, dy, lddy, n, in, out, dx, lddx, dw, db);
}

void tft_linear_pack(const float *w, size_t in, size_t out, float *packed)
{
    kernels()->linear_pack(w, in, out, packed);
}

void tft_linear_packed(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in, size_t out,
                       float *y, size_t ldy)
{
    kernels()->linear_packed(x, ldx, packed, b, n, in, out, y, ldy);
}

void tft_linear_packed_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                           size_t out, float *y, size_t ldy)
{
    kernels()->linear_packed_add(x, ldx, packed, b, n, in, out, y, ldy);
}

void tft_linear_pack_bf16(const float *w, size_t in, size_t out, float *packed)
{
    kernels()->linear_pack_bf16(w, in, out, packed);
}

void tft_linear_bf16(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in, size_t out,
                     float *y, size_t ldy)
{
    kernels()->linear_bf16(x, ldx, packed, b, n, in, out, y, ldy);
}

void tft_linear_bf16_add(const float *x, size_t ldx, const float *packed, const float *b, size_t n, size_t in,
                         size_t out, float *y, size_t ldy)
{
    kernels()->linear_bf16_add(x, ldx, packed, b, n, in, out, y, ldy);
}

void tft_matmul_nt(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc)
{
    kernels()->matmul_nt(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
}

void tft_matmul_nn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc)
{
    kernels()->matmul_nn(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
}

void tft_matmul_tn(const float *a, size_t lda, const float *b, size_t ldb, size_t m, size_t n, size_t k, float alpha,
                   float beta, float *c, size_t ldc)
{
    kernels()->matmul_tn(a, lda, b, ldb, m, n, k, alpha, beta, c, ldc);
}

void tft_add(float *y, const float *x, size_t n)
{
    kernels()->add(y, x, n);
}

void tft_axpy(float *y, float a, const float *x, size_t n)
{
    kernels()->axpy(y, a, x, n);
}

void tft_scale(float *y, float a, size_t n)
{
    kernels()->scale(y, a, n);
}

void tft_mul(float *y, const float *a, const float *b, size_t n)
{
    kernels()->mul(y, a, b, n);
}

void tft_exp(float *y, const float *x, size_t n)
{
    kernels()->exp(y, x, n);
}

void tft_sigmoid(float *y, const float *x, size_t n)
{
    kernels()->sigmoid(y, x, n);
}

void tft_tanh(float *y, const float *x, size_t n)
{
    kernels()->tanh(y, x, n);
}

void tft_elu(float *y, const float *x, size_t n)
{
    kernels()->elu(y, x, n);
}

void tft_elu_backward(float *dx, const float *y, const float *dy, size_t n)
{
    kernels()->elu_backward(dx, y, dy, n);
}

float tft_dot(const float *a, const float *b, size_t n)
{
    return kernels()->dot(a, b, n);
}

double tft_sum_squares(const float *x, size_t n)
{
    return kernels()->sum_squares(x, n);
}

void tft_glu(const float *x, size_t n, size_t d, float *y, float *gate_sigmoid)
{
    kernels()->glu(x, n, d, y, gate_sigmoid);
}

void tft_glu_backward(const float *x, const float *gate_sigmoid, const float *dy, size_t n, size_t d, float *dx)
{
    kernels()->glu_backward(x, gate_sigmoid, dy, n, d, dx);
}

void tft_layernorm(const float *x, const float *w, const float *b, size_t n, size_t d, float eps, float *y,
                   float *normed, float *inv_std)
{
    kernels()->layernorm(x, w, b, n, d, eps, y, normed, inv_std);
}

void tft_layernorm_backward(const float *w, const float *normed, const float *inv_std, const float *dy, size_t n,
                            size_t d, float *dx, float *dw, float *db)
{
    kernels()->layernorm_backward(w, normed, inv_std, dy, n, d, dx, dw, db);
}

void tft_gate_norm(const float *x, const float *skip, const float *w, const float *b, size_t n, size_t d, float eps,
                   float *y, float *gate_sigmoid, float *normed, float *inv_std)
{
    kernels()->gate_norm(x, skip, w, b, n, d, eps, y, gate_sigmoid, normed, inv_std);
}

void tft_weigh_rows(const float *x, const float *a, size_t lda, size_t n, size_t d, float *y)
{
    kernels()->weigh_rows(x, a, lda, n, d, y);
}

void tft_weigh_rows_backward(const float *x, const float *a, size_t lda, const float *dy, size_t n, size_t d, float *dx,
                             float *da, size_t ldda)
{
    kernels()->weigh_rows_backward(x, a, lda, dy, n, d, dx, da, ldda);
}

void tft_softmax(const float *x, size_t n, size_t d, size_t ld, float *y)
{
    kernels()->softmax(x, n, d, ld, y);
}

void tft_softmax_backward(const float *y, const float *dy, size_t n, size_t d, size_t ld, float *dx)
{
    kernels()->softmax_backward(y, dy, n, d, ld, dx);
}

void tft_lstm_cell(float *gates, const float *c_prev, const float *h_prev, const uint8_t *live, size_t n, size_t hidden,
                   float *c, float *h, float *tanh_c, float *h_out, size_t ld_h_out)
{
    kernels()->lstm_cell(gates, c_prev, h_prev, live, n, hidden, c, h, tanh_c, h_out, ld_h_out);
}

void tft_lstm_cell_backward(const float *gates, const float *c_prev, const float *tanh_c, const uint8_t *live, size_t n,
                            size_t hidden, float *dh, float *dc, float *dgates)
{
    kernels()->lstm_cell_backward(gates, c_prev, tanh_c, live, n, hidden, dh, dc, dgates);
}

void tft_dropout_mask(float *mask, size_t n, float p, uint64_t key)
{
    kernels()->dropout_mask(mask, n, p, key);
}

bool tft_curves_mix(const tft_curves *curves, const float *x, size_t ldx, const float *weights, size_t ldw,
                    const float *const *shared, const uint32_t *step, size_t n, float *y)
{
    return kernels()->curves_mix(curves, x, ldx, weights, ldw, shared, step, n, y);
}

bool tft_curve_values(const tft_curves *curves, size_t which, const float *x, size_t ldx, size_t n, float *y)
{
    return kernels()->curve_values(curves, which, x, ldx, n, y);
}

void tft_attend(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                size_t first_open, size_t step, float scale, float share, float *out, float *kept)
{
    kernels()->attend(q, ldq, k, v, ld, n, d, first_open, step, scale, share, out, kept);
}

void tft_attend_heads(size_t n_heads, size_t d, const float *q, size_t ldq, const float *kv, size_t ld, size_t n,
                      size_t first_open, size_t step, float scale, float *weights, float *out)
{
    kernels()->attend_heads(n_heads, d, q, ldq, kv, ld, n, first_open, step, scale, weights, out);
}

void tft_attend_backward(const float *q, size_t ldq, const float *k, const float *v, size_t ld, size_t n, size_t d,
                         size_t first_open, size_t step, float scale, const float *out, const float *kept,
                         const float *dout, float *dq, float *dk, float *dv)
{
    kernels()->attend_backward(q, ldq, k, v, ld, n, d, first_open, step, scale, out, kept, dout, dq, dk, dv);
}

void tft_lstm_cell_lean(const float *gates, size_t n, size_t hidden, float *c, float *h)
{
    kernels()->lstm_cell_lean(gates, n, hidden, c, h);
}

void tft_tilted_mix(const tft_mix *mix, const float *logits, size_t ld, float *out, size_t ld_out)
{
    kernels()->tilted_mix(mix, logits, ld, out, ld_out);
}

void tft_tilted_mix_backward(const tft_mix *mix, const float *logits, size_t ld, const float *dout, size_t ld_out,
                             float *dlogits)
{
    kernels()->tilted_mix_backward(mix, logits, ld, dout, ld_out, dlogits);
}

void tft_mix_range(const tft_mix *mix, size_t first, size_t n, float *least, float *most)
{
    kernels()->mix_range(mix, first, n, least, most);
}

void tft_scalar_mix(const tft_scalar_net *net, const float *x, const float *a, size_t n, float p, uint64_t key,
                    float eps, float *y, size_t ld)
{
    kernels()->scalar_mix(net, x, a, n, p, key, eps, y, ld);
}

void tft_scalar_mix_backward(const tft_scalar_net *net, const float *x, const float *a, const float *dy, size_t ld,
                             size_t n, float p, uint64_t key, float eps, float *da, tft_scalar_net *grad, float *tmp)
{
    kernels()->scalar_mix_backward(net, x, a, dy, ld, n, p, key, eps, da, grad, tmp);
}

void tft_turn(const float *x, size_t ldx, size_t n, size_t d, float *y, size_t ldy)
{
    kernels()->turn(x, ldx, n, d, y, ldy);
}
