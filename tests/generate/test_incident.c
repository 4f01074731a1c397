/* test_incident.c - how often servers break, and that what announces itself does so before, and nothing else does. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_run.h"
#include "generate/incident.h"

/* Incidents per server and day, and the longest and shortest stretch of broken steps. */
typedef struct census {
    size_t n;
    double per_server_day;
    double minutes_mean;
    double shares[TFT_N_STATES];
} census;

static census count(const fleet_run *run)
{
    census c = {0};
    size_t steps = 0, known = 0;
    for (size_t i = 0; i < run->n_ticks * run->n_servers; i++) {
        steps += broken(run->records[i].state);
        known += run->records[i].state != TFT_STATE_NONE;
        c.shares[run->records[i].state]++;
    }
    for (size_t t = 1; t < run->n_ticks; t++) {
        for (size_t s = 0; s < run->n_servers; s++)
            c.n += starts(run, t, s);
    }
    for (size_t s = 0; s < TFT_N_STATES; s++)
        c.shares[s] /= (double)known;
    c.per_server_day = (double)c.n * 288 / (double)(run->n_ticks * run->n_servers);
    c.minutes_mean = 5.0 * (double)steps / (double)(c.n > 0 ? c.n : 1);
    return c;
}

static void a_healthy_fleet_breaks_once_in_three_to_seven_days_a_server(void **state)
{
    (void)state;
    double sum = 0;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        generate_options o = options_of(60, seed);
        o.keep_offline = true;
        const fleet_run run = run_fleet(&o, STEP_MS, 21 * DAY_MS);
        const census c = count(&run);
        sum += c.per_server_day / 2;
        assert_true(c.n > 120); // 1260 server-days
        assert_true(c.minutes_mean > 18 && c.minutes_mean < 50);
        assert_true(c.shares[TFT_STATE_HEALTHY] > 0.85);
        assert_true(c.shares[TFT_STATE_CRITICAL_ISSUE] > 0.001 && c.shares[TFT_STATE_CRITICAL_ISSUE] < 0.01);
        assert_true(c.shares[TFT_STATE_OFFLINE] > 0.0001 && c.shares[TFT_STATE_OFFLINE] < 0.003);
        assert_true(c.shares[TFT_STATE_HEAVY_LOAD] > 0.002 && c.shares[TFT_STATE_HEAVY_LOAD] < 0.06);
        assert_true(c.shares[TFT_STATE_MAINTENANCE] > 0.0005 && c.shares[TFT_STATE_MAINTENANCE] < 0.005);
        assert_true(c.shares[TFT_STATE_MORNING_SPIKE] > 0.005 && c.shares[TFT_STATE_MORNING_SPIKE] < 0.04);
        assert_true(c.shares[TFT_STATE_RECOVERY] > 0.0003 && c.shares[TFT_STATE_IDLE] > 0.005);
        free(run.records);
    }
    assert_true(sum > 1 / 7.0 && sum < 1 / 3.0);
}

static void no_incident_occurs_where_the_rate_is_zero(void **state)
{
    (void)state;
    generate_options o = options_of(40, 3);
    o.incident_rate = 0;
    const fleet_run run = run_fleet(&o, STEP_MS, 14 * DAY_MS);
    for (size_t i = 0; i < run.n_ticks * run.n_servers; i++)
        assert_false(broken(run.records[i].state) || run.records[i].state == TFT_STATE_RECOVERY);
    free(run.records);
}

static void nothing_breaks_of_its_own_accord_in_the_quiet_hours(void **state)
{
    (void)state;
    generate_options o = options_of(100, 3);
    o.incident_rate = 10;
    o.keep_offline = true;
    o.quiet_from_ms = MONDAY_MS + DAY_MS;
    o.quiet_to_ms = MONDAY_MS + DAY_MS + DAY_MS / 2;
    const fleet_run run = run_fleet(&o, STEP_MS, 2 * DAY_MS);
    size_t before = 0, after = 0;
    for (size_t t = 0; t < run.n_ticks; t++) {
        for (size_t s = 0; s < run.n_servers; s++) {
            const tft_state here = at(&run, t, s)->state;
            if (t >= 288 && t < 288 + 144)
                assert_false(broken(here) || here == TFT_STATE_RECOVERY);
            before += t < 288 && broken(here);
            after += t >= 288 + 144 && broken(here);
        }
    }
    assert_true(before > 100 && after > 50);
    free(run.records);
}

