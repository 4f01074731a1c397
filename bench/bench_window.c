/* bench_window.c - milliseconds to build one window: four metrics, eight days of 5-minute steps, seven quantiles.
 *
 *     bench_window [WINDOWS]     prints the mean over that many windows (2000), and that of the truth after them
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "tft/window.h"

int main(int argc, char **argv)
{
    const long n = argc > 1 ? strtol(argv[1], NULL, 10) : 2000;
    const tft_contract contract = tft_contract_default();
    const float levels[] = {0.02f, 0.10f, 0.25f, 0.50f, 0.75f, 0.90f, 0.98f};
    static tft_config config;
    tft_window window;
    tft_window_scratch *scratch;
    tft_series series;
    tft_arena arena, counting = {0};
    if (tft_features_config(&contract, levels, 7, true, true, &config, NULL) != TFT_OK ||
        tft_window_scratch_open(&contract, &scratch, NULL) != TFT_OK)
        return 1;
    tft_window_layout(&config, &counting, &window);
    if (tft_arena_init(&arena, counting.used, NULL) != TFT_OK)
        return 1;
    tft_window_layout(&config, &arena, &window);

    tft_series_init(&series, contract.n_metrics, 0);
    tft_rng rng = tft_rng_seeded(1, 0);
    for (int64_t step = 0; step < 6000; step++) {
        double values[TFT_MAX_METRICS];
        for (size_t m = 0; m < contract.n_metrics; m++)
            values[m] = fabs(30.0 + 20.0 * sin((double)step / 45.8) + 5.0 * tft_rng_normal(&rng));
        tft_series_add(&series, step, values, step % 700 < 690 ? TFT_STATE_HEALTHY : TFT_STATE_CRITICAL_ISSUE, NULL);
    }
    double from = tft_monotonic_s();
    double check = 0.0;
    for (long i = 0; i < n; i++) {
        tft_window_build(&contract, &config, &series, 2400 + i % 3500, NULL, scratch, &window, NULL);
        check += (double)window.static_reals[0];
    }
    printf("window: %.3f ms (%ld windows, check %.3f)\n", 1e3 * (tft_monotonic_s() - from) / (double)n, n, check);

    static float scaled[96 * 4], weight[96 * 4];
    uint32_t event_step, at_risk;
    from = tft_monotonic_s();
    for (long i = 0; i < n; i++)
        tft_window_truth(&contract, &series, 2400 + i % 3500, 6000, window.target_scale, scaled, weight, &event_step,
                         &at_risk);
    printf("truth:  %.3f ms\n", 1e3 * (tft_monotonic_s() - from) / (double)n);
    tft_series_free(&series);
    tft_window_scratch_close(scratch);
    tft_arena_free(&arena);
    return 0;
}
