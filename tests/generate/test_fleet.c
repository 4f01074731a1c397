/* test_fleet.c - who is in the fleet, determinism, ranges, time, gaps and silence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "fleet_run.h"
#include "generate/profiles.h"
#include "generate/record_text.h"

#define assert_near(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static void twenty_servers_are_the_named_demo_fleet(void **state)
{
    (void)state;
    static const char *const names[] = {"ppml0001", "ppml0002", "ppml0003", "ppml0004",  "ppdb001",
                                        "ppdb002",  "ppdb003",  "ppweb001", "ppweb002",  "ppweb003",
                                        "ppweb004", "ppweb005", "ppweb006", "ppweb007",  "ppweb008",
                                        "ppcon01",  "ppetl001", "ppetl002", "pprisk001", "ppgen001"};
    const generate_options o = options_of(20, 1);
    generate_fleet *const fleet = open_fleet(&o);
    assert_int_equal(generate_fleet_size(fleet), 20);
    for (size_t i = 0; i < 20; i++)
        assert_string_equal(generate_fleet_name(fleet, i), names[i]);
    assert_int_equal(generate_fleet_profile(fleet, 4), TFT_PROFILE_DATABASE);
    assert_int_equal(generate_fleet_profile(fleet, 19), TFT_PROFILE_GENERIC);
    generate_fleet_close(fleet);
}

static void other_sizes_follow_the_shares_with_at_least_one_of_each(void **state)
{
    (void)state;
    size_t counts[TFT_N_PROFILES];
    for (size_t n = GENERATE_MIN_SERVERS; n <= 400; n++) {
        size_t sum = 0;
        generate_profile_counts(n, counts);
        for (size_t p = 0; p < TFT_N_PROFILES; p++) {
            assert_true(counts[p] >= 1);
            sum += counts[p];
        }
        assert_int_equal(sum, n);
        assert_true(counts[TFT_PROFILE_GENERIC] <= 10);
    }
    generate_profile_counts(1000, counts);
    assert_int_equal(counts[TFT_PROFILE_ML_COMPUTE], 220);
    assert_int_equal(counts[TFT_PROFILE_DATABASE], 170);
    assert_int_equal(counts[TFT_PROFILE_DATA_INGEST], 110);
    assert_int_equal(counts[TFT_PROFILE_RISK_ANALYTICS], 90);
    assert_int_equal(counts[TFT_PROFILE_CONDUCTOR_MGMT], 60);
    assert_int_equal(counts[TFT_PROFILE_GENERIC], 10);
    assert_int_equal(counts[TFT_PROFILE_WEB_API], 340);
}

static void options_out_of_range_are_named(void **state)
{
    (void)state;
    generate_fleet *fleet = NULL;
    tft_error err = {0};
    generate_options o = options_of(6, 1);
    assert_int_equal(generate_fleet_open(&o, &fleet, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "servers is 6"));
    o = options_of(20, 1);
    o.mix[GENERATE_DISK] = NAN;
    err = (tft_error){0};
    assert_int_equal(generate_fleet_open(&o, &fleet, &err), TFT_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "disk"));
    o = options_of(20, 1);
    o.incident_rate = -1;
    assert_int_equal(generate_fleet_open(&o, &fleet, NULL), TFT_ERR_ARGUMENT);
    assert_null(fleet);
}

static tft_text rows_of(const generate_options *o, int64_t tick_ms, size_t n_ticks)
{
    generate_record records[64];
    generate_fleet *const fleet = open_fleet(o);
    tft_text text = tft_text_new((size_t)64 << 20);
    for (size_t t = 0; t < n_ticks; t++) {
        if (t == n_ticks / 2)
            generate_fleet_set_scenario(fleet, GENERATE_CRITICAL);
        const size_t n = generate_fleet_tick(fleet, tick_ms, records);
        for (size_t i = 0; i < n; i++)
            generate_csv_row(&text, &records[i]);
    }
    generate_fleet_close(fleet);
    assert_false(text.failed);
    return text;
}

static void the_same_options_give_the_same_bytes_and_another_seed_others(void **state)
{
    (void)state;
    const generate_options one = options_of(20, 11), two = options_of(20, 12);
    tft_text a = rows_of(&one, 5000, 2000), b = rows_of(&one, 5000, 2000), c = rows_of(&two, 5000, 2000);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.bytes, b.bytes, a.n);
    assert_true(a.n != c.n || memcmp(a.bytes, c.bytes, a.n) != 0);
    tft_text_free(&a);
    tft_text_free(&b);
    tft_text_free(&c);
}

static void check_ranges(const generate_record *r)
{
    if (r->state == TFT_STATE_OFFLINE && isnan(r->cpu_pct))
        return;
    const double values[] = {r->cpu_pct,     r->mem_pct,      r->disk_io_mb_s, r->latency_ms,
                             r->net_in_mb_s, r->net_out_mb_s, r->error_rate,   r->gc_pause_ms};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_true(isfinite(values[i]) && values[i] >= 0);
    assert_true(r->cpu_pct <= 100 && r->mem_pct <= 100 && r->error_rate <= 1);
    assert_true(r->latency_ms < 2000 && r->disk_io_mb_s < 2000);
    assert_non_null(r->notes);
}

static void every_value_stays_in_its_range_in_every_scenario(void **state)
{
    (void)state;
    for (int scenario = 0; scenario < GENERATE_N_SCENARIOS; scenario++) {
        generate_options o = options_of(40, 100 + (uint64_t)scenario);
        o.scenario = (generate_scenario)scenario;
        o.incident_rate = 5;
        o.keep_offline = true;
        const fleet_run slow = run_fleet(&o, STEP_MS, 7 * DAY_MS), fast = run_fleet(&o, 5000, 3 * HOUR_MS);
        for (size_t i = 0; i < slow.n_ticks * slow.n_servers; i++)
            check_ranges(&slow.records[i]);
        for (size_t i = 0; i < fast.n_ticks * fast.n_servers; i++)
            check_ranges(&fast.records[i]);
        free(slow.records);
        free(fast.records);
    }
}

static void metrics_beyond_the_critical_levels_are_critical_and_critical_ones_are_beyond(void **state)
{
    (void)state;
    generate_options o = options_of(60, 5);
    o.incident_rate = 4;
    const fleet_run run = run_fleet(&o, 60000, 6 * DAY_MS);
    size_t n_critical = 0, n_both = 0;
    for (size_t i = 0; i < run.n_ticks * run.n_servers; i++) {
        const generate_record *const r = &run.records[i];
        if (r->state == TFT_STATE_NONE)
            continue;
        const bool beyond =
            r->cpu_pct > 95 || r->mem_pct > (r->profile == TFT_PROFILE_DATABASE ? 99 : 95) || r->latency_ms > 200;
        if (beyond && r->state != TFT_STATE_RECOVERY) // the first seconds after the end
            assert_int_equal(r->state, TFT_STATE_CRITICAL_ISSUE);
        n_critical += r->state == TFT_STATE_CRITICAL_ISSUE;
        n_both += r->state == TFT_STATE_CRITICAL_ISSUE && beyond;
    }
    assert_true(n_critical > 1000);
    assert_true((double)n_both > 0.97 * (double)n_critical);
    free(run.records);
}

static void a_five_minute_record_is_the_mean_of_its_minutes_with_the_worst_state(void **state)
{
    (void)state;
    generate_options o = options_of(20, 3);
    o.incident_rate = 10;
    o.keep_offline = true;
    const fleet_run minutes = run_fleet(&o, 60000, 2 * DAY_MS), steps = run_fleet(&o, STEP_MS, 2 * DAY_MS);
    for (size_t t = 0; t < steps.n_ticks; t++) {
        for (size_t s = 0; s < 20; s++) {
            double cpu = 0, latency = 0, n = 0;
            tft_state worst = TFT_STATE_NONE;
            for (size_t k = 0; k < 5; k++) {
                const generate_record *const r = at(&minutes, 5 * t + k, s);
                worst = tft_state_worse(worst, r->state);
                if (r->state == TFT_STATE_OFFLINE)
                    continue;
                cpu += r->cpu_pct;
                latency += r->latency_ms;
                n++;
            }
            const generate_record *const r = at(&steps, t, s);
            assert_int_equal(r->state, worst);
            assert_true(n > 0 ? fabs(r->cpu_pct - cpu / n) < 1e-9 : isnan(r->cpu_pct));
            assert_true(n > 0 ? fabs(r->latency_ms - latency / n) < 1e-6 : isnan(r->latency_ms));
        }
    }
    free(minutes.records);
    free(steps.records);
}

static void incidents_happen_at_the_same_time_at_any_length_of_tick(void **state)
{
    (void)state;
    generate_options o = options_of(20, 8);
    o.incident_rate = 12;
    o.keep_offline = true;
    const fleet_run fine = run_fleet(&o, 5000, DAY_MS), steps = run_fleet(&o, STEP_MS, DAY_MS);
    size_t n = 0;
    for (size_t s = 0; s < 20; s++) {
        for (size_t t = 1; t < fine.n_ticks; t++) {
            if (!starts(&fine, t, s))
                continue;
            const size_t step = t / 60;
            // to the half minute by which a minute's middle may come later
            assert_true(broken(at(&steps, step, s)->state) ||
                        (step + 1 < steps.n_ticks && broken(at(&steps, step + 1, s)->state)));
            n++;
        }
    }
    assert_true(n >= 10);
    free(fine.records);
    free(steps.records);
}

static double spread_of_changes(const fleet_run *run, size_t per_step, size_t offset, double *mean)
{
    double sum = 0, squares = 0, total = 0;
    size_t n = 0, n_all = 0;
    for (size_t s = 0; s < run->n_servers; s++) {
        double last = NAN;
        for (size_t t = 0; t + per_step <= run->n_ticks; t += per_step) {
            double x = 0;
            for (size_t k = 0; k < per_step; k++) {
                double value;
                memcpy(&value, (const char *)at(run, t + k, s) + offset, sizeof value);
                x += value / (double)per_step;
            }
            if (isfinite(last)) {
                sum += x - last;
                squares += (x - last) * (x - last);
                n++;
            }
            last = x;
            total += x;
            n_all++;
        }
    }
    *mean = total / (double)n_all;
    return sqrt(squares / (double)n - (sum / (double)n) * (sum / (double)n));
}

static void five_second_records_average_to_what_five_minute_records_show(void **state)
{
    (void)state;
    static const size_t offsets[] = {offsetof(generate_record, cpu_pct), offsetof(generate_record, mem_pct),
                                     offsetof(generate_record, disk_io_mb_s), offsetof(generate_record, latency_ms)};
    // three standard errors of two days and 60 servers, whose slow noise differs between the runs (measured over 24 seeds)
    static const struct {
        double mean, changes;
    } slack[] = {{0.08, 0.02}, {0.015, 0.02}, {0.12, 0.06}, {0.08, 0.15}};
    generate_options o = options_of(60, 24);
    o.incident_rate = 0;
    const fleet_run fine = run_fleet(&o, 5000, 2 * DAY_MS), steps = run_fleet(&o, STEP_MS, 2 * DAY_MS);
    for (size_t m = 0; m < sizeof offsets / sizeof offsets[0]; m++) {
        double fine_mean, step_mean;
        const double a = spread_of_changes(&fine, 60, offsets[m], &fine_mean);
        const double b = spread_of_changes(&steps, 1, offsets[m], &step_mean);
        assert_near(fine_mean / step_mean, 1, slack[m].mean);
        assert_near(a / b, 1, slack[m].changes);
    }
    free(fine.records);
    free(steps.records);
}

static void an_offline_server_is_silent_unless_a_file_wants_to_know(void **state)
{
    (void)state;
    generate_options o = options_of(30, 2);
    for (size_t k = 0; k < GENERATE_N_KINDS; k++)
        o.mix[k] = k == GENERATE_CRASH;
    o.incident_rate = 10;
    const fleet_run live = run_fleet(&o, 60000, 2 * DAY_MS);
    o.keep_offline = true;
    const fleet_run file = run_fleet(&o, 60000, 2 * DAY_MS);
    size_t n = 0;
    for (size_t i = 0; i < live.n_ticks * live.n_servers; i++) {
        const bool offline = file.records[i].state == TFT_STATE_OFFLINE;
        assert_int_equal(live.records[i].state, offline ? TFT_STATE_NONE : file.records[i].state);
        assert_true(offline == (bool)isnan(file.records[i].cpu_pct));
        n += offline;
    }
    assert_true(n > 100);
    free(live.records);
    free(file.records);
}

static void records_are_lost_at_the_rate_asked_for_and_none_by_default(void **state)
{
    (void)state;
    generate_options o = options_of(50, 4);
    o.incident_rate = 0;
    for (double rate = 0; rate <= 20; rate += 20) {
        o.gap_rate = rate;
        const fleet_run run = run_fleet(&o, 60000, 4 * DAY_MS);
        size_t lost = 0;
        for (size_t i = 0; i < run.n_ticks * run.n_servers; i++)
            lost += run.records[i].state == TFT_STATE_NONE;
        const double share = (double)lost / (double)(run.n_ticks * run.n_servers);
        if (rate > 0) // 2 a day of 3.6 minutes a server, 1 a day of 11 for all
            assert_true(share > 0.006 && share < 0.03);
        else
            assert_int_equal(lost, 0);
        free(run.records);
    }
}

static void records_carry_the_clock_of_their_tick(void **state)
{
    (void)state;
    const generate_options o = options_of(20, 1);
    generate_fleet *const fleet = open_fleet(&o);
    generate_record records[20];
    static const int64_t lengths[] = {5000, 1, 61000, DAY_MS, 5000};
    int64_t clock = MONDAY_MS;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(generate_fleet_clock(fleet), clock);
        const size_t n = generate_fleet_tick(fleet, lengths[i], records);
        assert_true(n >= 19);
        assert_int_equal(records[0].time_ms, clock);
        clock += lengths[i];
    }
    generate_fleet_close(fleet);
}

static void a_hundred_thousand_servers_fit(void **state)
{
    (void)state;
    const generate_options o = options_of(GENERATE_MAX_SERVERS, 1);
    generate_fleet *const fleet = open_fleet(&o);
    generate_record *const records = calloc(GENERATE_MAX_SERVERS, sizeof *records);
    assert_non_null(records);
    assert_int_equal(generate_fleet_tick(fleet, 5000, records), GENERATE_MAX_SERVERS);
    assert_string_equal(records[0].server_name, "ppml0001");
    assert_string_equal(generate_fleet_name(fleet, GENERATE_MAX_SERVERS - 1), "ppgen010");
    free(records);
    generate_fleet_close(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_servers_are_the_named_demo_fleet),
        cmocka_unit_test(other_sizes_follow_the_shares_with_at_least_one_of_each),
        cmocka_unit_test(options_out_of_range_are_named),
        cmocka_unit_test(the_same_options_give_the_same_bytes_and_another_seed_others),
        cmocka_unit_test(every_value_stays_in_its_range_in_every_scenario),
        cmocka_unit_test(metrics_beyond_the_critical_levels_are_critical_and_critical_ones_are_beyond),
        cmocka_unit_test(a_five_minute_record_is_the_mean_of_its_minutes_with_the_worst_state),
        cmocka_unit_test(incidents_happen_at_the_same_time_at_any_length_of_tick),
        cmocka_unit_test(five_second_records_average_to_what_five_minute_records_show),
        cmocka_unit_test(an_offline_server_is_silent_unless_a_file_wants_to_know),
        cmocka_unit_test(records_are_lost_at_the_rate_asked_for_and_none_by_default),
        cmocka_unit_test(records_carry_the_clock_of_their_tick),
        cmocka_unit_test(a_hundred_thousand_servers_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
