/* instructions.c - one window, one forecast and one training step, for valgrind to count (tools/instructions.py).
 *
 * The AVX2 kernels, because valgrind knows those everywhere; eight windows of the fleet daemon's network at 288 + 96 steps, as
 * the daemon's micro-batches are. Everything is a function of fixed seeds: the same program gives the same count. What counts
 * lies in two functions of their own; valgrind switches on and off at their names.
 */
#include <stdio.h>
#include <string.h>

#include "network_case.h"
#include "tensor/tensor.h"
#include "window_case.h"

enum { FORECASTS = 8, SAMPLES = 4, WINDOWS = 8 };

__attribute__((noinline)) tft_status counted_forecast(const network_case *c, tft_workspace *ws, tft_error *err);
__attribute__((noinline)) tft_status counted_window(window_case *c, tft_error *err);
__attribute__((noinline)) tft_status counted_training(const network_case *c, tft_workspace *ws, tft_error *err);

tft_status counted_forecast(const network_case *c, tft_workspace *ws, tft_error *err)
{
    tft_batch batch = c->batch;
    batch.n_windows = FORECASTS;
    return tft_model_forward(c->model, ws, &batch, &(tft_outputs){.raw = c->raw}, err);
}

tft_status counted_training(const network_case *c, tft_workspace *ws, tft_error *err)
{
    tft_batch batch = c->batch;
    tft_losses losses;
    batch.n_windows = SAMPLES;
    return tft_model_train_pass(c->model, ws, &batch, &c->truth, TFT_LOSS_SCALED, 1, 1.0f, NULL, &losses, err);
}

tft_status counted_window(window_case *c, tft_error *err)
{
    tft_status status = TFT_OK;
    for (size_t i = 0; i < WINDOWS && status == TFT_OK; i++)
        status = window_case_build(c, 100 * i, err);
    return status;
}

static int build_windows(void)
{
    static window_case c;
    tft_error err = {0};
    if (window_case_open(&c, &err) != TFT_OK || counted_window(&c, &err) != TFT_OK) {
        fprintf(stderr, "instructions: %s\n", err.text);
        return 1;
    }
    window_case_close(&c);
    return 0;
}

int main(int argc, char **argv)
{
    const bool training = argc > 1 && strcmp(argv[1], "training") == 0;
    const network_shape *const shape = network_shape_named("golden");
    if (tft_tensor_init(TFT_ISA_AVX2) != TFT_ISA_AVX2) {
        fprintf(stderr, "instructions: this machine has no AVX2\n");
        return 77;
    }
    if (argc > 1 && strcmp(argv[1], "window") == 0)
        return build_windows();
    network_case c;
    tft_workspace *ws = NULL;
    tft_error err = {0};
    if (!network_case_open(shape, &c, &err) || tft_model_tabulate(c.model, &err) != TFT_OK ||
        tft_workspace_open(c.model, training ? SAMPLES : FORECASTS, shape->encoder, shape->decoder, training, &ws,
                           &err) != TFT_OK ||
        (training ? counted_training(&c, ws, &err) : counted_forecast(&c, ws, &err)) != TFT_OK) {
        fprintf(stderr, "instructions: %s\n", err.text);
        return 1;
    }
    tft_workspace_close(ws);
    network_case_close(&c);
    return 0;
}
