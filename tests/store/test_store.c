/* test_store.c - what is committed, what a key means, and what a restart brings back. */
#include <pthread.h>
#include <unistd.h>

#include "store_folder.h"

/* cpu NaN = missing, and so on; the other metrics are missing. */
static tft_record record_of(const char *name, int64_t time_ms, double cpu, double mem)
{
    tft_record r = tft_record_empty();
    r.name = name;
    r.name_length = strlen(name);
    r.time_ms = time_ms;
    r.values[0] = cpu;
    r.values[1] = mem;
    return r;
}

static store_counters append(store *s, const tft_record *records, size_t n, store_verdict *verdicts)
{
    store_batch batch = {.records = records, .n = n, .arrival_ms = clock_ms, .verdicts = verdicts};
    tft_error err = {0};
    if (store_append(s, &batch, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return batch.after;
}

static store_verdict append_one(store *s, tft_record record)
{
    store_verdict verdict;
    append(s, &record, 1, &verdict);
    return verdict;
}

static void the_same_record_twice_changes_nothing(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    const tft_record r = record_of("ppdb001", T0, 37.5, 61.25);
    assert_int_equal(append_one(s, r).outcome, STORE_NEW);
    const store_verdict again = append_one(s, r);
    assert_int_equal(again.outcome, STORE_DUPLICATE);
    assert_false(again.conflict);
    const store_counters counters = store_counters_now(s);
    assert_int_equal(counters.records_total, 1);
    assert_int_equal(counters.window_size, 1);
    assert_int_equal(counters.ticks, 1);
    assert_int_equal(counters.duplicates_total, 1);
    store_close(s);
}

static void a_known_key_keeps_its_first_values_and_takes_the_missing_ones(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, NAN));

    const store_verdict filled = append_one(s, record_of("a", T0, NAN, 20));
    assert_int_equal(filled.outcome, STORE_FILLED);
    assert_int_equal(filled.filled, 1u << 1);
    assert_false(filled.conflict);

    const store_verdict differs = append_one(s, record_of("a", T0, 11, 20));
    assert_int_equal(differs.outcome, STORE_DUPLICATE);
    assert_true(differs.conflict);

    tft_record with_state = record_of("a", T0, 10, 20);
    with_state.state = TFT_STATE_HEALTHY;
    const store_verdict stated = append_one(s, with_state);
    assert_int_equal(stated.outcome, STORE_FILLED);
    assert_true(stated.state_filled);
    assert_int_equal(stated.filled, 0);

    const store_counters counters = store_counters_now(s);
    assert_int_equal(counters.records_total, 1); // completing is no new record
    assert_int_equal(counters.window_size, 1);
    assert_int_equal(counters.filled_total, 2);
    assert_int_equal(counters.conflicts_total, 1);
    store_close(s);
}

static void one_batch_follows_the_same_rules_inside(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    const tft_record records[] = {record_of("a", T0, 1, NAN), record_of("b", T0, 1, 1),
                                  record_of("a", T0, 1, NAN), record_of("a", T0, NAN, 5),
                                  record_of("a", T0, 2, 5),   record_of("a", T0 - 5000, 3, 3)};
    store_verdict v[6];
    const store_counters after = append(s, records, 6, v);
    assert_int_equal(v[0].outcome, STORE_NEW);
    assert_int_equal(v[1].outcome, STORE_NEW);
    assert_int_equal(v[2].outcome, STORE_DUPLICATE);
    assert_int_equal(v[3].outcome, STORE_FILLED);
    assert_int_equal(v[4].outcome, STORE_DUPLICATE);
    assert_true(v[4].conflict);
    assert_int_equal(v[5].outcome, STORE_NEW);
    assert_true(v[5].late);
    assert_false(v[0].late);
    assert_int_equal(after.records_total, 3);
    assert_int_equal(after.ticks, 1);
    assert_int_equal(after.late_total, 1);
    assert_int_equal(after.n_servers, 2);
    store_close(s);
}

static void names_are_compared_byte_for_byte(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    const uint32_t lower = append_one(s, record_of("web\xc3\xa9", T0, 1, 1)).server;
    assert_int_not_equal(append_one(s, record_of("WEB\xc3\xa9", T0, 1, 1)).server, lower);
    assert_int_not_equal(append_one(s, record_of("webe\xcc\x81", T0, 1, 1)).server, lower); // decomposed: another name
    assert_int_equal(append_one(s, record_of("web\xc3\xa9", T0 + 1, 1, 1)).server, lower);
    store_close(s);
}

