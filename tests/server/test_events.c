/* test_events.c - tests src/server/events.c: news in order, the oldest forgotten, from any thread. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "server/events.h"

static atomic_int woken;

static void count(void *context)
{
    (void)context;
    woken++;
}

static void events_come_in_order_and_wake_listeners(void **state)
{
    (void)state;
    events *const all = events_open();
    event e = {.data = tft_text_new(EVENTS_MAX_BYTES)};
    assert_false(events_next(all, 0, &e));
    events_on_news(all, count, NULL);
    woken = 0;
    events_publish(all, EVENT_FORECAST, NULL, "{}");
    events_publish(all, EVENT_SERVER, "ppdb001", "{\"a\": 1}");
    assert_int_equal(woken, 2);
    assert_int_equal(events_newest(all), 2);
    assert_true(events_next(all, 0, &e));
    assert_int_equal(e.number, 1);
    assert_string_equal(e.server, "");
    tft_text_clear(&e.data);
    assert_true(events_next(all, 1, &e));
    assert_int_equal(e.kind, EVENT_SERVER);
    assert_string_equal(e.server, "ppdb001");
    assert_string_equal(e.data.bytes, "{\"a\": 1}");
    assert_false(events_next(all, 2, &e));
    tft_text_free(&e.data);
    events_close(all);
}

static void a_slow_listener_sees_that_some_are_gone(void **state)
{
    (void)state;
    events *const all = events_open();
    char json[32];
    for (int i = 1; i <= EVENTS_KEPT + 5; i++) {
        snprintf(json, sizeof json, "{\"i\": %d}", i);
        events_publish(all, EVENT_FORECAST, NULL, json);
    }
    event e = {.data = tft_text_new(EVENTS_MAX_BYTES)};
    assert_true(events_next(all, 2, &e));
    assert_int_equal(e.number, 6); // 1 … 5 made room
    assert_string_equal(e.data.bytes, "{\"i\": 6}");
    tft_text_free(&e.data);
    events_close(all);
}

static void what_is_too_large_is_left_out(void **state)
{
    (void)state;
    events *const all = events_open();
    char *const large = calloc(1, EVENTS_MAX_BYTES + 1);
    memset(large, ' ', EVENTS_MAX_BYTES);
    events_publish(all, EVENT_FORECAST, NULL, large);
    assert_int_equal(events_newest(all), 0);
    free(large);
    events_close(all);
}

static void *publish_many(void *context)
{
    for (int i = 0; i < 500; i++)
        events_publish(context, EVENT_ALERT, "a", "{}");
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    events *const all = events_open();
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, publish_many, all);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(events_newest(all), 2000);
    events_close(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_and_wake_listeners),
        cmocka_unit_test(a_slow_listener_sees_that_some_are_gone),
        cmocka_unit_test(what_is_too_large_is_left_out),
        cmocka_unit_test(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
