/* test_split.c - tests src/train/split.c and src/train/origins.c: nothing that is held out is ever drawn. */
#include "train/fleet.h"

#include "train/origins.h"
#include "train/split.h"

static const char *const names[] = {"vm1", "vm20", "vm21", "vm61", "vm80", "vm81", "vm161", "other", "vm0"};
#define N_NAMES (sizeof names / sizeof names[0])

static void a_block_is_taken_by_the_number_at_the_end_of_the_name(void **state)
{
    uint8_t selected[N_NAMES];
    (void)state;
    assert_int_equal(tft_server_set("3/5x20", names, N_NAMES, selected, NULL), TFT_OK);
    for (size_t i = 0; i < N_NAMES; i++)
        assert_int_equal(selected[i], i == 3 || i == 4 || i == 6); // 61, 80; 161 is block 8 mod 5
    assert_int_equal(tft_server_set("0/5x20", names, N_NAMES, selected, NULL), TFT_OK);
    assert_int_equal(selected[0], 1);
    assert_int_equal(selected[1], 1);
    assert_int_equal(selected[2], 0);
    assert_int_equal(selected[7], 1); // "other" has no number: it is the first in name order
}

static void a_list_takes_exactly_its_names(void **state)
{
    uint8_t selected[N_NAMES];
    (void)state;
    assert_int_equal(tft_server_set("vm21,other", names, N_NAMES, selected, NULL), TFT_OK);
    for (size_t i = 0; i < N_NAMES; i++)
        assert_int_equal(selected[i], i == 2 || i == 7);
}

static void a_name_that_nobody_has_is_an_error(void **state)
{
    uint8_t selected[N_NAMES];
    tft_error err = {0};
    (void)state;
    assert_int_equal(tft_server_set("vm21,vm2", names, N_NAMES, selected, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "\"vm2\""));
    assert_int_equal(tft_server_set("2/5x1000", names, N_NAMES, selected, NULL), TFT_ERR_NOT_FOUND);
    assert_int_equal(tft_server_set("5/5x20", names, N_NAMES, selected, NULL), TFT_ERR_NOT_FOUND); // no block: a name
}

static void open_fleet(tft_dataset *dataset, size_t n_servers, size_t n_steps)
{
    const tft_contract c = small_contract(1, 3600000, 24, 6);
    assert_int_equal(tft_dataset_open(&c, dataset, NULL), TFT_OK);
    fill_fleet(dataset, n_servers, n_steps, 0.1);
}

