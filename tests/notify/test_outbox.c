/* test_outbox.c - what is due when, how long it waits after failures, and a model of receivers, failures and kill -9: whatever happens,
 * in the end each receiver holds as open exactly what is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "notify/outbox.h"

#define SECOND 1000
#define MINUTE 60000
static const int64_t T0 = 1760371200000;

static notify_config two_receivers(void)
{
    notify_config config = {.n_receivers = 2};
    config.receivers[0] = notify_receiver_default();
    config.receivers[1] = notify_receiver_default();
    config.receivers[0].kind = NOTIFY_WEBHOOK;
    config.receivers[1].kind = NOTIFY_ALERTMANAGER;
    snprintf(config.receivers[0].name, 64, "hook");
    snprintf(config.receivers[1].name, 64, "am");
    config.receivers[0].n_urls = config.receivers[1].n_urls = 1;
    return config;
}

enum { HOOK, AM };

static outbox *open_box(uint64_t seed)
{
    const notify_config config = two_receivers();
    outbox *o = NULL;
    assert_int_equal(outbox_open(&config, seed, &o, NULL), TFT_OK);
    assert_int_equal(outbox_targets(o), 2);
    return o;
}

static store_alert row_of(int number, const char *server)
{
    store_alert row = {.starts_ms = T0, .since_ms = T0, .ends_ms = STORE_NEVER};
    snprintf(row.id, sizeof row.id, "a-%016d", number);
    snprintf(row.server, sizeof row.server, "%s", server);
    snprintf(row.metric, sizeof row.metric, "m%d", number); // no two have the same labels
    snprintf(row.status, sizeof row.status, "firing");
    return row;
}

/* The same alert come back: it has another id and start. */
static store_alert come_back(const store_alert *before, int number)
{
    store_alert row = row_of(number, before->server);
    memcpy(row.metric, before->metric, sizeof row.metric);
    row.starts_ms = row.since_ms = before->ends_ms + MINUTE;
    return row;
}

/* A round in which these are heard, and `over` (may be NULL) has ended. */
static void run_round(outbox *o, const store_alert *heard, size_t n, const store_alert *over, int64_t now_ms)
{
    outbox_begin(o);
    for (size_t i = 0; i < n; i++)
        outbox_offer(o, &heard[i], 3, now_ms);
    if (over != NULL)
        outbox_over(o, over, now_ms);
    outbox_end(o, now_ms);
}

static size_t take(outbox *o, size_t target, int64_t now_ms, outbox_item *items, int64_t *wait)
{
    return outbox_take(o, target, now_ms, items, wait);
}

static outbox_item spare[OUTBOX_BATCH];

static void a_webhook_is_told_once_and_an_alertmanager_again_and_again(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(1);
    store_alert a = row_of(1, "x");
    int64_t wait;
    run_round(o, &a, 1, NULL, T0);
    for (size_t t = 0; t < 2; t++) {
        assert_int_equal(take(o, t, T0, items, &wait), 1);
        assert_true(items[0].firing);
        assert_int_equal(take(o, t, T0, spare, &wait), 0); // under way
        outbox_done(o, t, items, 1, OUTBOX_SENT, 0, "", T0);
        assert_int_equal(outbox_waiting(o, t), 0);
    }
    assert_int_equal(take(o, HOOK, T0 + 59 * MINUTE, items, &wait), 0);
    assert_true(wait == OUTBOX_NEVER);
    assert_int_equal(take(o, AM, T0 + MINUTE - 1, items, &wait), 0);
    assert_int_equal(wait, T0 + MINUTE);
    assert_int_equal(take(o, AM, T0 + MINUTE, items, &wait), 1);
    outbox_done(o, AM, items, 1, OUTBOX_SENT, 0, "", T0 + MINUTE);
    snprintf(a.status, sizeof a.status, "resolved");
    a.ends_ms = T0 + 2 * MINUTE;
    run_round(o, NULL, 0, &a, T0 + 2 * MINUTE);
    for (size_t t = 0; t < 2; t++) {
        assert_int_equal(take(o, t, T0 + 2 * MINUTE, items, &wait), 1);
        assert_false(items[0].firing);
        outbox_done(o, t, items, 1, OUTBOX_SENT, 0, "", T0 + 2 * MINUTE);
    }
    run_round(o, NULL, 0, NULL, T0 + 3 * MINUTE);
    assert_int_equal(take(o, HOOK, T0 + 3 * MINUTE, items, &wait), 0);
    assert_int_equal(take(o, AM, T0 + 3 * MINUTE, items, &wait), 1); // it may have been restarted
    outbox_done(o, AM, items, 1, OUTBOX_SENT, 0, "", T0 + 3 * MINUTE);
    run_round(o, NULL, 0, NULL, T0 + 17 * MINUTE);
    assert_int_equal(take(o, AM, T0 + 60 * MINUTE, items, &wait), 0);
    assert_true(wait == OUTBOX_NEVER);
    outbox_close(o);
}

