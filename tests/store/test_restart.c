/* test_restart.c - a fleet that store_load_newest() fills is the one that everything in the store makes.
 *
 * The twin: store_load() gives all sealed steps, all raw records and the steps that they make; put in order they fill one fleet. The other is
 * filled as a restart does it, out of blocks, counted steps and a few records. Both must hold the same, bit for bit, whatever
 * happened to the store before: the histories here are drawn at random, with late records, gaps, values that come later, servers that fall
 * silent or are forgotten, steps that are sealed or become hours, and a maintainer that is now and then behind.
 */
#include <sqlite3.h>

#include "base/clock.h"
#include "base/rng.h"
#include "forecast/fleet.h"
#include "small_store.h"

#define MEMORY 300 // steps: no multiple of a block
#define SERVERS 7
#define M 4

/* ---- two fleets ---------------------------------------------------------------------------------------- */

typedef struct given {
    uint32_t server;
    int64_t step;
    float means[M];
    uint16_t value_counts[M], count;
    tft_state state;
} given;

typedef struct filling {
    fleet *f;
    given *steps; // those that are to be put in order
    size_t n, capacity, n_blocks, n_given_steps, n_records;
    bool in_order;
} filling;

static tft_status fill_server(void *context, const store_server *saved, tft_error *err)
{
    filling *const to = context;
    const fleet_saved_server server = {.name = saved->name,
                                       .name_length = saved->name_len,
                                       .profile = saved->profile,
                                       .records = (uint64_t)saved->records,
                                       .first_seen_ms = saved->first_ms,
                                       .last_seen_ms = saved->newest_ms,
                                       .state = saved->state};
    size_t id = 0;
    const tft_status status = fleet_load_server(to->f, &server, &id, err);
    assert_int_equal(id, saved->index);
    if (store_is_gap(saved->name, saved->name_len))
        fleet_forget(to->f, id, 0);
    return status;
}

static tft_status fill_step(void *context, uint32_t server, int64_t step, const float *means,
                            const uint16_t *value_counts, uint16_t count, tft_state state, tft_error *err)
{
    filling *const to = context;
    to->n_given_steps++;
    if (!to->in_order)
        return fleet_load_step(to->f, server, step, means, value_counts, count, state, err);
    if (to->n == to->capacity) {
        to->capacity = 2 * to->capacity + 1000;
        to->steps = realloc(to->steps, to->capacity * sizeof *to->steps);
        assert_non_null(to->steps);
    }
    given *const at = &to->steps[to->n++];
    *at = (given){.server = server, .step = step, .count = count, .state = state};
    memcpy(at->means, means, sizeof at->means);
    memcpy(at->value_counts, value_counts, sizeof at->value_counts);
    return TFT_OK;
}

static tft_status fill_block(void *context, uint32_t server, int64_t block, const unsigned char *packed, size_t n,
                             const tft_step_block *steps, tft_error *err)
{
    filling *const to = context;
    to->n_blocks++;
    return fleet_load_block(to->f, server, block, packed, n, steps, err);
}

static tft_status fill_record(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                              tft_error *err)
{
    filling *const to = context;
    (void)err;
    to->n_records++;
    fleet_load_recent(to->f, server, time_ms, values, state);
    return TFT_OK;
}

static int by_step(const void *left, const void *right)
{
    const given *const a = left, *const b = right;
    return a->step != b->step ? (a->step > b->step) - (a->step < b->step)
                              : (a->server > b->server) - (a->server < b->server);
}

static fleet *open_fleet(void)
{
    fleet_options options;
    fleet *f = NULL;
    fleet_options_default(&contract, &options);
    options.max_servers = 50;
    options.memory_steps = MEMORY;
    assert_int_equal(fleet_open(&options, &f, NULL), TFT_OK);
    return f;
}

static filling fill_from_all(store *s)
{
    filling to = {.f = open_fleet(), .in_order = true};
    const store_visitor visitor = {&to, fill_server, fill_step, fill_record};
    tft_error err = {0};
    if (store_load(s, INT64_MIN, &visitor, &err) != TFT_OK)
        fail_msg("%s", err.text);
    qsort(to.steps, to.n, sizeof *to.steps, by_step);
    for (size_t i = 0; i < to.n; i++) {
        const given *const at = &to.steps[i];
        assert_int_equal(
            fleet_load_step(to.f, at->server, at->step, at->means, at->value_counts, at->count, at->state, NULL),
            TFT_OK);
    }
    free(to.steps);
    return to;
}

