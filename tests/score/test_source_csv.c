/* test_source_csv.c - forecasts in files: rows in any order are found, broken ones are named with their line. */
#include "data.h"

#include <stdlib.h>

#include "base/clock.h"
#include "score/source_csv.h"

#define HORIZON 3

typedef struct world {
    tft_dataset data;
    score_windows windows;
    score_window items[2];
    score_csv *csv;
} world;

/* Two servers p and q with ten steps of 5 minutes from 1970 on; windows at step 4. */
static void open_world(world *w)
{
    tft_contract contract = data_contract(2);
    contract.horizon = HORIZON;
    assert_int_equal(tft_dataset_open(&contract, &w->data, NULL), TFT_OK);
    for (int64_t i = 0; i < 10; i++) {
        data_put(&w->data, "p", i, (double)i, TFT_STATE_NONE);
        data_put(&w->data, "q", i, (double)i, TFT_STATE_NONE);
    }
    tft_dataset_sort(&w->data);
    w->items[0] = (score_window){0, 4};
    w->items[1] = (score_window){1, 4};
    w->windows = (score_windows){.n = 2, .items = w->items, .n_origins = 1, .n_servers = 2};
    assert_int_equal(score_csv_open(&w->data, &w->windows, 1 << 20, &w->csv, NULL), TFT_OK);
}

static void close_world(world *w)
{
    score_csv_close(w->csv);
    tft_dataset_close(&w->data);
}

static tft_status add(world *w, const char *text, tft_error *err)
{
    tft_reader *reader = NULL;
    assert_int_equal(tft_reader_open_bytes(text, strlen(text), &reader, NULL), TFT_OK);
    return score_csv_add_forecasts(w->csv, reader, "f.csv", err);
}

static void ask(world *w, float *levels, uint8_t *ok, float *incident)
{
    const score_source source = score_csv_source(w->csv);
    assert_int_equal(source.run(source.context, w->windows.items, 2, levels, ok, incident, NULL), TFT_OK);
}

static const char header[] = "origin,server_name,metric,timestamp,q0.1,q0.5,q0.9\n";

static void rows_in_any_order_answer_their_window(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    char text[4096];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", header);
    for (int m = 1; m >= 0; m--) {
        for (int t = HORIZON; t >= 1; t--)
            n +=
                (size_t)snprintf(text + n, sizeof text - n, "1970-01-01T00:20:00Z,q,%c,1970-01-01T00:%d:00Z,%d,%d,%d\n",
                                 'a' + m, 20 + 5 * t, 10 * m + t, 10 * m + t + 4, 10 * m + t + 8);
    }
    assert_int_equal(add(&w, text, NULL), TFT_OK);
    assert_int_equal(score_csv_skipped(w.csv), 0);
    float levels[2 * 2 * HORIZON * SCORE_N_LEVELS];
    uint8_t ok[2];
    ask(&w, levels, ok, NULL);
    assert_int_equal(ok[0], 0); // p has no row
    assert_int_equal(ok[1], 1);
    for (int m = 0; m < 2; m++) {
        for (int t = 1; t <= HORIZON; t++) {
            const float *const row = levels + (((size_t)(2 + m)) * HORIZON + (size_t)t - 1) * SCORE_N_LEVELS;
            assert_float_equal(row[0], (float)(10 * m + t), 0);
            assert_float_equal(row[5], (float)(10 * m + t + 4), 0);
            assert_float_equal(row[3], (float)(10 * m + t + 2), 1e-5f); // .3 lies between .1 and .5
        }
    }
    close_world(&w);
}

static void a_window_with_a_cell_missing_is_not_answered(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    char text[1024];
    snprintf(text, sizeof text, "%s1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,1,2,3\n", header);
    assert_int_equal(add(&w, text, NULL), TFT_OK);
    float levels[2 * 2 * HORIZON * SCORE_N_LEVELS];
    uint8_t ok[2];
    ask(&w, levels, ok, NULL);
    assert_int_equal(ok[0], 0);
    close_world(&w);
}

static void rows_of_other_windows_are_skipped_and_counted(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s%s%s%s", header, "1970-01-01T00:20:00Z,nobody,a,1970-01-01T00:25:00Z,1,2,3\n",
             "1970-01-01T00:20:00Z,p,nothing,1970-01-01T00:25:00Z,1,2,3\n",
             "1970-01-01T00:15:00Z,p,a,1970-01-01T00:20:00Z,1,2,3\n",
             "1970-01-01T00:20:00Z,p,a,1970-01-01T00:20:00Z,1,2,3\n",
             "1970-01-01T00:20:00Z,p,a,1970-01-01T00:40:00Z,1,2,3\n");
    assert_int_equal(add(&w, text, NULL), TFT_OK);
    assert_int_equal(score_csv_skipped(w.csv), 5);
    close_world(&w);
}

