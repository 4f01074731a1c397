/* test_slots.c - snapshots that share the shelves their forecasts lie on: what a reader holds stays as it was, and memory
 * stays within what slots.h promises. */
#include "forecast/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

enum { FEW = 20, MANY = 2000, BYTES = 2000 };

typedef struct world {
    tft_contract contract;
    slots all;
    size_t n;
    unsigned char said[MANY]; // what the newest forecast of each server says
} world;

static void open_world(world *w, size_t n)
{
    memset(w, 0, sizeof *w);
    w->contract = tft_contract_default();
    w->n = n;
    slots_init(&w->all, &w->contract);
}

/* A forecast of the whole fleet: of servers i where changed(i) anew, of the others as before. Published. */
static void forecast(world *w, bool (*changed)(size_t i, tft_rng *rng), tft_rng *rng)
{
    unsigned char packed[BYTES];
    snapshot_slot *const out = slots_free_one(&w->all), *const before = slots_current(&w->all);
    assert_non_null(out);
    slots_give_back(&w->all, out);
    assert_int_equal(slot_reserve(out, w->n, NULL), TFT_OK);
    slot_clear_packed(out);
    out->s.n_servers = w->n;
    out->s.sufficient = true;
    for (size_t i = 0; i < w->n; i++) {
        if (before->s.sufficient && !changed(i, rng)) {
            assert_int_equal(slot_take_packed(out, i, before, NULL), TFT_OK);
            continue;
        }
        w->said[i] = (unsigned char)tft_rng_below(rng, 256);
        memset(packed, w->said[i], sizeof packed);
        assert_int_equal(slot_put_packed(out, i, packed, sizeof packed, BYTES / 2, NULL), TFT_OK);
    }
    slots_publish(&w->all, out);
    slots_give_back(&w->all, NULL);
}

static void assert_says(const forecast_snapshot *s, const unsigned char *said)
{
    for (size_t i = 0; i < s->n_servers; i++) {
        assert_ptr_equal(s->servers[i].curve, s->servers[i].packed + BYTES / 2);
        for (size_t k = 0; k < BYTES; k++)
            assert_int_equal(s->servers[i].packed[k], said[i]);
    }
}

static bool all_of_them(size_t i, tft_rng *rng)
{
    (void)i, (void)rng;
    return true;
}

static bool none_of_them(size_t i, tft_rng *rng)
{
    (void)i, (void)rng;
    return false;
}

static bool some(size_t i, tft_rng *rng)
{
    (void)i;
    return tft_rng_uniform(rng) < 0.2;
}

static bool the_first_tenth(size_t i, tft_rng *rng)
{
    (void)rng;
    return i < MANY / 10;
}

static void what_a_reader_holds_stays_as_it_was(void **state)
{
    (void)state;
    for (size_t n = FEW; n <= MANY; n *= 10) {
        static world w;
        static unsigned char held_said[MANY];
        tft_rng rng = tft_rng_seeded(n, 0);
        open_world(&w, n);
        forecast(&w, all_of_them, &rng);
        for (int round = 0; round < 12; round++) {
            const forecast_snapshot *const held = slots_acquire(&w.all);
            memcpy(held_said, w.said, sizeof held_said);
            for (int k = 0; k < 4; k++)
                forecast(&w, round % 3 == 0 ? all_of_them : some, &rng);
            assert_says(held, held_said);
            const forecast_snapshot *const newest = slots_acquire(&w.all);
            assert_says(newest, w.said);
            slots_release(&w.all, newest);
            slots_release(&w.all, held);
        }
        slots_free(&w.all);
    }
}

static void what_still_holds_is_pointed_at_and_not_copied(void **state)
{
    (void)state;
    static world w;
    tft_rng rng = tft_rng_seeded(3, 0);
    open_world(&w, MANY);
    forecast(&w, all_of_them, &rng);
    const unsigned char *const at = slots_current(&w.all)->servers[MANY / 2].packed;
    for (int round = 0; round < 5; round++)
        forecast(&w, the_first_tenth, &rng);
    assert_ptr_equal(slots_current(&w.all)->servers[MANY / 2].packed, at);
    slots_free(&w.all);
}

static void between_forecasts_a_large_fleet_has_one_snapshot_in_memory(void **state)
{
    (void)state;
    static world w;
    tft_rng rng = tft_rng_seeded(4, 0);
    open_world(&w, MANY);
    forecast(&w, all_of_them, &rng);
    const size_t once = slots_bytes(&w.all);
    for (int round = 0; round < 5; round++) {
        forecast(&w, all_of_them, &rng);
        assert_true(slots_bytes(&w.all) <= once);
    }
    // One that somebody reads stays, and is given back with the first forecast after that.
    const forecast_snapshot *const held = slots_acquire(&w.all);
    forecast(&w, all_of_them, &rng);
    assert_true(slots_bytes(&w.all) > once * 3 / 2);
    slots_release(&w.all, held);
    forecast(&w, all_of_them, &rng);
    assert_true(slots_bytes(&w.all) <= once);
    slots_free(&w.all);
}

static void however_long_some_forecasts_hold_memory_is_at_most_twice_what_they_need(void **state)
{
    (void)state;
    static world w;
    tft_rng rng = tft_rng_seeded(5, 0);
    open_world(&w, MANY);
    forecast(&w, all_of_them, &rng);
    const size_t once = slots_bytes(&w.all);
    for (int round = 0; round < 100; round++) {
        forecast(&w, some, &rng);
        assert_true(slots_bytes(&w.all) <= 2 * once + ((size_t)2 << 20));
    }
    const forecast_snapshot *const newest = slots_acquire(&w.all);
    assert_says(newest, w.said);
    slots_release(&w.all, newest);
    slots_free(&w.all);
}

static void a_small_fleet_uses_its_memory_again(void **state)
{
    (void)state;
    static world w;
    tft_rng rng = tft_rng_seeded(6, 0);
    open_world(&w, FEW);
    forecast(&w, all_of_them, &rng);
    forecast(&w, all_of_them, &rng);
    const size_t bytes = slots_bytes(&w.all);
    const snapshot_server *const servers = slots_current(&w.all)->servers;
    for (int round = 0; round < 10; round++)
        forecast(&w, round % 2 == 0 ? none_of_them : all_of_them, &rng);
    assert_ptr_equal(slots_current(&w.all)->servers, servers);
    assert_int_equal(slots_bytes(&w.all), bytes);
    slots_free(&w.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_reader_holds_stays_as_it_was),
        cmocka_unit_test(what_still_holds_is_pointed_at_and_not_copied),
        cmocka_unit_test(between_forecasts_a_large_fleet_has_one_snapshot_in_memory),
        cmocka_unit_test(however_long_some_forecasts_hold_memory_is_at_most_twice_what_they_need),
        cmocka_unit_test(a_small_fleet_uses_its_memory_again),
    };
    return cmocka_run_group_tests_name("forecast.slots", tests, NULL, NULL);
}