static void without_a_set_every_tenth_server_validates(void **state)
{
    tft_dataset dataset = {0};
    tft_split split = {0};
    size_t n[3] = {0};
    (void)state;
    open_fleet(&dataset, 25, 40);
    assert_int_equal(
        tft_split_make(&dataset, &(tft_split_wish){.holdout = "vm3,vm4,vm5", .holdout_from_ms = 0, .validation = NULL},
                       &split, NULL),
        TFT_OK);
    for (size_t i = 0; i < 25; i++)
        n[split.roles[i]]++;
    assert_int_equal(n[TFT_ROLE_HELD_OUT], 3);
    assert_int_equal(n[TFT_ROLE_VALIDATE], 2);
    assert_true(split.validation_from == INT64_MAX);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

static void with_few_servers_the_last_tenth_of_time_validates(void **state)
{
    tft_dataset dataset = {0};
    tft_split split = {0};
    (void)state;
    open_fleet(&dataset, 2, 101);
    assert_int_equal(tft_split_make(&dataset,
                                    &(tft_split_wish){.holdout = NULL, .holdout_from_ms = 0, .validation = NULL},
                                    &split, NULL),
                     TFT_OK);
    assert_int_equal(split.validation_from, dataset.series[0].first_step + 90);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

static void a_group_that_the_set_names_nobody_of_validates_too(void **state)
{
    tft_dataset dataset = {0};
    tft_split split = {0};
    uint16_t group_of[25];
    size_t n[2] = {0};
    (void)state;
    open_fleet(&dataset, 25, 40);
    for (size_t i = 0; i < 25; i++)
        group_of[i] = i >= 12;
    const tft_split_wish wish = {.validation = dataset.names[3], .group_of = group_of, .n_groups = 2};
    assert_int_equal(tft_split_make(&dataset, &wish, &split, NULL), TFT_OK);
    for (size_t i = 0; i < 25; i++)
        n[group_of[i]] += split.roles[i] == TFT_ROLE_VALIDATE;
    assert_int_equal(n[0], 1);
    assert_int_equal(n[1], 1);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

static void nothing_that_is_held_out_is_ever_drawn(void **state)
{
    tft_dataset dataset = {0};
    tft_split split = {0};
    tft_origins origins = {0};
    tft_rng rng = tft_rng_seeded(1, 1);
    bool drawn[12] = {false};
    int64_t newest = 0;
    (void)state;
    open_fleet(&dataset, 12, 200);
    const int64_t first = dataset.series[0].first_step, held_out_from = first + 150;
    assert_int_equal(tft_split_make(&dataset,
                                    &(tft_split_wish){.holdout = "0/3x4",
                                                      .holdout_from_ms = held_out_from * dataset.contract.step_ms + 1,
                                                      .validation = "1/3x4"},
                                    &split, NULL),
                     TFT_OK);
    const tft_origin_filter filter = {.role = TFT_ROLE_TRAIN, .first_step = INT64_MIN, .last_step = split.last_step};
    assert_int_equal(tft_origins_find(&dataset, &split, &filter, &origins, NULL), TFT_OK);
    for (size_t k = 0; k < 20000; k++) {
        const tft_origin o = tft_origins_draw(&origins, &rng);
        drawn[o.server] = true;
        assert_true(o.last_step < held_out_from); // no target of it is read
        assert_true(o.step < o.last_step && o.step > first);
        newest = o.step > newest ? o.step : newest;
    }
    assert_int_equal(newest, held_out_from - 2); // its only target is the last step before the instant
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(drawn[i], strtol(dataset.names[i] + 2, NULL, 10) >= 9);
    tft_origins_free(&origins);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

static void groups_are_drawn_by_their_share_whatever_their_size(void **state)
{
    tft_dataset dataset = {0};
    tft_split split = {0};
    tft_origins origins = {0};
    tft_rng rng = tft_rng_seeded(1, 2);
    uint16_t group_of[10];
    const double share[2] = {0.75, 0.25};
    size_t n_first = 0;
    (void)state;
    open_fleet(&dataset, 10, 100);
    for (size_t i = 0; i < 10; i++)
        group_of[i] = strcmp(dataset.names[i], "vm7") == 0 ? 0 : 1; // one server is group 0
    assert_int_equal(tft_split_make(&dataset,
                                    &(tft_split_wish){.holdout = NULL, .holdout_from_ms = 0, .validation = "vm2"},
                                    &split, NULL),
                     TFT_OK);
    const tft_origin_filter filter = {.role = TFT_ROLE_TRAIN,
                                      .first_step = INT64_MIN,
                                      .last_step = INT64_MAX,
                                      .group_of = group_of,
                                      .group_share = share,
                                      .n_groups = 2};
    assert_int_equal(tft_origins_find(&dataset, &split, &filter, &origins, NULL), TFT_OK);
    for (size_t k = 0; k < 20000; k++)
        n_first += group_of[tft_origins_draw(&origins, &rng).server] == 0;
    assert_in_range(n_first, 14700, 15300);
    tft_origins_free(&origins);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

static void all_origins_are_drawn_alike_and_unknown_steps_never(void **state)
{
    const tft_contract c = small_contract(1, 3600000, 24, 6);
    tft_dataset dataset = {0};
    tft_split split = {0};
    tft_origins origins = {0};
    tft_rng rng = tft_rng_seeded(1, 3);
    size_t n[40] = {0};
    (void)state;
    assert_int_equal(tft_dataset_open(&c, &dataset, NULL), TFT_OK);
    for (int64_t k = 0; k < 40; k++) { // steps 10 … 13 are missing, 20 and 21 are offline
        const double value = 5, none = NAN;
        if (k >= 10 && k <= 13)
            continue;
        const bool off = k == 20 || k == 21;
        assert_int_equal(tft_dataset_add(&dataset, "vm1", 3, FLEET_START + k * c.step_ms, off ? &none : &value,
                                         off ? TFT_STATE_OFFLINE : TFT_STATE_NONE, -1, NULL),
                         TFT_OK);
    }
    assert_int_equal(tft_split_make(&dataset,
                                    &(tft_split_wish){.holdout = NULL, .holdout_from_ms = 0, .validation = NULL},
                                    &split, NULL),
                     TFT_OK);
    const tft_origin_filter filter = {.role = TFT_ROLE_TRAIN, .first_step = INT64_MIN, .last_step = INT64_MAX};
    assert_int_equal(tft_origins_find(&dataset, &split, &filter, &origins, NULL), TFT_OK);
    for (size_t k = 0; k < 33000; k++)
        n[tft_origins_draw(&origins, &rng).step - dataset.series[0].first_step]++;
    for (size_t k = 0; k < 40; k++) {
        const bool possible = k >= 1 && k != 39 && !(k >= 10 && k <= 13) && k != 20 && k != 21;
        if (possible)
            assert_in_range(n[k], 800, 1250); // 32 of them share 33000 draws
        else
            assert_int_equal(n[k], 0);
    }
    tft_origins_free(&origins);
    tft_split_free(&split);
    tft_dataset_close(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_block_is_taken_by_the_number_at_the_end_of_the_name),
                                       cmocka_unit_test(a_list_takes_exactly_its_names),
                                       cmocka_unit_test(a_name_that_nobody_has_is_an_error),
                                       cmocka_unit_test(without_a_set_every_tenth_server_validates),
                                       cmocka_unit_test(with_few_servers_the_last_tenth_of_time_validates),
                                       cmocka_unit_test(a_group_that_the_set_names_nobody_of_validates_too),
                                       cmocka_unit_test(nothing_that_is_held_out_is_ever_drawn),
                                       cmocka_unit_test(groups_are_drawn_by_their_share_whatever_their_size),
                                       cmocka_unit_test(all_origins_are_drawn_alike_and_unknown_steps_never)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
