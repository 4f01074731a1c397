/* test_alert_round.c - all alerts of a fleet from one forecast to the next: keys, marks, inhibition, gaps, and a model of it all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/alert_round.h"

#define STEP 300000
#define MINUTE 60000
enum { SERVERS = 5, HORIZON = 96, CPU = 0 };
static const int64_t T0 = 1760371500000; // 2025-10-13T16:05:00Z

/* A fleet whose forecasts are set by hand, and two snapshots in turn. */
typedef struct world {
    tft_contract contract;
    slots all;
    int turn;
    int64_t now_ms;
    alert_settings settings;
    risk_settings risk;
    alert_hooks hooks;
    alert_quality quality;
    bool has_quality;
    alert_counts counts;
    double cpu[SERVERS]; // p50, flat
    float incident[SERVERS];
    tft_state state[SERVERS];
    bool maintenance[SERVERS];
    int64_t last_seen_ms[SERVERS];
    const forecast_snapshot *s;
    float rows[4 * FORECAST_N_QUANTILES * HORIZON]; // what is packed; then for unpacking
    int32_t numbers[FORECAST_N_QUANTILES * HORIZON];
    unsigned char packed[64 * 1024];
    float curve[HORIZON];
} world;

static void open_world(world *w)
{
    memset(w, 0, sizeof *w);
    w->contract = tft_contract_default();
    slots_init(&w->all, &w->contract);
    assert_true(packed_most(4, HORIZON) <= sizeof w->packed);
    w->now_ms = T0;
    w->settings = alert_settings_default();
    risk_settings_default(&w->contract, &w->risk);
    for (size_t i = 0; i < SERVERS; i++) {
        w->cpu[i] = 50;
        w->state[i] = TFT_STATE_HEALTHY;
        w->last_seen_ms[i] = T0;
    }
}

static void close_world(world *w)
{
    slots_free(&w->all);
}

static const forecast_snapshot *look(world *w, int64_t after_ms)
{
    static const char *const names[SERVERS] = {"a", "b", "c", "d", "e"};
    static const double off[FORECAST_N_QUANTILES] = {-10, -6, -3, 0, 3, 6, 10};
    const snapshot_slot *const before = &w->all.slot[w->turn];
    w->turn = 1 - w->turn;
    snapshot_slot *const out = &w->all.slot[w->turn];
    const int64_t previous_ms = w->now_ms;
    w->now_ms += after_ms;
    assert_int_equal(slot_reserve(out, SERVERS, NULL), TFT_OK);
    slot_clear_packed(out);
    out->s.n_servers = SERVERS;
    out->s.first_ms = w->now_ms + STEP;
    for (size_t i = 0; i < SERVERS; i++) {
        snapshot_server *const s = &out->servers[i];
        s->name = names[i];
        s->name_length = 1;
        s->profile = TFT_PROFILE_GENERIC;
        s->state = w->state[i];
        s->maintenance = w->maintenance[i] || w->state[i] == TFT_STATE_MAINTENANCE;
        s->planned = s->maintenance;
        s->last_seen_ms = w->state[i] == TFT_STATE_OFFLINE ? w->last_seen_ms[i] : w->now_ms;
        memset(out->present + i * out->s.n_metrics, 0, out->s.n_metrics);
        out->present[i * out->s.n_metrics + CPU] = true;
        out->current[i * out->s.n_metrics + CPU] = 40;
        float *const rows = w->rows;
        for (size_t q = 0; q < FORECAST_N_QUANTILES; q++)
            for (size_t t = 0; t < HORIZON; t++)
                rows[q * HORIZON + t] = (float)(w->cpu[i] + off[q]);
        const size_t n = packed_make(rows, s->present, out->s.n_targets, HORIZON, w->numbers, w->packed);
        float curve[HORIZON];
        for (size_t t = 0; t < HORIZON; t++)
            curve[t] = w->incident[i];
        const size_t all = n + packed_curve_make(curve, HORIZON, w->packed + n);
        assert_int_equal(slot_put_packed(out, i, w->packed, all, n, NULL), TFT_OK);
    }
    const alert_round round = {.settings = &w->settings,
                               .risk = &w->risk,
                               .contract = &w->contract,
                               .hooks = &w->hooks,
                               .now_ms = w->now_ms,
                               .previous_now_ms = previous_ms,
                               .offline_after_ms = 15 * MINUTE,
                               .stale_after_ms = 30 * MINUTE,
                               .old = before->alerts,
                               .n_old = before->s.n_alerts,
                               .quality = &w->quality,
                               .n_quality = w->has_quality,
                               .rows = w->rows,
                               .curve = w->curve};
    tft_error err = {0};
    if (alert_round_run(&round, out, &w->counts, &err) != TFT_OK)
        fail_msg("%s", err.text);
    slot_link_alerts(out);
    w->s = &out->s;
    return w->s;
}

