/* small_store.h - one record after the other into a store, maintenance, and what the past holds then. */
#ifndef TFTD_TESTS_STORE_SMALL_STORE_H
#define TFTD_TESTS_STORE_SMALL_STORE_H

#include "store_folder.h"

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

#endif
