/* test_lags.c - all lags of a horizon at once are those of each step: gaps, short pasts, horizons beyond a day. */
#include "check.h"

#include <stdlib.h>

#include "series/lags.h"

static void all_steps_at_once_are_each_step_by_itself(void **state)
{
    (void)state;
    enum { MOST = 700, HORIZON = 200 };
    static float column[MOST], out[TFT_N_LAGS * HORIZON];
    static const size_t days[TFT_N_LAGS] = {1, 1, 2, 7}, reaches[TFT_N_LAGS] = {0, TFT_SMOOTH_REACH, 0, 0};
    static const int64_t steps[] = {900000, 3600000, 25000000, 86400000}; // the last: a day is one step
    uint32_t seed = 1;
    for (size_t p = 0; p < sizeof steps / sizeof steps[0]; p++) {
        const tft_pace pace = tft_pace_of(steps[p]);
        for (size_t n = 1; n <= MOST; n += 37) {
            for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525u + 1013904223u;
                column[i] = seed % 5 == 0 || i / 11 % 7 == 3 ? NAN : (float)(seed >> 8) * 1e-3f - 5000.0f;
            }
            const tft_past past = {.n = n, .values = column, .columns = column, .steps = {.n_metrics = 1}};
            for (size_t horizon = 1; horizon <= HORIZON; horizon += 33) {
                tft_lags_fill(&past, &pace, 0, horizon, out);
                for (size_t kind = 0; kind < TFT_N_LAGS; kind++) {
                    for (size_t t = 1; t <= horizon; t++) {
                        const float want = tft_lag(&past, &pace, 0, days[kind], t, reaches[kind]);
                        const float made = out[kind * horizon + t - 1];
                        assert_true(isnan(want) ? isnan(made) : made == want);
                    }
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_steps_at_once_are_each_step_by_itself)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