/* The open alert with this key, or NULL. */
static const alert *find(const world *w, size_t server, alert_kind kind, alert_severity severity)
{
    for (size_t i = 0; i < w->s->n_alerts; i++) {
        const alert *const a = &w->s->alerts[i];
        if (a->server == server && a->kind == kind && a->severity == severity)
            return a;
    }
    return NULL;
}

static void the_critical_one_inhibits_its_warning_and_gives_way_to_it(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.cpu[1] = 92;
    look(&w, MINUTE);
    assert_int_equal(w.s->n_alerts, 2);
    const alert *warning = find(&w, 1, ALERT_THRESHOLD, ALERT_WARNING);
    const alert *critical = find(&w, 1, ALERT_THRESHOLD, ALERT_CRITICAL);
    assert_string_equal(warning->inhibited_by, critical->id);
    assert_string_equal(critical->inhibited_by, "");
    assert_string_not_equal(warning->id, critical->id);
    assert_int_equal(w.s->n_firing, 1);
    assert_int_equal(w.s->alerts[w.s->alert_order[0]].severity, ALERT_CRITICAL);
    assert_int_equal(w.counts.fired[ALERT_THRESHOLD][ALERT_CRITICAL], 1);
    assert_int_equal(w.counts.fired[ALERT_THRESHOLD][ALERT_WARNING], 0); // nobody heard of it
    char id[ALERT_ID_BYTES];
    memcpy(id, warning->id, sizeof id);
    w.cpu[1] = 80; // below 85.5, above 75
    look(&w, MINUTE);
    assert_string_not_equal(find(&w, 1, ALERT_THRESHOLD, ALERT_WARNING)->inhibited_by, "");
    look(&w, 2 * MINUTE);
    assert_null(find(&w, 1, ALERT_THRESHOLD, ALERT_CRITICAL));
    assert_int_equal(w.s->n_ended, 1);
    warning = find(&w, 1, ALERT_THRESHOLD, ALERT_WARNING);
    assert_string_equal(warning->id, id);
    assert_string_equal(warning->inhibited_by, "");
    assert_true(warning->changed);
    assert_int_equal(w.s->alerts[w.s->alert_order[0]].severity, ALERT_WARNING);
    close_world(&w);
}

static void a_profile_has_thresholds_of_its_own(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    risk_set_threshold(&w.risk, TFT_PROFILE_DATABASE, CPU, 95, 99);
    w.cpu[0] = 92;
    look(&w, MINUTE);
    assert_int_equal(w.s->n_firing, 1); // generic
    risk_set_threshold(&w.risk, TFT_PROFILE_GENERIC, CPU, 95, 99);
    look(&w, MINUTE);
    assert_int_equal(w.s->n_alerts, 2); // above 0.95 of the new level: goes on …
    assert_true(find(&w, 0, ALERT_THRESHOLD, ALERT_WARNING)->below_since_ms == ALERT_NEVER);
    risk_set_threshold(&w.risk, TFT_PROFILE_GENERIC, CPU, (double)NAN, (double)NAN);
    look(&w, MINUTE);
    assert_int_equal(w.s->n_alerts, 0); // … and without a threshold ends at once
    assert_int_equal(w.s->n_ended, 2);
    close_world(&w);
}