static filling fill_as_a_restart_does(store *s)
{
    filling to = {.f = open_fleet()};
    const store_visitor visitor = {&to, fill_server, fill_step, fill_record};
    const store_reach reach = {.memory_steps = MEMORY, .n_recent = FLEET_RECENT, .block = fill_block};
    tft_error err = {0};
    if (store_load_newest(s, &reach, &visitor, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return to;
}

/* ---- what the file says ---------------------------------------------------------------------------------- */

static sqlite3 *open_file(void)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void run_sql(const char *text)
{
    sqlite3 *const db = open_file();
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Until nothing is left that the maintainer does: it has patience for a second or two a round. */
static void settle(store *s)
{
    int64_t left = INT64_MAX, before;
    do {
        sqlite3 *const db = open_file();
        sqlite3_stmt *one = NULL;
        before = left;
        maintain(s);
        assert_int_equal(
            sqlite3_prepare_v2(db, "SELECT (SELECT count(*) FROM steps_due) + (SELECT count(*) FROM blocks_due)", -1,
                               &one, NULL),
            SQLITE_OK);
        assert_int_equal(sqlite3_step(one), SQLITE_ROW);
        left = sqlite3_column_int64(one, 0);
        sqlite3_finalize(one);
        sqlite3_close(db);
    } while (left < before);
}

/* Whether no record of a step waits to be counted. */
static bool is_counted(int64_t step)
{
    sqlite3 *const db = open_file();
    sqlite3_stmt *one = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT 1 FROM steps_due WHERE time = ?1", -1, &one, NULL), SQLITE_OK);
    sqlite3_bind_int64(one, 1, step * STEP);
    const bool counted = sqlite3_step(one) == SQLITE_DONE;
    sqlite3_finalize(one);
    sqlite3_close(db);
    return counted;
}

/* ---- whether they hold the same -------------------------------------------------------------------------- */

static void same_recent(const fleet_server *a, const fleet_server *b)
{
    assert_int_equal(a->n_recent, b->n_recent);
    for (size_t i = 0; i < a->n_recent; i++) { // they are in no order
        size_t at = 0;
        while (at < b->n_recent && b->recent_ms[at] != a->recent_ms[i])
            at++;
        assert_true(at < b->n_recent);
        assert_memory_equal(a->recent + i * M, b->recent + at * M, M * sizeof *a->recent);
    }
}

/* Of a step that is counted least and most are on disk: they may be missing here, and are then not told (extremes_find). */
static void same_extremes(const filling *all, const filling *newest, size_t id)
{
    const extremes *const e = &fleet_at(all->f, id)->extremes, *const f = &fleet_at(newest->f, id)->extremes;
    tft_series steps;
    tft_series_init(&steps, M, 0);
    assert_int_equal(fleet_copy_steps(all->f, id, INT64_MIN, INT64_MAX, &steps, NULL), TFT_OK);
    for (size_t i = 0; i < steps.n_steps; i++) {
        const int64_t step = steps.first_step + (int64_t)i;
        const float *least = NULL, *most = NULL, *same_least = NULL, *same_most = NULL;
        const bool known = extremes_find(e, M, step, steps.counts[i], &least, &most);
        if (extremes_find(f, M, step, steps.counts[i], &same_least, &same_most)) {
            assert_true(known);
            assert_memory_equal(least, same_least, M * sizeof *least);
            assert_memory_equal(most, same_most, M * sizeof *most);
        } else {
            assert_true(!known || is_counted(step));
        }
    }
    tft_series_free(&steps);
}

static bool says_its_state(const tft_series *series)
{
    bool any = false;
    for (size_t i = 0; i < series->n_steps; i++)
        any = any || (series->states[i] != TFT_STATE_NONE && series->states[i] != TFT_STATE_OFFLINE);
    return any;
}

static void same_history(const filling *one, const filling *other, size_t id)
{
    const history *const h = &fleet_at(one->f, id)->history, *const g = &fleet_at(other->f, id)->history;
    tft_series a, b;
    assert_int_equal(h->any, g->any);
    if (!h->any)
        return;
    assert_int_equal(h->first_step, g->first_step);
    assert_int_equal(h->last_step, g->last_step);
    assert_int_equal(h->profile, g->profile);
    // where its newest steps are hours already, those that are left are no longer known to be its newest: they may be rounded
    const bool exact = h->last_step == fleet_at(one->f, id)->last_seen_ms / STEP;
    assert_true(!exact || h->packed_bytes == g->packed_bytes);
    assert_true(h->labelled || !g->labelled);
    tft_series_init(&a, M, 0);
    tft_series_init(&b, M, 0);
    assert_int_equal(fleet_copy_steps(one->f, id, INT64_MIN, INT64_MAX, &a, NULL), TFT_OK);
    assert_int_equal(fleet_copy_steps(other->f, id, INT64_MIN, INT64_MAX, &b, NULL), TFT_OK);
    assert_int_equal(a.n_steps, b.n_steps);
    assert_int_equal(a.n_known, b.n_known);
    assert_true(g->labelled || !says_its_state(&a));
    assert_memory_equal(a.counts, b.counts, a.n_steps * sizeof *a.counts);
    assert_memory_equal(a.states, b.states, a.n_steps);
    assert_memory_equal(a.value_counts, b.value_counts, a.n_steps * M * sizeof *a.value_counts);
    if (exact)
        assert_memory_equal(a.values, b.values, a.n_steps * M * sizeof *a.values);
    tft_series_free(&a);
    tft_series_free(&b);
}

static void same_server(const filling *one, const filling *other, size_t id)
{
    const fleet_server *const a = fleet_at(one->f, id), *const b = fleet_at(other->f, id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->forgotten, b->forgotten);
    assert_int_equal(a->profile, b->profile);
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->first_seen_ms, b->first_seen_ms);
    assert_int_equal(a->last_seen_ms, b->last_seen_ms);
    assert_int_equal(a->sent_state, b->sent_state);
    assert_int_equal(a->planned, b->planned);
    assert_memory_equal(a->newest, b->newest, M * sizeof *a->newest);
    assert_memory_equal(a->newest_ms, b->newest_ms, M * sizeof *a->newest_ms);
    same_recent(a, b);
    same_extremes(one, other, id);
    same_history(one, other, id);
    fleet_clock clock = fleet_now(one->f, clock_ms);
    for (int64_t i = 0; i < MEMORY + 20; i += 3) { // states by who reported in which step, seen from any moment
        clock.now_ms = clock_ms - i * STEP;
        assert_int_equal(fleet_state(one->f, a, &clock, NULL), fleet_state(other->f, b, &clock, NULL));
    }
}

/* Returns how many blocks the restart took. */
static size_t check(store *s)
{
    const filling all = fill_from_all(s), newest = fill_as_a_restart_does(s);
    assert_int_equal(fleet_size(all.f), fleet_size(newest.f));
    for (size_t id = 0; id < fleet_size(all.f); id++)
        same_server(&all, &newest, id);
    fleet_close(all.f);
    fleet_close(newest.f);
    return newest.n_blocks;
}

/* ---- histories drawn at random --------------------------------------------------------------------------- */

typedef struct drawing {
    tft_rng rng;
    store *s;
    store_options options;
    int names[SERVERS];    // a forgotten server comes back under another name
    bool silent[SERVERS];  // sends nothing for now
    bool metrics[SERVERS]; // sends cpu alone
    double states;         // share of records that say what state they are in
    size_t n_blocks;
} drawing;

static bool chance(drawing *d, double p)
{
    return tft_rng_uniform(&d->rng) < p;
}

static void put(drawing *d, size_t server, int64_t time_ms)
{
    char name[32];
    tft_record record = tft_record_empty();
    store_verdict verdict;
    store_batch batch = {.records = &record, .n = 1, .arrival_ms = clock_ms, .verdicts = &verdict};
    snprintf(name, sizeof name, "server-%d", d->names[server]);
    record.name = name;
    record.name_length = strlen(name);
    record.time_ms = time_ms;
    for (size_t m = 0; m < M; m++) {
        if (!chance(d, m == 3 ? 0.98 : 0.1) && !(d->metrics[server] && m > 0))
            record.values[m] = (double)(float)(50 + 10 * tft_rng_normal(&d->rng));
    }
    if (chance(d, d->states))
        record.state = (tft_state)tft_rng_below(&d->rng, TFT_N_STATES);
    assert_int_equal(store_append(d->s, &batch, NULL), TFT_OK);
}

/* What one server sends while the clock goes on from from_ms. */
static void send(drawing *d, size_t server, int64_t from_ms)
{
    for (int64_t step = tft_floor_to(from_ms, STEP); step + STEP <= clock_ms; step += STEP) {
        if (chance(d, 0.05))
            continue;
        for (size_t n = 1 + tft_rng_below(&d->rng, 3); n > 0; n--)
            put(d, server, step + (int64_t)tft_rng_below(&d->rng, 10) * 30000); // now and then a time that was there
    }
    if (chance(d, 0.15))
        put(d, server, clock_ms - (int64_t)tft_rng_below(&d->rng, 400) * STEP);
}

static void reopen(drawing *d)
{
    store_close(d->s);
    d->s = open_store(&d->options);
}

static void draw(uint64_t seed)
{
    drawing d = {.rng = tft_rng_seeded(seed, 0), .options = store_options_default()};
    d.options.sync_full = false;
    d.options.retention_records_ms = (50 + (int64_t)tft_rng_below(&d.rng, 500)) * STEP;
    if (chance(&d, 0.4))
        d.options.retention_steps_ms = d.options.retention_records_ms + (int64_t)tft_rng_below(&d.rng, 200) * STEP;
    d.states = chance(&d, 0.5) ? 0.2 : 0;
    const double keeps_up = tft_rng_uniform(&d.rng);
    for (int i = 0; i < SERVERS; i++)
        d.names[i] = i;
    clock_ms = T0;
    d.s = open_store(&d.options);
    while (clock_ms < T0 + 900 * STEP) {
        const int64_t from_ms = clock_ms;
        clock_ms += (1 + (int64_t)tft_rng_below(&d.rng, chance(&d, 0.03) ? 350 : 40)) * STEP + 7000;
        for (size_t i = 0; i < SERVERS; i++) {
            d.silent[i] = chance(&d, 0.08) ? !d.silent[i] : d.silent[i];
            d.metrics[i] = chance(&d, 0.05) ? !d.metrics[i] : d.metrics[i];
            if (!d.silent[i])
                send(&d, i, clock_ms - from_ms > 100 * STEP ? clock_ms - 10 * STEP : from_ms);
        }
        if (chance(&d, keeps_up))
            maintain(d.s);
        if (chance(&d, 0.01)) {
            const size_t i = tft_rng_below(&d.rng, SERVERS);
            char name[32];
            size_t n = 0;
            snprintf(name, sizeof name, "server-%d", d.names[i]);
            (void)store_forget_server(d.s, name, strlen(name), &n, NULL); // it may not have come yet
            d.names[i] += SERVERS;
        }
        if (chance(&d, 0.15)) {
            reopen(&d);
            d.n_blocks += check(d.s);
        }
    }
    check(d.s);
    settle(d.s);
    reopen(&d);
    d.n_blocks += check(d.s);
    assert_true(d.n_blocks > 0);
    store_close(d.s);
}

static void a_restart_holds_what_everything_in_the_store_makes(void **state)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        make_folder(state);
        draw(seed);
        remove_folder(state);
    }
    make_folder(state);
}

