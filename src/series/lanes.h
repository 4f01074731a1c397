/* lanes.h - lanes of two vectors in another order, as both compilers say it: those of the second follow those of the first. */
#ifndef TFT_SERIES_LANES_H
#define TFT_SERIES_LANES_H

#if defined(__clang__)
#define LANES(v, w, ...) __builtin_shufflevector(v, w, __VA_ARGS__)
#else
#define LANES(v, w, ...)                                                                                               \
    __builtin_shuffle(v, w, (int __attribute__((vector_size(sizeof(v) / sizeof((v)[0]) * sizeof(int))))){__VA_ARGS__})
#endif

#endif