static void servers_beyond_the_cap_are_named_and_cost_nobody(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.max_servers = 2;
    store *const s = open_store(&options);
    const tft_record records[] = {record_of("a", T0, 1, 1), record_of("b", T0, 1, 1), record_of("c", T0, 1, 1),
                                  record_of("a", T0 + 1, 1, 1)};
    store_verdict v[4];
    const store_counters after = append(s, records, 4, v);
    assert_int_equal(v[2].outcome, STORE_TOO_MANY_SERVERS);
    assert_int_equal(v[3].outcome, STORE_NEW);
    assert_int_equal(after.rejected_total, 1);
    assert_int_equal(after.n_servers, 2);
    store_close(s);
}

/* What a load gives, for comparing. */
typedef struct loaded {
    size_t n_servers, n_steps, n_records;
    int64_t records_of_first, newest_of_first;
    float mean_cpu;
    uint16_t count;
    int64_t step;
    double last_cpu;
} loaded;

static tft_status take_server(void *context, const store_server *server, tft_error *err)
{
    (void)err;
    loaded *const l = context;
    l->n_servers++;
    if (server->index == 0) {
        l->records_of_first = server->records;
        l->newest_of_first = server->newest_ms;
    }
    return TFT_OK;
}

static tft_status take_step(void *context, uint32_t server, int64_t step, const float *means,
                            const uint16_t *value_counts, uint16_t count, tft_state state, tft_error *err)
{
    (void)value_counts, (void)state, (void)err;
    loaded *const l = context;
    l->n_steps++;
    if (server == 0) {
        l->mean_cpu = means[0];
        l->count = count;
        l->step = step;
    }
    return TFT_OK;
}

static tft_status take_record(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                              tft_error *err)
{
    (void)server, (void)time_ms, (void)state, (void)err;
    loaded *const l = context;
    l->n_records++;
    l->last_cpu = values[0];
    return TFT_OK;
}

static loaded load(store *s)
{
    loaded l = {0};
    const store_visitor visitor = {&l, take_server, take_step, take_record};
    tft_error err = {0};
    if (store_load(s, INT64_MIN, &visitor, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return l;
}

/* What of a long walk over records is wrong, and where a visitor has had enough. */
typedef struct long_walk {
    int64_t n, enough, next_ms;
    bool broken;
} long_walk;

static tft_status walk_on(void *context, uint32_t server, int64_t time_ms, const double *values, tft_state state,
                          tft_error *err)
{
    (void)server, (void)state;
    long_walk *const w = context;
    w->broken = w->broken || time_ms != w->next_ms || values[0] != (double)(w->n % 100) || !isnan(values[1]);
    w->next_ms = time_ms + 1000;
    return ++w->n < w->enough ? TFT_OK : tft_fail(err, TFT_ERR_LIMIT, "enough");
}

/* More than are read ahead at a time: they come whole and in order, and a visitor that refuses ends it. */
static void thousands_of_records_come_back_in_order(void **state)
{
    (void)state;
    enum { N = 5000 };
    store *const s = open_store(NULL);
    static tft_record records[N];
    static store_verdict verdicts[N];
    for (int64_t i = 0; i < N; i++)
        records[i] = record_of("a", T0 + 1000 * i, (double)(i % 100), NAN);
    append(s, records, N, verdicts);
    static const int64_t stops[] = {INT64_MAX, 1, 1024, 1025, 3000, N};
    for (size_t k = 0; k < sizeof stops / sizeof stops[0]; k++) {
        long_walk w = {.enough = stops[k], .next_ms = T0};
        const store_visitor visitor = {&w, NULL, NULL, walk_on};
        tft_error err = {0};
        assert_int_equal(store_load(s, INT64_MIN, &visitor, &err), k == 0 ? TFT_OK : TFT_ERR_LIMIT);
        assert_string_equal(err.text, k == 0 ? "" : "enough");
        assert_int_equal(w.n, k == 0 ? N : stops[k]);
        assert_false(w.broken);
    }
    store_close(s);
}

static void a_restart_brings_back_servers_steps_records_and_counters(void **state)
{
    (void)state;
    store *s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 1));
    append_one(s, record_of("a", T0 + 5000, 20, NAN));
    append_one(s, record_of("b", T0 + 5000, 1, 1));
    append_one(s, record_of("a", T0 + 5000, 20, NAN));
    store_close(s);

    s = open_store(NULL);
    const store_counters counters = store_counters_now(s);
    assert_int_equal(counters.records_total, 3);
    assert_int_equal(counters.ticks, 3);
    assert_int_equal(counters.duplicates_total, 1);
    const loaded l = load(s);
    assert_int_equal(l.n_servers, 2);
    assert_int_equal(l.records_of_first, 2);
    assert_int_equal(l.newest_of_first, T0 + 5000);
    assert_int_equal(l.n_steps, 2);
    assert_int_equal(l.n_records, 3);
    assert_true(l.mean_cpu == 15.0f);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.step, T0 / 300000);
    assert_int_equal(append_one(s, record_of("a", T0, 10, 1)).outcome, STORE_DUPLICATE);
    assert_int_equal(append_one(s, record_of("a", T0 - 1, 10, 1)).late, true);
    store_close(s);
}