static void incidents_and_silence_are_alerts_of_the_server(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.incident[2] = 0.4f;
    w.state[3] = TFT_STATE_OFFLINE;
    look(&w, 16 * MINUTE);
    assert_non_null(find(&w, 2, ALERT_INCIDENT, ALERT_WARNING));
    assert_null(find(&w, 2, ALERT_INCIDENT, ALERT_CRITICAL));
    assert_non_null(find(&w, 3, ALERT_SILENT, ALERT_WARNING));
    assert_null(find(&w, 3, ALERT_SILENT, ALERT_CRITICAL));
    assert_int_equal(w.s->n_firing, 0); // /alerts/active is about thresholds
    look(&w, 15 * MINUTE);
    assert_string_equal(find(&w, 3, ALERT_SILENT, ALERT_WARNING)->inhibited_by,
                        find(&w, 3, ALERT_SILENT, ALERT_CRITICAL)->id);
    w.maintenance[3] = true; // it turns out to be planned
    look(&w, MINUTE);
    assert_null(find(&w, 3, ALERT_SILENT, ALERT_CRITICAL));
    assert_int_equal(w.s->n_ended, 2);
    close_world(&w);
}

static void maintenance_mutes_but_lives_go_on(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.cpu[0] = 92;
    look(&w, MINUTE);
    char id[ALERT_ID_BYTES];
    memcpy(id, find(&w, 0, ALERT_THRESHOLD, ALERT_CRITICAL)->id, sizeof id);
    w.maintenance[0] = true;
    look(&w, MINUTE);
    const alert *a = find(&w, 0, ALERT_THRESHOLD, ALERT_CRITICAL);
    assert_int_equal(a->mute, ALERT_MAINTENANCE);
    assert_true(a->changed && !alert_is_heard(a));
    assert_int_equal(w.s->n_firing, 0);
    w.maintenance[0] = false;
    look(&w, MINUTE);
    a = find(&w, 0, ALERT_THRESHOLD, ALERT_CRITICAL);
    assert_string_equal(a->id, id);
    assert_true(a->changed && alert_is_heard(a));
    assert_int_equal(w.counts.fired[ALERT_THRESHOLD][ALERT_CRITICAL], 1);
    close_world(&w);
}

/* "c" is silenced, and the alert of "b" has been seen. */
static bool mark_some(void *context, const snapshot_server *server, const tft_metric *metric, int64_t now_ms, alert *a)
{
    (void)context;
    (void)now_ms;
    assert_string_equal(metric->name, "cpu_pct");
    a->acknowledged = server->name[0] == 'b';
    if (server->name[0] != 'c')
        return false;
    snprintf(a->silence, sizeof a->silence, "s-1");
    return true;
}

static void silences_and_acknowledgements_are_marked(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.hooks.mark = mark_some;
    w.cpu[1] = w.cpu[2] = 80;
    look(&w, MINUTE);
    assert_true(find(&w, 1, ALERT_THRESHOLD, ALERT_WARNING)->acknowledged);
    const alert *const silenced = find(&w, 2, ALERT_THRESHOLD, ALERT_WARNING);
    assert_int_equal(silenced->mute, ALERT_SILENCED);
    assert_string_equal(silenced->silence, "s-1");
    assert_int_equal(w.s->n_firing, 1);
    close_world(&w);
}

static size_t all_hang_on_a(void *context, size_t server)
{
    (void)context;
    return server == 0 ? ALERT_FLEET : 0;
}

static void downstream_is_inhibited_by_its_cause(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.hooks.upstream_of = all_hang_on_a;
    w.cpu[0] = w.cpu[4] = 95;
    w.cpu[3] = 80;
    look(&w, MINUTE);
    const char *const cause = find(&w, 0, ALERT_THRESHOLD, ALERT_CRITICAL)->id;
    assert_string_equal(find(&w, 4, ALERT_THRESHOLD, ALERT_CRITICAL)->inhibited_by, cause);
    assert_string_equal(find(&w, 3, ALERT_THRESHOLD, ALERT_WARNING)->inhibited_by, cause);
    assert_int_equal(w.s->n_firing, 1);
    w.cpu[0] = 80; // its own critical one will end; a warning is no cause
    look(&w, MINUTE);
    look(&w, 2 * MINUTE);
    assert_string_equal(find(&w, 4, ALERT_THRESHOLD, ALERT_CRITICAL)->inhibited_by, "");
    close_world(&w);
}

