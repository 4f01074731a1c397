/* test_pack.c - a forecast packed and unpacked is the same to a 131,070th of its span; damaged bytes are refused. */
#include "track/pack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { H = 96, N_VALUES = 2 * FORECAST_N_QUANTILES * H };

typedef struct fixture {
    tft_contract contract;
    forecast_snapshot s;
    snapshot_server one;
    bool present[TFT_MAX_METRICS];
    float quantiles[4 * FORECAST_N_QUANTILES * H];
    int32_t numbers[FORECAST_N_QUANTILES * H];
    unsigned char packed[64 * 1024];
    float room[FORECAST_N_QUANTILES * H];
} fixture;

/* What the snapshot holds becomes what `quantiles` says. */
static void settle(fixture *f)
{
    assert_true(packed_most(4, H) <= sizeof f->packed);
    packed_make(f->quantiles, f->present, f->s.n_targets, H, f->numbers, f->packed);
}

static fixture *open_fixture(void)
{
    fixture *f = test_calloc(1, sizeof *f);
    f->contract = tft_contract_default();
    f->one = (snapshot_server){.name = "a",
                               .name_length = 1,
                               .model_type = SNAPSHOT_TFT,
                               .in_incident = true,
                               .incident_probability = {0.01, 0.02, 0.05, 0.2, 0.5},
                               .present = f->present,
                               .packed = f->packed};
    f->s = (forecast_snapshot){.sufficient = true,
                               .n_servers = 1,
                               .n_metrics = f->contract.n_metrics,
                               .n_targets = tft_contract_targets(&f->contract),
                               .horizon = H,
                               .servers = &f->one,
                               .contract = &f->contract};
    f->present[0] = f->present[2] = true;
    for (size_t i = 0; i < sizeof f->quantiles / sizeof *f->quantiles; i++)
        f->quantiles[i] = 50.0f + 40.0f * sinf((float)i * 0.7f);
    settle(f);
    return f;
}

static void what_is_unpacked_is_what_was_packed(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    unsigned char *const body = test_malloc(track_pack_most(&f->s));
    float values[4 * FORECAST_N_QUANTILES * H];
    track_said said = {.values = values, .n_values = sizeof values / sizeof *values};
    const size_t n = track_pack(&f->s, 0, f->room, body);
    assert_true(n > 0 && n <= track_pack_most(&f->s));
    assert_true(track_unpack(&f->contract, body, n, &said));
    assert_true(said.tft && said.in_incident && said.horizon == H);
    assert_true(said.rows[1] == NULL && said.rows[3] == NULL);
    for (size_t m = 0; m < 3; m += 2) {
        const float *const was = snapshot_rows(&f->s, 0, m, f->room);
        for (size_t i = 0; i < FORECAST_N_QUANTILES * H; i++)
            assert_true(fabsf(said.rows[m][i] - was[i]) <= 80.0f / 131000.0f);
    }
    assert_true(fabs(said.incident[3] - 0.2) < 1e-6);
    test_free(body);
    test_free(f);
}

static void a_flat_forecast_is_exact(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    unsigned char *const body = test_malloc(track_pack_most(&f->s));
    float values[4 * FORECAST_N_QUANTILES * H];
    track_said said = {.values = values, .n_values = sizeof values / sizeof *values};
    for (size_t i = 0; i < sizeof f->quantiles / sizeof *f->quantiles; i++)
        f->quantiles[i] = 12.345f;
    settle(f);
    const size_t n = track_pack(&f->s, 0, f->room, body);
    assert_true(track_unpack(&f->contract, body, n, &said));
    assert_true(said.rows[0][0] == 12.345f && said.rows[2][FORECAST_N_QUANTILES * H - 1] == 12.345f);
    test_free(body);
    test_free(f);
}

static void cut_or_foreign_bytes_are_refused_or_passed_over(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    unsigned char *const body = test_malloc(track_pack_most(&f->s));
    float values[N_VALUES];
    track_said said = {.values = values, .n_values = N_VALUES};
    const size_t n = track_pack(&f->s, 0, f->room, body);
    size_t taken = 0;
    for (size_t cut = 0; cut < n; cut++) {
        unsigned char *const exact = test_malloc(cut + 1); // so that a sanitizer sees every byte too far
        memcpy(exact, body, cut);
        taken += track_unpack(&f->contract, exact, cut, &said);
        test_free(exact);
    }
    assert_int_equal(taken, 2); // whole but for a metric: none, and the first of two
    body[24] = 'q';             // the first metric's length is now nonsense, or its name unknown
    (void)track_unpack(&f->contract, body, n, &said);
    body[0] = 9;
    assert_false(track_unpack(&f->contract, body, n, &said));
    said.n_values = 10; // no room
    body[0] = 1;
    body[24] = 7;
    assert_false(track_unpack(&f->contract, body, n, &said));
    test_free(body);
    test_free(f);
}

static void a_forgotten_or_silent_server_says_nothing(void **state)
{
    (void)state;
    fixture *const f = open_fixture();
    unsigned char *const body = test_malloc(track_pack_most(&f->s));
    f->one.forgotten = true;
    assert_int_equal(track_pack(&f->s, 0, f->room, body), 0);
    f->one.forgotten = false;
    memset(f->present, 0, sizeof f->present);
    assert_int_equal(track_pack(&f->s, 0, f->room, body), 0);
    test_free(body);
    test_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unpacked_is_what_was_packed),
        cmocka_unit_test(a_flat_forecast_is_exact),
        cmocka_unit_test(cut_or_foreign_bytes_are_refused_or_passed_over),
        cmocka_unit_test(a_forgotten_or_silent_server_says_nothing),
    };
    return cmocka_run_group_tests_name("track.pack", tests, NULL, NULL);
}