static void values_come_back_bit_for_bit(void **state)
{
    (void)state;
    store *s = open_store(NULL);
    append_one(s, record_of("a", T0, 0.1 + 0.2, NAN));
    store_close(s);
    s = open_store(NULL);
    assert_true(load(s).last_cpu == 0.1 + 0.2);
    store_close(s);
}

typedef struct past {
    size_t n;
    store_past_step steps[8];
} past;

static bool take_past(void *context, const store_past_step *step)
{
    past *const p = context;
    p->steps[p->n++] = *step;
    return p->n < 8;
}

/* The steps of server number 1 as /history/steps finds them. */
static past read_past(void)
{
    past p = {0};
    tft_error err = {0};
    store_reader *reader = NULL;
    if (store_reader_open(folder, &contract, &reader, &err) != TFT_OK ||
        store_reader_steps(reader, 1, INT64_C(946684800000), INT64_C(4102444800000), take_past, &p, &err) != TFT_OK)
        fail_msg("%s", err.text);
    store_reader_close(reader);
    return p;
}

static void a_step_that_has_ended_is_kept_with_least_and_most(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, NAN));
    append_one(s, record_of("a", T0 + 5000, 40, NAN));
    append_one(s, record_of("a", T0 + 10000, 16, NAN));
    append_one(s, record_of("b", T0, 99, 9));
    clock_ms = T0 + 299999;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    assert_int_equal(read_past().n, 0); // it goes on
    clock_ms = T0 + 300000;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    const past p = read_past();
    assert_int_equal(p.n, 1);
    assert_int_equal(p.steps[0].start_ms, T0);
    assert_int_equal(p.steps[0].records, 3);
    assert_true(p.steps[0].mean[0] == 22 && p.steps[0].least[0] == 10 && p.steps[0].most[0] == 40);
    assert_int_equal(p.steps[0].count[0], 3);
    assert_true(isnan(p.steps[0].mean[3]) && isnan(p.steps[0].least[3]));
    assert_int_equal(p.steps[0].count[3], 0);
    store_close(s);
}

static void a_late_record_has_its_step_counted_again_after_a_restart_too(void **state)
{
    (void)state;
    store *s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 1));
    clock_ms = T0 + 600000;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    append_one(s, record_of("a", T0 + 5000, 70, 1));    // late
    append_one(s, record_of("a", T0 - 86400000, 5, 1)); // and a backfill
    assert_int_equal(read_past().steps[0].records, 1);
    store_close(s); // nobody has counted it yet
    s = open_store(NULL);
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    const past p = read_past();
    assert_int_equal(p.n, 2);
    assert_int_equal(p.steps[0].start_ms, T0 - 86400000);
    assert_int_equal(p.steps[1].records, 2);
    assert_true(p.steps[1].most[0] == 70);
    store_close(s);
}

static void a_batch_that_was_given_up_leaves_the_next_one_its_mark(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.max_servers = 1;
    store *const s = open_store(&options);
    const tft_record records[] = {record_of("a", T0, 1, 1), record_of("b", T0, 1, 1)};
    store_verdict v[2];
    store_batch batch = {.records = records, .n = 2, .arrival_ms = T0, .verdicts = v};
    bool refused = false;
    assert_int_equal(store_append_whole(s, &batch, &refused, NULL), TFT_OK);
    assert_true(refused);
    append_one(s, record_of("a", T0, 1, 1));
    clock_ms = T0 + 300000;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    assert_int_equal(read_past().n, 1);
    store_close(s);
}

