/* kernels.h - the table of kernels: one set per instruction set, and the plain reference.
 *
 * A field has the type of the public function it stands behind (tensor.h), so that the two cannot drift apart.
 * `tft_kernels_ref` is the definition: loops as in the formulas, sums in double, libm. It is the oracle of the
 * tests and never runs in production. The others are one source, kernel_*.inc, compiled for each set.
 *
 * Threads: the tables are constant. Which one is in use is decided in dispatch.c.
 */
#ifndef TFT_TENSOR_KERNELS_H
#define TFT_TENSOR_KERNELS_H

#include "tensor/tensor.h"

/* clang-format off */
#define TFT_KERNEL_LIST(X)                                                                                             \
    X(linear) X(linear_add) X(linear_backward) X(linear_pack) X(linear_packed) X(linear_packed_add) X(matmul_nt) X(matmul_nn) X(matmul_tn)                                  \
    X(add) X(axpy) X(scale) X(mul) X(exp) X(sigmoid) X(tanh) X(elu) X(elu_backward) X(dot) X(sum_squares)                     \
    X(glu) X(glu_backward) X(layernorm) X(layernorm_backward) X(gate_norm) X(weigh_rows) X(weigh_rows_backward) X(softmax) X(softmax_backward)                           \
    X(lstm_cell) X(lstm_cell_backward) X(dropout_mask) X(curves_mix) X(curve_values) X(tilted_mix) X(tilted_mix_backward) X(mix_range) X(attend) X(attend_heads) X(attend_backward) X(lstm_cell_lean) \
    X(scalar_mix) X(scalar_mix_backward) X(turn)
/* clang-format on */

/* Products in bfloat16: the reference does them everywhere but where the processor has an instruction for them. */
#define TFT_KERNEL_BF16_LIST(X) X(linear_pack_bf16) X(linear_bf16) X(linear_bf16_add)

typedef struct tft_kernels {
#define TFT_KERNEL_FIELD(name) __typeof__(tft_##name) *name;
    TFT_KERNEL_LIST(TFT_KERNEL_FIELD)
    TFT_KERNEL_BF16_LIST(TFT_KERNEL_FIELD)
#undef TFT_KERNEL_FIELD
} tft_kernels;

extern const tft_kernels tft_kernels_ref;

/* The table for an instruction set, or NULL where this program was not compiled with it. Ask tft_isa_usable()
 * before calling anything in it. */
extern const tft_kernels tft_kernels_portable;
const tft_kernels *tft_kernels_avx2(void);
const tft_kernels *tft_kernels_avx512(void);
const tft_kernels *tft_kernels_avx512bf16(void); // the same with AVX512_BF16's products

/* Whether this machine and its operating system can run the set, and this program has it. */
bool tft_isa_usable(tft_isa isa);

/* The table in use, and another in its place: for a program that measures the kernels in their work (bench_roofline.c wraps each).
 * It has to read the same packed weights. Not while others compute. */
const tft_kernels *tft_kernels_current(void);
void tft_kernels_replace(const tft_kernels *table);

/* The reference, by file: gemm_ref.c, elementwise_ref.c, rows_ref.c, mixture_ref.c, scalar_ref.c, bf16_ref.c. */
#define TFT_KERNEL_REF(name) __typeof__(tft_##name) tft_ref_##name;
TFT_KERNEL_LIST(TFT_KERNEL_REF)
TFT_KERNEL_BF16_LIST(TFT_KERNEL_REF)
#undef TFT_KERNEL_REF
#define TFT_KERNEL_REF_ENTRY(name) .name = tft_ref_##name,

/* x rounded to bfloat16, as both sides of its products are. */
float tft_bf16_round(float x);

/* By AVX512_BF16: bf16_avx512bf16.c. */
#define TFT_KERNEL_BF16(name) __typeof__(tft_##name) tft_avx512_##name;
TFT_KERNEL_BF16_LIST(TFT_KERNEL_BF16)
#undef TFT_KERNEL_BF16

#endif
