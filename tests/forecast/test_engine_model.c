/* test_engine_model.c - the engine on a real network: a model directory with random weights, opened as the daemon opens
 * it, forecasting a fleet of records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "forecast/engine.h"
#include "tft/window.h"
#include "train/model_dir.h"

static const int64_t T0 = 1760371200000 + 100000; // 2025-10-13T16:01:40Z
enum { SERVERS = 5 };

static int64_t test_wall(void)
{
    return T0;
}

static char folder[] = "/tmp/tftd-engine-model-XXXXXX", directory[512];

/* A small network of the default contract, written as training writes one. */
static int make_model(void **state)
{
    (void)state;
    static const float quantiles[] = {0.02f, 0.1f, 0.25f, 0.5f, 0.75f, 0.9f, 0.98f};
    tft_model_card *card = calloc(1, sizeof *card);
    tft_model *model = NULL;
    tft_error err = {0};
    if (card == NULL || mkdtemp(folder) == NULL)
        return -1;
    card->contract = tft_contract_default();
    card->network =
        (tft_config){.hidden_size = 8, .n_heads = 2, .lstm_layers = 1, .hidden_continuous_size = 4, .dropout = 0.1f};
    const tft_training_info info = {.trained_at_ms = T0, .command_line = "a test"};
    if (tft_features_config(&card->contract, quantiles, 7, true, true, &card->network, &err) == TFT_OK &&
        tft_model_open(&card->network, &model, &err) == TFT_OK) {
        tft_model_randomize(model, 1);
        tft_model_dir_write(folder, card, model, &info, NULL, 0, directory, sizeof directory, &err);
    }
    tft_model_close(model);
    free(card);
    if (err.status != TFT_OK)
        fprintf(stderr, "%s\n", err.text);
    return err.status == TFT_OK ? 0 : -1;
}

static int remove_model(void **state)
{
    (void)state;
    tft_remove_folder(directory, NULL);
    tft_remove_folder(folder, NULL);
    return 0;
}

static void feed(fleet *f, const char *name, int n, int64_t gap_ms, double level)
{
    for (int i = n - 1; i >= 0; i--) {
        const double values[4] = {level + 5 * sin(i * 0.01), level, 10 + i % 5, i % 7 == 0 ? (double)NAN : 20};
        const fleet_record record = {name, strlen(name), T0 - i * gap_ms, values, TFT_STATE_HEALTHY, -1, FLEET_NEW};
        const fleet_batch batch = {.records = &record, .n = 1};
        assert_int_equal(fleet_apply(f, &batch, T0, NULL, NULL), TFT_OK);
    }
}

typedef struct world {
    fleet *f;
    engine *e;
} world;

