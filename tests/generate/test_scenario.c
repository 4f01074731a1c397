/* test_scenario.c - what degrading and critical do, how fast, and to whom; rhythm of day and week. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_run.h"
#include "generate/rhythm.h"

#define MINUTE_MS INT64_C(60000)

static generate_fleet *calm_fleet(size_t n, uint64_t seed)
{
    generate_options o = options_of(n, seed);
    o.incident_rate = 0;
    o.start_ms += 11 * HOUR_MS; // a Monday before noon
    generate_fleet *const fleet = open_fleet(&o);
    const fleet_run before = watch(fleet, MINUTE_MS, HOUR_MS);
    free(before.records);
    return fleet;
}

static void mark_affected(const generate_fleet *fleet, bool *marks)
{
    const char *names[512];
    const size_t n = generate_fleet_affected(fleet, names, 512);
    assert_int_equal(n, generate_fleet_status(fleet).n_affected);
    for (size_t s = 0; s < generate_fleet_size(fleet); s++) {
        marks[s] = false;
        for (size_t i = 0; i < n; i++)
            marks[s] = marks[s] || strcmp(names[i], generate_fleet_name(fleet, s)) == 0;
    }
}

static bool loaded(tft_state state)
{
    return state == TFT_STATE_HEAVY_LOAD || state == TFT_STATE_CRITICAL_ISSUE || state == TFT_STATE_RECOVERY;
}

static void degrading_drifts_a_quarter_into_heavy_load_within_half_an_hour(void **state)
{
    (void)state;
    bool marks[200];
    generate_fleet *const fleet = calm_fleet(200, 1);
    generate_fleet_set_scenario(fleet, GENERATE_DEGRADING);
    assert_int_equal(generate_fleet_status(fleet).n_affected, 50);
    mark_affected(fleet, marks);
    const fleet_run run = watch(fleet, MINUTE_MS, 31 * MINUTE_MS);
    size_t soon = 0, ten = 0, end = 0, others = 0;
    for (size_t s = 0; s < 200; s++) {
        soon += marks[s] && loaded(at(&run, 3, s)->state);
        ten += marks[s] && loaded(at(&run, 9, s)->state);
        end += marks[s] && loaded(at(&run, 30, s)->state);
        others += !marks[s] && loaded(at(&run, 30, s)->state);
    }
    assert_true(soon <= 6); // a few are busy at noon anyway
    assert_true(ten < 25 && ten < end);
    assert_true(end >= 47);
    assert_true(others < 15);
    free(run.records);
    generate_fleet_close(fleet);
}

static void some_degrading_servers_go_on_to_an_incident(void **state)
{
    (void)state;
    bool marks[200], broke[200] = {false};
    generate_fleet *const fleet = calm_fleet(200, 2);
    generate_fleet_set_scenario(fleet, GENERATE_DEGRADING);
    mark_affected(fleet, marks);
    const fleet_run run = watch(fleet, MINUTE_MS, 5 * HOUR_MS);
    size_t n = 0;
    for (size_t s = 0; s < 200; s++) {
        for (size_t t = 0; t < run.n_ticks; t++)
            broke[s] = broke[s] || broken(at(&run, t, s)->state);
        n += broke[s];
        assert_true(marks[s] || !broke[s]);
    }
    assert_true(n >= 20 && n <= 48); // 1 in 3.5 hours, after the drift
    free(run.records);
    generate_fleet_close(fleet);
}

static void critical_breaks_half_within_half_an_hour_but_none_at_once(void **state)
{
    (void)state;
    bool marks[200];
    generate_fleet *const fleet = calm_fleet(200, 3);
    generate_fleet_set_scenario(fleet, GENERATE_CRITICAL);
    assert_int_equal(generate_fleet_status(fleet).n_affected, 100);
    mark_affected(fleet, marks);
    const fleet_run run = watch(fleet, MINUTE_MS, 90 * MINUTE_MS);
    size_t by_ten = 0, by_thirty = 0, at_end = 0;
    for (size_t s = 0; s < 200; s++) {
        bool broke = false;
        for (size_t t = 0; t < 30; t++) {
            if (t < 4)
                assert_false(broken(at(&run, t, s)->state));
            broke = broke || broken(at(&run, t, s)->state);
            by_ten += t == 9 && broke;
        }
        assert_true(broke == marks[s] || (marks[s] && !broke));
        by_thirty += broke;
        at_end += broken(at(&run, 89, s)->state);
    }
    assert_true(by_ten > 5 && by_ten < 50);
    assert_true(by_thirty >= 98);
    assert_true(at_end > 30); // it goes on: who recovered drifts again
    free(run.records);
    generate_fleet_close(fleet);
}

static void critical_builds_up_before_it_breaks(void **state)
{
    (void)state;
    generate_fleet *const fleet = calm_fleet(200, 4);
    const fleet_run before = watch(fleet, MINUTE_MS, 10 * MINUTE_MS);
    generate_fleet_set_scenario(fleet, GENERATE_CRITICAL);
    const fleet_run run = watch(fleet, MINUTE_MS, 30 * MINUTE_MS);
    size_t n = 0, rising = 0;
    for (size_t s = 0; s < 200; s++) {
        const generate_record *const then = at(&before, 9, s);
        for (size_t t = 1; t < run.n_ticks; t++) {
            if (!starts(&run, t, s))
                continue;
            const generate_record *const last = at(&run, t - 1, s);
            n++;
            rising += last->cpu_pct > then->cpu_pct + 8 || last->mem_pct > then->mem_pct + 4 ||
                      last->latency_ms > 1.5 * then->latency_ms;
            break;
        }
    }
    assert_true(n >= 95);
    assert_true(rising * 100 >= n * 95);
    free(before.records);
    free(run.records);
    generate_fleet_close(fleet);
}

static void back_to_healthy_everybody_recovers_within_half_an_hour(void **state)
{
    (void)state;
    for (int scenario = GENERATE_DEGRADING; scenario <= GENERATE_CRITICAL; scenario++) {
        generate_fleet *const fleet = calm_fleet(100, 5);
        generate_fleet_set_scenario(fleet, (generate_scenario)scenario);
        const fleet_run bad = watch(fleet, MINUTE_MS, 40 * MINUTE_MS);
        generate_fleet_set_scenario(fleet, GENERATE_HEALTHY);
        assert_int_equal(generate_fleet_status(fleet).n_affected, 0);
        const fleet_run after = watch(fleet, MINUTE_MS, 90 * MINUTE_MS);
        size_t heavy = 0;
        for (size_t s = 0; s < 100; s++) {
            for (size_t t = 5; t < after.n_ticks; t++)
                assert_false(broken(at(&after, t, s)->state));
            heavy += loaded(at(&after, 30, s)->state);
        }
        assert_true(heavy < 10);
        free(bad.records);
        free(after.records);
        generate_fleet_close(fleet);
    }
}

static void setting_the_scenario_that_is_on_changes_nothing(void **state)
{
    (void)state;
    bool first[40], again[40];
    generate_fleet *const fleet = calm_fleet(40, 6);
    generate_fleet_set_scenario(fleet, GENERATE_DEGRADING);
    mark_affected(fleet, first);
    generate_fleet_set_scenario(fleet, GENERATE_DEGRADING);
    mark_affected(fleet, again);
    assert_memory_equal(first, again, sizeof first);
    generate_fleet_close(fleet);
}

static void twenty_servers_have_five_degrading_and_ten_critical(void **state)
{
    (void)state;
    generate_fleet *const fleet = calm_fleet(20, 7);
    generate_fleet_set_scenario(fleet, GENERATE_DEGRADING);
    assert_int_equal(generate_fleet_status(fleet).n_affected, 5);
    generate_fleet_set_scenario(fleet, GENERATE_CRITICAL);
    assert_int_equal(generate_fleet_status(fleet).n_affected, 10);
    generate_fleet_close(fleet);
}

/* ---- rhythm ---- */