static void a_counted_step_outlives_its_records_until_its_own_retention(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 1));
    append_one(s, record_of("a", T0 + 5000, 20, 1));
    clock_ms = T0 + 600000;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    clock_ms = T0 + 8 * (int64_t)DAY;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    append_one(s, record_of("b", T0, 50, 1)); // has the step counted again, but not for a, whose records are gone
    assert_int_equal(store_counters_now(s).window_size, 1);
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    const past p = read_past();
    assert_int_equal(p.n, 1);
    assert_true(p.steps[0].least[0] == 10 && p.steps[0].most[0] == 20);
    clock_ms = T0 + 401 * (int64_t)DAY;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    assert_int_equal(read_past().n, 1); // as an hour (test_hours.c)
    assert_int_equal(read_past().steps[0].length_ms, 3600000);
    store_close(s);
}

static void a_forgotten_server_takes_its_steps_along(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    size_t n = 0;
    append_one(s, record_of("a", T0, 10, 1));
    clock_ms = T0 + 600000;
    assert_int_equal(store_maintain(s, NULL, NULL), TFT_OK);
    assert_int_equal(read_past().n, 1);
    assert_int_equal(store_forget_server(s, "a", 1, &n, NULL), TFT_OK);
    assert_int_equal(read_past().n, 0);
    store_close(s);
}

static void a_record_past_retention_seals_its_step(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 1));
    append_one(s, record_of("a", T0 + 5000, 20, 1));
    append_one(s, record_of("b", T0 + DAY, 30, 1));
    size_t pruned = 0;
    assert_int_equal(store_maintain(s, &pruned, NULL), TFT_OK);
    assert_int_equal(pruned, 0);

    clock_ms = T0 + (int64_t)7 * DAY + 60000;
    assert_int_equal(store_maintain(s, &pruned, NULL), TFT_OK);
    assert_int_equal(pruned, 2);
    const store_counters counters = store_counters_now(s);
    assert_int_equal(counters.window_size, 1);
    assert_int_equal(counters.records_total, 3);                                       // never falls
    assert_int_equal(append_one(s, record_of("a", T0, 10, 1)).outcome, STORE_TOO_OLD); // a retry cannot count twice
    assert_int_equal(append_one(s, record_of("a", T0 + 9000, 1, 1)).outcome,
                     STORE_TOO_OLD); // a new one for the sealed step
    assert_int_equal(append_one(s, record_of("b", T0, 1, 1)).outcome,
                     STORE_NEW); // another server's backfill is welcome
    assert_int_equal(append_one(s, record_of("a", T0 - DAY, 1, 1)).outcome,
                     STORE_NEW); // and a step that was never sealed
    const loaded l = load(s);
    assert_int_equal(l.records_of_first, 3); // warm-up counts survive pruning
    store_close(s);
}

static void retention_counts_from_arrival_where_that_is_later(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    append_one(s, record_of("a", T0 - 30 * (int64_t)DAY, 10, 1)); // arrives at T0
    size_t pruned = 9;
    clock_ms = T0 + 6 * (int64_t)DAY;
    assert_int_equal(store_maintain(s, &pruned, NULL), TFT_OK);
    assert_int_equal(pruned, 0);
    assert_int_equal(append_one(s, record_of("a", T0 - 30 * (int64_t)DAY, 10, 1)).outcome, STORE_DUPLICATE);
    clock_ms = T0 + 7 * (int64_t)DAY + 1;
    assert_int_equal(store_maintain(s, &pruned, NULL), TFT_OK);
    assert_int_equal(pruned, 1);
    assert_int_equal(append_one(s, record_of("a", T0 - 30 * (int64_t)DAY, 10, 1)).outcome, STORE_TOO_OLD);
    store_close(s);
}

static void a_sealed_step_keeps_its_mean_over_a_restart(void **state)
{
    (void)state;
    store *s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 1));
    append_one(s, record_of("a", T0 + 250000, 20, 1));
    clock_ms = T0 + 7 * (int64_t)DAY + 100000; // the first has expired, the second not yet
    size_t pruned;
    assert_int_equal(store_maintain(s, &pruned, NULL), TFT_OK);
    assert_int_equal(pruned, 1);
    assert_int_equal(append_one(s, record_of("a", T0 + 250000, 20, 1)).outcome, STORE_DUPLICATE); // still there as raw
    store_close(s);

    s = open_store(NULL);
    const loaded l = load(s);
    assert_int_equal(l.n_steps, 1); // once: the raw record that is left is not added to the sealed step again
    assert_int_equal(l.count, 2);
    assert_true(l.mean_cpu == 15.0f);
    assert_int_equal(append_one(s, record_of("a", T0 + 1, 1, 1)).outcome, STORE_TOO_OLD);
    store_close(s);
}

