/* bench_window.c - milliseconds to build one window of the kind that ships (window_case.h), and the truth after it.
 *
 *     bench_window [WINDOWS]     prints the mean over that many windows (2000), and that of the truth after them
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "window_case.h"

int main(int argc, char **argv)
{
    const size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    static window_case c;
    tft_error err = {0};
    if (window_case_open(&c, &err) != TFT_OK) {
        fprintf(stderr, "bench_window: %s\n", err.text);
        return 1;
    }
    double from = tft_monotonic_s();
    double check = 0.0;
    for (size_t i = 0; i < n && window_case_build(&c, i, &err) == TFT_OK; i++)
        check += (double)c.window.static_reals[0];
    printf("window: %.3f ms (%zu windows, check %.3f)\n", 1e3 * (tft_monotonic_s() - from) / (double)n, n, check);

    static float scaled[96 * 4], weight[96 * 4];
    uint32_t event_step, at_risk;
    from = tft_monotonic_s();
    for (size_t i = 0; i < n; i++)
        tft_window_truth(&c.contract, &c.series, 2400 + (int64_t)(i % 3500), 6000, c.window.target_scale, scaled,
                         weight, &event_step, &at_risk);
    printf("truth:  %.3f ms\n", 1e3 * (tft_monotonic_s() - from) / (double)n);
    window_case_close(&c);
    return err.status == TFT_OK ? 0 : 1;
}
