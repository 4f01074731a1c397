/* test_alert_life.c - pending, firing, resolved: told by a series of conditions; and any series keeps the promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "forecast/alert_life.h"

#define MINUTE 60000
static const int64_t T0 = 1760371500000; // 2025-10-13T16:05:00Z

static const alert_condition set = {.exists = true, .set = true, .predicted_value = 92};
static const alert_condition between = {.exists = true, .predicted_value = 88};
static const alert_condition clear = {.exists = true, .clear = true, .predicted_value = 50};
static const alert_condition gone = {.exists = false};

typedef struct life {
    alert_settings settings;
    int64_t now_ms;
    bool open;
    alert a;
} life;

static life begin(void)
{
    return (life){.settings = alert_settings_default(), .now_ms = T0};
}

static alert_fate next(life *l, int64_t after_ms, const alert_condition *condition)
{
    l->now_ms += after_ms;
    const alert_fate fate = alert_live(&l->settings, condition, l->open, l->now_ms, &l->a);
    l->open = fate == ALERT_FATE_OPEN;
    return fate;
}

static void it_fires_at_once_without_for(void **state)
{
    (void)state;
    life l = begin();
    assert_int_equal(next(&l, 0, &between), ALERT_FATE_NONE);
    assert_int_equal(next(&l, MINUTE, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.status, ALERT_FIRING);
    assert_true(l.a.changed && l.a.just_fired);
    assert_int_equal(l.a.starts_ms, T0 + MINUTE);
    assert_int_equal(l.a.since_ms, T0 + MINUTE);
    assert_true(l.a.ends_ms == ALERT_NEVER && l.a.below_since_ms == ALERT_NEVER);
    assert_true(l.a.predicted_value > 91);
    assert_int_equal(next(&l, MINUTE, &set), ALERT_FATE_OPEN);
    assert_false(l.a.changed || l.a.just_fired);
    assert_int_equal(l.a.since_ms, T0 + MINUTE);
}

static void with_for_it_is_pending_first_and_keeps_its_start(void **state)
{
    (void)state;
    life l = begin();
    l.settings.for_ms = 3 * MINUTE;
    assert_int_equal(next(&l, 0, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.status, ALERT_PENDING);
    assert_true(l.a.since_ms == ALERT_NEVER);
    assert_int_equal(next(&l, 3 * MINUTE - 1, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.status, ALERT_PENDING);
    assert_int_equal(next(&l, 1, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.status, ALERT_FIRING);
    assert_int_equal(l.a.starts_ms, T0);
    assert_int_equal(l.a.since_ms, T0 + 3 * MINUTE);
}

static void what_is_only_pending_ends_without_a_trace(void **state)
{
    (void)state;
    life l = begin();
    l.settings.for_ms = 3 * MINUTE;
    assert_int_equal(next(&l, 0, &set), ALERT_FATE_OPEN);
    assert_int_equal(next(&l, MINUTE, &between), ALERT_FATE_NONE); // not set any more: neither clear
    assert_int_equal(next(&l, MINUTE, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.starts_ms, l.now_ms);
    assert_int_equal(next(&l, MINUTE, &gone), ALERT_FATE_NONE);
}

static void it_ends_after_keep_for_below_the_clear_level(void **state)
{
    (void)state;
    life l = begin();
    next(&l, 0, &set);
    assert_int_equal(next(&l, 10 * MINUTE, &between), ALERT_FATE_OPEN); // however long
    assert_true(l.a.below_since_ms == ALERT_NEVER);
    assert_int_equal(next(&l, MINUTE, &clear), ALERT_FATE_OPEN);
    assert_true(l.a.changed);
    assert_int_equal(next(&l, 2 * MINUTE - 1, &clear), ALERT_FATE_OPEN);
    assert_false(l.a.changed);
    assert_int_equal(next(&l, 1, &clear), ALERT_FATE_ENDED);
    assert_int_equal(l.a.status, ALERT_RESOLVED);
    assert_int_equal(l.a.ends_ms, l.now_ms);
    assert_int_equal(l.a.starts_ms, T0);
}

static void a_relapse_starts_keep_for_anew(void **state)
{
    (void)state;
    life l = begin();
    next(&l, 0, &set);
    next(&l, MINUTE, &clear);
    assert_int_equal(next(&l, MINUTE, &between), ALERT_FATE_OPEN);
    next(&l, MINUTE, &clear);
    assert_int_equal(next(&l, 2 * MINUTE - 1, &clear), ALERT_FATE_OPEN);
    assert_int_equal(next(&l, 1, &clear), ALERT_FATE_ENDED);
}

static void without_its_rule_it_ends_at_once(void **state)
{
    (void)state;
    life l = begin();
    next(&l, 0, &set);
    assert_int_equal(next(&l, MINUTE, &gone), ALERT_FATE_ENDED);
}

static void a_clock_that_goes_back_does_no_harm(void **state)
{
    (void)state;
    life l = begin();
    next(&l, 0, &set);
    next(&l, MINUTE, &clear);
    assert_int_equal(next(&l, -60 * MINUTE, &clear), ALERT_FATE_OPEN); // keep_for counts anew
    assert_int_equal(next(&l, 2 * MINUTE - 1, &clear), ALERT_FATE_OPEN);
    assert_int_equal(next(&l, 1, &clear), ALERT_FATE_ENDED);
    assert_int_equal(l.a.ends_ms, l.a.since_ms); // not before it began
    l.settings.for_ms = MINUTE;
    l.open = false;
    next(&l, 0, &set);
    assert_int_equal(next(&l, -30 * MINUTE, &set), ALERT_FATE_OPEN);
    assert_int_equal(l.a.status, ALERT_PENDING);
    assert_int_equal(l.a.starts_ms, l.now_ms);
}

/* Whatever conditions come at whatever times: what fired had been set for `for`, what ended had been clear for keep_for (or lost its
 * rule), starts and since never move while it is open, and `changed` tells of every move. */
