/* tally.c - see tally.h. */
#include "store/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

tft_status tally_init(tally *sums, size_t n_servers, size_t n_metrics, tft_error *err)
{
    const size_t n = n_servers > 0 ? n_servers : 1, m = n_metrics > 0 ? n_metrics : 1;
    *sums = (tally){.n_servers = n_servers, .n_metrics = n_metrics};
    sums->sums = calloc(n, m * sizeof *sums->sums);
    sums->least = calloc(n, m * sizeof *sums->least);
    sums->most = calloc(n, m * sizeof *sums->most);
    sums->counts = calloc(n, m * sizeof *sums->counts);
    sums->records = calloc(n, sizeof *sums->records);
    sums->states = calloc(n, sizeof *sums->states);
    sums->expired = calloc(n, sizeof *sums->expired);
    sums->seen = calloc(n, sizeof *sums->seen);
    sums->is_seen = calloc(n, sizeof *sums->is_seen);
    if (!sums->sums || !sums->least || !sums->most || !sums->counts || !sums->records || !sums->states ||
        !sums->expired || !sums->seen || !sums->is_seen) {
        tally_free(sums);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to add up the steps of %zu servers", n_servers);
    }
    return TFT_OK;
}

void tally_free(tally *sums)
{
    free(sums->sums);
    free(sums->least);
    free(sums->most);
    free(sums->counts);
    free(sums->records);
    free(sums->states);
    free(sums->expired);
    free(sums->seen);
    free(sums->is_seen);
    *sums = (tally){0};
}

/* Notes that a server of this number is seen with so many records in this state; its place goes to *at. */
static tft_status see(tally *sums, int64_t server, uint32_t records, int state, size_t *at, tft_error *err)
{
    if (server < 1 || (uint64_t)server > sums->n_servers)
        return tft_fail(err, TFT_ERR_FORMAT, "a record of server number %lld, which is not in table servers",
                        (long long)server);
    const size_t s = *at = (size_t)server - 1;
    if (!sums->is_seen[s])
        sums->seen[sums->n_seen++] = (uint32_t)s;
    sums->is_seen[s] = true;
    sums->records[s] = records > UINT32_MAX - sums->records[s] ? UINT32_MAX : sums->records[s] + records;
    sums->states[s] = (uint8_t)tft_state_worse((tft_state)sums->states[s], (tft_state)state);
    return TFT_OK;
}

tft_status tally_add(tally *sums, const database_record *record, bool expired, tft_error *err)
{
    size_t s;
    const tft_status status = see(sums, record->server, 1, record->state, &s, err);
    if (status != TFT_OK)
        return status;
    const size_t m = sums->n_metrics;
    sums->expired[s] |= expired;
    for (size_t i = 0; i < record->n_values && i < m; i++) {
        const size_t at = s * m + i;
        const double value = record->values[i];
        if (isnan(value))
            continue;
        const bool first = sums->counts[at]++ == 0;
        sums->sums[at] += value;
        sums->least[at] = first || value < sums->least[at] ? value : sums->least[at];
        sums->most[at] = first || value > sums->most[at] ? value : sums->most[at];
    }
    return TFT_OK;
}

tft_status tally_add_sums(tally *sums, const database_logged_step *step, tft_error *err)
{
    size_t s;
    const tft_status status = see(sums, step->server, step->records, step->state, &s, err);
    if (status != TFT_OK)
        return status;
    const size_t m = sums->n_metrics;
    for (size_t i = 0; i < step->n_values && i < m; i++) {
        const size_t at = s * m + i;
        const double least = (double)step->least[i], most = (double)step->most[i];
        if (step->counts[i] == 0)
            continue;
        const bool first = sums->counts[at] == 0;
        sums->counts[at] += step->counts[i];
        sums->sums[at] += (double)step->means[i] * step->counts[i];
        // a comparison with NaN is false: one that is not known stays so, and makes the other unknown
        sums->least[at] = first || isnan(least) || least < sums->least[at] ? least : sums->least[at];
        sums->most[at] = first || isnan(most) || most > sums->most[at] ? most : sums->most[at];
    }
    return TFT_OK;
}

void tally_step(const tally *sums, size_t i, int64_t time_ms, database_step *step)
{
    const size_t s = sums->seen[i], m = sums->n_metrics;
    step->time_ms = time_ms;
    step->server = (int64_t)s + 1;
    step->records = sums->records[s];
    step->state = sums->states[s];
    step->n_values = m;
    for (size_t k = 0; k < m; k++) {
        const uint32_t n = sums->counts[s * m + k];
        step->means[k] = n > 0 ? (float)(sums->sums[s * m + k] / n) : NAN;
        step->value_counts[k] = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
    }
}

void tally_logged(const tally *sums, size_t i, int64_t time_ms, database_logged_step *step)
{
    const size_t s = sums->seen[i], m = sums->n_metrics;
    step->time_ms = time_ms;
    step->server = (int64_t)s + 1;
    step->records = sums->records[s];
    step->state = sums->states[s];
    step->n_values = m;
    for (size_t k = 0; k < m; k++) {
        const size_t at = s * m + k;
        const uint32_t n = sums->counts[at];
        step->counts[k] = n;
        step->means[k] = n > 0 ? (float)(sums->sums[at] / n) : NAN;
        step->least[k] = n > 0 ? (float)sums->least[at] : NAN;
        step->most[k] = n > 0 ? (float)sums->most[at] : NAN;
    }
}

void tally_clear(tally *sums)
{
    const size_t m = sums->n_metrics;
    for (size_t i = 0; i < sums->n_seen; i++) {
        const size_t s = sums->seen[i];
        memset(sums->sums + s * m, 0, m * sizeof *sums->sums);
        memset(sums->counts + s * m, 0, m * sizeof *sums->counts);
        sums->records[s] = 0;
        sums->states[s] = TFT_STATE_NONE;
        sums->expired[s] = sums->is_seen[s] = false;
    }
    sums->n_seen = 0;
}