static void problem_children_break_more_often(void **state)
{
    (void)state;
    generate_options o = options_of(150, 6);
    o.keep_offline = true;
    const fleet_run run = run_fleet(&o, STEP_MS, 14 * DAY_MS);
    double n[2] = {0}, servers[2] = {0};
    for (size_t s = 0; s < run.n_servers; s++) {
        const bool child = at(&run, 0, s)->problem_child;
        servers[child]++;
        for (size_t t = 1; t < run.n_ticks; t++)
            n[child] += starts(&run, t, s);
    }
    assert_true(servers[1] >= 3 && servers[1] <= 20);
    assert_true(n[1] / servers[1] > 1.6 * n[0] / servers[0]);
    free(run.records);
}

/* A fleet in which only `kind` occurs, often. */
static fleet_run only(generate_kind kind, uint64_t seed)
{
    generate_options o = options_of(60, seed);
    for (size_t k = 0; k < GENERATE_N_KINDS; k++)
        o.mix[k] = k == (size_t)kind;
    o.incident_rate = 5;
    o.keep_offline = true;
    return run_fleet(&o, STEP_MS, 6 * DAY_MS);
}

static double cpu_of(const generate_record *r)
{
    return r->cpu_pct;
}

static double mem_of(const generate_record *r)
{
    return r->mem_pct;
}

static double log_latency_of(const generate_record *r)
{
    return log(r->latency_ms);
}

static double log_disk_of(const generate_record *r)
{
    return log(r->disk_io_mb_s);
}

enum { ANY = -1, NO_DATABASE = -2 }; // instead of one profile

/* Share of incidents before which the value rose by at least `rise` from `early` steps before to the step before; only those
 * of a server that was quiet for `early` steps. */
static double share_rising(const fleet_run *run, double (*value)(const generate_record *), size_t early, double rise,
                           int profile, size_t *n)
{
    size_t rising = 0;
    *n = 0;
    for (size_t s = 0; s < run->n_servers; s++) {
        const tft_profile mine = at(run, 0, s)->profile;
        if (profile == NO_DATABASE ? mine == TFT_PROFILE_DATABASE : profile != ANY && (int)mine != profile)
            continue;
        for (size_t t = early + 12; t < run->n_ticks; t++) {
            bool quiet = starts(run, t, s);
            for (size_t k = 1; quiet && k <= early + 12; k++) {
                const tft_state before = at(run, t - k, s)->state;
                quiet = !broken(before) && before != TFT_STATE_RECOVERY && before != TFT_STATE_MAINTENANCE;
            }
            if (!quiet)
                continue;
            ++*n;
            rising += value(at(run, t - 1, s)) - value(at(run, t - early, s)) >= rise;
        }
    }
    return *n > 0 ? (double)rising / (double)*n : NAN;
}

/* The same share at steps where nothing follows within three hours: what happens anyway. */
static double share_rising_anyway(const fleet_run *run, double (*value)(const generate_record *), size_t early,
                                  double rise)
{
    size_t rising = 0, n = 0;
    for (size_t s = 0; s < run->n_servers; s++) {
        for (size_t t = early + 12; t + 36 < run->n_ticks; t += 7) {
            bool quiet = true;
            for (size_t k = 0; quiet && k < early + 48; k++) {
                const tft_state around = at(run, t + 36 - k, s)->state;
                quiet = !broken(around) && around != TFT_STATE_RECOVERY && around != TFT_STATE_MAINTENANCE;
            }
            if (!quiet)
                continue;
            n++;
            rising += value(at(run, t - 1, s)) - value(at(run, t - early, s)) >= rise;
        }
    }
    return (double)rising / (double)n;
}