static void failures_wait_longer_and_longer_and_success_ends_that(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(2);
    const store_alert a = row_of(1, "x");
    int64_t now = T0, wait;
    run_round(o, &a, 1, NULL, now);
    for (int failure = 0; failure < 12; failure++) {
        assert_int_equal(take(o, HOOK, now, items, &wait), 1);
        outbox_done(o, HOOK, items, 1, OUTBOX_FAILED, 0, "connection refused", now);
        assert_int_equal(take(o, HOOK, now, items, &wait), 0);
        const int64_t longest = failure > 8 ? 5 * MINUTE : (int64_t)SECOND << failure;
        assert_true(wait - now >= longest / 2 && wait - now <= longest);
        now = wait;
    }
    assert_int_equal(outbox_target_at(o, HOOK)->failed, 12);
    assert_string_equal(outbox_target_at(o, HOOK)->last_error, "connection refused");
    assert_int_equal(take(o, HOOK, now, items, &wait), 1);
    outbox_done(o, HOOK, items, 1, OUTBOX_FAILED, 20 * MINUTE, "answered 429", now);
    assert_int_equal(take(o, HOOK, now, items, &wait), 0);
    assert_int_equal(wait, now + 20 * MINUTE); // what it asked for
    now = wait;
    assert_int_equal(take(o, HOOK, now, items, &wait), 1);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", now);
    assert_int_equal(outbox_target_at(o, HOOK)->failures, 0);
    outbox_close(o);
}

static void one_that_is_refused_does_not_keep_the_others(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(3);
    const store_alert rows[3] = {row_of(1, "x"), row_of(2, "y"), row_of(3, "z")};
    int64_t now = T0, wait;
    run_round(o, rows, 3, NULL, now);
    assert_int_equal(take(o, AM, now, items, &wait), 3);
    outbox_done(o, AM, items, 3, OUTBOX_REFUSED, 0, "answered 400", now);
    size_t sent = 0;
    for (int tries = 0; tries < 200 && sent < 2; tries++) {
        const size_t n = take(o, AM, now, items, &wait);
        if (n == 0) {
            now = wait;
            continue;
        }
        assert_int_equal(n, 1); // alone from now on
        const bool bad = strcmp(items[0].row.server, "y") == 0;
        outbox_done(o, AM, items, 1, bad ? OUTBOX_REFUSED : OUTBOX_SENT, 0, "answered 400", now);
        sent += !bad;
    }
    assert_int_equal(sent, 2);
    assert_int_equal(outbox_waiting(o, AM), 1);
    outbox_close(o);
}

static void a_webhook_message_is_of_one_server(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(4);
    const store_alert rows[4] = {row_of(1, "x"), row_of(2, "y"), row_of(3, "x"), row_of(4, "y")};
    int64_t wait;
    run_round(o, rows, 4, NULL, T0);
    assert_int_equal(take(o, HOOK, T0, items, &wait), 2);
    assert_string_equal(items[0].row.server, "x");
    assert_string_equal(items[1].row.server, "x");
    outbox_done(o, HOOK, items, 2, OUTBOX_SENT, 0, "", T0);
    assert_int_equal(take(o, HOOK, T0, items, &wait), 2);
    assert_string_equal(items[1].row.server, "y");
    assert_int_equal(take(o, AM, T0, spare, &wait), 4);
    outbox_close(o);
}