static void what_is_wrong_is_told_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } wrong[] = {
        {"", "no header"},
        {"origin,server_name,metric,q0.5\n", "timestamp"},
        {"origin,server_name,metric,timestamp\n", "no column of quantiles"},
        {"origin,server_name,metric,timestamp,q0.9,q0.1\n", "ascend"},
        {"origin,server_name,metric,timestamp,q1.5\n", "between 0 and 1"},
        {"origin,server_name,metric,timestamp,q0.5\nyesterday,p,a,1970-01-01T00:25:00Z,1\n", "line 2: origin"},
        {"origin,server_name,metric,timestamp,q0.5\n1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:01Z,1\n",
         "start of a step"},
        {"origin,server_name,metric,timestamp,q0.5\n1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,x\n",
         "finite number"},
        {"origin,server_name,metric,timestamp,q0.5\n1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,1e99\n",
         "finite number"},
        {"origin,server_name,metric,timestamp,q0.5\n1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,nan\n",
         "finite number"},
        {"origin,server_name,metric,timestamp,q0.1,q0.9\n1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,5,4\n",
         "q0.9 is below q0.1"},
        {"origin,server_name,metric,timestamp,q0.5\n1970-01-01T00:20:00Z,p,a\n", "line 2: 3 columns"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world w;
        tft_error err = {0};
        open_world(&w);
        assert_int_equal(add(&w, wrong[i].text, &err), TFT_ERR_FORMAT);
        if (strstr(err.text, wrong[i].fault) == NULL)
            print_message("\"%s\" lacks \"%s\"\n", err.text, wrong[i].fault);
        assert_non_null(strstr(err.text, wrong[i].fault));
        assert_non_null(strstr(err.text, "f.csv"));
        close_world(&w);
    }
}

static void more_forecasts_than_memory_is_allowed_for_is_a_limit(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    score_csv_close(w.csv);
    assert_int_equal(score_csv_open(&w.data, &w.windows, 100, &w.csv, NULL), TFT_OK);
    char text[1024];
    snprintf(text, sizeof text, "%s1970-01-01T00:20:00Z,p,a,1970-01-01T00:25:00Z,1,2,3\n", header);
    assert_int_equal(add(&w, text, NULL), TFT_ERR_LIMIT);
    close_world(&w);
}

static void incident_probabilities_reach_their_horizons(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    score_csv_close(w.csv);
    w.data.contract.horizon = 12; // 30m and 1h
    assert_int_equal(score_csv_open(&w.data, &w.windows, 1 << 20, &w.csv, NULL), TFT_OK);
    const char *const text = "origin,server_name,p_30m,p_1h,p_2h\n1970-01-01T00:20:00Z,q,0.25,,\n";
    tft_reader *reader = NULL;
    assert_int_equal(tft_reader_open_bytes(text, strlen(text), &reader, NULL), TFT_OK);
    assert_int_equal(score_csv_add_incidents(w.csv, reader, "i.csv", NULL), TFT_OK);
    float *const levels = calloc(2 * 2 * 12 * SCORE_N_LEVELS, sizeof *levels);
    float incident[2 * 12];
    uint8_t ok[2];
    ask(&w, levels, ok, incident);
    assert_true(isnan(incident[5]));
    assert_float_equal(incident[12 + 5], 0.25f, 0);
    assert_true(isnan(incident[12 + 11]));
    free(levels);
    const char *const bad = "origin,server_name,p_30m\n1970-01-01T00:20:00Z,q,1.5\n";
    tft_error err = {0};
    assert_int_equal(tft_reader_open_bytes(bad, strlen(bad), &reader, NULL), TFT_OK);
    assert_int_equal(score_csv_add_incidents(w.csv, reader, "i.csv", &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "from 0 to 1"));
    close_world(&w);
}

static void the_windows_of_a_file_are_its_origins_sorted_once_each(void **state)
{
    (void)state;
    world w;
    open_world(&w);
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s%s%s%s", header, "1970-01-01T00:20:00Z,q,a,1970-01-01T00:25:00Z,1,2,3\n",
             "1970-01-01T00:25:00Z,p,a,1970-01-01T00:30:00Z,1,2,3\n",
             "1970-01-01T00:20:00Z,p,a,1970-01-01T00:30:00Z,1,2,3\n",
             "1970-01-01T00:25:00Z,p,b,1970-01-01T00:30:00Z,1,2,3\n",
             "1971-01-01T00:25:00Z,p,b,1971-01-01T00:30:00Z,1,2,3\n"); // no record at that origin
    tft_reader *reader = NULL;
    score_windows found;
    assert_int_equal(tft_reader_open_bytes(text, strlen(text), &reader, NULL), TFT_OK);
    assert_int_equal(score_csv_windows(&w.data, reader, "f.csv", &found, NULL), TFT_OK);
    assert_int_equal(found.n, 3);
    assert_int_equal(found.n_origins, 2);
    assert_int_equal(found.n_servers, 2);
    assert_true(found.items[0].server == 0 && found.items[0].origin == 4);
    assert_true(found.items[1].server == 0 && found.items[1].origin == 5);
    assert_true(found.items[2].server == 1 && found.items[2].origin == 4);
    score_windows_free(&found);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_in_any_order_answer_their_window),
        cmocka_unit_test(a_window_with_a_cell_missing_is_not_answered),
        cmocka_unit_test(rows_of_other_windows_are_skipped_and_counted),
        cmocka_unit_test(what_is_wrong_is_told_with_file_and_line),
        cmocka_unit_test(more_forecasts_than_memory_is_allowed_for_is_a_limit),
        cmocka_unit_test(incident_probabilities_reach_their_horizons),
        cmocka_unit_test(the_windows_of_a_file_are_its_origins_sorted_once_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
