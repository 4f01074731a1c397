/* test_page_pieces.c - a page in pieces is, byte by byte, the page rendered whole; only what changed is made anew. */
#include "server/page_pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forecast/engine.h"
#include "ingest/unpack.h"
#include "server/render.h"

enum { SERVERS = 30, MAX_TEXT = 1 << 24 };
static const int64_t T0 = 1760371200000; // 2025-10-13T16:00:00Z

static int64_t test_wall(void)
{
    return T0 + 3600000;
}

typedef struct world {
    fleet *f;
    engine *e;
    int64_t next_ms;
    const forecast_snapshot *s; // held
} world;

static void give(world *w, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char name[32];
        const size_t n = (size_t)snprintf(name, sizeof name, "server \"%zu\"", i);
        const double values[4] = {30 + (double)i, 40, (double)(w->next_ms % 97), 10};
        const fleet_record record = {name, n, w->next_ms, values, TFT_STATE_HEALTHY, -1, FLEET_NEW};
        const fleet_batch batch = {.records = &record, .n = 1};
        assert_int_equal(fleet_apply(w->f, &batch, test_wall(), NULL, NULL), TFT_OK);
    }
    w->next_ms += 1000;
}

static void let_go(world *w)
{
    if (w->s != NULL)
        engine_release(w->e, w->s);
    w->s = NULL;
}

static const forecast_snapshot *look(world *w)
{
    let_go(w);
    assert_int_equal(engine_renew(w->e, NULL), TFT_OK);
    return w->s = engine_acquire(w->e);
}

static void open_world(world *w)
{
    const tft_contract contract = tft_contract_default();
    fleet_options options;
    engine_options eo;
    memset(w, 0, sizeof *w);
    w->next_ms = T0 + 3500000;
    fleet_options_default(&contract, &options);
    options.min_records = 1;
    assert_int_equal(fleet_open(&options, &w->f, NULL), TFT_OK);
    engine_options_default(w->f, &eo);
    eo.wall_ms = test_wall;
    assert_int_equal(engine_open(&eo, &w->e, NULL), TFT_OK);
    give(w, 0, SERVERS);
    give(w, 0, SERVERS);
}

static void close_world(world *w)
{
    let_go(w);
    engine_close(w->e);
    fleet_close(w->f);
}

static tft_text rendered_whole(const forecast_snapshot *s, double age_s)
{
    tft_text text = tft_text_new(MAX_TEXT);
    const render_filter everything = render_everything(s);
    render_predictions(s, &everything, &text);
    render_age(age_s, &text);
    assert_false(text.failed);
    return text;
}

/* All of it, `step` bytes at a time. */
static tft_text read_all(const page_pieces *pieces, bool packed, double age_s, size_t step)
{
    tft_text text = tft_text_new(MAX_TEXT);
    char *const room = test_malloc(step); // exactly: sanitizers see what goes beyond
    page_reader *const reader = page_reader_open(pieces, packed, age_s);
    ptrdiff_t got;
    assert_non_null(reader);
    while ((got = page_reader_read(reader, room, step)) > 0)
        tft_text_add(&text, room, (size_t)got);
    assert_int_equal(got, 0);
    assert_int_equal(page_reader_read(reader, room, step), 0); // and it stays at its end
    assert_int_equal(page_reader_length(reader), text.n);
    page_reader_close(reader);
    test_free(room);
    return text;
}

static void assert_same(const tft_text *a, const tft_text *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->bytes, b->bytes, a->n);
}

static void assert_is_the_page(const page_pieces *pieces, const forecast_snapshot *s, size_t step)
{
    tft_text whole = rendered_whole(s, 12.5), plain = read_all(pieces, false, 12.5, step);
    tft_text packed = read_all(pieces, true, 12.5, step), unpacked = tft_text_new(MAX_TEXT);
    assert_same(&plain, &whole);
    assert_int_equal(ingest_unpack(INGEST_GZIP, packed.bytes, packed.n, &unpacked, NULL), TFT_OK); // CRC, length too
    assert_same(&unpacked, &whole);
    tft_text_free(&whole);
    tft_text_free(&plain);
    tft_text_free(&packed);
    tft_text_free(&unpacked);
}

