/* bench_network.c - how many windows a second the network reads and learns from, on one thread (per second of CPU).
 *
 *     bench_network [SECONDS per figure, default 1] [KERNELS] [SHAPE] [forward|training|plain|bf16]
 *
 * Shapes: network_case.h. "plain" is forward without curves (src/tft/curves.h), "bf16" is forward in float32 and in bfloat16, pass and
 * pass about. GFLOP/s counts the multiply-adds of the
 * network's matrix products as the formulas state them, once for forward and three times for a training pass, whatever is
 * really computed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "network_case.h"
#include "tensor/tensor.h"

/* Seconds of this thread's CPU, so that a busy machine does not change the figures. */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool measure(const network_case *b, size_t windows, bool training, double seconds, double gmac)
{
    tft_workspace *ws = NULL;
    tft_error err = {0};
    tft_batch batch = b->batch;
    batch.n_windows = windows;
    if (tft_workspace_open(b->model, windows, batch.encoder_steps, batch.decoder_steps, training, &ws, &err) !=
        TFT_OK) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    const tft_outputs outputs = {.raw = b->raw};
    tft_losses losses;
    size_t n = 0;
    double begin = 0.0, now = 0.0;
    for (size_t round = 0; round < 2 || now - begin < seconds; round++) {
        if (round == 1)
            begin = cpu_s(); // the first one warms up
        tft_status status;
        if (training)
            status = tft_model_train_pass(b->model, ws, &batch, &b->truth, TFT_LOSS_SCALED, round + 1, 1.0f, NULL,
                                          &losses, &err);
        else
            status = tft_model_forward(b->model, ws, &batch, &outputs, &err);
        if (status != TFT_OK) {
            fprintf(stderr, "%s\n", err.text);
            break;
        }
        n += round > 0 ? windows : 0;
        now = cpu_s();
    }
    const double rate = (double)n / (now - begin);
    printf("  %-8s %4zu windows a pass: %8.0f windows/s %7.1f GFLOP/s   workspace %6.1f MiB\n",
           training ? "training" : "forward", windows, rate, rate * gmac * 2.0 * (training ? 3.0 : 1.0),
           (double)tft_workspace_bytes(ws) / 1048576.0);
    tft_workspace_close(ws);
    return true;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Pairs of passes, one in each precision; medians of both, and of the ratios within a pair. */
static void compare_precisions(const network_case *b, size_t windows, double seconds)
{
    enum { MOST = 4000, LEAST = 21 };
    static double took[3][MOST];
    tft_workspace *ws = NULL;
    tft_error err = {0};
    tft_batch batch = b->batch;
    batch.n_windows = windows;
    const tft_outputs outputs = {.raw = b->raw};
    tft_status status =
        tft_workspace_open(b->model, windows, batch.encoder_steps, batch.decoder_steps, false, &ws, &err);
    size_t n = 0;
    for (double spent = 0.0; status == TFT_OK && n < MOST && (n < LEAST || spent < seconds); n++) {
        for (size_t k = 0; k < 2 && status == TFT_OK; k++) {
            tft_model_set_precision(b->model, k == 0 ? TFT_PRECISION_FLOAT32 : TFT_PRECISION_BF16);
            for (size_t round = 0; round < 2 && status == TFT_OK; round++) { // the first one warms up
                const double begin = cpu_s();
                status = tft_model_forward(b->model, ws, &batch, &outputs, &err);
                took[k][n] = cpu_s() - begin;
            }
            spent += took[k][n];
        }
        took[2][n] = took[0][n] / took[1][n];
    }
    tft_model_set_precision(b->model, TFT_PRECISION_FLOAT32);
    tft_workspace_close(ws);
    if (status != TFT_OK) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    for (size_t k = 0; k < 3; k++)
        qsort(took[k], n, sizeof took[k][0], by_value);
    printf("  %4zu windows a pass: float32 %8.0f windows/s, bfloat16 %8.0f, %.2f times (middle half %.2f to %.2f), %zu "
           "pairs\n",
           windows, (double)windows / took[0][n / 2], (double)windows / took[1][n / 2], took[2][n / 2], took[2][n / 4],
           took[2][n * 3 / 4], n);
}

static void run(const network_shape *s, double seconds, const char *direction)
{
    tft_error err = {0};
    network_case c;
    if (!network_case_open(s, &c, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return;
    }
    const double start = cpu_s();
    if (strcmp(direction, "plain") != 0 && tft_model_tabulate(c.model, &err) != TFT_OK)
        fprintf(stderr, "%s\n", err.text);
    const double tabulated = cpu_s() - start;
    const double gmac = 1e-9 * network_case_macs(s);
    printf("%s: %zu weights, %.1f MFLOP a window forward, curves in %.1f ms\n", s->name, tft_model_n_values(c.model),
           2e3 * gmac, 1e3 * tabulated);
    static const size_t sizes[] = {1, 4, 8, 16, 20};
    const bool both = strcmp(direction, "bf16") == 0;
    if (both && !tft_bf16_usable())
        printf("  no bfloat16 with these kernels on this machine\n");
    for (size_t i = 0; both && tft_bf16_usable() && i < sizeof sizes / sizeof sizes[0]; i++)
        compare_precisions(&c, sizes[i], seconds);
    for (size_t i = 0; !both && strcmp(direction, "training") != 0 && i < sizeof sizes / sizeof sizes[0]; i++)
        measure(&c, sizes[i], false, seconds, gmac);
    const bool training = *direction == '\0' || strcmp(direction, "training") == 0;
    for (size_t i = 1; training && i < 4; i++)
        measure(&c, sizes[i], true, seconds, gmac);
    network_case_close(&c);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
    tft_isa isa = TFT_ISA_AUTO;
    for (tft_isa i = TFT_ISA_PORTABLE; argc > 2 && i <= TFT_ISA_AVX512; i++)
        isa = strcmp(argv[2], tft_isa_name(i)) == 0 ? i : isa;
    printf("kernels: %s\n", tft_isa_name(tft_tensor_init(isa)));
    for (size_t i = 0; i < N_NETWORK_SHAPES; i++)
        if (argc < 4 || strcmp(argv[3], network_shapes[i].name) == 0)
            run(&network_shapes[i], seconds, argc > 4 ? argv[4] : "");
    return 0;
}