/* ---- what is read for it --------------------------------------------------------------------------------- */

/* `per_step` records a step of two servers, over more than three blocks; counted and packed. */
static store *open_history(int64_t per_step)
{
    store_options options = store_options_default();
    options.sync_full = false;
    store *const s = open_store(&options);
    for (clock_ms = T0; clock_ms < T0 + 4 * TFT_STEP_BLOCK * STEP; clock_ms += STEP / per_step) {
        const double value = 40 + (double)(clock_ms / 1000 % 17);
        append(s, "a", clock_ms, value);
        append(s, "b", clock_ms, value + 1);
    }
    settle(s);
    return s;
}

/* Fills both fleets, compares them, and tells what the restart was given. */
static filling restart_of(store *s)
{
    filling to = fill_as_a_restart_does(s);
    fleet_close(to.f);
    to.f = NULL;
    check(s);
    return to;
}

static void what_is_read_does_not_grow_with_the_number_of_records(void **state)
{
    size_t records[2];
    for (int i = 0; i < 2; i++) {
        remove_folder(state);
        make_folder(state);
        store *const s = open_history(i == 0 ? 40 : 80);
        const filling read = restart_of(s);
        assert_true(read.n_blocks >= 2 * 3);
        assert_true(read.n_given_steps <= 2 * (TFT_STEP_BLOCK + 2)); // the newest block
        records[i] = read.n_records;
        store_close(s);
    }
    assert_true(records[0] <= 2 * 2 * 40 && records[1] <= 2 * 2 * 80); // a step or two
}

