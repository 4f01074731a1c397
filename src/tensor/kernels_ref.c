/* kernels_ref.c - the table of the reference kernels. */
#include "tensor/kernels.h"

const tft_kernels tft_kernels_ref = {TFT_KERNEL_LIST(TFT_KERNEL_REF_ENTRY) TFT_KERNEL_BF16_LIST(TFT_KERNEL_REF_ENTRY)};
