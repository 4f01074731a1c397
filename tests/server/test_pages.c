/* test_pages.c - who renders the body that is the same for everyone, and who waits for it. */
#include "server/pages.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"

static const int64_t T0 = 1760371200000; // 2025-10-13T16:00:00Z

static int64_t test_wall(void)
{
    return T0 + 3600000;
}

typedef struct world {
    fleet *f;
    engine *e;
    pages all;
    int64_t next_ms;
    bool prepares; // the engine renders pages before it shows a snapshot
} world;

/* One more record, and a forecast of it. */
static void renew(world *w)
{
    const double values[4] = {30, 40, 5, 10};
    const fleet_record record = {"a", 1, w->next_ms, values, TFT_STATE_HEALTHY, -1, FLEET_NEW};
    const fleet_batch batch = {.records = &record, .n = 1};
    w->next_ms += 1000;
    assert_int_equal(fleet_apply(w->f, &batch, test_wall(), NULL, NULL), TFT_OK);
    tft_status status;
    while ((status = engine_renew(w->e, NULL)) == TFT_ERR_BUSY) // readers hold every slot: on a slow machine they may
        sched_yield();
    assert_int_equal(status, TFT_OK);
    pages_notify(&w->all);
}

/* So many servers, and a forecast of them. */
static void fill(world *w, size_t n)
{
    const double values[4] = {30, 40, 5, 10};
    for (size_t i = 0; i < n - 1; i++) {
        char name[32];
        const size_t length = (size_t)snprintf(name, sizeof name, "server-%zu", i);
        const fleet_record record = {name, length, w->next_ms, values, TFT_STATE_HEALTHY, -1, FLEET_NEW};
        const fleet_batch batch = {.records = &record, .n = 1};
        assert_int_equal(fleet_apply(w->f, &batch, test_wall(), NULL, NULL), TFT_OK);
    }
    renew(w);
}

static void finished(void *context, const forecast_snapshot *snapshot)
{
    world *const w = context;
    if (w->prepares)
        pages_prepare(&w->all, snapshot);
}

static void open_world(world *w)
{
    const tft_contract contract = tft_contract_default();
    fleet_options options;
    engine_options eo;
    memset(w, 0, sizeof *w);
    w->next_ms = T0;
    pages_init(&w->all);
    fleet_options_default(&contract, &options);
    options.min_records = 1;
    assert_int_equal(fleet_open(&options, &w->f, NULL), TFT_OK);
    engine_options_default(w->f, &eo);
    eo.wall_ms = test_wall;
    eo.finished = finished;
    eo.context = w;
    assert_int_equal(engine_open(&eo, &w->e, NULL), TFT_OK);
}

static void close_world(world *w)
{
    pages_free(&w->all);
    engine_close(w->e);
    fleet_close(w->f);
}

static uint64_t newest(world *w)
{
    const forecast_snapshot *const s = engine_acquire(w->e);
    const uint64_t sequence = s->sequence;
    engine_release(w->e, s);
    return sequence;
}

/* The sequence of the page that a request gets; 0 = none. */
static uint64_t ask(world *w, bool packed)
{
    page *const p = pages_predictions(&w->all, w->e, packed, &(bool){false});
    if (p == NULL)
        return 0;
    const uint64_t sequence = p->sequence;
    assert_non_null(strstr(p->head.bytes, "\"predictions\""));
    assert_true(!packed || p->packed.n > 0);
    page_release(p);
    return sequence;
}

/* Ten seconds at most until the current page is of this snapshot. */
static bool becomes(world *w, uint64_t sequence)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&w->all.lock);
        const bool there = w->all.predictions != NULL && w->all.predictions->sequence == sequence;
        pthread_mutex_unlock(&w->all.lock);
        if (there)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static void without_a_thread_a_request_renders_the_newest(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    assert_int_equal(ask(&w, false), 0);
    for (int i = 0; i < 3; i++) {
        renew(&w);
        assert_int_equal(ask(&w, i % 2 == 1), newest(&w));
    }
    close_world(&w);
}