static void random_lives_keep_their_promises(void **state)
{
    (void)state;
    tft_rng rng = tft_rng_seeded(7, 0);
    for (int round = 0; round < 500; round++) {
        life l = begin();
        l.settings.for_ms = (int64_t)tft_rng_below(&rng, 4) * MINUTE;
        l.settings.keep_for_ms = (int64_t)tft_rng_below(&rng, 4) * MINUTE;
        int64_t set_since = ALERT_NEVER, clear_since = ALERT_NEVER;
        for (int i = 0; i < 400; i++) {
            const alert_condition *const choices[] = {&set, &set, &set, &between, &clear, &clear, &clear, &gone};
            const alert_condition *const c = choices[tft_rng_below(&rng, i % 40 == 0 ? 8 : 7)];
            const bool was_open = l.open;
            const alert before = l.a;
            const alert_fate fate = next(&l, (int64_t)tft_rng_below(&rng, MINUTE), c);
            set_since = !c->set ? ALERT_NEVER : set_since == ALERT_NEVER ? l.now_ms : set_since;
            clear_since = !c->clear ? ALERT_NEVER : clear_since == ALERT_NEVER ? l.now_ms : clear_since;
            if (c->set)
                assert_int_equal(fate, ALERT_FATE_OPEN);
            if (fate == ALERT_FATE_OPEN && !was_open)
                assert_true(c->set && l.a.changed && l.a.starts_ms == l.now_ms);
            if (fate == ALERT_FATE_OPEN && l.a.just_fired)
                assert_true(l.now_ms - set_since >= l.settings.for_ms && l.a.changed);
            if (fate == ALERT_FATE_OPEN && was_open) {
                assert_int_equal(l.a.starts_ms, before.starts_ms);
                if (before.status == ALERT_FIRING)
                    assert_true(l.a.status == ALERT_FIRING && l.a.since_ms == before.since_ms);
                if (!l.a.changed)
                    assert_true(l.a.status == before.status && l.a.below_since_ms == before.below_since_ms);
            }
            if (fate == ALERT_FATE_ENDED) {
                assert_true(was_open && before.status == ALERT_FIRING && l.a.ends_ms >= l.a.since_ms);
                assert_true(c == &gone || l.now_ms - clear_since >= l.settings.keep_for_ms);
            }
            if (fate == ALERT_FATE_NONE)
                assert_true(!was_open || before.status == ALERT_PENDING);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fires_at_once_without_for),
        cmocka_unit_test(with_for_it_is_pending_first_and_keeps_its_start),
        cmocka_unit_test(what_is_only_pending_ends_without_a_trace),
        cmocka_unit_test(it_ends_after_keep_for_below_the_clear_level),
        cmocka_unit_test(a_relapse_starts_keep_for_anew),
        cmocka_unit_test(without_its_rule_it_ends_at_once),
        cmocka_unit_test(a_clock_that_goes_back_does_no_harm),
        cmocka_unit_test(random_lives_keep_their_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