static void memory_rises_for_hours_before_a_leak_breaks(void **state)
{
    (void)state;
    const fleet_run run = only(GENERATE_LEAK, 1);
    size_t n;
    const double before = share_rising(&run, mem_of, 13, 4, NO_DATABASE, &n); // a database is full anyway
    assert_true(n > 50);
    assert_true(before > 0.85);
    assert_true(share_rising_anyway(&run, mem_of, 13, 4) < 0.12);
    free(run.records);
}

static void a_container_is_killed_when_a_leak_breaks(void **state)
{
    (void)state;
    const fleet_run run = only(GENERATE_LEAK, 2);
    size_t n_breaks = 0, n_kills = 0;
    for (size_t t = 1; t < run.n_ticks; t++) {
        for (size_t s = 0; s < run.n_servers; s++) {
            n_breaks += starts(&run, t, s);
            n_kills += at(&run, t, s)->container_oom;
            assert_true(!at(&run, t, s)->container_oom || broken(at(&run, t, s)->state));
        }
    }
    assert_true(n_breaks > 50 && n_kills >= n_breaks && n_kills <= n_breaks + n_breaks / 5);
    free(run.records);
}

static void cpu_creeps_up_before_a_runaway_job_breaks(void **state)
{
    (void)state;
    const fleet_run run = only(GENERATE_RUNAWAY, 1);
    size_t n;
    const double before = share_rising(&run, cpu_of, 10, 12, ANY, &n);
    assert_true(n > 50);
    assert_true(before > 0.85);
    assert_true(share_rising_anyway(&run, cpu_of, 10, 12) < 0.2);
    free(run.records);
}

static void disk_and_latency_climb_before_a_disk_is_saturated(void **state)
{
    (void)state;
    const fleet_run run = only(GENERATE_DISK, 1);
    size_t n;
    assert_true(share_rising(&run, log_disk_of, 13, log(1.4), ANY, &n) > 0.85);
    assert_true(n > 50);
    assert_true(share_rising(&run, log_latency_of, 13, log(1.3), ANY, &n) > 0.85);
    assert_true(share_rising_anyway(&run, log_latency_of, 13, log(1.3)) < 0.1);
    free(run.records);
}

static void web_servers_follow_a_slow_database_within_twenty_minutes(void **state)
{
    (void)state;
    const fleet_run run = only(GENERATE_CASCADE, 1);
    size_t n_database, n_web, preceded = 0, web_breaks = 0;
    assert_true(share_rising(&run, log_latency_of, 6, log(1.5), TFT_PROFILE_DATABASE, &n_database) > 0.85);
    assert_true(share_rising(&run, log_latency_of, 6, log(1.2), TFT_PROFILE_WEB_API, &n_web) > 0.85);
    assert_true(n_database > 10 && n_web > 20);
    for (size_t t = 6; t < run.n_ticks; t++) {
        for (size_t s = 0; s < run.n_servers; s++) {
            const tft_profile profile = at(&run, t, s)->profile;
            if (!starts(&run, t, s))
                continue;
            assert_true(profile == TFT_PROFILE_DATABASE || profile == TFT_PROFILE_WEB_API);
            if (profile != TFT_PROFILE_WEB_API)
                continue;
            bool database_before = false;
            for (size_t d = 0; d < run.n_servers && !database_before; d++) {
                for (size_t k = 1; k <= 5 && !database_before; k++)
                    database_before = at(&run, t - k, d)->profile == TFT_PROFILE_DATABASE && starts(&run, t - k, d);
            }
            web_breaks++;
            preceded += database_before;
        }
    }
    assert_true((double)preceded > 0.9 * (double)web_breaks);
    free(run.records);
}

