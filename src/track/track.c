/* track.c - see track.h: keeping and forgetting. Scoring is in score_set.c. */
#include "track/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/reader.h"
#include "track/report.h"

#define HALF_HOUR_MS ((int64_t)1800000)
#define LONGEST_MS ((int64_t)8 * 3600 * 1000) // at least so often a forecast is kept
#define DAY_MS ((int64_t)86400000)
#define WEEK_MS (7 * DAY_MS)
#define DEFAULT_BYTES ((uint64_t)1 << 30)
#define DEFAULT_SERVERS 1000
#define ROWS_AT_ONCE 256 // of a set, in one transaction: appends get their turn in between
#define FORGET_AT_ONCE 8

tft_status track_open(const track_options *options, track **out, tft_error *err)
{
    track *const t = calloc(1, sizeof *t);
    *out = NULL;
    if (t == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the track record");
    t->options = *options;
    atomic_store(&t->retention_ms, options->retention_ms);
    t->contract = fleet_contract(options->fleet);
    if (t->options.keep_ms == 0)
        t->options.keep_ms = HALF_HOUR_MS;
    if (t->options.max_bytes == 0)
        t->options.max_bytes = DEFAULT_BYTES;
    if (t->options.most_servers == 0)
        t->options.most_servers = DEFAULT_SERVERS;
    t->kept_ms = INT64_MIN;
    pthread_mutex_init(&t->lock, NULL);
    tft_status status = scorer_open(t, err);
    if (status == TFT_OK)
        status = observer_open(t, err);
    if (status != TFT_OK) {
        track_close(t);
        return status;
    }
    *out = t;
    return TFT_OK;
}

void track_close(track *t)
{
    if (t == NULL)
        return;
    scorer_close(t);
    observer_close(t);
    pthread_mutex_destroy(&t->lock);
    free(t->buffer);
    free(t->rows);
    free(t);
}

/* ---- keeping --------------------------------------------------------------------------------------------- */

static size_t bytes_of(const forecast_snapshot *s)
{
    return track_pack_most(s) + 64; // and SQLite's own
}

const char *track_model_of(const forecast_snapshot *s)
{
    return s->has_model ? s->model_name : snapshot_model_type_name(SNAPSHOT_HEURISTIC);
}

/* How often a fleet of this size is kept: at least a day of it must fit. */
static int64_t interval_of(const track *t, const forecast_snapshot *s)
{
    int64_t interval = t->options.keep_ms;
    while (interval < LONGEST_MS &&
           (double)(bytes_of(s) * s->n_servers) * (double)DAY_MS / (double)interval > (double)t->options.max_bytes)
        interval *= 2;
    return interval;
}

/* Rows from server `first` on; *n_rows of them packed one behind the other. Returns the server behind the last one. */
static size_t pack_rows(track *t, const forecast_snapshot *s, size_t first, bool network_only, store_forecast *rows,
                        size_t *n_rows)
{
    unsigned char *at = t->buffer;
    size_t server = first;
    *n_rows = 0;
    for (; server < s->n_servers && *n_rows < ROWS_AT_ONCE; server++) {
        const bool wanted = !network_only || s->servers[server].model_type == SNAPSHOT_TFT;
        const size_t n = wanted ? track_pack(s, server, t->rows, at) : 0;
        if (n == 0)
            continue;
        rows[(*n_rows)++] = (store_forecast){.server = (uint32_t)server, .body = at, .n = n};
        at += n;
    }
    return server;
}

/* TFT_ERR_BUSY without text: it is kept already. */
static tft_status put_all(track *t, const forecast_snapshot *s, bool network_only, tft_error *err)
{
    if (t->rows == NULL) { // the horizon is the contract's: it stays
        t->rows = snapshot_rows_new(s);
        if (t->rows == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory to unpack forecasts");
    }
    if (t->buffer_bytes < ROWS_AT_ONCE * track_pack_most(s)) {
        free(t->buffer);
        t->buffer_bytes = ROWS_AT_ONCE * track_pack_most(s);
        t->buffer = malloc(t->buffer_bytes);
        if (t->buffer == NULL) {
            t->buffer_bytes = 0;
            return tft_fail(err, TFT_ERR_MEMORY, "no memory to pack forecasts");
        }
    }
    store_set set = {.origin_ms = s->origin_ms, .first_ms = s->first_ms};
    snprintf(set.model, sizeof set.model, "%s", track_model_of(s));
    tft_status status = store_put_set(t->options.store, &set, err);
    for (size_t server = 0; server < s->n_servers && status == TFT_OK;) {
        store_forecast rows[ROWS_AT_ONCE];
        size_t n = 0;
        server = pack_rows(t, s, server, network_only, rows, &n);
        status = store_put_forecasts(t->options.store, set.number, rows, n, server == s->n_servers, err);
    }
    return status;
}

tft_status track_keep(track *t, const forecast_snapshot *s, bool *kept, tft_error *err)
{
    *kept = false;
    const int64_t slot = tft_floor_to(s->origin_ms, interval_of(t, s));
    if (!s->sufficient || s->n_servers == 0 || slot <= t->kept_ms)
        return TFT_OK;
    const tft_status status = put_all(t, s, false, err);
    const bool before = status == TFT_ERR_BUSY && err->text[0] == '\0'; // kept before a restart
    *kept = status == TFT_OK;
    if (*kept || before)
        t->kept_ms = slot;
    return before ? TFT_OK : status;
}

tft_status track_keep_beside(track *t, const forecast_snapshot *s, tft_error *err)
{
    if (!s->sufficient || s->tft_servers == 0)
        return TFT_OK;
    const tft_status status = put_all(t, s, true, err);
    return status == TFT_ERR_BUSY && err->text[0] == '\0' ? TFT_OK : status;
}

void track_set_retention(track *t, int64_t retention_ms)
{
    if (t != NULL)
        atomic_store(&t->retention_ms, retention_ms);
}

int64_t track_retention(const track *t)
{
    return atomic_load(&t->retention_ms);
}

tft_status track_forget(track *t, int64_t now_ms, tft_error *err)
{
    const size_t row = 100 + t->contract->n_metrics * 2 * FORECAST_N_QUANTILES * t->contract->horizon;
    const int64_t cutoff = now_ms - atomic_load(&t->retention_ms);
    tft_status status = TFT_OK;
    size_t n = FORGET_AT_ONCE;
    while (status == TFT_OK && n == FORGET_AT_ONCE)
        status = store_forget_track(t->options.store, cutoff, cutoff, (int64_t)(t->options.max_bytes / row),
                                    FORGET_AT_ONCE, &n, err);
    return status;
}

/* ---- summing up ------------------------------------------------------------------------------------------ */

typedef struct summing {
    const char *model;
    double metrics[TFT_MAX_METRICS][TRACK_METRIC_SUMS], incidents[TRACK_INCIDENT_SUMS];
} summing;

static void add_row(void *context, const store_score *row)
{
    summing *const sum = context;
    if (strcmp(row->model, sum->model) != 0)
        return;
    double *const into = row->metric < 0 ? sum->incidents : sum->metrics[row->metric];
    if (!track_sums_fit(row->metric, row->n))
        return;
    for (size_t i = 0; i < row->n; i++)
        into[i] += (double)row->sums[i];
}

tft_status track_sum_up(track *t, const char *model, int64_t now_ms, tft_error *err)
{
    summing *const sum = calloc(1, sizeof *sum);
    store_reader *reader = NULL;
    if (sum == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to sum up scores");
    sum->model = model;
    tft_status status = store_reader_open(t->options.dir, t->contract, &reader, err);
    if (status == TFT_OK)
        status = store_reader_scores(reader, now_ms - WEEK_MS, now_ms + DAY_MS, add_row, sum, err);
    store_reader_close(reader);
    pthread_mutex_lock(&t->lock);
    t->last.generation++;
    t->last.n_metrics = 0;
    for (size_t m = 0; status == TFT_OK && m < t->contract->n_metrics; m++) {
        track_metric *const out = &t->last.metrics[t->last.n_metrics];
        out->metric = m;
        out->all = track_sums_of(sum->metrics[m], SCORE_MAX_BANDS, 0);
        for (size_t b = 0; b < SCORE_MAX_BANDS; b++)
            out->bands[b] = track_sums_of(sum->metrics[m], b, 0);
        out->skill = track_skill_of(sum->metrics[m], SCORE_MAX_BANDS, NULL);
        t->last.n_metrics += out->all.n > 0;
    }
    for (size_t h = 0; h < TRACK_N_HORIZONS; h++)
        t->last.incidents[h] = track_incidents_of(sum->incidents, h);
    pthread_mutex_unlock(&t->lock);
    free(sum);
    return status;
}

void track_read_last(track *t, track_last *out)
{
    pthread_mutex_lock(&t->lock);
    *out = t->last;
    pthread_mutex_unlock(&t->lock);
}

size_t track_quality(const track_last *last, alert_quality *quality)
{
    for (size_t i = 0; i < last->n_metrics; i++)
        quality[i] = (alert_quality){.metric = last->metrics[i].metric,
                                     .n = last->metrics[i].all.n,
                                     .coverage = score_coverage_80(&last->metrics[i].all),
                                     .skill = last->metrics[i].skill};
    return last->n_metrics;
}
