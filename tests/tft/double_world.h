/* double_world.h - the whole network once more, in double precision.
 *
 * The layers are plain C over tft_* kernels, and the reference kernels are plain C too, so with `float` defined as double
 * the very sources that ship compile to a double-precision network. There, central differences are good to about ten
 * digits, and a gradient that is wrong in the fifth cannot hide behind rounding. Kernels go straight to their definitions
 * (tft_ref_*); base and safetensors know no tensors and are the library's own.
 *
 * Include this first, in one file of a test program.
 */
#ifndef TESTS_TFT_DOUBLE_WORLD_H
#define TESTS_TFT_DOUBLE_WORLD_H

#include <assert.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/text.h"
#include "tensor/pool.h"
#include "tft/safetensors.h"

#define float double
#define TFT_CURVE_ERROR 0.0

#define tft_linear tft_ref_linear
#define tft_linear_add tft_ref_linear_add
#define tft_linear_backward tft_ref_linear_backward
#define tft_linear_pack tft_ref_linear_pack
#define tft_linear_packed tft_ref_linear_packed
#define tft_linear_packed_add tft_ref_linear_packed_add
#define tft_curves tft_ref_curves
#define tft_curves_mix tft_ref_curves_mix
#define tft_curve_values tft_ref_curve_values
#define tft_attend tft_ref_attend
#define tft_attend_heads tft_ref_attend_heads
#define tft_tilted_mix tft_ref_tilted_mix
#define tft_tilted_mix_backward tft_ref_tilted_mix_backward
#define tft_mix_range tft_ref_mix_range
#define tft_attend_backward tft_ref_attend_backward
#define tft_lstm_cell_lean tft_ref_lstm_cell_lean
#define tft_matmul_nt tft_ref_matmul_nt
#define tft_matmul_nn tft_ref_matmul_nn
#define tft_matmul_tn tft_ref_matmul_tn
#define tft_add tft_ref_add
#define tft_axpy tft_ref_axpy
#define tft_scale tft_ref_scale
#define tft_mul tft_ref_mul
#define tft_sigmoid tft_ref_sigmoid
#define tft_elu tft_ref_elu
#define tft_elu_backward tft_ref_elu_backward
#define tft_dot tft_ref_dot
#define tft_glu tft_ref_glu
#define tft_glu_backward tft_ref_glu_backward
#define tft_layernorm tft_ref_layernorm
#define tft_layernorm_backward tft_ref_layernorm_backward
#define tft_gate_norm tft_ref_gate_norm
#define tft_weigh_rows tft_ref_weigh_rows
#define tft_weigh_rows_backward tft_ref_weigh_rows_backward
#define tft_softmax tft_ref_softmax
#define tft_softmax_backward tft_ref_softmax_backward
#define tft_lstm_cell tft_ref_lstm_cell
#define tft_lstm_cell_backward tft_ref_lstm_cell_backward
#define tft_dropout_mask tft_ref_dropout_mask
#define tft_scalar_mix tft_ref_scalar_mix
#define tft_scalar_mix_backward tft_ref_scalar_mix_backward
#define tft_turn tft_ref_turn

#include "../../src/tensor/elementwise_ref.c"
#include "../../src/tensor/gemm_ref.c"
#define sigmoid rows_sigmoid
#include "../../src/tensor/rows_ref.c"
#undef sigmoid
#include "../../src/tensor/mixture_ref.c"
#include "../../src/tensor/scalar_ref.c"

#include "../../src/tft/attention.c"
#include "../../src/tft/config.c"
#include "../../src/tft/curves.c"
#include "../../src/tft/embedding.c"
#include "../../src/tft/fold.c"
#include "../../src/tft/gate_add_norm.c"
#include "../../src/tft/grn.c"
#include "../../src/tft/hazard.c"
#include "../../src/tft/lstm.c"
#include "../../src/tft/mixture.c"
#include "../../src/tft/network.c"
#include "../../src/tft/output.c"
#include "../../src/tft/parameters.c"
#include "../../src/tft/resample_norm.c"
#include "../../src/tft/rows.c"
#include "../../src/tft/shared_inputs.c"
#include "../../src/tft/signs.c"
#include "../../src/tft/variable_selection.c"

#endif
