/* kernels_avx2.c - the kernels for AVX2 and FMA; CMake compiles *_avx2.c with the flags for it.
 *
 * Nothing here may be called before dispatch.c has asked the CPU, except the accessor below, which is plain code.
 */
#include "tensor/kernels.h"

#ifdef __AVX2__

#include "tensor/simd_avx2.h"

#include "tensor/kernels_body.inc"

static const tft_kernels table = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY) TFT_KERNEL_BF16_LIST(TFT_KERNEL_REF_ENTRY)};

const tft_kernels *tft_kernels_avx2(void)
{
    return &table;
}

#else // another architecture

const tft_kernels *tft_kernels_avx2(void)
{
    return NULL;
}

#endif