static void the_thread_renders_and_packs_what_somebody_asks_for(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    renew(&w);
    assert_int_equal(ask(&w, true), newest(&w)); // the first one waits
    renew(&w);
    assert_true(becomes(&w, newest(&w))); // nobody had to ask for this one
    pthread_mutex_lock(&w.all.lock);
    assert_true(w.all.predictions->packed.n > 0);
    pthread_mutex_unlock(&w.all.lock);
    close_world(&w);
}

static void nobody_waits_for_a_page_that_takes_long(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    renew(&w);
    const uint64_t before = ask(&w, false);
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    pthread_mutex_lock(&w.all.lock);
    w.all.took_s = 5;     // the last page was one of ten thousand servers
    w.all.at_work = true; // and the thread is at the next
    pthread_mutex_unlock(&w.all.lock);
    renew(&w);
    const double began = tft_monotonic_s();
    assert_int_equal(ask(&w, false), before);
    assert_true(tft_monotonic_s() - began < 5);
    pthread_mutex_lock(&w.all.lock);
    w.all.at_work = false;
    pthread_mutex_unlock(&w.all.lock);
    pages_notify(&w.all);
    assert_true(becomes(&w, newest(&w)));
    assert_int_equal(ask(&w, false), newest(&w));
    close_world(&w);
}

/* The thread is kept from working: what a request gets was there with the snapshot. */
static void a_page_is_there_with_its_snapshot(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    renew(&w);
    assert_int_equal(ask(&w, true), newest(&w));
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    w.prepares = true;
    pthread_mutex_lock(&w.all.lock);
    w.all.at_work = true;
    pthread_mutex_unlock(&w.all.lock);
    for (int i = 0; i < 3; i++) {
        renew(&w);
        assert_int_equal(ask(&w, i == 1), newest(&w));
        pthread_mutex_lock(&w.all.lock);
        assert_true(w.all.predictions->packed.n > 0); // it is packed for whoever comes next
        assert_null(w.all.prepared);
        pthread_mutex_unlock(&w.all.lock);
    }
    pthread_mutex_lock(&w.all.lock);
    w.all.at_work = false;
    pthread_mutex_unlock(&w.all.lock);
    close_world(&w);
}

static void a_prepared_page_is_not_shown_before_its_snapshot(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    renew(&w);
    const uint64_t before = ask(&w, false);
    const forecast_snapshot *const shown = engine_acquire(w.e);
    forecast_snapshot later = *shown;
    later.sequence++;
    pages_prepare(&w.all, &later);
    assert_int_equal(ask(&w, false), before);
    assert_non_null(w.all.prepared);
    engine_release(w.e, shown);
    close_world(&w);
}

static void what_nobody_asks_for_is_given_up_and_made_again(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    renew(&w);
    assert_int_equal(ask(&w, true), newest(&w));
    pthread_mutex_lock(&w.all.lock);
    w.all.wanted_s -= 2 * PAGES_KEPT_S;
    pthread_mutex_unlock(&w.all.lock);
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        pthread_mutex_lock(&w.all.lock);
        gone = w.all.predictions == NULL;
        pthread_mutex_unlock(&w.all.lock);
    }
    assert_true(gone);
    renew(&w);
    assert_int_equal(ask(&w, false), newest(&w));
    close_world(&w);
}

typedef struct reader {
    pthread_t thread;
    world *w;
    _Atomic bool *stop;
    uint64_t last;
    size_t backwards, n;
} reader;

static void slow_readers_hold_no_more_pages_than_there_may_be(void **state)
{
    (void)state;
    world w;
    page *held[PAGES_MOST + 1];
    open_world(&w);
    for (size_t i = 0; i < PAGES_MOST + 1; i++) {
        renew(&w);
        held[i] = pages_predictions(&w.all, w.e, false, &(bool){false});
    }
    assert_ptr_equal(held[PAGES_MOST], held[PAGES_MOST - 1]); // the one before goes on
    assert_true(held[PAGES_MOST]->sequence < newest(&w));
    for (size_t i = 0; i < PAGES_MOST + 1; i++)
        page_release(held[i]);
    assert_int_equal(ask(&w, false), newest(&w));
    assert_true(page_bytes(1, 4, 96) < 100000);
    // in pieces a large fleet takes a third of what it would take whole
    assert_true(page_bytes(10000, 4, 96) < page_bytes(1, 4, 96) * 10000 * 0.4);
    close_world(&w);
}

