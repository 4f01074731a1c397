/* test_sums.c - the track record's sums against the definitions, worked out cell by cell. */
#include "track/sums.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static double uniform(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / 16777216.0;
}

static void widen(const float *from, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static void cells_add_up_in_their_band_and_forecaster_only(void **state)
{
    (void)state;
    float sums[TRACK_METRIC_SUMS] = {0};
    double wide[TRACK_METRIC_SUMS];
    score_sums expected = {0};
    uint32_t seed = 1;
    for (size_t i = 0; i < 500; i++) {
        float forecast[SCORE_N_LEVELS];
        forecast[0] = (float)uniform(&seed);
        for (size_t q = 1; q < SCORE_N_LEVELS; q++)
            forecast[q] = forecast[q - 1] + (float)uniform(&seed);
        const double y = 8.0 * uniform(&seed);
        track_add_cell(sums, 1, 3, forecast, y);
        score_sums_add(&expected, forecast, y);
    }
    widen(sums, TRACK_METRIC_SUMS, wide);
    const score_sums found = track_sums_of(wide, 1, 3), all = track_sums_of(wide, SCORE_MAX_BANDS, 3);
    assert_int_equal(found.n, 500);
    assert_int_equal(found.inside_80, expected.inside_80);
    assert_int_equal(found.inside_96, expected.inside_96);
    assert_true(fabs(score_crps(&found) - score_crps(&expected)) < 1e-5);
    assert_true(fabs(score_mae(&found) - score_mae(&expected)) < 1e-5);
    assert_true(fabs(score_width_80(&found) - score_width_80(&expected)) < 1e-5);
    assert_int_equal(all.n, 500);
    assert_int_equal(track_sums_of(wide, 0, 3).n, 0);
    assert_int_equal(track_sums_of(wide, 1, 2).n, 0);
}

static void cases_give_brier_log_loss_precision_and_recall(void **state)
{
    (void)state;
    enum { N = 2000 };
    float sums[TRACK_INCIDENT_SUMS] = {0};
    double wide[TRACK_INCIDENT_SUMS], brier = 0, loss = 0, positives = 0, warned = 0, caught = 0;
    uint32_t seed = 7;
    for (size_t i = 0; i < N; i++) {
        const double p = i == 0 ? 0.0 : i == 1 ? 1.0 : uniform(&seed);
        const bool began = uniform(&seed) < p;
        const double kept = fmin(fmax(p, 1e-4), 1.0 - 1e-4);
        track_add_case(sums, 2, p, began, 1 + i % 24, 24);
        brier += (p - (double)began) * (p - (double)began);
        loss -= log(began ? kept : 1.0 - kept);
        positives += began;
        warned += p >= 0.3;
        caught += p >= 0.3 && began;
    }
    widen(sums, TRACK_INCIDENT_SUMS, wide);
    const track_incidents found = track_incidents_of(wide, 2);
    const double base = positives / N;
    assert_true(found.n == N && found.positives == positives);
    assert_true(fabs(found.brier - brier / N) < 1e-5);
    assert_true(fabs(found.log_loss - loss / N) < 1e-5);
    assert_true(fabs(found.brier_skill - (1.0 - brier / N / (base * (1.0 - base)))) < 1e-4);
    assert_true(fabs(found.precision[0] - caught / warned) < 1e-6);
    assert_true(fabs(found.recall[0] - caught / positives) < 1e-6);
    assert_true(found.recall[1] < found.recall[0]);
    assert_true(found.ece < 0.08); // it was drawn from p itself
    assert_true(fabs(found.lead - 0.5) < 0.1);
    double n = 0;
    for (size_t b = 0; b < TRACK_N_BINS; b++) {
        n += found.bins[b].n;
        assert_true(found.bins[b].said >= 0.1 * (double)b - 1e-6 && found.bins[b].said <= 0.1 * (double)(b + 1) + 1e-6);
    }
    assert_true(n == N);
    assert_true(track_incidents_of(wide, 1).n == 0 && isnan(track_incidents_of(wide, 1).brier));
}

static void nothing_but_calm_has_no_skill_to_speak_of(void **state)
{
    (void)state;
    float sums[TRACK_INCIDENT_SUMS] = {0};
    double wide[TRACK_INCIDENT_SUMS];
    for (size_t i = 0; i < 100; i++)
        track_add_case(sums, 0, 0.01, false, 0, 6);
    widen(sums, TRACK_INCIDENT_SUMS, wide);
    const track_incidents found = track_incidents_of(wide, 0);
    assert_true(isnan(found.brier_skill) && isnan(found.recall[0]) && isnan(found.precision[0]) && isnan(found.lead));
    assert_true(fabs(found.brier - 1e-4) < 1e-7);
}

static void alerts_are_right_where_an_incident_follows_at_all(void **state)
{
    (void)state;
    float sums[TRACK_INCIDENT_SUMS] = {0};
    double wide[TRACK_INCIDENT_SUMS];
    track_add_alert(sums, 1, 0.3, true); // of the hour's probability, but it came hours later
    track_add_alert(sums, 1, 0.7, false);
    track_add_alert(sums, 1, 0.29, true);
    track_add_alert(sums, 4, 0.65, true);
    widen(sums, TRACK_INCIDENT_SUMS, wide);
    const track_incidents hour = track_incidents_of(wide, 1), whole = track_incidents_of(wide, 4);
    assert_true(hour.raised[0] == 2 && hour.followed[0] == 1 && hour.raised[1] == 1 && hour.followed[1] == 0);
    assert_true(whole.raised[0] == 1 && whole.followed[1] == 1);
    assert_true(hour.n == 0); // counted apart from the cases
}

static void rows_of_before_are_read_too(void **state)
{
    (void)state;
    assert_true(track_sums_fit(-1, TRACK_INCIDENT_SUMS) && track_sums_fit(-1, 270) && !track_sums_fit(-1, 271));
    assert_true(track_sums_fit(0, TRACK_METRIC_SUMS) && !track_sums_fit(0, 270));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_add_up_in_their_band_and_forecaster_only),
        cmocka_unit_test(cases_give_brier_log_loss_precision_and_recall),
        cmocka_unit_test(alerts_are_right_where_an_incident_follows_at_all),
        cmocka_unit_test(rows_of_before_are_read_too),
        cmocka_unit_test(nothing_but_calm_has_no_skill_to_speak_of),
    };
    return cmocka_run_group_tests_name("track.sums", tests, NULL, NULL);
}
