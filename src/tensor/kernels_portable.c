/* kernels_portable.c - the kernels for any machine: GCC's vector extension, four floats (SSE2, NEON, or plain code). */
#include "tensor/simd_portable.h"

#include "tensor/kernels_body.inc"

const tft_kernels tft_kernels_portable = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY) TFT_KERNEL_BF16_LIST(TFT_KERNEL_REF_ENTRY)};
