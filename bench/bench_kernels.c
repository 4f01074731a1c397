/* bench_kernels.c - how fast the kernels of src/tensor are, on one core, beside what the machine could do.
 *
 *     build/release/bench/bench_kernels             all tables
 *     build/release/bench/bench_kernels products    one of: machine, products, functions
 *
 * First the machine: multiply-adds per second with operands in registers (the peak), and bytes per second read from
 * memory. Then GFLOP/s of the products at the shapes that training meets (N = 8 windows · 384 steps = 3072 rows), for each
 * instruction set, next to the sgemm of OpenBLAS, oneDNN and libxsmm on one thread where they are installed (opened at run time; tftd
 * never uses them; OPENBLAS_CORETYPE=SkylakeX where OpenBLAS does not know the processor; Debian has libxsmm as an
 * archive: gcc -shared -o libxsmm.so -Wl,--whole-archive libxsmm.a libxsmmnoblas.a -Wl,--no-whole-archive). Each figure is the best of several
 * short rounds: other work on the machine only makes it lower.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "peak.h"
#include "tensor/kernels.h"
#include "tensor/tensor.h"

/* ---- timing -------------------------------------------------------------------------------------------- */

typedef struct work { // what is timed; the fields are the operands of any product or function
    size_t m, n, k;
    float *a, *b, *c, *bias, *more;
} work;

typedef void work_fn(const work *w);

typedef struct timed {
    work_fn *fn;
    const work *w;
} timed;

static void call_timed(const void *context)
{
    const timed *t = context;
    t->fn(t->w);
}

/* Seconds per call: the best round. */
static double seconds_of(work_fn *fn, const work *w)
{
    const timed t = {fn, w};
    return bench_seconds(call_timed, &t);
}