static void what_nobody_heard_of_and_was_muted_is_never_told(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(5);
    store_alert a = row_of(1, "x");
    int64_t wait;
    run_round(o, &a, 1, NULL, T0);
    run_round(o, NULL, 0, NULL, T0 + SECOND); // silenced before anybody was told
    assert_int_equal(take(o, HOOK, T0 + SECOND, items, &wait), 0);
    run_round(o, &a, 1, NULL, T0 + MINUTE);
    assert_int_equal(take(o, HOOK, T0 + MINUTE, items, &wait), 1);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", T0 + MINUTE);
    run_round(o, NULL, 0, NULL, T0 + 2 * MINUTE); // silenced after that: it is closed there …
    assert_int_equal(take(o, HOOK, T0 + 2 * MINUTE, items, &wait), 1);
    assert_false(items[0].firing);
    assert_int_equal(items[0].closed_ms, T0 + 2 * MINUTE);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", T0 + 2 * MINUTE);
    run_round(o, &a, 1, NULL, T0 + 3 * MINUTE); // … and opened again
    assert_int_equal(take(o, HOOK, T0 + 3 * MINUTE, items, &wait), 1);
    assert_true(items[0].firing);
    outbox_close(o);
}

static void an_inhibited_one_is_not_told_anew_nor_as_over(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(8);
    store_alert a = row_of(1, "x"), b = row_of(2, "x");
    int64_t wait;
    run_round(o, &a, 1, NULL, T0);
    assert_int_equal(take(o, HOOK, T0, items, &wait), 1);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", T0);
    snprintf(a.inhibited_by, sizeof a.inhibited_by, "a-9"); // it has become critical; b was that from the start
    snprintf(b.inhibited_by, sizeof b.inhibited_by, "a-9");
    const store_alert both[2] = {a, b};
    run_round(o, both, 2, NULL, T0 + SECOND);
    assert_int_equal(take(o, HOOK, T0 + SECOND, items, &wait), 0);
    snprintf(a.status, sizeof a.status, "resolved");
    run_round(o, &b, 1, &a, T0 + MINUTE);
    assert_int_equal(take(o, HOOK, T0 + MINUTE, items, &wait), 1); // the end of what was told
    assert_false(items[0].firing);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", T0 + MINUTE);
    b.inhibited_by[0] = '\0'; // the critical one is over, the warning goes on
    run_round(o, &b, 1, NULL, T0 + 2 * MINUTE);
    assert_int_equal(take(o, HOOK, T0 + 2 * MINUTE, items, &wait), 1);
    assert_true(items[0].firing && strcmp(items[0].row.id, b.id) == 0);
    outbox_close(o);
}

static void an_alert_that_came_back_is_not_closed_by_the_end_of_the_one_before(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(1);
    store_alert first = row_of(1, "x");
    int64_t wait;
    run_round(o, &first, 1, NULL, T0);
    assert_int_equal(take(o, AM, T0, items, &wait), 1);
    outbox_done(o, AM, items, 1, OUTBOX_SENT, 0, "", T0);
    snprintf(first.status, sizeof first.status, "resolved");
    first.ends_ms = T0 + MINUTE;
    run_round(o, NULL, 0, &first, T0 + MINUTE);
    assert_int_equal(take(o, AM, T0 + MINUTE, items, &wait), 1);
    assert_false(items[0].firing);
    const store_alert second = come_back(&first, 2);
    run_round(o, &second, 1, NULL, T0 + 2 * MINUTE); // while the end is under way
    outbox_done(o, AM, items, 1, OUTBOX_SENT, 0, "", T0 + 2 * MINUTE);
    for (int minute = 2; minute < 20; minute++) {
        const int64_t now_ms = T0 + minute * MINUTE;
        run_round(o, &second, 1, NULL, now_ms);
        assert_int_equal(take(o, AM, now_ms, items, &wait), 1);
        assert_string_equal(items[0].row.id, second.id);
        assert_true(items[0].firing);
        outbox_done(o, AM, items, 1, OUTBOX_SENT, 0, "", now_ms);
    }
    outbox_close(o);
}

