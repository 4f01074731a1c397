/* kernels_avx512.c - the kernels for AVX-512 (F, VL, DQ, BW); CMake compiles *_avx512.c with the flags for it.
 *
 * Nothing here may be called before dispatch.c has asked the CPU, except the accessor below, which is plain code.
 */
#include "tensor/kernels.h"

#ifdef __AVX512F__

#include "tensor/simd_avx512.h"

#include "tensor/kernels_body.inc"

static const tft_kernels table = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY) TFT_KERNEL_BF16_LIST(TFT_KERNEL_REF_ENTRY)};

#define TFT_KERNEL_BF16_ENTRY(name) .name = tft_avx512_##name,
static const tft_kernels table_bf16 = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY) TFT_KERNEL_BF16_LIST(TFT_KERNEL_BF16_ENTRY)};

const tft_kernels *tft_kernels_avx512(void)
{
    return &table;
}

const tft_kernels *tft_kernels_avx512bf16(void)
{
    return &table_bf16;
}

#else // another architecture

const tft_kernels *tft_kernels_avx512(void)
{
    return NULL;
}

const tft_kernels *tft_kernels_avx512bf16(void)
{
    return NULL;
}

#endif