static void a_full_disk_refuses_the_batch_whole_and_heals(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.max_bytes = 200 * 1024;
    store *const s = open_store(&options);
    enum { N = 100 }; // small, so that what is left when one is refused is less than a tenth
    static tft_record records[N];
    static store_verdict verdicts[N];
    int64_t stored = 0;
    tft_error err = {0};
    for (int round = 0; round < 250; round++) {
        for (int i = 0; i < N; i++)
            records[i] = record_of("a", T0 + round * (int64_t)N + i, 1, 1);
        store_batch batch = {.records = records, .n = N, .arrival_ms = clock_ms, .verdicts = verdicts};
        if (store_append(s, &batch, &err) != TFT_OK)
            break;
        stored += N;
    }
    assert_int_equal(err.status, TFT_ERR_IO);
    assert_non_null(strstr(err.text, "disk full"));
    assert_string_equal(store_trouble(s), "disk full");
    assert_true(stored > 0);
    assert_int_equal(store_counters_now(s).records_total, stored); // nothing of the refused batch
    assert_int_equal(load(s).n_records, stored);

    clock_ms = T0 + 3600000;
    size_t pruned;
    store_maintain(s, &pruned, NULL); // seals the oldest steps early: there is room again
    assert_true(pruned > 0);
    append_one(s, record_of("a", T0 + 3600000, 1, 1));
    assert_null(store_trouble(s));
    store_close(s);
}

static void a_new_server_in_a_refused_batch_is_not_remembered(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.max_bytes = 200 * 1024;
    store *const s = open_store(&options);
    enum { N = 4000 };
    static tft_record records[N];
    static store_verdict verdicts[N];
    for (int i = 0; i < N; i++)
        records[i] = record_of(i % 2 ? "x" : "y", T0 + i, 1, 1);
    store_batch batch = {.records = records, .n = N, .arrival_ms = clock_ms, .verdicts = verdicts};
    assert_int_equal(store_append(s, &batch, NULL), TFT_ERR_IO);
    assert_int_equal(load(s).n_servers, 0);
    assert_int_equal(append_one(s, record_of("z", T0, 1, 1)).server, 0);
    store_close(s);
}

static void one_process_per_folder(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    store_options options = store_options_default();
    options.dir = folder;
    store *second = NULL;
    tft_error err = {0};
    assert_int_equal(store_open(&options, &contract, &second, &err), TFT_ERR_BUSY);
    assert_non_null(strstr(err.text, folder));
    store_close(s);
    assert_int_equal(store_open(&options, &contract, &second, NULL), TFT_OK);
    store_close(second);
}

static void a_damaged_file_is_refused_with_its_name(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    static const char junk[8192] = "this is no database";
    assert_int_equal(tft_file_replace(path, junk, sizeof junk, NULL), TFT_OK);
    store_options options = store_options_default();
    options.dir = folder;
    store *s = NULL;
    tft_error err = {0};
    assert_int_equal(store_open(&options, &contract, &s, &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "tftd.db"));
}

static void a_file_with_a_page_overwritten_is_refused_at_the_start(void **state)
{
    (void)state;
    char path[128], junk[4096];
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    store *s = open_store(NULL);
    for (int i = 0; i < 200; i++)
        append_one(s, record_of("a", T0 + i, 10, 20));
    store_close(s);
    memset(junk, 0x5a, sizeof junk);
    for (long page = 2; page < 40; page++) { // the schema stays; tables behind it do not
        FILE *const f = fopen(path, "r+b");
        assert_non_null(f);
        fseek(f, 0, SEEK_END);
        if (page * 4096 + 4096 <= ftell(f)) {
            fseek(f, page * 4096, SEEK_SET);
            fwrite(junk, sizeof junk, 1, f);
        }
        fclose(f);
    }
    store_options options = store_options_default();
    options.dir = folder;
    tft_error err = {0};
    assert_int_equal(store_open(&options, &contract, &s, &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "tftd.db"));
}