static world open_world(size_t n_threads)
{
    world w = {0};
    const tft_contract contract = tft_contract_default();
    fleet_options options;
    fleet_options_default(&contract, &options);
    assert_int_equal(fleet_open(&options, &w.f, NULL), TFT_OK);
    feed(w.f, "young", 150, 5000, 30); // 4 steps
    feed(w.f, "older", 500, 300000, 55);
    feed(w.f, "hot", 200, 60000, 94);
    feed(w.f, "newcomer", 20, 5000, 30); // no warm-up yet
    feed(w.f, "burst", 151, 10, 30);     // warm, but one step of history: the network wants two
    engine_options how;
    engine_options_default(w.f, &how);
    how.wall_ms = test_wall;
    assert_int_equal(engine_open(&how, &w.e, NULL), TFT_OK);
    tft_forecaster *forecaster = NULL;
    tft_error err = {0};
    if (tft_forecaster_open(directory, n_threads, &forecaster, &err) != TFT_OK ||
        engine_set_forecaster(w.e, forecaster, &err) != TFT_OK || engine_renew(w.e, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return w;
}

static void close_world(world *w)
{
    engine_close(w->e);
    fleet_close(w->f);
}

/* A metric's rows, unpacked; they hold until eight others have been asked for. */
static const float *rows_of(const forecast_snapshot *s, size_t server, size_t metric)
{
    static _Thread_local float kept[8][FORECAST_N_QUANTILES * 96];
    static _Thread_local size_t turn;
    assert_int_equal(s->horizon, 96);
    return snapshot_rows(s, server, metric, kept[turn++ % 8]);
}

static void a_model_directory_forecasts_the_fleet(void **state)
{
    (void)state;
    static const snapshot_model_type expected[SERVERS] = {SNAPSHOT_TFT, SNAPSHOT_TFT, SNAPSHOT_TFT, SNAPSHOT_HEURISTIC,
                                                          SNAPSHOT_HEURISTIC};
    world w = open_world(1);
    const forecast_snapshot *s = engine_acquire(w.e);
    assert_int_equal(s->n_servers, SERVERS);
    assert_int_equal(s->tft_servers, 3);
    assert_int_equal(s->heuristic_servers, 2);
    assert_int_equal(s->failed_servers, 0);
    assert_memory_equal(s->model_name, "tft_model_", 10);
    assert_string_equal(s->model_directory, directory);
    assert_true(s->network_s > 0);
    for (size_t i = 0; i < SERVERS; i++) {
        assert_int_equal(s->servers[i].model_type, expected[i]);
        for (size_t m = 0; m < s->n_targets; m++) {
            const float *rows = rows_of(s, i, m);
            assert_non_null(rows);
            for (size_t t = 0; t < s->horizon; t++)
                for (size_t q = 0; q < FORECAST_N_QUANTILES; q++) {
                    const float v = rows[q * s->horizon + t];
                    assert_true(isfinite(v) && (double)v >= s->contract->metrics[m].min &&
                                (double)v <= s->contract->metrics[m].max);
                    assert_true(q == 0 || v >= rows[(q - 1) * s->horizon + t]);
                }
        }
        float *const curve = snapshot_rows_new(s);
        assert_non_null(curve);
        snapshot_incident(s, i, curve);
        for (size_t t = 0; t < s->horizon; t++)
            assert_true(curve[t] >= (t > 0 ? curve[t - 1] : 0.0f) && curve[t] <= 1.0f);
        free(curve);
    }
    engine_release(w.e, s);
    close_world(&w);
}

static void the_snapshot_holds_what_the_forecaster_says(void **state)
{
    (void)state;
    world w = open_world(1);
    tft_forecaster *direct = NULL;
    assert_int_equal(tft_forecaster_open(directory, 1, &direct, NULL), TFT_OK);
    const tft_contract *c = fleet_contract(w.f);
    float *quantiles = malloc(c->horizon * 28 * sizeof *quantiles);
    float *incident = malloc(c->horizon * sizeof *incident);
    uint8_t ok = 0;
    assert_true(quantiles != NULL && incident != NULL);
    tft_series steps;
    tft_series_init(&steps, c->n_metrics, 0);
    assert_int_equal(fleet_copy_steps(w.f, 1, INT64_MIN, INT64_MAX, &steps, NULL), TFT_OK);
    const tft_request request = {.series = &steps, .origin = T0 / c->step_ms};
    const tft_forecast out = {.quantiles = quantiles, .incident = incident, .ok = &ok};
    assert_int_equal(tft_forecaster_run(direct, &request, 1, 0, &out, NULL), TFT_OK);
    tft_series_free(&steps);
    assert_int_equal(ok, 1);
    const forecast_snapshot *s = engine_acquire(w.e);
    for (size_t m = 0; m < 4; m++) {
        const float *const rows = rows_of(s, 1, m);
        float least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < c->horizon * 7; i++) {
            const float said = quantiles[i / 7 * 28 + m * 7 + i % 7];
            least = fminf(least, said);
            most = fmaxf(most, said);
        }
        for (size_t t = 0; t < c->horizon; t++)
            for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
                assert_true(fabsf(rows[q * c->horizon + t] - quantiles[t * 28 + m * 7 + q]) <=
                            (most - least) / PACKED_PARTS); // what packed.h promises
    }
    float *const curve = snapshot_rows_new(s);
    assert_non_null(curve);
    snapshot_incident(s, 1, curve);
    for (size_t t = 0; t < c->horizon; t++)
        assert_true(fabsf(curve[t] - incident[t]) <= 1.3e-7f); // half of its grid, and a float's last bit
    engine_release(w.e, s);
    free(curve);
    free(quantiles);
    free(incident);
    tft_forecaster_close(direct);
    close_world(&w);
}

static void one_thread_and_two_say_the_same(void **state)
{
    (void)state;
    world one = open_world(1), two = open_world(2);
    const forecast_snapshot *a = engine_acquire(one.e), *b = engine_acquire(two.e);
    for (size_t i = 0; i < SERVERS; i++)
        for (size_t m = 0; m < 4; m++)
            assert_memory_equal(rows_of(a, i, m), rows_of(b, i, m), FORECAST_N_QUANTILES * a->horizon * sizeof(float));
    engine_release(one.e, a);
    engine_release(two.e, b);
    close_world(&one);
    close_world(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_directory_forecasts_the_fleet),
        cmocka_unit_test(the_snapshot_holds_what_the_forecaster_says),
        cmocka_unit_test(one_thread_and_two_say_the_same),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