static void crashes_and_sudden_failures_come_without_warning(void **state)
{
    (void)state;
    static const generate_kind kinds[] = {GENERATE_CRASH, GENERATE_SUDDEN};
    for (size_t i = 0; i < 2; i++) {
        const fleet_run run = only(kinds[i], 1);
        size_t n;
        // no more often than at any quiet time (fragile days, office hours and their slopes give a little)
        assert_true(share_rising(&run, cpu_of, 10, 12, ANY, &n) < share_rising_anyway(&run, cpu_of, 10, 12) + 0.1);
        assert_true(n > 60);
        assert_true(share_rising(&run, mem_of, 13, 4, ANY, &n) < share_rising_anyway(&run, mem_of, 13, 4) + 0.1);
        assert_true(share_rising(&run, log_latency_of, 13, log(1.3), ANY, &n) <
                    share_rising_anyway(&run, log_latency_of, 13, log(1.3)) + 0.1);
        for (size_t t = 1; t < run.n_ticks; t++) {
            for (size_t s = 0; s < run.n_servers; s++) {
                if (starts(&run, t, s))
                    assert_int_equal(at(&run, t, s)->state == TFT_STATE_OFFLINE, kinds[i] == GENERATE_CRASH);
            }
        }
        free(run.records);
    }
}

static void an_incident_lasts_ten_to_ninety_minutes_and_ends_in_recovery(void **state)
{
    (void)state;
    generate_options o = options_of(60, 9);
    o.incident_rate = 2;
    o.keep_offline = true;
    const fleet_run run = run_fleet(&o, 60000, 6 * DAY_MS);
    size_t n = 0, odd = 0;
    for (size_t s = 0; s < run.n_servers; s++) {
        for (size_t t = 1; t + 200 < run.n_ticks; t++) {
            if (!starts(&run, t, s))
                continue;
            size_t k = 0;
            while (broken(at(&run, t + k, s)->state))
                k++;
            n++;
            odd += k < 9 || k > 91; // two that touch make a longer one
            assert_int_equal(at(&run, t + k, s)->state, TFT_STATE_RECOVERY);
        }
    }
    assert_true(n > 60);
    assert_true(odd * 50 < n);
    free(run.records);
}

static void weights_of_an_incident_rise_hold_and_fade_without_a_jump_back(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(4, 4);
    for (size_t i = 0; i < 200; i++) {
        const generate_kind kind = (generate_kind)(i % GENERATE_CRASH);
        const bool off = i % 3 == 0;
        const generate_incident in =
            generate_incident_draw(kind, generate_profile_of((tft_profile)(i % TFT_N_PROFILES)), 1000, off, &rng);
        assert_true(in.begin < in.breaks && in.breaks <= in.end && in.end < in.done);
        double last = 0;
        for (double t = in.begin; t < in.done + 60; t += 10) {
            const double early = generate_incident_early(&in, t), late = generate_incident_late(&in, t);
            assert_true(early >= 0 && early <= 1 && late >= 0 && late <= 1);
            assert_true(t >= in.end || early >= last - 1e-12);
            assert_true(fabs(early - last) < 0.08); // no jump in what builds up and fades
            assert_true(off ? late <= 0 : true);
            last = early;
        }
        assert_true(generate_incident_early(&in, in.done) <= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_fleet_breaks_once_in_three_to_seven_days_a_server),
        cmocka_unit_test(no_incident_occurs_where_the_rate_is_zero),
        cmocka_unit_test(nothing_breaks_of_its_own_accord_in_the_quiet_hours),
        cmocka_unit_test(problem_children_break_more_often),
        cmocka_unit_test(memory_rises_for_hours_before_a_leak_breaks),
        cmocka_unit_test(a_container_is_killed_when_a_leak_breaks),
        cmocka_unit_test(cpu_creeps_up_before_a_runaway_job_breaks),
        cmocka_unit_test(disk_and_latency_climb_before_a_disk_is_saturated),
        cmocka_unit_test(web_servers_follow_a_slow_database_within_twenty_minutes),
        cmocka_unit_test(crashes_and_sudden_failures_come_without_warning),
        cmocka_unit_test(an_incident_lasts_ten_to_ninety_minutes_and_ends_in_recovery),
        cmocka_unit_test(weights_of_an_incident_rise_hold_and_fade_without_a_jump_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
