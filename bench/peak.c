/* peak.c - see peak.h. */
#include "peak.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/clock.h"

enum { ROUNDS = 40, CHAINS = 12, PEAK_STEPS = 5000 };
static const double ROUND_S = 0.001; // shorter than a time slice, so that some rounds run undisturbed on a busy machine

double bench_seconds(void (*fn)(const void *context), const void *context)
{
    size_t calls = 1;
    for (;;) { // as many calls as fill a round
        const double start = tft_monotonic_s();
        for (size_t i = 0; i < calls; i++)
            fn(context);
        if (tft_monotonic_s() - start > ROUND_S || calls > (size_t)1 << 30)
            break;
        calls *= 2;
    }
    double best = 1e30;
    for (int round = 0; round < ROUNDS; round++) {
        const double start = tft_monotonic_s();
        for (size_t i = 0; i < calls; i++)
            fn(context);
        const double each = (tft_monotonic_s() - start) / (double)calls;
        best = each < best ? each : best;
    }
    return best;
}

static volatile float sink;

#define PEAK_FN(name, bytes, how)                                                                                      \
    how static void name(const void *context)                                                                          \
    {                                                                                                                  \
        const float *two = context;                                                                                    \
        typedef float vec __attribute__((vector_size(bytes)));                                                         \
        vec sum[CHAINS], factor = {0}, start = {0};                                                                    \
        factor += two[0] * 0.001f;                                                                                     \
        start += two[1];                                                                                               \
        for (int i = 0; i < CHAINS; i++)                                                                               \
            sum[i] = start * (float)i;                                                                                 \
        for (int step = 0; step < PEAK_STEPS; step++) {                                                                \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * factor + start;                \
        }                                                                                                              \
        for (int i = 1; i < CHAINS; i++)                                                                               \
            sum[0] += sum[i];                                                                                          \
        sink = sum[0][0];                                                                                              \
    }                                                                                                                  \
    static const double name##_flops = 2.0 * CHAINS * PEAK_STEPS * (bytes / sizeof(float));

PEAK_FN(peak_portable, 16, )
#ifdef __x86_64__
PEAK_FN(peak_avx2, 32, __attribute__((target("avx2,fma"))))
PEAK_FN(peak_avx512, 64, __attribute__((target("avx512f"))))
#else
PEAK_FN(peak_avx2, 16, )
PEAK_FN(peak_avx512, 16, )
#endif

#if defined(__x86_64__) && defined(__GNUC__)
static const double bf16_flops = 4.0 * CHAINS * PEAK_STEPS * 16; // a dot product of two pairs in each of sixteen lanes

__attribute__((target("avx512f,avx512bf16"))) static void peak_bf16(const void *context)
{
    const float *two = context;
    const __m512bh factor = _mm512_cvtne2ps_pbh(_mm512_set1_ps(two[0]), _mm512_set1_ps(two[1]));
    __m512 sum[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_set1_ps(two[1] * (float)i);
    for (int step = 0; step < PEAK_STEPS; step++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_dpbf16_ps(sum[i], factor, factor);
    }
    for (int i = 1; i < CHAINS; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    sink = _mm512_reduce_add_ps(sum[0]);
}

double bench_peak_bf16_gflops(void)
{
    static const float two[2] = {0.5f, 0.25f};
    return __builtin_cpu_supports("avx512bf16") ? bf16_flops / bench_seconds(peak_bf16, two) * 1e-9 : 0;
}
#else
double bench_peak_bf16_gflops(void)
{
    return 0;
}
#endif

double bench_peak_gflops(tft_isa isa)
{
    static const float two[2] = {0.5f, 0.25f};
    switch (isa) {
    case TFT_ISA_AVX2:
        return peak_avx2_flops / bench_seconds(peak_avx2, two) * 1e-9;
    case TFT_ISA_AVX512:
        return peak_avx512_flops / bench_seconds(peak_avx512, two) * 1e-9;
    case TFT_ISA_AUTO:
    case TFT_ISA_PORTABLE:
        break;
    }
    return peak_portable_flops / bench_seconds(peak_portable, two) * 1e-9;
}

typedef struct peak_thread {
    pthread_t thread;
    bool started;
    tft_isa isa;
    double gflops;
} peak_thread;

static void *run_peak(void *context)
{
    peak_thread *t = context;
    t->gflops = bench_peak_gflops(t->isa);
    return NULL;
}

double bench_peak_gflops_of(tft_isa isa, size_t n_threads)
{
    enum { MOST = 64 };
    peak_thread threads[MOST] = {0};
    double sum = 0.0;
    n_threads = n_threads < MOST ? n_threads : MOST;
    for (size_t i = 0; i < n_threads; i++) {
        threads[i].isa = isa;
        threads[i].started = pthread_create(&threads[i].thread, NULL, run_peak, &threads[i]) == 0;
    }
    for (size_t i = 0; i < n_threads; i++)
        if (threads[i].started) {
            pthread_join(threads[i].thread, NULL);
            sum += threads[i].gflops;
        }
    return sum;
}
