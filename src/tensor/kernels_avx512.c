/* kernels_avx512.c - the kernels for AVX-512 (F, VL, DQ, BW); CMake compiles *_avx512.c with the flags for it.
 *
 * Nothing here may be called before dispatch.c has asked the CPU, except the accessor below, which is plain code.
 */
#include "tensor/kernels.h"

#ifdef __AVX512F__

#include "tensor/simd_avx512.h"

#include "tensor/kernels_body.inc"

static const tft_kernels table = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY)};

const tft_kernels *tft_kernels_avx512(void)
{
    return &table;
}

#else // another architecture

const tft_kernels *tft_kernels_avx512(void)
{
    return NULL;
}

#endif
