/* test_database_check.c - a file is looked through beside its use: what is found is said at the end, or at once where it is soon found. */
#include "store/database_check.h"

#include "base/clock.h"
#include "small_store.h"

static const char *file_of_200_records(void)
{
    static char path[128];
    store *const s = open_store(NULL);
    for (int i = 0; i < 200; i++)
        append(s, "a", T0 + i, 10);
    store_close(s);
    snprintf(path, sizeof path, "%s/tftd.db", folder);
    return path;
}

static void damage(const char *path)
{
    static const char junk[8 * 4096] = "no page of a tree begins like this";
    FILE *const f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 4096 * 2, SEEK_SET);
    assert_int_equal(fwrite(junk, sizeof junk, 1, f), 1);
    fclose(f);
}

static void a_sound_file_is_found_sound(void **state)
{
    (void)state;
    database_check *check = NULL;
    assert_int_equal(database_check_start(file_of_200_records(), 10, &check, NULL), TFT_OK);
    assert_int_equal(database_check_wait(check, 10, NULL), TFT_OK);
    assert_int_equal(database_check_end(check, false, NULL), TFT_OK);
}

static void damage_is_said_by_who_waits_and_at_the_end(void **state)
{
    (void)state;
    const char *const path = file_of_200_records();
    database_check *check = NULL;
    tft_error waited = {0}, ended = {0};
    damage(path);
    assert_int_equal(database_check_start(path, 10, &check, NULL), TFT_OK);
    assert_int_equal(database_check_wait(check, 10, &waited), TFT_ERR_FORMAT);
    assert_int_equal(database_check_end(check, false, &ended), TFT_ERR_FORMAT);
    assert_string_equal(waited.text, ended.text);
    assert_non_null(strstr(ended.text, "tftd.db"));
    assert_non_null(strstr(ended.text, "restore a backup"));
}

static void a_check_whose_time_is_up_has_found_nothing(void **state)
{
    (void)state;
    const char *const path = file_of_200_records();
    database_check *check = NULL;
    assert_int_equal(database_check_start(path, 0, &check, NULL), TFT_OK);
    assert_int_equal(database_check_end(check, true, NULL), TFT_OK);
    assert_int_equal(database_check_wait(NULL, 1, NULL), TFT_OK);
    assert_int_equal(database_check_end(NULL, false, NULL), TFT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_sound_file_is_found_sound),
                                       TEST(damage_is_said_by_who_waits_and_at_the_end),
                                       TEST(a_check_whose_time_is_up_has_found_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
