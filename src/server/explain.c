/* explain.c - see explain.h. One explanation is one `work`: the series copied out of the fleet, one pass that says its weights,
 * one pass over copies with parts hidden, then the text.
 */
#include "server/explain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"

#define MAX_TEXT ((size_t)1 << 20)
#define MAX_HIDDEN (TFT_MAX_METRICS + 3)
#define MAX_ASKED 2 // one at work, one that waits
#define HOUR_MS INT64_C(3600000)
#define N_TOLD 3 // inputs that a sentence names

explainer *explain_open(void)
{
    explainer *const e = calloc(1, sizeof *e);
    if (e != NULL)
        pthread_mutex_init(&e->lock, NULL);
    return e;
}

static void close_model(explainer *e)
{
    if (e->open && e->model.close != NULL)
        e->model.close(e->model.context);
    e->open = false;
}

void explain_close(explainer *e)
{
    if (e == NULL)
        return;
    close_model(e);
    for (size_t i = 0; i < EXPLAIN_KEPT; i++)
        tft_text_free(&e->texts[i]);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/* ---- one explanation ----------------------------------------------------------------------------------- */

/* A part of the input that is hidden, and what the median then is. */
typedef struct hidden {
    char what[96]; // "mem_pct", "the last hour"
    tft_series series;
    double p50; // NaN: no forecast without it
} hidden;

typedef struct work {
    const tft_contract *contract;
    const tft_config *config;
    const snapshot_server *of;
    size_t metric, step, window_steps;
    int64_t origin; // step number
    bool same;      // the server's records are those of the forecast
    tft_series series;
    size_t n_hidden;
    hidden hidden[MAX_HIDDEN];
    size_t n_static, n_encoder, n_decoder, encoder_steps;
    float *quantiles;                                          // [1 + n_hidden, horizon, outputs]
    float *attention;                                          // [horizon, heads, context]
    float *static_weights, *encoder_weights, *decoder_weights; // [n_static], [context, n_encoder], [horizon, n_decoder]
    double p50;
} work;

static void free_series(tft_series *series)
{
    free(series->values);
    free(series->value_counts);
    free(series->counts);
    free(series->states);
    *series = (tft_series){0};
}

static void free_work(work *w)
{
    tft_series_free(&w->series);
    for (size_t i = 0; i < w->n_hidden; i++)
        free_series(&w->hidden[i].series);
    free(w->quantiles);
    free(w->attention);
    free(w->static_weights);
    free(w->encoder_weights);
    free(w->decoder_weights);
    free(w);
}

/* A copy whose arrays are our own; the network only reads it. */
static bool copy_series(tft_series *to, const tft_series *from)
{
    const size_t n = from->n_steps, m = from->n_metrics, some = n > 0 ? n : 1;
    *to = *from;
    to->block = NULL;
    to->front = 0;
    to->capacity = n;
    to->values = calloc(some * m, sizeof *to->values);
    to->value_counts = calloc(some * m, sizeof *to->value_counts);
    to->counts = calloc(some, sizeof *to->counts);
    to->states = calloc(some, sizeof *to->states);
    if (to->values == NULL || to->value_counts == NULL || to->counts == NULL || to->states == NULL)
        return false;
    memcpy(to->values, from->values, n * m * sizeof *to->values);
    memcpy(to->value_counts, from->value_counts, n * m * sizeof *to->value_counts);
    memcpy(to->counts, from->counts, n * sizeof *to->counts);
    memcpy(to->states, from->states, n);
    return true;
}

/* Takes the values of `metric` (all of them where it is n_metrics) out of the steps from … to − 1. */
static void hide(tft_series *series, size_t metric, int64_t from, int64_t to)
{
    for (size_t i = 0; i < series->n_steps; i++) {
        const int64_t step = series->first_step + (int64_t)i;
        for (size_t m = 0; m < series->n_metrics && step >= from && step < to; m++) {
            if (metric != series->n_metrics && metric != m)
                continue;
            series->values[i * series->n_metrics + m] = NAN;
            series->value_counts[i * series->n_metrics + m] = 0;
        }
    }
}

static hidden *add_hidden(work *w, const char *what)
{
    hidden *const h = &w->hidden[w->n_hidden++];
    snprintf(h->what, sizeof h->what, "%s", what);
    return copy_series(&h->series, &w->series) ? h : NULL;
}

/* The copies with parts hidden. */
static bool make_hidden(work *w)
{
    const int64_t hour = HOUR_MS / w->contract->step_ms, end = w->origin + 1;
    const size_t all = w->series.n_metrics;
    for (size_t m = 0; m < all; m++) {
        if (!w->of->present[m])
            continue;
        hidden *const h = add_hidden(w, w->contract->metrics[m].name);
        if (h == NULL)
            return false;
        hide(&h->series, m, INT64_MIN, end);
    }
    hidden *const newest = add_hidden(w, "the last hour");
    if (newest == NULL)
        return false;
    hide(&newest->series, all, end - hour, end);
    if (w->series.first_step < end - 24 * hour) {
        hidden *const older = add_hidden(w, "everything older than a day");
        if (older == NULL)
            return false;
        hide(&older->series, all, INT64_MIN, end - 24 * hour);
    }
    return true;
}

static bool take_memory(work *w)
{
    const size_t h = w->contract->horizon, c = w->contract->context;
    w->quantiles = calloc((1 + w->n_hidden) * h * tft_config_outputs(w->config), sizeof(float));
    w->attention = calloc(h * w->config->n_heads * c, sizeof(float));
    w->static_weights = calloc(w->n_static + 1, sizeof(float));
    w->encoder_weights = calloc(c * w->n_encoder + 1, sizeof(float));
    w->decoder_weights = calloc(h * w->n_decoder + 1, sizeof(float));
    return w->quantiles != NULL && w->attention != NULL && w->static_weights != NULL && w->encoder_weights != NULL &&
           w->decoder_weights != NULL;
}

/* p50 of the metric at the step, of request i. */
static double median_of(const work *w, size_t i)
{
    const size_t outputs = tft_config_outputs(w->config);
    size_t first = 0;
    for (size_t m = 0; m < w->metric; m++)
        first += w->config->targets[m].n_quantiles;
    const tft_target *const target = &w->config->targets[w->metric];
    const float *const row = w->quantiles + (i * w->contract->horizon + w->step) * outputs + first;
    return (double)tft_quantile_interpolate(target->quantiles, row, target->n_quantiles, 0.5f);
}

/* Steps of the past that the network has read: rows of selection weights beyond them are 0. */
static size_t count_encoder_steps(const work *w)
{
    size_t n = 0;
    for (; n < w->contract->context; n++) {
        float sum = 0;
        for (size_t v = 0; v < w->n_encoder; v++)
            sum += w->encoder_weights[n * w->n_encoder + v];
        if (!(sum > 0))
            break;
    }
    return n;
}

/* One pass that gives weights, for the window alone (so that nothing is padded), and one for the copies. */
static tft_status run(const engine_model *model, work *w, tft_error *err)
{
    uint8_t ok[MAX_HIDDEN + 1];
    memset(ok, 1, sizeof ok);
    tft_request requests[MAX_HIDDEN];
    const tft_request whole = {.series = &w->series, .origin = w->origin, .encoder = w->window_steps};
    const tft_forecast first = {.quantiles = w->quantiles,
                                .ok = ok,
                                .encoder_attention = w->attention,
                                .encoder_selection = w->encoder_weights,
                                .decoder_selection = w->decoder_weights,
                                .static_selection = w->static_weights};
    tft_status status = model->run(model->context, &whole, 1, w->contract->horizon, &first, err);
    if (status != TFT_OK)
        return status;
    if (!ok[0])
        return tft_fail(err, TFT_ERR_STATE, "there is too little history for the network");
    for (size_t i = 0; i < w->n_hidden; i++)
        requests[i] = (tft_request){.series = &w->hidden[i].series, .origin = w->origin, .encoder = w->window_steps};
    const tft_forecast others = {.quantiles = w->quantiles + w->contract->horizon * tft_config_outputs(w->config),
                                 .ok = ok + 1};
    status = model->run(model->context, requests, w->n_hidden, w->contract->horizon, &others, err);
    if (status != TFT_OK)
        return status;
    w->p50 = median_of(w, 0);
    for (size_t i = 0; i < w->n_hidden; i++)
        w->hidden[i].p50 = ok[1 + i] ? median_of(w, 1 + i) : (double)NAN;
    w->encoder_steps = count_encoder_steps(w);
    return TFT_OK;
}

/* ---- the text ------------------------------------------------------------------------------------------ */

typedef struct weight {
    const char *name;
    double value;
} weight;

static int heavier_first(const void *a, const void *b)
{
    const weight *const x = a, *const y = b;
    return x->value < y->value ? 1 : x->value > y->value ? -1 : strcmp(x->name, y->name);
}

/* Mean of `rows` rows of a list's weights, by name, heaviest first, scaled to sum to 1. */
static void make_weights(const tft_config *config, const tft_inputs *inputs, const float *values, size_t rows,
                         weight *out)
{
    const size_t n = (size_t)inputs->n_embeddings + inputs->n_reals;
    double sum = 0;
    for (size_t v = 0; v < n; v++) {
        out[v].name = v < inputs->n_embeddings ? config->embeddings[inputs->embeddings[v]].name
                                               : config->reals[inputs->reals[v - inputs->n_embeddings]].name;
        out[v].value = 0;
        for (size_t r = 0; r < rows; r++)
            out[v].value += (double)values[r * n + v];
        sum += out[v].value;
    }
    for (size_t v = 0; v < n && sum > 0; v++)
        out[v].value /= sum;
    qsort(out, n, sizeof *out, heavier_first);
}

static void put_weights(const weight *weights, size_t n, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        tft_text_puts(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
        json_put_string(out, weights[i].name);
        tft_text_puts(out, ", \"weight\": ");
        render_fixed(out, weights[i].value, 7);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

/* Attention of the step over the past, mean over heads, scaled to sum to 1. Returns the index of the largest. */
static size_t make_attention(const work *w, double *out)
{
    const size_t heads = w->config->n_heads, c = w->contract->context;
    double sum = 0;
    size_t largest = 0;
    for (size_t i = 0; i < w->encoder_steps; i++) {
        out[i] = 0;
        for (size_t h = 0; h < heads; h++)
            out[i] += (double)w->attention[(w->step * heads + h) * c + i];
        sum += out[i];
        largest = out[i] > out[largest] ? i : largest;
    }
    for (size_t i = 0; i < w->encoder_steps && sum > 0; i++)
        out[i] /= sum;
    return largest;
}

static int64_t past_ms(const work *w, size_t i)
{
    return (w->origin - (int64_t)w->encoder_steps + 1 + (int64_t)i) * w->contract->step_ms;
}

static void put_attention(const work *w, const double *attention, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t i = 0; i < w->encoder_steps; i++) {
        tft_text_puts(out, i > 0 ? ", {\"timestamp\": " : "{\"timestamp\": ");
        json_put_time_s(out, past_ms(w, i));
        tft_text_puts(out, ", \"weight\": ");
        render_fixed(out, attention[i], 7);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

static void put_occlusion(const work *w, tft_text *out)
{
    tft_text_puts(out, "[");
    for (size_t i = 0; i < w->n_hidden; i++) {
        const hidden *const h = &w->hidden[i];
        tft_text_puts(out, i > 0 ? ", {\"hidden\": " : "{\"hidden\": ");
        json_put_string(out, h->what);
        tft_text_puts(out, ", \"p50\": ");
        tft_text_json_fixed(out, h->p50, 4);
        tft_text_puts(out, ", \"change\": ");
        tft_text_json_fixed(out, h->p50 - w->p50, 4);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

/* "a (0.31), b (0.2) and c (0.1)" */
static void say_weights(const weight *weights, size_t n, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && i < N_TOLD && used < capacity; i++)
        used += (size_t)snprintf(out + used, capacity - used, "%s%s (%.2f)",
                                 i == 0                          ? ""
                                 : i + 1 == n || i + 1 == N_TOLD ? " and "
                                                                 : ", ",
                                 weights[i].name, weights[i].value);
}

static void put_sentence(tft_text *out, bool *first, const char *sentence)
{
    tft_text_puts(out, *first ? "" : ", ");
    json_put_string(out, sentence);
    *first = false;
}

/* What hiding a part does: the largest changes, in words. */
static void say_occlusion(const work *w, tft_text *out, bool *first)
{
    const tft_metric *const metric = &w->contract->metrics[w->metric];
    bool told[MAX_HIDDEN] = {false};
    for (size_t k = 0; k < N_TOLD; k++) {
        size_t best = w->n_hidden;
        for (size_t i = 0; i < w->n_hidden; i++) {
            // without its own past there is no scale to forecast in: true, and no news
            const bool own = strcmp(w->hidden[i].what, metric->name) == 0;
            const bool known = isfinite(w->hidden[i].p50) && !told[i] && !own;
            if (known && (best == w->n_hidden || fabs(w->hidden[i].p50 - w->p50) > fabs(w->hidden[best].p50 - w->p50)))
                best = i;
        }
        const double change = best < w->n_hidden ? w->hidden[best].p50 - w->p50 : 0;
        if (fabs(change) < 0.005 * fmax(fabs(w->p50), 1))
            return; // what is left hardly matters
        char text[320];
        told[best] = true;
        snprintf(text, sizeof text, "Without %s the forecast would be %.4g %s %s.", w->hidden[best].what, fabs(change),
                 metric->unit, change > 0 ? "higher" : "lower");
        put_sentence(out, first, text);
    }
}

static void put_drivers(const work *w, const weight *of_past, const weight *of_known, const weight *of_static,
                        size_t largest, double share, tft_text *out)
{
    char list[256], text[480], stamp[TFT_TIME_TEXT];
    bool first = true;
    tft_text_puts(out, "[");
    say_occlusion(w, out, &first);
    say_weights(of_past, w->n_encoder, list, sizeof list);
    snprintf(text, sizeof text, "Of what happened, %s count most.", list);
    if (w->n_encoder > 1)
        put_sentence(out, &first, text);
    say_weights(of_known, w->n_decoder, list, sizeof list);
    snprintf(text, sizeof text, "Of what is known ahead, %s count most.", list);
    if (w->n_decoder > 1)
        put_sentence(out, &first, text);
    say_weights(of_static, w->n_static, list, sizeof list);
    snprintf(text, sizeof text, "Of the server's summary, %s count most.", list);
    if (w->n_static > 1)
        put_sentence(out, &first, text);
    if (w->encoder_steps > 0) {
        tft_time_format_s(past_ms(w, largest), stamp);
        snprintf(text, sizeof text, "It looks most at %s, with %.0f %% of its attention to the past.", stamp,
                 100 * share);
        put_sentence(out, &first, text);
    }
    tft_text_puts(out, "]");
}

static void put_head(const forecast_snapshot *s, const server_view *view, const work *w, const float *rows,
                     tft_text *out)
{
    const tft_metric *const metric = &w->contract->metrics[w->metric];
    static const struct {
        const char *name;
        size_t q;
    } shown[] = {{"p10", 1}, {"p50", 3}, {"p90", 5}};
    tft_text_puts(out, "{\"server_name\": ");
    tft_text_json_string(out, view->name, view->name_length);
    tft_text_puts(out, ", ");
    view_put_forecast_head(s, out);
    tft_text_puts(out, ", \"metric\": ");
    json_put_string(out, metric->name);
    tft_text_puts(out, ", \"unit\": ");
    json_put_string(out, metric->unit);
    tft_text_printf(out, ", \"step\": %zu, \"timestamp\": ", w->step + 1);
    json_put_time_s(out, snapshot_time_ms(s, w->step));
    for (size_t i = 0; i < 3; i++) {
        tft_text_printf(out, ", \"%s\": ", shown[i].name);
        tft_text_json_fixed(out, (double)rows[shown[i].q * s->horizon + w->step], 4);
    }
    tft_text_printf(out, ", \"same_records\": %s", w->same ? "true" : "false");
}

static tft_status write_text(const forecast_snapshot *s, const server_view *view, const work *w, tft_text *out,
                             tft_error *err)
{
    const size_t n = w->n_static + w->n_encoder + w->n_decoder;
    weight *const weights = calloc(n + 1, sizeof *weights);
    double *const attention = calloc(w->contract->context, sizeof *attention);
    float *const rows = snapshot_rows_new(s);
    if (weights == NULL || attention == NULL || rows == NULL) {
        free(rows);
        free(weights);
        free(attention);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for an explanation");
    }
    weight *const of_static = weights, *const of_past = of_static + w->n_static,
                  *const of_known = of_past + w->n_encoder;
    make_weights(w->config, &w->config->static_inputs, w->static_weights, 1, of_static);
    make_weights(w->config, &w->config->encoder_inputs, w->encoder_weights, w->encoder_steps, of_past);
    make_weights(w->config, &w->config->decoder_inputs, w->decoder_weights + w->step * w->n_decoder, 1, of_known);
    const size_t largest = make_attention(w, attention);
    put_head(s, view, w, snapshot_rows(s, view->id, w->metric, rows), out);
    free(rows);
    tft_text_puts(out, ", \"drivers\": ");
    put_drivers(w, of_past, of_known, of_static, largest, w->encoder_steps > 0 ? attention[largest] : 0, out);
    tft_text_puts(out, ", \"selection\": {\"static\": ");
    put_weights(of_static, w->n_static, out);
    tft_text_puts(out, ", \"encoder\": ");
    put_weights(of_past, w->n_encoder, out);
    tft_text_puts(out, ", \"decoder\": ");
    put_weights(of_known, w->n_decoder, out);
    tft_text_puts(out, "}, \"attention\": ");
    put_attention(w, attention, out);
    tft_text_puts(out, ", \"occlusion\": ");
    put_occlusion(w, out);
    tft_text_puts(out, "}");
    free(weights);
    free(attention);
    return out->failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory for an explanation") : TFT_OK;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

/* The served model, opened a second time; the one before is closed where another serves now. */
static tft_status open_model(explainer *e, const server *srv, const forecast_snapshot *s, tft_error *err)
{
    if (e->open && strcmp(e->model.directory, s->model_directory) == 0 && e->model.precision == s->precision)
        return TFT_OK;
    close_model(e);
    if (!s->has_model || srv->options.open_model == NULL)
        return tft_fail(err, TFT_ERR_STATE, "there is no model");
    const tft_status status = srv->options.open_model(s->model_directory, 1, s->precision, &e->model, err);
    e->open = status == TFT_OK;
    return status;
}

static size_t inputs_of(const tft_inputs *inputs)
{
    return (size_t)inputs->n_embeddings + inputs->n_reals;
}

static tft_status explain(explainer *e, const server *srv, const forecast_snapshot *s, const server_view *view,
                          size_t metric, size_t step, tft_text *out, tft_error *err)
{
    tft_status status = open_model(e, srv, s, err);
    if (status != TFT_OK)
        return status;
    work *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for an explanation");
    const tft_config *const config = &e->model.config;
    w->contract = &e->model.contract;
    w->config = config;
    w->of = view->forecast;
    w->metric = metric;
    w->step = step;
    w->window_steps = srv->window_steps;
    w->origin = s->origin_ms / w->contract->step_ms;
    w->n_static = inputs_of(&config->static_inputs);
    w->n_encoder = inputs_of(&config->encoder_inputs);
    w->n_decoder = inputs_of(&config->decoder_inputs);
    tft_series_init(&w->series, w->contract->n_metrics, 0);
    bool taken = fleet_copy_steps(srv->fleet, view->id, INT64_MIN, INT64_MAX, &w->series, NULL) == TFT_OK;
    fleet_read_lock(srv->fleet);
    w->same = fleet_at(srv->fleet, view->id)->version == view->forecast->version;
    fleet_read_unlock(srv->fleet);
    taken = taken && make_hidden(w) && take_memory(w);
    status = taken ? run(&e->model, w, err) : tft_fail(err, TFT_ERR_MEMORY, "no memory for an explanation");
    if (status == TFT_OK)
        status = write_text(s, view, w, out, err);
    free_work(w);
    return status;
}

tft_status explain_server(explainer *e, server *srv, const forecast_snapshot *s, const server_view *view, size_t metric,
                          size_t step, tft_text *out, tft_error *err)
{
    if (view->forecast == NULL || view->forecast->model_type != SNAPSHOT_TFT || !s->has_model)
        return tft_fail(err, TFT_ERR_STATE, "the network has not forecast this server: its forecast is heuristic");
    if (atomic_fetch_add(&e->asked, 1) >= MAX_ASKED) {
        atomic_fetch_sub(&e->asked, 1);
        return tft_fail(err, TFT_ERR_BUSY, "other explanations are being made");
    }
    const explain_key key = {s->sequence, view->id, metric, step};
    tft_status status = TFT_OK;
    pthread_mutex_lock(&e->lock);
    size_t i = 0;
    while (i < EXPLAIN_KEPT && (e->keys[i].sequence != key.sequence || e->keys[i].server != key.server ||
                                e->keys[i].metric != key.metric || e->keys[i].step != key.step))
        i++;
    if (i == EXPLAIN_KEPT) {
        i = e->next;
        e->keys[i] = (explain_key){0};
        tft_text_free(&e->texts[i]);
        e->texts[i] = tft_text_new(MAX_TEXT);
        status = explain(e, srv, s, view, metric, step, &e->texts[i], err);
        if (status == TFT_OK) {
            e->keys[i] = key;
            e->next = (i + 1) % EXPLAIN_KEPT;
        }
    }
    if (status == TFT_OK)
        tft_text_add(out, e->texts[i].bytes, e->texts[i].n);
    pthread_mutex_unlock(&e->lock);
    atomic_fetch_sub(&e->asked, 1);
    return status;
}