static void of_a_server_that_fell_silent_few_records_are_read(void **state)
{
    (void)state;
    store *const s = open_history(40);
    const int64_t end_ms = clock_ms;
    for (; clock_ms < end_ms + 10 * STEP; clock_ms += 5000)
        append(s, "b", clock_ms, 41);
    settle(s);
    const filling read = restart_of(s);
    assert_true(read.n_records <= 2 * FLEET_RECENT + 2 * 60); // of `a` its last, of `b` a step or two
    store_close(s);
}

static void a_late_record_costs_the_row_of_its_own_server_until_it_is_counted(void **state)
{
    (void)state;
    store *const s = open_history(2);
    const size_t before = restart_of(s).n_blocks;
    append(s, "a", T0 + 100 * STEP + 7000, 90);
    assert_true(restart_of(s).n_blocks ==
                before - 2); // its step is due: the block is of no use, and its record is read
    store_close(s);
    store *const again = open_store(NULL);
    settle(again);
    assert_int_equal(restart_of(again).n_blocks, before);
    store_close(again);
}

static void a_row_that_is_no_block_is_read_as_its_steps(void **state)
{
    (void)state;
    store_close(open_history(2));
    run_sql("UPDATE step_blocks SET vals = CASE block % 3 WHEN 0 THEN x'' WHEN 1 THEN zeroblob(100000) "
            "ELSE substr(vals, 1, length(vals) - 3) || x'ffffff' END WHERE server = 1");
    store *const s = open_store(NULL);
    assert_true(restart_of(s).n_blocks >= 3); // those of the other server
    store_close(s);
}