static float *random_floats(size_t n, uint64_t seed)
{
    float *p = (float *)aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
    if (p == NULL) {
        fprintf(stderr, "bench_kernels: no memory for %zu floats\n", n);
        exit(1);
    }
    tft_rng rng = tft_rng_seeded(seed, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(tft_rng_uniform(&rng) * 2.0 - 1.0);
    return p;
}

/* ---- the machine --------------------------------------------------------------------------------------- */

static volatile float sink;

static void read_memory(const work *w)
{
    sink = tft_dot(w->a, w->b, w->n);
}

static void print_machine(void)
{
    const size_t n = (size_t)64 << 20; // two buffers of 256 MB: beyond the caches
    const work w = {.n = n, .a = random_floats(n, 1), .b = random_floats(n, 2)};
    const double bytes = 2.0 * (double)n * sizeof(float);
    printf("memory, read by one core: %.1f GB/s\n", bytes / seconds_of(read_memory, &w) * 1e-9);
    free(w.a);
    free(w.b);
    if (bench_peak_bf16_gflops() > 0)
        printf("multiply-adds of bfloat16: %.1f GFLOP/s, of float: %.1f\n", bench_peak_bf16_gflops(),
               bench_peak_gflops(TFT_ISA_AVX512));
}

/* ---- products --------------------------------------------------------------------------------------------- */

static void run_linear(const work *w)
{
    tft_linear(w->a, w->k, w->b, w->bias, w->m, w->k, w->n, w->c, w->n);
}

static void run_packed(const work *w)
{
    tft_linear_packed_add(w->a, w->k, w->more, w->bias, w->m, w->k, w->n, w->c, w->n);
}

static void run_nt(const work *w)
{
    tft_matmul_nt(w->a, w->k, w->b, w->k, w->m, w->n, w->k, 0.25f, 0.0f, w->c, w->n);
}

static void run_nn(const work *w)
{
    tft_matmul_nn(w->a, w->k, w->b, w->n, w->m, w->n, w->k, 1.0f, 0.0f, w->c, w->n);
}

static void run_tn(const work *w)
{
    tft_matmul_tn(w->a, w->m, w->b, w->n, w->m, w->n, w->k, 1.0f, 0.0f, w->c, w->n);
}

/* m = out, n = in, k = N, as the product dyᵀ · x has them */
static void run_dw(const work *w)
{
    tft_linear_backward(w->b, w->n, NULL, w->a, w->m, w->k, w->n, w->m, NULL, 0, w->c, NULL);
}

/* A library's product, row-major: c [m, n] = op(a) · op(b). Each is opened at run time and left out where it is not installed. */
typedef void product_fn(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                        size_t ldb, float *c, size_t ldc);

typedef void cblas_fn(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a,
                      int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef int dnnl_fn(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
typedef void xsmm_fn(const char *ta, const char *tb, const int *m, const int *n, const int *k, const float *alpha,
                     const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
                     const int *ldc);
static cblas_fn *cblas_sgemm_at;
static dnnl_fn *dnnl_sgemm_at;
static xsmm_fn *xsmm_sgemm_at;
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; // cblas.h

static void by_openblas(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                        size_t ldb, float *c, size_t ldc)
{
    cblas_sgemm_at(ROW_MAJOR, ta ? TRANSPOSED : PLAIN, tb ? TRANSPOSED : PLAIN, (int)m, (int)n, (int)k, 1.0f, a,
                   (int)lda, b, (int)ldb, 0.0f, c, (int)ldc);
}

static void by_onednn(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                      size_t ldb, float *c, size_t ldc)
{
    dnnl_sgemm_at(ta ? 'T' : 'N', tb ? 'T' : 'N', (int64_t)m, (int64_t)n, (int64_t)k, 1.0f, a, (int64_t)lda, b,
                  (int64_t)ldb, 0.0f, c, (int64_t)ldc);
}

/* Column-major, as in Fortran: cᵀ = bᵀ · aᵀ. */
static void by_libxsmm(bool ta, bool tb, size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                       size_t ldb, float *c, size_t ldc)
{
    static const float one = 1, zero = 0;
    const int im = (int)m, in = (int)n, ik = (int)k, ia = (int)lda, ib = (int)ldb, ic = (int)ldc;
    xsmm_sgemm_at(tb ? "T" : "N", ta ? "T" : "N", &in, &im, &ik, &one, b, &ib, a, &ia, &zero, c, &ic);
}

typedef struct other {
    const char *name, *file, *symbol;
    product_fn *product;
    void *at; // where the function's address goes
    bool there;
} other;

static other others[] = {{"OpenBLAS", "libopenblas.so.0", "cblas_sgemm", by_openblas, &cblas_sgemm_at, false},
                         {"oneDNN", "libdnnl.so.2", "dnnl_sgemm", by_onednn, &dnnl_sgemm_at, false},
                         {"libxsmm", "libxsmm.so", "libxsmm_sgemm", by_libxsmm, &xsmm_sgemm_at, false}};
enum { N_OTHERS = sizeof others / sizeof *others };
static product_fn *product; // of the one that is timed

static void open_others(void)
{
    setenv("OMP_NUM_THREADS", "1", 1); // before oneDNN is loaded
    for (size_t i = 0; i < N_OTHERS; i++) {
        void *const library = dlopen(others[i].file, RTLD_NOW | RTLD_LOCAL);
        void *symbol = library != NULL ? dlsym(library, others[i].symbol) : NULL;
        memcpy(others[i].at, &symbol, sizeof symbol); // the way POSIX names for a function's address
        others[i].there = symbol != NULL;
    }
    void *const blas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (blas == NULL)
        return;
    void (*set_threads)(int) = NULL;
    void *symbol = dlsym(blas, "openblas_set_num_threads");
    memcpy(&set_threads, &symbol, sizeof symbol);
    if (set_threads != NULL)
        set_threads(1);
    char *(*core_name)(void) = NULL; // which of its own kernels it chose; OPENBLAS_CORETYPE=SkylakeX overrides
    symbol = dlsym(blas, "openblas_get_corename");
    memcpy(&core_name, &symbol, sizeof symbol);
    printf("OpenBLAS: kernels for %s\n", core_name != NULL ? core_name() : "?");
}

static void other_nt(const work *w)
{
    product(false, true, w->m, w->n, w->k, w->a, w->k, w->b, w->k, w->c, w->n);
}

static void other_nn(const work *w)
{
    product(false, false, w->m, w->n, w->k, w->a, w->k, w->b, w->n, w->c, w->n);
}

static void other_tn(const work *w)
{
    product(true, false, w->m, w->n, w->k, w->a, w->m, w->b, w->n, w->c, w->n);
}

typedef struct shape {
    const char *what;
    work_fn *ours, *other;
    size_t m, n, k;
} shape;

static const shape shapes[] = {
    {"linear 1 -> 32", run_linear, other_nt, 3072, 32, 1},
    {"linear 8 -> 8", run_linear, other_nt, 3072, 8, 8},
    {"linear 16 -> 16", run_linear, other_nt, 3072, 16, 16},
    {"linear 32 -> 32", run_linear, other_nt, 3072, 32, 32},
    {"linear 32 -> 64", run_linear, other_nt, 3072, 64, 32},
    {"linear 32 -> 128", run_linear, other_nt, 3072, 128, 32},
    {"linear 128 -> 128", run_linear, other_nt, 3072, 128, 128},
    {"linear 160 -> 160", run_linear, other_nt, 3072, 160, 160},
    {"linear 480 -> 32", run_linear, other_nt, 3072, 32, 480},
    {"linear 480 -> 15", run_linear, other_nt, 3072, 15, 480},
    {"linear 32 -> 7", run_linear, other_nt, 3072, 7, 32},
    {"linear 32 -> 32, 20,000 rows", run_linear, other_nt, 20000, 32, 32},
    {"dx 32 -> 32", run_nn, other_nn, 3072, 32, 32},
    {"dx 128 -> 32", run_nn, other_nn, 3072, 32, 128},
    {"dx 32 -> 480", run_nn, other_nn, 3072, 480, 32},
    {"dw 32 x 32, over 3072", run_dw, other_tn, 32, 32, 3072},
    {"dw 128 x 32, over 3072", run_dw, other_tn, 128, 32, 3072},
    {"dw 32 x 480, over 3072", run_dw, other_tn, 32, 480, 3072},
    {"dw 32 x 1, over 3072", run_dw, other_tn, 32, 1, 3072},
    {"dw 8 x 8, over 3072", run_dw, other_tn, 8, 8, 3072},
    {"q kT 96 x 384, head 8", run_nt, other_nt, 96, 384, 8},
    {"q kT 96 x 384, head 32", run_nt, other_nt, 96, 384, 32},
    {"a v 96 x 384, head 8", run_nn, other_nn, 96, 8, 384},
    {"a v 96 x 384, head 32", run_nn, other_nn, 96, 32, 384},
    {"aT do 384 x 96, head 8", run_tn, other_tn, 384, 8, 96},
    {"lstm 1 row, 32 -> 128", run_linear, other_nt, 1, 128, 32},
    {"lstm 1 row, packed", run_packed, NULL, 1, 128, 32},
    {"lstm 8 rows, 32 -> 128", run_linear, other_nt, 8, 128, 32},
    {"lstm 8 rows, packed", run_packed, NULL, 8, 128, 32},
    {"lstm 20 rows, 32 -> 128", run_linear, other_nt, 20, 128, 32},
    {"lstm 20 rows, packed", run_packed, NULL, 20, 128, 32},
};

static double gflops(const shape *s, work_fn *fn)
{
    work w = {.m = s->m, .n = s->n, .k = s->k};
    w.a = random_floats(s->m * s->k, 1);
    w.b = random_floats(s->n * s->k, 2);
    w.c = random_floats(s->m * s->n, 3);
    w.bias = random_floats(s->n, 4);
    w.more = random_floats(tft_linear_packed_floats(s->k, s->n), 5);
    tft_linear_pack(w.b, s->k, s->n, w.more);
    const double rate = 2.0 * (double)s->m * (double)s->n * (double)s->k / seconds_of(fn, &w) * 1e-9;
    free(w.a);
    free(w.b);
    free(w.c);
    free(w.bias);
    free(w.more);
    return rate;
}

static const tft_isa sets[] = {TFT_ISA_PORTABLE, TFT_ISA_AVX2, TFT_ISA_AVX512};
enum { N_SETS = sizeof sets / sizeof *sets };

static void print_header(const char *title, const char *unit)
{
    printf("\n%-30s", title);
    for (size_t i = 0; i < N_SETS; i++)
        if (tft_isa_usable(sets[i]))
            printf("%16s", tft_isa_name(sets[i]));
    printf("   [%s]\n", unit);
}

static void print_products(void)
{
    double peak[N_SETS];
    print_header("product", "GFLOP/s and share of the set's own peak; then the libraries' sgemm that are installed");
    for (size_t i = 0; i < N_OTHERS; i++)
        printf("%s%s", others[i].there ? others[i].name : "", others[i].there ? "  " : "");
    printf("\n");
    printf("%-30s", "peak of multiply-add");
    for (size_t i = 0; i < N_SETS; i++) {
        peak[i] = tft_isa_usable(sets[i]) ? bench_peak_gflops(sets[i]) : 0.0;
        if (tft_isa_usable(sets[i]))
            printf("%16.1f", peak[i]);
    }
    printf("\n");
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        printf("%-30s", shapes[s].what);
        for (size_t i = 0; i < N_SETS; i++) {
            if (!tft_isa_usable(sets[i]))
                continue;
            tft_tensor_init(sets[i]);
            const double rate = gflops(&shapes[s], shapes[s].ours);
            printf("%10.1f %3.0f %%", rate, 100.0 * rate / peak[i]);
        }
        for (size_t i = 0; i < N_OTHERS; i++) {
            product = others[i].product;
            if (others[i].there && shapes[s].other != NULL)
                printf("%10.1f", gflops(&shapes[s], shapes[s].other));
        }
        printf("\n");
        fflush(stdout);
    }
}

/* ---- functions and rows ------------------------------------------------------------------------------------ */

static void run_sigmoid(const work *w)
{
    tft_sigmoid(w->c, w->a, w->n);
}

static void run_tanh(const work *w)
{
    tft_tanh(w->c, w->a, w->n);
}

static void run_elu(const work *w)
{
    tft_elu(w->c, w->a, w->n);
}

static void run_softmax(const work *w)
{
    tft_softmax(w->a, w->n / 384, 384, 384, w->c);
}

static void run_add(const work *w)
{
    tft_add(w->c, w->a, w->n);
}

static void run_sum_squares(const work *w)
{
    sink = (float)tft_sum_squares(w->a, w->n);
}

static void run_dropout(const work *w)
{
    tft_dropout_mask(w->c, w->n, 0.1f, 42);
}

static void run_glu(const work *w)
{
    tft_glu(w->more, w->n / 32, 32, w->c, w->b);
}

static void run_glu_backward(const work *w)
{
    tft_glu_backward(w->more, w->b, w->a, w->n / 32, 32, w->more + 2 * w->n);
}

static void run_layernorm(const work *w)
{
    tft_layernorm(w->a, w->bias, w->bias + 32, w->n / 32, 32, 1e-5f, w->c, w->b, w->bias + 64);
}

static void run_layernorm_backward(const work *w)
{
    tft_layernorm_backward(w->bias, w->b, w->bias + 64, w->a, w->n / 32, 32, w->c, w->bias + 64 + w->n,
                           w->bias + 96 + w->n);
}

static void run_lstm(const work *w)
{
    tft_lstm_cell(w->more, w->a, w->b, NULL, w->n / 32, 32, w->c, w->c + w->n, w->more + 4 * w->n, w->c + 2 * w->n, 32);
}

/* dc shrinks at every step; run again and again in place it would sink below 2⁻¹²⁶, where each operation traps into
 * microcode and the figure says nothing. So it starts afresh. */
static void run_lstm_backward(const work *w)
{
    memcpy(w->c, w->a, w->n * sizeof *w->c);
    memcpy(w->c + w->n, w->b, w->n * sizeof *w->c);
    tft_lstm_cell_backward(w->more, w->a, w->b, NULL, w->n / 32, 32, w->c, w->c + w->n, w->more + 4 * w->n);
}

static const struct {
    const char *what;
    work_fn *fn;
} functions[] = {
    {"sigmoid", run_sigmoid},
    {"tanh", run_tanh},
    {"elu", run_elu},
    {"softmax, rows of 384 (one exp)", run_softmax},
    {"add", run_add},
    {"sum of squares", run_sum_squares},
    {"dropout mask", run_dropout},
    {"glu, D 32", run_glu},
    {"glu backward, D 32", run_glu_backward},
    {"layernorm, D 32", run_layernorm},
    {"layernorm backward, D 32", run_layernorm_backward},
    {"lstm cell, hidden 32", run_lstm},
    {"lstm cell backward, hidden 32", run_lstm_backward},
};

static void print_functions(void)
{
    const size_t n = 12288; // 48 KB a buffer: first and second cache, as inside a layer
    work w = {.n = n};
    w.a = random_floats(n, 1);
    w.b = random_floats(n, 2);
    w.c = random_floats(3 * n, 3);
    w.bias = random_floats(n + 128, 4);
    w.more = random_floats(8 * n, 5);
    print_header("function", "million results/s, 12,288 a call");
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        printf("%-30s", functions[f].what);
        for (size_t i = 0; i < N_SETS; i++) {
            if (!tft_isa_usable(sets[i]))
                continue;
            tft_tensor_init(sets[i]);
            printf("%16.0f", (double)n / seconds_of(functions[f].fn, &w) * 1e-6);
        }
        printf("\n");
        fflush(stdout);
    }
    free(w.a);
    free(w.b);
    free(w.c);
    free(w.bias);
    free(w.more);
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    open_others();
    tft_tensor_init(TFT_ISA_AUTO);
    if (*only == '\0' || strcmp(only, "machine") == 0)
        print_machine();
    if (*only == '\0' || strcmp(only, "products") == 0)
        print_products();
    if (*only == '\0' || strcmp(only, "functions") == 0)
        print_functions();
    return 0;
}
