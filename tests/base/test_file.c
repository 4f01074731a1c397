/* test_file.c - files are read within a bound and replaced only by complete ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

static char folder[] = "/tmp/tft-test-file-XXXXXX";

static void path_in(char *path, const char *name)
{
    snprintf(path, 256, "%s/%s", folder, name);
}

static void a_replaced_file_reads_back(void **state)
{
    (void)state;
    char path[256], *bytes;
    size_t n;
    path_in(path, "x");
    assert_int_equal(tft_file_replace(path, "one", 3, NULL), TFT_OK);
    assert_int_equal(tft_file_replace(path, "two!", 4, NULL), TFT_OK);
    assert_int_equal(tft_file_read(path, 100, &bytes, &n, NULL), TFT_OK);
    assert_int_equal(n, 4);
    assert_string_equal(bytes, "two!");
    free(bytes);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    char path[256], *bytes;
    size_t n;
    tft_error err = {0};
    path_in(path, "none");
    assert_int_equal(tft_file_read(path, 100, &bytes, &n, &err), TFT_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "none"));
    path_in(path, "large");
    assert_int_equal(tft_file_replace(path, "0123456789", 10, NULL), TFT_OK);
    assert_int_equal(tft_file_read(path, 9, &bytes, &n, NULL), TFT_ERR_LIMIT);
    assert_int_equal(tft_file_read(folder, 100, &bytes, &n, NULL), TFT_ERR_FORMAT);
}

static void a_failed_replace_leaves_the_old_file_and_no_litter(void **state)
{
    (void)state;
    char path[256], sub[256];
    path_in(path, "missing/x");
    assert_int_equal(tft_file_replace(path, "a", 1, NULL), TFT_ERR_IO);
    path_in(sub, "occupied");
    assert_int_equal(mkdir(sub, 0700), 0);
    path_in(path, "occupied/in");
    assert_int_equal(tft_file_replace(path, "a", 1, NULL), TFT_OK);
    assert_int_equal(tft_file_replace(sub, "a", 1, NULL), TFT_ERR_IO); // a folder stands there
    char litter[300];
    snprintf(litter, sizeof litter, "%s.tmp.%ld", sub, (long)getpid());
    assert_false(tft_file_exists(litter));
}

static void folders_are_made_with_their_parents(void **state)
{
    (void)state;
    char path[256];
    path_in(path, "a/b/c");
    assert_int_equal(tft_make_folders(path, 0700, NULL), TFT_OK);
    assert_int_equal(tft_make_folders(path, 0700, NULL), TFT_OK);
    assert_true(tft_file_exists(path));
    path_in(path, "x/under-a-file");
    assert_int_equal(tft_make_folders(path, 0700, NULL), TFT_ERR_IO);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const inside[] = {"a/b/c", "a/b", "a", "occupied"};
    for (size_t i = 0; i < 4; i++) {
        char path[256];
        path_in(path, inside[i]);
        tft_remove_folder(path, NULL);
    }
    return tft_remove_folder(folder, NULL) != TFT_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replaced_file_reads_back),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(a_failed_replace_leaves_the_old_file_and_no_litter),
        cmocka_unit_test(folders_are_made_with_their_parents),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
