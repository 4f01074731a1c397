/* test_history_forecast.c - what packing a history costs: forecasts of the shipped model from 8 days as they came, beside those
 * from the same days packed.
 *
 * A few values do move: among the inputs are the nearest moments of the week, and which moment is nearest may turn on any
 * rounding. So what is asked is that nearly all stay where they were, and that all together are as good: the same
 * quantile loss against what came. */
#include "forecast/history.h"

#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "tft/forecaster.h"

enum { SERVERS = 24, STEPS = 2304, M = 4, RECORDS = 3 };
#define FIRST 5860000

/* A machine of one of several kinds: level, day's rhythm, slow wandering, noise, and now and then a burst. */
static void make_history(size_t server, size_t horizon, history *h, tft_series *series, tft_series *truth)
{
    tft_rng rng = tft_rng_seeded(server, 0x686973);
    double wander[M] = {0}, level[M], rhythm[M], noise[M];
    for (size_t k = 0; k < M; k++) {
        level[k] = 5 + 60 * tft_rng_uniform(&rng);
        rhythm[k] = 0.5 * level[k] * tft_rng_uniform(&rng);
        noise[k] = 0.1 * level[k] * tft_rng_uniform(&rng) * tft_rng_uniform(&rng);
    }
    for (int64_t step = FIRST; step < FIRST + STEPS + (int64_t)horizon; step++)
        for (size_t r = 0; r < RECORDS; r++) {
            double values[M];
            const bool burst = tft_rng_uniform(&rng) < 0.01;
            for (size_t k = 0; k < M; k++) {
                wander[k] = 0.99 * wander[k] + 0.3 * noise[k] * tft_rng_normal(&rng);
                values[k] = level[k] + rhythm[k] * sin((double)step * 2 * 3.14159265 / 288 + (double)server) +
                            wander[k] + noise[k] * tft_rng_normal(&rng) +
                            (burst ? level[k] * tft_rng_uniform(&rng) : 0);
                values[k] = fmin(fmax(values[k], 0), k < 2 ? 100 : 1e6);
            }
            assert_int_equal(tft_series_add(truth, step, values, TFT_STATE_HEALTHY, NULL), TFT_OK);
            if (step >= FIRST + STEPS)
                continue;
            assert_int_equal(history_add(h, step, values, TFT_STATE_HEALTHY, NULL), TFT_OK);
            assert_int_equal(tft_series_add(series, step, values, TFT_STATE_HEALTHY, NULL), TFT_OK);
        }
}

static double loss(float quantile, float level, float truth)
{
    const double off = (double)truth - (double)quantile;
    return off > 0 ? off * (double)level : off * ((double)level - 1);
}

static void forecasts_hardly_notice_that_the_history_was_packed(void **state)
{
    (void)state;
    tft_forecaster *forecaster = NULL;
    tft_error err = {0};
    glob_t shipped;
    assert_int_equal(glob(TFTD_SOURCE_DIR "/models/tft_model_*", 0, NULL, &shipped), 0);
    if (tft_forecaster_open(shipped.gl_pathv[0], 1, &forecaster, &err) != TFT_OK)
        fail_msg("%s", err.text);
    globfree(&shipped);
    const tft_config *const config = tft_forecaster_config(forecaster);
    const size_t h = tft_forecaster_contract(forecaster)->horizon, outputs = tft_config_outputs(config);
    static tft_series as_came[SERVERS], packed[SERVERS], truth[SERVERS];
    tft_request requests[2 * SERVERS];
    for (size_t i = 0; i < SERVERS; i++) {
        history kept;
        block_pool pool = {0};
        history_init(&kept, M, STEPS, &pool);
        tft_series_init(&as_came[i], M, STEPS);
        tft_series_init(&packed[i], M, 0);
        tft_series_init(&truth[i], M, 0);
        make_history(i, h, &kept, &as_came[i], &truth[i]);
        assert_int_equal(tft_series_reserve(&packed[i], STEPS, NULL), TFT_OK);
        history_copy(&kept, INT64_MIN, INT64_MAX, &packed[i]);
        history_free(&kept);
        requests[i] = (tft_request){.series = &as_came[i], .origin = FIRST + STEPS - 1};
        requests[SERVERS + i] = (tft_request){.series = &packed[i], .origin = FIRST + STEPS - 1};
    }
    float *const quantiles = test_calloc(2 * SERVERS * h * outputs, sizeof *quantiles);
    float *const incident = test_calloc(2 * SERVERS * h, sizeof *incident);
    uint8_t ok[2 * SERVERS];
    const tft_forecast out = {.quantiles = quantiles, .incident = incident, .ok = ok};
    assert_int_equal(tft_forecaster_run(forecaster, requests, 2 * SERVERS, h, &out, &err), TFT_OK);
    double sum = 0, worst_incident = 0, loss_as_came = 0, loss_packed = 0;
    size_t n = 0, n_moved = 0;
    const size_t levels = config->targets[0].n_quantiles;
    for (size_t i = 0; i < SERVERS * h; i++)
        for (size_t m = 0; m < M; m++) {
            const float *const a = quantiles + i * outputs + m * levels, *const b = a + SERVERS * h * outputs;
            const double width = (double)a[levels - 1] - (double)a[0];
            const float came = truth[i / h].values[(STEPS + i % h) * M + m], *const level =
                                                                                 config->targets[m].quantiles;
            for (size_t q = 0; q < levels && width > 0; q++, n++) {
                const double off = fabs((double)a[q] - (double)b[q]) / width;
                sum += off;
                n_moved += off > 0.02;
                loss_as_came += loss(a[q], level[q], came) / width;
                loss_packed += loss(b[q], level[q], came) / width;
            }
        }
    for (size_t i = 0; i < SERVERS * h; i++)
        worst_incident = fmax(worst_incident, fabs((double)incident[i] - (double)incident[SERVERS * h + i]));
    print_message(
        "moved on average by %.5f of the fan's width, %zu of %zu by more than 0.02; P(incident) by at most %.6f; "
        "loss %.5f as it came, %.5f packed\n",
        sum / (double)n, n_moved, n, worst_incident, loss_as_came / (double)n, loss_packed / (double)n);
    assert_true(sum / (double)n <= 0.001);
    assert_true(n_moved <= n / 500);
    assert_true(worst_incident <= 0.001);
    assert_true(fabs(loss_packed / loss_as_came - 1) <= 0.001);
    test_free(quantiles);
    test_free(incident);
    for (size_t i = 0; i < SERVERS; i++) {
        tft_series_free(&as_came[i]);
        tft_series_free(&packed[i]);
        tft_series_free(&truth[i]);
    }
    tft_forecaster_close(forecaster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forecasts_hardly_notice_that_the_history_was_packed)};
    return cmocka_run_group_tests_name("forecast.history_forecast", tests, NULL, NULL);
}