static void a_webhook_is_told_the_end_of_the_first_before_the_second_fires(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(1);
    store_alert first = row_of(2, "x"); // its id is behind that of the second
    int64_t wait;
    run_round(o, &first, 1, NULL, T0);
    assert_int_equal(take(o, HOOK, T0, items, &wait), 1);
    outbox_done(o, HOOK, items, 1, OUTBOX_SENT, 0, "", T0);
    snprintf(first.status, sizeof first.status, "resolved");
    first.ends_ms = T0 + MINUTE;
    const store_alert second = come_back(&first, 1);
    run_round(o, &second, 1, &first, T0 + 2 * MINUTE);
    assert_int_equal(take(o, HOOK, T0 + 2 * MINUTE, items, &wait), 2);
    assert_string_equal(items[0].row.id, first.id);
    assert_false(items[0].firing);
    assert_string_equal(items[1].row.id, second.id);
    assert_true(items[1].firing);
    outbox_close(o);
}

static void what_came_and_went_during_an_outage_is_told_as_over_for_a_day(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    outbox *const o = open_box(6);
    store_alert a = row_of(1, "x");
    int64_t wait;
    run_round(o, &a, 1, NULL, T0);
    snprintf(a.status, sizeof a.status, "resolved");
    run_round(o, NULL, 0, &a, T0 + MINUTE);
    assert_int_equal(take(o, HOOK, T0 + 23 * 60 * MINUTE, items, &wait), 1);
    assert_false(items[0].firing);
    outbox_done(o, HOOK, items, 1, OUTBOX_FAILED, 0, "no route", T0 + 23 * 60 * MINUTE);
    run_round(o, NULL, 0, NULL, T0 + 25 * 60 * MINUTE);
    assert_int_equal(take(o, HOOK, T0 + 30 * 60 * MINUTE, items, &wait), 0);
    assert_int_equal(outbox_target_at(o, HOOK)->dropped, 1);
    outbox_close(o);
}

/* ---- a model of everything -------------------------------------------------------------------------------------- */

enum { ALERTS = 12 };

typedef struct model {
    outbox *o;
    store_alert rows[ALERTS]; // as on disk
    bool exists[ALERTS], heard[ALERTS];
    int disk[2][ALERTS];  // what the disk says was told; −1 = no row
    bool open[2][ALERTS]; // at the receiver; Alertmanager's by labels_of()
    int messages[2][ALERTS];
} model;

static int number_of(const char *id)
{
    return atoi(id + 2);
}

/* The alerts are half as many things as they are: the second half is the first, come back. */
static int labels_of(int alert)
{
    return alert % (ALERTS / 2);
}

static int other_of(int alert)
{
    return (alert + ALERTS / 2) % ALERTS;
}

/* Where the receiver keeps whether it is open. */
static int kept_at(size_t target, int alert)
{
    return target == AM ? labels_of(alert) : alert;
}

static void commit(model *m)
{
    size_t n;
    const store_delivery *const rows = outbox_written(m->o, &n);
    for (size_t i = 0; i < n; i++)
        m->disk[strcmp(rows[i].target, "am") == 0 ? AM : HOOK][number_of(rows[i].alert)] = rows[i].told;
}

static void restart(model *m, uint64_t seed, int64_t now)
{
    outbox_close(m->o);
    m->o = open_box(seed);
    for (size_t t = 0; t < 2; t++)
        for (int i = 0; i < ALERTS; i++)
            if (m->disk[t][i] >= 0)
                assert_true(
                    outbox_restore(m->o, &m->rows[i], t == AM ? "am" : "hook", (outbox_told)m->disk[t][i], now));
}

static void live(model *m, tft_rng *rng, int64_t now)
{
    outbox_begin(m->o);
    for (int i = 0; i < ALERTS; i++) {
        const bool was = m->exists[i];
        if (!was && !m->exists[other_of(i)] && tft_rng_below(rng, 6) == 0) {
            m->exists[i] = m->heard[i] = true;
            m->rows[i] = row_of(i, i % 2 == 0 ? "x" : "y");
            snprintf(m->rows[i].metric, sizeof m->rows[i].metric, "m%d", labels_of(i));
        } else if (was && tft_rng_below(rng, 8) == 0) {
            m->exists[i] = m->heard[i] = false;
            snprintf(m->rows[i].status, sizeof m->rows[i].status, "resolved");
        } else if (was && tft_rng_below(rng, 8) == 0) {
            m->heard[i] = !m->heard[i];
        }
        snprintf(m->rows[i].mute, sizeof m->rows[i].mute, m->heard[i] ? "" : "silenced");
        if (m->exists[i] && m->heard[i])
            outbox_offer(m->o, &m->rows[i], 3, now);
        else if (was && !m->exists[i])
            outbox_over(m->o, &m->rows[i], now);
    }
    outbox_end(m->o, now);
    commit(m);
}

