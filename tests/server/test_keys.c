/* test_keys.c - API keys: made, found, revoked, and files that are none. */
#include "server/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-keys-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/api-keys", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void a_key_is_found_by_its_text_and_by_nothing_else(void **state)
{
    (void)state;
    char first[KEY_TEXT_SIZE], second[KEY_TEXT_SIZE];
    key_set set;
    assert_int_equal(keys_add(path, "one", ROLE_READ, first, NULL), TFT_OK);
    assert_int_equal(keys_add(path, "two", ROLE_ADMIN, second, NULL), TFT_OK);
    assert_int_equal(strlen(first), 48);
    assert_string_not_equal(first, second);
    assert_int_equal(keys_load(path, &set, NULL), TFT_OK);
    assert_int_equal(set.n, 2);
    const api_key *const found = keys_find(&set, second, strlen(second));
    assert_non_null(found);
    assert_string_equal(found->name, "two");
    assert_int_equal(found->role, ROLE_ADMIN);
    assert_null(keys_find(&set, second, strlen(second) - 1));
    assert_null(keys_find(&set, "", 0));
    first[20] = first[20] == 'A' ? 'B' : 'A';
    assert_null(keys_find(&set, first, strlen(first)));
    keys_free(&set);
    assert_int_equal(keys_revoke(path, "two", NULL), TFT_OK);
    assert_int_equal(keys_load(path, &set, NULL), TFT_OK);
    assert_null(keys_find(&set, second, strlen(second)));
    assert_int_equal(set.n, 1);
    keys_free(&set);
    assert_int_equal(keys_revoke(path, "two", NULL), TFT_ERR_NOT_FOUND);
}

static void names_are_taken_once_and_hold_no_blanks(void **state)
{
    (void)state;
    char text[KEY_TEXT_SIZE], too_long[80];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(keys_add(path, "one", ROLE_READ, text, NULL), TFT_ERR_ARGUMENT); // from the test before
    assert_int_equal(keys_add(path, "", ROLE_READ, text, NULL), TFT_ERR_ARGUMENT);
    assert_int_equal(keys_add(path, "a b", ROLE_READ, text, NULL), TFT_ERR_ARGUMENT);
    assert_int_equal(keys_add(path, "a\nb", ROLE_READ, text, NULL), TFT_ERR_ARGUMENT);
    assert_int_equal(keys_add(path, too_long, ROLE_READ, text, NULL), TFT_ERR_ARGUMENT);
}

static tft_status load(const char *bytes, tft_error *err)
{
    key_set set;
    FILE *const file = fopen(path, "wb");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
    const tft_status status = keys_load(path, &set, err);
    if (status == TFT_OK)
        keys_free(&set);
    return status;
}

#define DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void a_damaged_file_is_named_with_its_line(void **state)
{
    (void)state;
    tft_error err = {0};
    assert_int_equal(load("# none\n\n", NULL), TFT_OK);
    assert_int_equal(load(DIGEST " read 2026-11-24T01:20:00Z x\r\n", NULL), TFT_OK);
    static const char *const bad[] = {
        "rubbish\n",
        "9f86 read 2026-11-24T01:20:00Z x\n",
        DIGEST " root 2026-11-24T01:20:00Z x\n",
        DIGEST " open 2026-11-24T01:20:00Z x\n",
        DIGEST " read 2026-11-24T01:20:00Z\n",
        DIGEST " read 2026-11-24T01:20:00Z x y\n",
        DIGEST " read 2026-11-24T01:20:00.000000000Z x\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(load(bad[i], &err), TFT_ERR_FORMAT);
    err = (tft_error){0};
    assert_int_equal(load("# first\n" DIGEST " read 2026-11-24T01:20:00Z x\nrubbish\n", &err), TFT_ERR_FORMAT);
    assert_non_null(strstr(err.text, "api-keys:3:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_its_text_and_by_nothing_else),
        cmocka_unit_test(names_are_taken_once_and_hold_no_blanks),
        cmocka_unit_test(a_damaged_file_is_named_with_its_line),
    };
    return cmocka_run_group_tests_name("server.keys", tests, make_folder, remove_folder);
}