static double mean_cpu(const fleet_run *run, tft_profile profile, size_t day, size_t first_hour, size_t last_hour)
{
    double sum = 0, n = 0;
    for (size_t s = 0; s < run->n_servers; s++) {
        if (at(run, 0, s)->profile != profile)
            continue;
        for (size_t t = day * 288 + first_hour * 12; t < day * 288 + last_hour * 12; t++) {
            sum += at(run, t, s)->cpu_pct;
            n++;
        }
    }
    return sum / n;
}

static void a_web_server_works_by_day_and_rests_at_night_and_on_sunday(void **state)
{
    (void)state;
    generate_options o = options_of(60, 12);
    o.incident_rate = 0;
    const fleet_run run = run_fleet(&o, STEP_MS, 7 * DAY_MS);
    const double noon = mean_cpu(&run, TFT_PROFILE_WEB_API, 2, 10, 16),
                 night = mean_cpu(&run, TFT_PROFILE_WEB_API, 2, 0, 5);
    const double sunday = mean_cpu(&run, TFT_PROFILE_WEB_API, 6, 10, 16);
    assert_true(noon > 1.8 * night);
    assert_true(sunday < 0.8 * noon);
    // the night's batch of a data ingester, at the same minutes every day
    for (size_t day = 0; day < 7; day++)
        assert_true(mean_cpu(&run, TFT_PROFILE_DATA_INGEST, day, 2, 3) >
                    mean_cpu(&run, TFT_PROFILE_DATA_INGEST, day, 3, 4) + 8);
    for (size_t t = 0; t < run.n_ticks; t++) {
        for (size_t s = 0; s < run.n_servers; s++) {
            const size_t hour = t / 12 % 24;
            if (at(&run, t, s)->state == TFT_STATE_MORNING_SPIKE)
                assert_true(hour >= 7 && hour <= 10 && t / 288 < 5);
            if (at(&run, t, s)->state == TFT_STATE_MAINTENANCE)
                assert_true(hour >= 1 && hour <= 5);
        }
    }
    free(run.records);
}

