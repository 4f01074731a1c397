/* small_store.h - a store in a folder of its own, with a clock that the test turns, for tests of the store. */
#ifndef TFTD_TESTS_STORE_SMALL_STORE_H
#define TFTD_TESTS_STORE_SMALL_STORE_H

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

/* One record with cpu; the other metrics are missing. */
static inline store_verdict append(store *s, const char *name, int64_t time_ms, double cpu)
{
    tft_record record = tft_record_empty();
    store_verdict verdict;
    store_batch batch = {.records = &record, .n = 1, .arrival_ms = clock_ms, .verdicts = &verdict};
    tft_error err = {0};
    record.name = name;
    record.name_length = strlen(name);
    record.time_ms = time_ms;
    record.values[0] = cpu;
    if (store_append(s, &batch, &err) != TFT_OK)
        fail_msg("%s", err.text);
    return verdict;
}

static inline void maintain(store *s)
{
    tft_error err = {0};
    if (store_maintain(s, NULL, &err) != TFT_OK)
        fail_msg("%s", err.text);
}

#define PAST_MOST 4000
typedef struct past {
    size_t n;
    store_past_step steps[PAST_MOST];
} past;

static inline bool take_past(void *context, const store_past_step *step)
{
    past *const p = context;
    p->steps[p->n++] = *step;
    return p->n < PAST_MOST;
}

/* Steps and hours of a server (0 = all) as /history finds them. */
static inline const past *read_past(int64_t server)
{
    static past p;
    tft_error err = {0};
    store_reader *reader = NULL;
    p.n = 0;
    if (store_reader_open(folder, &contract, &reader, &err) != TFT_OK ||
        store_reader_steps(reader, server, INT64_C(946684800000), INT64_C(4102444800000), take_past, &p, &err) !=
            TFT_OK)
        fail_msg("%s", err.text);
    store_reader_close(reader);
    return &p;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

#endif