static void a_disk_with_less_room_than_asked_for_refuses_records_and_says_so(void **state)
{
    (void)state;
    store_options options = store_options_default();
    options.min_free_bytes = UINT64_MAX / 2; // no disk has that
    store *s = open_store(&options);
    const tft_record record = record_of("a", T0, 10, 20);
    store_verdict verdict;
    store_batch batch = {.records = &record, .n = 1, .arrival_ms = T0, .verdicts = &verdict};
    tft_error err = {0};
    assert_non_null(store_trouble(s)); // from the start: nobody has to send first
    assert_int_equal(store_append(s, &batch, &err), TFT_ERR_IO);
    assert_non_null(strstr(err.text, "store.min_free"));
    bool refused = false;
    assert_int_equal(store_append_whole(s, &batch, &refused, &err), TFT_ERR_IO);
    assert_int_equal(store_counters_now(s).records_total, 0);
    store_close(s);
    options.min_free_bytes = 1;
    s = open_store(&options);
    assert_null(store_trouble(s));
    append_one(s, record);
    store_close(s);
}

static void metrics_may_change_with_the_model(void **state)
{
    (void)state;
    store *s = open_store(NULL);
    append_one(s, record_of("a", T0, 10, 20));
    store_close(s);
    const tft_contract before = contract;
    contract.n_metrics = 2;
    contract.metrics[0] = before.metrics[1]; // mem_pct first, then one that is new
    snprintf(contract.metrics[1].name, sizeof contract.metrics[1].name, "queue_length");
    s = open_store(NULL);
    assert_true(load(s).last_cpu == 20);
    assert_int_equal(append_one(s, record_of("a", T0, 20, 7)).outcome, STORE_FILLED);
    store_close(s);
    contract = before;
    s = open_store(NULL);
    assert_true(load(s).last_cpu == 10);
    store_close(s);
}

typedef struct sender {
    store *s;
    int number;
} sender;

enum { SENDERS = 8, BATCHES = 25 };

static void *send_batches(void *context)
{
    sender *const me = context;
    char name[16];
    snprintf(name, sizeof name, "s%d", me->number);
    for (int i = 0; i < BATCHES; i++) {
        const tft_record records[] = {record_of(name, T0 + i * 5000, i, 1), record_of("shared", T0 + i * 5000, i, 1)};
        store_verdict verdicts[2];
        store_batch batch = {.records = records, .n = 2, .arrival_ms = T0, .verdicts = verdicts};
        if (store_append(me->s, &batch, NULL) != TFT_OK || verdicts[0].outcome != STORE_NEW)
            return me;
    }
    return NULL;
}

static void concurrent_batches_share_commits_and_count_once(void **state)
{
    (void)state;
    store *const s = open_store(NULL);
    pthread_t threads[SENDERS];
    sender senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (sender){s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_batches, &senders[i]), 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        void *result = NULL;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    const store_counters counters = store_counters_now(s);
    assert_int_equal(counters.records_total, SENDERS * BATCHES + BATCHES);
    assert_int_equal(counters.duplicates_total, (SENDERS - 1) * BATCHES);
    assert_int_equal(counters.ticks, SENDERS * BATCHES);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_record_twice_changes_nothing),
        TEST(a_known_key_keeps_its_first_values_and_takes_the_missing_ones),
        TEST(one_batch_follows_the_same_rules_inside),
        TEST(names_are_compared_byte_for_byte),
        TEST(servers_beyond_the_cap_are_named_and_cost_nobody),
        TEST(thousands_of_records_come_back_in_order),
        TEST(a_restart_brings_back_servers_steps_records_and_counters),
        TEST(values_come_back_bit_for_bit),
        TEST(a_step_that_has_ended_is_kept_with_least_and_most),
        TEST(a_late_record_has_its_step_counted_again_after_a_restart_too),
        TEST(a_batch_that_was_given_up_leaves_the_next_one_its_mark),
        TEST(a_counted_step_outlives_its_records_until_its_own_retention),
        TEST(a_forgotten_server_takes_its_steps_along),
        TEST(a_record_past_retention_seals_its_step),
        TEST(retention_counts_from_arrival_where_that_is_later),
        TEST(a_sealed_step_keeps_its_mean_over_a_restart),
        TEST(a_full_disk_refuses_the_batch_whole_and_heals),
        TEST(a_new_server_in_a_refused_batch_is_not_remembered),
        TEST(one_process_per_folder),
        TEST(a_damaged_file_is_refused_with_its_name),
        TEST(a_file_with_a_page_overwritten_is_refused_at_the_start),
        TEST(a_disk_with_less_room_than_asked_for_refuses_records_and_says_so),
        TEST(metrics_may_change_with_the_model),
        TEST(concurrent_batches_share_commits_and_count_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
