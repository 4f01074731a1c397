/* store_folder.h - a store in a folder of its own, with a clock that the test turns. */
#ifndef TFTD_TESTS_STORE_STORE_FOLDER_H
#define TFTD_TESTS_STORE_STORE_FOLDER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "series/record.h"
#include "store/reader.h"
#include "store/store.h"

#define T0 INT64_C(1760371200000) // 2025-10-13T16:00:00Z
#define STEP INT64_C(300000)
#define HOUR INT64_C(3600000)
#define DAY INT64_C(86400000)

static _Atomic int64_t clock_ms;
static char folder[64];
static tft_contract contract;

static int64_t test_now(void)
{
    return clock_ms;
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tftd-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    clock_ms = T0;
    contract = tft_contract_default();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    tft_remove_folder(folder, NULL);
    return 0;
}

/* NULL: the defaults. */
static inline store *open_store(const store_options *changed)
{
    store_options options = changed != NULL ? *changed : store_options_default();
    store *s = NULL;
    tft_error err = {0};
    options.dir = folder;
    options.now_ms = test_now;
    if (store_open(&options, &contract, &s, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return s;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

#endif
