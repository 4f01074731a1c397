/* window_case.c - see window_case.h. */
#include "window_case.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

#define STEPS 6000
#define FIRST 2400
#define ORIGINS 3500

tft_status window_case_open(window_case *c, tft_error *err)
{
    static const float levels[] = {0.01f, 0.02f, 0.05f, 0.10f, 0.25f, 0.50f, 0.75f, 0.90f, 0.95f, 0.98f, 0.99f};
    memset(c, 0, sizeof *c);
    c->contract = tft_contract_default();
    c->config.sign_hidden = 32;
    tft_status status =
        tft_features_config(&c->contract, levels, sizeof levels / sizeof levels[0], true, true, &c->config, err);
    if (status == TFT_OK)
        status = tft_window_scratch_open(&c->contract, &c->scratch, err);
    tft_arena counting = {0};
    tft_window_layout(&c->config, &counting, &c->window);
    if (status == TFT_OK)
        status = tft_arena_init(&c->arena, counting.used, err);
    if (status == TFT_OK)
        tft_window_layout(&c->config, &c->arena, &c->window);
    tft_series_init(&c->series, c->contract.n_metrics, 0);
    tft_rng rng = tft_rng_seeded(1, 0);
    for (int64_t step = 0; step < STEPS && status == TFT_OK; step++) {
        double values[TFT_MAX_METRICS];
        for (size_t m = 0; m < c->contract.n_metrics; m++)
            values[m] = fabs(30.0 + 20.0 * sin((double)step / 45.8) + 5.0 * tft_rng_normal(&rng));
        const tft_state state = step % 700 < 690 ? TFT_STATE_HEALTHY : TFT_STATE_CRITICAL_ISSUE;
        status = tft_series_add(&c->series, step, values, state, err);
    }
    if (status != TFT_OK)
        window_case_close(c);
    return status;
}

void window_case_close(window_case *c)
{
    tft_series_free(&c->series);
    tft_window_scratch_close(c->scratch);
    tft_arena_free(&c->arena);
    memset(c, 0, sizeof *c);
}

tft_status window_case_build(window_case *c, size_t k, tft_error *err)
{
    return tft_window_build(&c->contract, &c->config, &c->series, FIRST + (int64_t)(k % ORIGINS), NULL, c->scratch,
                            &c->window, err);
}