static double correlation(const double *x, const double *y, size_t n)
{
    double mx = 0, my = 0, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += y[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mx) * (y[i] - my);
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
    }
    return xy / sqrt(xx * yy);
}

/* What a server did against the same minute a week before: the rhythm cancels, the noise stays. */
static void surprises(const fleet_run *run, size_t server, bool latency, double *out)
{
    for (size_t t = 0; t < 7 * 288; t++) {
        const generate_record *const now = at(run, t + 7 * 288, server), *const then = at(run, t, server);
        out[t] = latency ? log(now->latency_ms / then->latency_ms) : now->cpu_pct - then->cpu_pct;
    }
}

static void servers_of_a_profile_move_together_and_latency_follows_cpu(void **state)
{
    (void)state;
    static double a[7 * 288], b[7 * 288], c[7 * 288], l[7 * 288];
    double same = 0, different = 0, own = 0;
    generate_options o = options_of(20, 13);
    o.incident_rate = 0;
    const fleet_run run = run_fleet(&o, STEP_MS, 14 * DAY_MS);
    for (size_t web = 7; web < 14; web++) { // ppweb001 … 007, each with the next one; and ppgen01
        surprises(&run, web, false, a);
        surprises(&run, web + 1, false, b);
        surprises(&run, 19, false, c);
        surprises(&run, web, true, l);
        same += correlation(a, b, 7 * 288) / 7;
        different += correlation(a, c, 7 * 288) / 7;
        own += correlation(a, l, 7 * 288) / 7;
    }
    assert_true(same > 0.15);
    assert_true(same > different + 0.1);
    assert_true(own > 0.3);
    free(run.records);
}

static void a_busy_server_is_slower_and_more_so_the_busier_it_is(void **state)
{
    (void)state;
    double sum[10] = {0}, n[10] = {0};
    generate_options o = options_of(120, 14);
    o.scenario = GENERATE_DEGRADING;
    o.incident_rate = 0;
    const fleet_run run = run_fleet(&o, STEP_MS, 2 * DAY_MS);
    for (size_t i = 0; i < run.n_ticks * run.n_servers; i++) {
        const generate_record *const r = &run.records[i];
        if (r->profile != TFT_PROFILE_WEB_API || r->cpu_pct >= 95 || broken(r->state) || r->mem_pct > 75)
            continue;
        if (r->state == TFT_STATE_HEAVY_LOAD && r->cpu_pct < 75)
            continue; // slow for another reason: a scenario may pull on latency alone
        sum[(size_t)(r->cpu_pct / 10)] += r->latency_ms;
        n[(size_t)(r->cpu_pct / 10)]++;
    }
    const double low = sum[2] / n[2], middle = sum[5] / n[5], high = sum[8] / n[8];
    assert_true(n[2] > 50 && n[5] > 50 && n[8] > 50);
    assert_true(middle > 1.1 * low && high > 1.6 * middle);
    assert_true(high - middle > 2 * (middle - low)); // steeper towards full
    free(run.records);
}

static void weekdays_and_minutes_are_those_of_the_calendar(void **state)
{
    (void)state;
    assert_int_equal(generate_weekday(generate_day((double)MONDAY_MS / 1000)), 0);
    assert_int_equal(generate_weekday(0), 3);  // a Thursday
    assert_int_equal(generate_weekday(-1), 2); // before 1970 too
    assert_true(fabs(generate_minute((double)MONDAY_MS / 1000 + 3661) - 61.0 - 1.0 / 60) < 1e-6);
    const generate_profile *const web = generate_profile_of(TFT_PROFILE_WEB_API);
    for (double t = (double)MONDAY_MS / 1000; t < (double)MONDAY_MS / 1000 + 8 * 86400;
         t += 30) { // no jump at midnight
        assert_true(fabs(generate_demand(web, t + 30) - generate_demand(web, t)) < 0.02);
        assert_true(fabs(generate_spike(t + 30) - generate_spike(t)) < 0.06);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(degrading_drifts_a_quarter_into_heavy_load_within_half_an_hour),
        cmocka_unit_test(some_degrading_servers_go_on_to_an_incident),
        cmocka_unit_test(critical_breaks_half_within_half_an_hour_but_none_at_once),
        cmocka_unit_test(critical_builds_up_before_it_breaks),
        cmocka_unit_test(back_to_healthy_everybody_recovers_within_half_an_hour),
        cmocka_unit_test(setting_the_scenario_that_is_on_changes_nothing),
        cmocka_unit_test(twenty_servers_have_five_degrading_and_ten_critical),
        cmocka_unit_test(a_web_server_works_by_day_and_rests_at_night_and_on_sunday),
        cmocka_unit_test(servers_of_a_profile_move_together_and_latency_follows_cpu),
        cmocka_unit_test(a_busy_server_is_slower_and_more_so_the_busier_it_is),
        cmocka_unit_test(weekdays_and_minutes_are_those_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
