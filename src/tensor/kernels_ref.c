/* kernels_ref.c - the table of the reference kernels. */
#include "tensor/kernels.h"

#define TFT_KERNEL_ENTRY(name) .name = tft_ref_##name,
const tft_kernels tft_kernels_ref = {TFT_KERNEL_LIST(TFT_KERNEL_ENTRY)};