static void blocks_of_other_metrics_are_made_anew(void **state)
{
    (void)state;
    store_close(open_history(2));
    const tft_metric first = contract.metrics[0];
    contract.metrics[0] = contract.metrics[1]; // another model may have them in another order
    contract.metrics[1] = first;
    store *const s = open_store(NULL);
    assert_int_equal(restart_of(s).n_blocks, 0);
    settle(s);
    assert_true(restart_of(s).n_blocks > 0);
    store_close(s);
}

static void a_kill_between_two_rows_of_a_block_leaves_a_block_that_is_due(void **state)
{
    (void)state;
    store_close(open_history(2));
    run_sql("DELETE FROM step_blocks WHERE server = 2; INSERT INTO blocks_due SELECT DISTINCT block FROM step_blocks");
    store *const s = open_store(NULL);
    assert_int_equal(restart_of(s).n_blocks, 0); // as steps
    settle(s);
    assert_true(restart_of(s).n_blocks >= 2 * 3);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_restart_holds_what_everything_in_the_store_makes),
                                       TEST(what_is_read_does_not_grow_with_the_number_of_records),
                                       TEST(of_a_server_that_fell_silent_few_records_are_read),
                                       TEST(a_late_record_costs_the_row_of_its_own_server_until_it_is_counted),
                                       TEST(a_row_that_is_no_block_is_read_as_its_steps),
                                       TEST(blocks_of_other_metrics_are_made_anew),
                                       TEST(a_kill_between_two_rows_of_a_block_leaves_a_block_that_is_due)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
