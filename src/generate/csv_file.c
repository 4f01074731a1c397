/* csv_file.c - see csv_file.h. */
#include "generate/csv_file.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "generate/noise.h"
#include "generate/record_text.h"

#define HOUR_MS 3600000.0
#define CHUNK_BYTES ((size_t)256 * 1024)

/* Episodes of degrading and critical, on a stream of their own. */
typedef struct fortune {
    tft_rng rng;
    double next_ms; // of the next change
} fortune;

static void turn(fortune *f, generate_fleet *fleet)
{
    while (f->next_ms <= (double)generate_fleet_clock(fleet)) {
        const bool calm = generate_fleet_status(fleet).scenario == GENERATE_HEALTHY;
        const double which = tft_rng_uniform(&f->rng), hours = generate_between(&f->rng, 1, 4);
        if (calm) {
            generate_fleet_set_scenario(fleet, which < 0.5 ? GENERATE_DEGRADING : GENERATE_CRITICAL);
            f->next_ms += hours * HOUR_MS;
        } else {
            generate_fleet_set_scenario(fleet, GENERATE_HEALTHY);
            f->next_ms += generate_wait(&f->rng, 1 / (48 * HOUR_MS));
        }
    }
}

tft_status generate_csv_write(generate_fleet *fleet, const generate_csv_plan *plan, uint64_t seed,
                              generate_output *output, size_t *n_rows, tft_error *err)
{
    const int64_t start = generate_fleet_clock(fleet), end = start + plan->length_ms;
    tft_status status = TFT_OK;
    // a chunk, and the rows of one more tick
    tft_text text = tft_text_new(CHUNK_BYTES + 512 * (generate_fleet_size(fleet) + 1));
    generate_record *const records = calloc(generate_fleet_size(fleet), sizeof *records);
    fortune fate = {.rng = tft_rng_seeded(seed, UINT64_MAX)};
    fate.next_ms = plan->mixed ? (double)start + generate_wait(&fate.rng, 1 / (48 * HOUR_MS)) : HUGE_VAL;
    double shown_s = tft_monotonic_s();
    *n_rows = 0;
    if (records == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "records of %zu servers: out of memory", generate_fleet_size(fleet));
        goto done;
    }
    generate_csv_header(&text);
    while (generate_fleet_clock(fleet) < end && status == TFT_OK) {
        turn(&fate, fleet);
        const size_t n = generate_fleet_tick(fleet, plan->step_ms, records);
        for (size_t i = 0; i < n; i++)
            generate_csv_row(&text, &records[i]);
        *n_rows += n;
        if (text.n >= CHUNK_BYTES) {
            status = text.failed ? tft_fail(err, TFT_ERR_MEMORY, "rows: out of memory")
                                 : generate_output_write(output, text.bytes, text.n, err);
            tft_text_clear(&text);
        }
        if (plan->progress != NULL && tft_monotonic_s() - shown_s > 0.2 && status == TFT_OK) {
            shown_s = tft_monotonic_s();
            const double done = (double)(generate_fleet_clock(fleet) - start) / (double)plan->length_ms;
            if (!plan->progress(plan->context, done, *n_rows))
                status = tft_fail(err, TFT_ERR_INTERRUPTED, "stopped on request");
        }
    }
    if (status == TFT_OK)
        status = text.failed ? tft_fail(err, TFT_ERR_MEMORY, "rows: out of memory")
                             : generate_output_write(output, text.bytes, text.n, err);
done:
    free(records);
    tft_text_free(&text);
    return status;
}