static void *read_all_the_time(void *context)
{
    reader *const r = context;
    while (!atomic_load(r->stop)) {
        const uint64_t sequence = ask(r->w, r->n++ % 2 == 0);
        r->backwards += sequence < r->last;
        r->last = sequence;
    }
    return NULL;
}

static void readers_beside_renewals_never_go_back(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    renew(&w);
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    _Atomic bool stop = false;
    reader readers[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        readers[i].w = &w;
        readers[i].stop = &stop;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all_the_time, &readers[i]), 0);
    }
    for (int i = 0; i < 60; i++) {
        w.prepares = i >= 20 && i % 10 != 5; // both ways beside each other
        renew(&w);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(readers[i].thread, NULL);
        assert_int_equal(readers[i].backwards, 0);
        assert_true(readers[i].last > 0);
    }
    close_world(&w);
}

static void note_woken(void *context)
{
    atomic_fetch_add((atomic_int *)context, 1);
}

static void who_asks_first_for_a_large_page_is_woken_when_it_is_there(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    fill(&w, PAGES_WHOLE + 1);
    atomic_int woken = 0;
    bool later = false;
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    pages_on_first(&w.all, note_woken, &woken);
    assert_null(pages_current(&w.all));
    assert_null(pages_predictions(&w.all, w.e, true, &later));
    assert_true(later); // and nobody waited for it
    assert_true(becomes(&w, newest(&w)));
    for (int i = 0; i < 1000 && atomic_load(&woken) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(atomic_load(&woken), 1);
    page *const first = pages_current(&w.all);
    assert_true(first->pieces != NULL && first->sequence == newest(&w) && first->head.n == 0);
    page_release(first);
    // from then on there is always one, and the thread makes the next: of `a` alone
    renew(&w);
    page *const next = pages_predictions(&w.all, w.e, false, &later);
    assert_true(next != NULL && !later);
    page_release(next);
    assert_true(becomes(&w, newest(&w)));
    page *const second = pages_current(&w.all);
    assert_int_equal(page_pieces_made(second->pieces), 1);
    page_release(second);
    pages_on_first(&w.all, NULL, NULL);
    close_world(&w);
}

static void a_large_page_is_never_made_on_the_engines_thread(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    fill(&w, PAGES_WHOLE + 1);
    w.prepares = true;
    assert_int_equal(pages_start(&w.all, w.e, NULL), TFT_OK);
    assert_null(pages_predictions(&w.all, w.e, false, &(bool){false}));
    assert_true(becomes(&w, newest(&w)));
    renew(&w);
    pthread_mutex_lock(&w.all.lock);
    assert_null(w.all.prepared);
    pthread_mutex_unlock(&w.all.lock);
    assert_true(becomes(&w, newest(&w)));
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_first_for_a_large_page_is_woken_when_it_is_there),
        cmocka_unit_test(a_large_page_is_never_made_on_the_engines_thread),
        cmocka_unit_test(without_a_thread_a_request_renders_the_newest),
        cmocka_unit_test(the_thread_renders_and_packs_what_somebody_asks_for),
        cmocka_unit_test(nobody_waits_for_a_page_that_takes_long),
        cmocka_unit_test(a_page_is_there_with_its_snapshot),
        cmocka_unit_test(a_prepared_page_is_not_shown_before_its_snapshot),
        cmocka_unit_test(what_nobody_asks_for_is_given_up_and_made_again),
        cmocka_unit_test(slow_readers_hold_no_more_pages_than_there_may_be),
        cmocka_unit_test(readers_beside_renewals_never_go_back),
    };
    return cmocka_run_group_tests_name("server.pages", tests, NULL, NULL);
}