static void the_pieces_are_the_page_whatever_the_steps_they_are_read_in(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 7, 1000, 16384, 1 << 22};
    world w;
    open_world(&w);
    page_pieces *const pieces = page_pieces_make(look(&w), NULL);
    assert_int_equal(page_pieces_made(pieces), SERVERS);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        assert_is_the_page(pieces, w.s, steps[i]);
    page_pieces_free(pieces);
    close_world(&w);
}

static void only_servers_of_whom_something_changed_are_rendered_anew(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    page_pieces *first = page_pieces_make(look(&w), NULL);
    give(&w, 3, 5);
    page_pieces *second = page_pieces_make(look(&w), first);
    page_pieces_free(first); // what both hold stays
    assert_int_equal(page_pieces_made(second), 2);
    assert_is_the_page(second, w.s, 16384);
    give(&w, SERVERS, SERVERS + 1); // a new one
    look(&w);
    give(&w, 0, 1); // a snapshot that nobody made a page of lies between
    page_pieces *third = page_pieces_make(look(&w), second);
    assert_int_equal(page_pieces_made(third), 2);
    assert_is_the_page(third, w.s, 16384);
    page_pieces_free(second);
    page_pieces *fourth = page_pieces_make(look(&w), third); // nothing happened
    assert_int_equal(page_pieces_made(fourth), 0);
    assert_is_the_page(fourth, w.s, 16384);
    page_pieces_free(third);
    page_pieces_free(fourth);
    close_world(&w);
}

static void who_reads_an_old_page_reads_it_to_its_end(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    page_pieces *const old = page_pieces_make(look(&w), NULL);
    tft_text before = rendered_whole(w.s, 1), text = tft_text_new(MAX_TEXT);
    page_reader *const reader = page_reader_open(old, false, 1);
    char room[10000];
    ptrdiff_t got = page_reader_read(reader, room, sizeof room);
    page_pieces *newest = NULL;
    for (int i = 0; got > 0; i++) {
        tft_text_add(&text, room, (size_t)got);
        give(&w, 0, SERVERS / 2);
        page_pieces *const next = page_pieces_make(look(&w), newest != NULL ? newest : old);
        page_pieces_free(newest);
        newest = next;
        got = page_reader_read(reader, room, sizeof room);
    }
    assert_same(&text, &before);
    assert_is_the_page(newest, w.s, 16384);
    page_reader_close(reader);
    page_pieces_free(old);
    page_pieces_free(newest);
    tft_text_free(&before);
    tft_text_free(&text);
    close_world(&w);
}

static void forgotten_servers_leave_no_trace_also_the_first_and_the_last(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    page_pieces *pieces = page_pieces_make(look(&w), NULL);
    static const size_t gone[] = {0, SERVERS - 1, 7};
    for (size_t i = 0; i < 3; i++) {
        fleet_forget(w.f, gone[i], 0);
        page_pieces *const next = page_pieces_make(look(&w), pieces);
        assert_int_equal(page_pieces_made(next), 0);
        page_pieces_free(pieces);
        pieces = next;
        assert_is_the_page(pieces, w.s, 500);
    }
    page_pieces_free(pieces);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pieces_are_the_page_whatever_the_steps_they_are_read_in),
        cmocka_unit_test(only_servers_of_whom_something_changed_are_rendered_anew),
        cmocka_unit_test(who_reads_an_old_page_reads_it_to_its_end),
        cmocka_unit_test(forgotten_servers_leave_no_trace_also_the_first_and_the_last),
    };
    return cmocka_run_group_tests_name("server.page_pieces", tests, NULL, NULL);
}