static void drift_and_quality_belong_to_the_fleet_and_wait_for_news(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.has_quality = true;
    w.quality = (alert_quality){.metric = CPU, .n = 5000, .coverage = 0.6, .skill = -0.1};
    w.cpu[4] = 95;
    look(&w, MINUTE);
    assert_int_equal(w.s->n_alerts, 4);
    assert_non_null(find(&w, ALERT_FLEET, ALERT_DRIFT, ALERT_WARNING));
    assert_non_null(find(&w, ALERT_FLEET, ALERT_QUALITY, ALERT_WARNING));
    w.has_quality = false; // after a restart nobody knows for a while
    look(&w, MINUTE);
    assert_int_equal(w.s->n_alerts, 4);
    assert_false(find(&w, ALERT_FLEET, ALERT_DRIFT, ALERT_WARNING)->changed);
    w.has_quality = true;
    w.quality.coverage = 0.8;
    w.quality.skill = 0.2;
    look(&w, MINUTE);
    look(&w, 2 * MINUTE);
    assert_int_equal(w.s->n_alerts, 2);
    assert_int_equal(w.s->n_ended, 2);
    close_world(&w);
}

static void beyond_a_long_gap_everything_begins_anew(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    w.cpu[1] = 92;
    look(&w, MINUTE);
    look(&w, 60 * MINUTE);
    assert_int_equal(w.s->n_ended, 0);
    char id[ALERT_ID_BYTES];
    memcpy(id, find(&w, 1, ALERT_THRESHOLD, ALERT_CRITICAL)->id, sizeof id);
    look(&w, 60 * MINUTE + 1);
    assert_int_equal(w.s->n_ended, 2);
    assert_int_equal(w.s->n_alerts, 2);
    assert_string_equal(w.s->ended[1].id, id);
    assert_string_not_equal(find(&w, 1, ALERT_THRESHOLD, ALERT_CRITICAL)->id, id);
    close_world(&w);
}

/* Any walk of a fleet: keys stay unique and in order, ids stay with their key, nobody is in both lists, and exactly one alert per
 * (server, metric) is shown, at the highest severity that fires. */
static void any_walk_keeps_the_lists_in_order(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    tft_rng rng = tft_rng_seeded(3, 1);
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < SERVERS; i++) {
            w.cpu[i] = fmin(fmax(w.cpu[i] + tft_rng_normal(&rng) * 8, 20), 100);
            w.incident[i] = (float)tft_rng_uniform(&rng);
            w.maintenance[i] = tft_rng_below(&rng, 20) == 0;
        }
        look(&w, (int64_t)tft_rng_below(&rng, 3 * MINUTE));
        for (size_t i = 0; i < w.s->n_alerts; i++) {
            const alert *const a = &w.s->alerts[i];
            assert_true(i == 0 || alert_compare_keys(a - 1, a) < 0);
            assert_true(a->status == ALERT_FIRING && a->ends_ms == ALERT_NEVER);
            char id[ALERT_ID_BYTES];
            const char *const metric = a->metric == ALERT_METRICS ? "" : w.contract.metrics[a->metric].name;
            alert_make_id(w.s->servers[a->server].name, 1, a->kind, metric, a->severity, a->starts_ms, id);
            assert_string_equal(a->id, id);
        }
        for (size_t i = 0; i < w.s->n_ended; i++) {
            assert_int_equal(w.s->ended[i].status, ALERT_RESOLVED);
            for (size_t k = 0; k < w.s->n_alerts; k++)
                assert_string_not_equal(w.s->ended[i].id, w.s->alerts[k].id);
        }
        size_t expected = 0;
        for (size_t i = 0; i < SERVERS; i++) {
            const bool fires =
                find(&w, i, ALERT_THRESHOLD, ALERT_WARNING) || find(&w, i, ALERT_THRESHOLD, ALERT_CRITICAL);
            expected += fires && !w.maintenance[i];
        }
        assert_int_equal(w.s->n_firing, expected);
    }
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_critical_one_inhibits_its_warning_and_gives_way_to_it),
        cmocka_unit_test(a_profile_has_thresholds_of_its_own),
        cmocka_unit_test(incidents_and_silence_are_alerts_of_the_server),
        cmocka_unit_test(maintenance_mutes_but_lives_go_on),
        cmocka_unit_test(silences_and_acknowledgements_are_marked),
        cmocka_unit_test(downstream_is_inhibited_by_its_cause),
        cmocka_unit_test(drift_and_quality_belong_to_the_fleet_and_wait_for_news),
        cmocka_unit_test(beyond_a_long_gap_everything_begins_anew),
        cmocka_unit_test(any_walk_keeps_the_lists_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