static void receive(model *m, size_t target, const outbox_item *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m->open[target][kept_at(target, number_of(items[i].row.id))] = items[i].firing;
        m->messages[target][number_of(items[i].row.id)]++;
    }
}

static void receivers_hold_what_is_open_whatever_happens(void **state)
{
    (void)state;
    static outbox_item items[OUTBOX_BATCH];
    for (uint64_t seed = 0; seed < 150; seed++) {
        tft_rng rng = tft_rng_seeded(seed, 77);
        static model m;
        memset(&m, 0, sizeof m);
        for (size_t t = 0; t < 2; t++)
            for (int i = 0; i < ALERTS; i++)
                m.disk[t][i] = -1;
        m.o = open_box(seed);
        int64_t now = T0, wait;
        for (int step = 0; step < 400; step++) {
            now += (int64_t)tft_rng_below(&rng, 20 * SECOND);
            if (step % 3 == 0)
                live(&m, &rng, now);
            const size_t target = tft_rng_below(&rng, 2);
            const size_t n = take(m.o, target, now, items, &wait);
            commit(&m);
            if (n == 0)
                continue;
            switch (tft_rng_below(&rng, 6)) {
            case 0: // killed before the post, or before its answer came
                if (tft_rng_below(&rng, 2) == 0)
                    receive(&m, target, items, n);
                restart(&m, seed + (uint64_t)step, now);
                break;
            case 1:
                outbox_done(m.o, target, items, n, OUTBOX_FAILED, 0, "down", now);
                commit(&m);
                break;
            case 2:
                outbox_done(m.o, target, items, n, OUTBOX_REFUSED, 0, "answered 400", now);
                commit(&m);
                break;
            default:
                receive(&m, target, items, n);
                outbox_done(m.o, target, items, n, OUTBOX_SENT, 0, "", now);
                commit(&m);
            }
        }
        for (int quiet = 0; quiet < 400; quiet++) { // the receivers are well again, and nothing changes
            now += 10 * SECOND;
            outbox_begin(m.o);
            for (int i = 0; i < ALERTS; i++)
                if (m.exists[i] && m.heard[i])
                    outbox_offer(m.o, &m.rows[i], 3, now);
            outbox_end(m.o, now);
            for (size_t t = 0; t < 2; t++) {
                const size_t n = take(m.o, t, now, items, &wait);
                receive(&m, t, items, n);
                if (n > 0)
                    outbox_done(m.o, t, items, n, OUTBOX_SENT, 0, "", now);
            }
            commit(&m);
        }
        for (size_t t = 0; t < 2; t++) {
            if (outbox_waiting(m.o, t) != 0)
                fail_msg("seed %d: %zu wait for %s", (int)seed, outbox_waiting(m.o, t), t == AM ? "am" : "hook");
            for (int i = 0; i < ALERTS; i++) {
                const int other = other_of(i);
                const bool open = m.open[t][kept_at(t, i)], heard = m.exists[i] && m.heard[i];
                if (open != (heard || (t == AM && m.exists[other] && m.heard[other])))
                    fail_msg("seed %d: alert %d is %s at %s", (int)seed, i, open ? "open" : "closed",
                             t == AM ? "am" : "hook");
            }
        }
        outbox_close(m.o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_is_told_once_and_an_alertmanager_again_and_again),
        cmocka_unit_test(failures_wait_longer_and_longer_and_success_ends_that),
        cmocka_unit_test(one_that_is_refused_does_not_keep_the_others),
        cmocka_unit_test(a_webhook_message_is_of_one_server),
        cmocka_unit_test(what_nobody_heard_of_and_was_muted_is_never_told),
        cmocka_unit_test(an_inhibited_one_is_not_told_anew_nor_as_over),
        cmocka_unit_test(an_alert_that_came_back_is_not_closed_by_the_end_of_the_one_before),
        cmocka_unit_test(a_webhook_is_told_the_end_of_the_first_before_the_second_fires),
        cmocka_unit_test(what_came_and_went_during_an_outage_is_told_as_over_for_a_day),
        cmocka_unit_test(receivers_hold_what_is_open_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
