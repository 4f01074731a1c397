/* peak.h - how many multiply-adds this machine does with its operands in registers: what figures are set beside.
 *
 * Twelve independent chains of sum = sum · factor + start, in vectors as wide as the instruction set has them, so that
 * neither memory nor latency limits. The best of several short rounds: other work only makes it lower.
 */
#ifndef TFTD_BENCH_PEAK_H
#define TFTD_BENCH_PEAK_H

#include "tensor/tensor.h"

/* GFLOP/s of one core (a multiply-add is two operations). The machine must have the instruction set. */
double bench_peak_gflops(tft_isa isa);
/* Of products of bfloat16 added up in float (AVX512_BF16); 0 where the processor has none. tftd does not use them (decisions/001). */
double bench_peak_bf16_gflops(void);
/* The same of n threads at once: two threads of one core share its units. */
double bench_peak_gflops_of(tft_isa isa, size_t n_threads);

/* Seconds of the best of some short rounds of fn(context), per call. */
double bench_seconds(void (*fn)(const void *context), const void *context);

#endif
