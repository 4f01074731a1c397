/* per_processor.h - one function for several processors: the loader chooses (ifunc), which only glibc has, and before a sanitizer is
 * ready for it. AVX2 without FMA: minima, sums and quotients round as everywhere, so that every processor makes the same bits.
 */
#ifndef TFT_SERIES_PER_PROCESSOR_H
#define TFT_SERIES_PER_PROCESSOR_H

#include <features.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TFT_PER_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define TFT_PER_PROCESSOR
#endif

#endif
