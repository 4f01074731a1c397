/* route_quality.c - GET /quality: how good the forecasts of the last days were, measured against what came.
 *
 * Everything is summed up when forecasts are scored (track/track.h); a request only adds rows of sums. The answer to a query is
 * kept until the next forecast has been scored, so that many people looking at the same page cost one reading.
 *
 * Memory:  at most CACHED answers. Threads: any.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/render.h"
#include "server/routes.h"
#include "server/views.h"
#include "track/report.h"

#define WEEK_MS ((int64_t)7 * 86400000)
#define CACHED 8
#define MAX_TEXT ((size_t)64 << 20)

struct quality_cache {
    pthread_mutex_t lock; // guards all
    struct {
        char key[512]; // "" = free
        uint64_t generation, used;
        tft_text text;
    } answers[CACHED];
    uint64_t clock;
};

struct quality_cache *quality_cache_open(void)
{
    struct quality_cache *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    for (size_t i = 0; i < CACHED; i++)
        c->answers[i].text = tft_text_new(MAX_TEXT);
    return c;
}

void quality_cache_close(struct quality_cache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < CACHED; i++)
        tft_text_free(&c->answers[i].text);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool recall(struct quality_cache *c, const char *key, uint64_t generation, tft_text *out)
{
    bool found = false;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < CACHED && !found; i++) {
        found = c->answers[i].generation == generation && strcmp(c->answers[i].key, key) == 0;
        if (found) {
            c->answers[i].used = ++c->clock;
            tft_text_add(out, c->answers[i].text.bytes, c->answers[i].text.n);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void remember(struct quality_cache *c, const char *key, uint64_t generation, const tft_text *text)
{
    size_t oldest = 0;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 1; i < CACHED; i++)
        oldest = c->answers[i].used < c->answers[oldest].used ? i : oldest;
    snprintf(c->answers[oldest].key, sizeof c->answers[oldest].key, "%s", key);
    c->answers[oldest].generation = generation;
    c->answers[oldest].used = ++c->clock;
    tft_text_clear(&c->answers[oldest].text);
    tft_text_add(&c->answers[oldest].text, text->bytes, text->n);
    if (c->answers[oldest].text.failed)
        c->answers[oldest].key[0] = '\0';
    pthread_mutex_unlock(&c->lock);
}

/* ---- what is asked for --------------------------------------------------------------------------------- */

typedef struct quality_wish {
    track_query query;
    bool by_horizon;
    const server *srv;
} quality_wish;

static bool take_group(void *context, const char *item, size_t n)
{
    quality_wish *const w = context;
    static const char *const words[] = {"metric", "horizon", "profile", "server", "model"};
    bool unused = false; // metrics are always apart
    bool *const flags[] = {&unused, &w->by_horizon, &w->query.by_profile, &w->query.by_server, &w->query.by_model};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == n && memcmp(words[i], item, n) == 0) {
            *flags[i] = true;
            return true;
        }
    }
    return false;
}

static bool read_wish(const server *srv, const http_request *request, http_reply *reply, quality_wish *w)
{
    api_span span;
    const char *const metric = http_query(request, "metric");
    *w = (quality_wish){.query = {.metric = -1, .server = -1}, .srv = srv};
    if (!api_read_span(request, reply, WEEK_MS, &span) ||
        !api_each_item(request, reply, "group_by", "metric, horizon, profile, server or model", take_group, w))
        return false;
    w->query.from_ms = span.from_ms;
    w->query.to_ms = span.to_ms;
    if (metric != NULL) {
        w->query.metric = tft_contract_find(&srv->contract, metric, strlen(metric));
        if (w->query.metric < 0)
            return api_bad_parameter(request, reply, "metric", "a metric of the contract");
    }
    if (http_query(request, "server") == NULL)
        return true;
    const size_t id = view_server_asked(srv, request, reply);
    if (id == FLEET_NO_SERVER)
        return false;
    w->query.server = (int64_t)id;
    return true;
}

static int profile_of(void *context, int64_t server_index)
{
    const server *const srv = context;
    int profile = -1;
    fleet_read_lock(srv->fleet);
    if ((size_t)server_index < fleet_size(srv->fleet) && !fleet_at(srv->fleet, (size_t)server_index)->forgotten)
        profile = (int)fleet_at(srv->fleet, (size_t)server_index)->profile;
    fleet_read_unlock(srv->fleet);
    return profile;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void put_number(tft_text *out, const char *key, double value, int decimals)
{
    tft_text_printf(out, ", \"%s\": ", key);
    if (isfinite(value))
        render_fixed(out, value, decimals);
    else
        tft_text_puts(out, "null");
}

static void put_figures(tft_text *out, const score_sums *s)
{
    tft_text_printf(out, "\"n\": %llu", (unsigned long long)s->n);
    put_number(out, "mae", score_mae(s), 6);
    put_number(out, "q_risk_p50", score_q_risk(s, SCORE_P50), 6);
    put_number(out, "q_risk_p90", score_q_risk(s, SCORE_P90), 6);
    put_number(out, "crps", score_crps(s), 6);
    put_number(out, "coverage_p10_p90", score_coverage_80(s), 6);
    put_number(out, "coverage_p02_p98", score_coverage_96(s), 6);
    put_number(out, "width", score_width_80(s), 6);
}

/* Whose figures they are: the members in front of them. */
static void put_whose(tft_text *out, const quality_wish *w, const track_group *g)
{
    if (w->query.by_model) {
        tft_text_puts(out, ", \"model\": ");
        json_put_string(out, g->model);
    }
    if (g->group == TRACK_EVERY)
        return;
    if (g->group < 0) {
        tft_text_printf(out, ", \"profile\": \"%s\"", tft_profile_name((tft_profile)(-1 - g->group)));
        return;
    }
    fleet_read_lock(w->srv->fleet);
    const fleet_server *const of = fleet_at(w->srv->fleet, (size_t)g->group);
    tft_text_puts(out, ", \"server_name\": ");
    tft_text_json_string(out, of->name, of->name_length);
    tft_text_printf(out, ", \"profile\": \"%s\"", tft_profile_name(of->profile));
    fleet_read_unlock(w->srv->fleet);
}

static void put_horizon(tft_text *out, const tft_contract *c, size_t band)
{
    const score_bands bands = score_bands_of(c->horizon);
    const int64_t minute = 60000;
    tft_text_printf(out,
                    ", \"horizon\": {\"first_step\": %zu, \"last_step\": %zu, \"from_minutes\": %lld, "
                    "\"to_minutes\": %lld}",
                    bands.first[band], bands.last[band],
                    (long long)((int64_t)(bands.first[band] - 1) * c->step_ms / minute),
                    (long long)((int64_t)bands.last[band] * c->step_ms / minute));
}

static void put_scores(tft_text *out, const quality_wish *w, const track_group *g, size_t band, size_t *n)
{
    const tft_contract *const c = &w->srv->contract;
    const score_sums ours = track_sums_of(g->sums, band, 0);
    if (ours.n == 0)
        return;
    const char *best = NULL;
    const double skill = track_skill_of(g->sums, band, &best);
    tft_text_printf(out, "%s{\"metric\": \"%s\", \"unit\": ", (*n)++ > 0 ? ", " : "", c->metrics[g->metric].name);
    json_put_string(out, c->metrics[g->metric].unit);
    put_whose(out, w, g);
    if (band < SCORE_MAX_BANDS)
        put_horizon(out, c, band);
    tft_text_puts(out, ", ");
    put_figures(out, &ours);
    put_number(out, "skill", skill, 6);
    tft_text_puts(out, ", \"best_baseline\": ");
    json_put_string(out, best);
    tft_text_puts(out, ", \"baselines\": {");
    for (size_t f = 1; f < TRACK_N_FORECASTERS; f++) {
        const score_sums simple = track_sums_of(g->sums, band, f);
        tft_text_printf(out, "%s\"%s\": {", f > 1 ? ", " : "", track_baseline_names[f - 1]);
        put_figures(out, &simple);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "}}");
}

static void put_levels(tft_text *out, const track_incidents *i)
{
    tft_text_puts(out, ", \"levels\": [");
    for (size_t l = 0; l < TRACK_N_LEVELS; l++) {
        tft_text_puts(out, l > 0 ? ", {\"level\": " : "{\"level\": ");
        render_fixed(out, track_levels[l], 2);
        put_number(out, "precision", i->precision[l], 6);
        put_number(out, "recall", i->recall[l], 6);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

static void put_reliability(tft_text *out, const track_incidents *i)
{
    tft_text_puts(out, ", \"reliability\": [");
    for (size_t b = 0; b < TRACK_N_BINS; b++) {
        tft_text_puts(out, b > 0 ? ", {\"from\": " : "{\"from\": ");
        render_fixed(out, (double)b / TRACK_N_BINS, 1);
        put_number(out, "to", (double)(b + 1) / TRACK_N_BINS, 1);
        put_number(out, "n", i->bins[b].n, 0);
        put_number(out, "said", i->bins[b].said, 6);
        put_number(out, "came", i->bins[b].came, 6);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

static void put_incidents(tft_text *out, const quality_wish *w, const track_group *g, size_t horizon, size_t *n)
{
    const track_incidents i = track_incidents_of(g->sums, horizon);
    if (!(i.n > 0.0))
        return;
    tft_text_printf(out, "%s{\"horizon\": \"%s\"", (*n)++ > 0 ? ", " : "", snapshot_horizon_names[horizon]);
    put_whose(out, w, g);
    put_number(out, "n", i.n, 0);
    put_number(out, "positives", i.positives, 0);
    put_number(out, "base_rate", i.base_rate, 6);
    put_number(out, "brier", i.brier, 6);
    put_number(out, "brier_skill", i.brier_skill, 6);
    put_number(out, "log_loss", i.log_loss, 6);
    put_number(out, "log_loss_skill", i.log_loss_skill, 6);
    put_number(out, "ece", i.ece, 6);
    put_number(out, "lead_minutes_p50", i.lead * (double)snapshot_horizon_ms[horizon] / 60000.0, 1);
    put_levels(out, &i);
    put_reliability(out, &i);
    tft_text_puts(out, "}");
}

static void put_report(tft_text *out, const quality_wish *w, const track_report *r)
{
    size_t n = 0;
    tft_text_puts(out, "{\"from\": ");
    json_put_time_s(out, r->from_ms);
    tft_text_puts(out, ", \"to\": ");
    json_put_time_s(out, r->to_ms);
    tft_text_puts(out, ", \"scored_to\": ");
    json_put_time_s(out, r->scored_ms);
    tft_text_puts(out, ", \"items\": [");
    for (size_t g = 0; g < r->n && r->groups[g].metric >= 0; g++) {
        const size_t last = w->by_horizon ? score_bands_of(w->srv->contract.horizon).n : 1;
        for (size_t b = 0; b < last; b++)
            put_scores(out, w, &r->groups[g], w->by_horizon ? b : SCORE_MAX_BANDS, &n);
    }
    tft_text_puts(out, "], \"incidents\": [");
    n = 0;
    for (size_t g = 0; g < r->n; g++) {
        for (size_t h = 0; r->groups[g].metric < 0 && h < TRACK_N_HORIZONS; h++)
            put_incidents(out, w, &r->groups[g], h, &n);
    }
    tft_text_puts(out, "]}");
}

static void route_quality(void *context, const http_request *request, http_reply *reply)
{
    server *const srv = context;
    quality_wish wish;
    track_last last;
    tft_error err = {0};
    track_report report = {0};
    char key[512];
    if (!read_wish(srv, request, reply, &wish))
        return;
    track_read_last(srv->track, &last);
    snprintf(key, sizeof key, "%lld %lld %d%d%d%d %d %lld",
             (long long)tft_floor_to(wish.query.from_ms, TRACK_BUCKET_MS),
             (long long)tft_floor_to(wish.query.to_ms - 1, TRACK_BUCKET_MS), wish.by_horizon, wish.query.by_server,
             wish.query.by_profile, wish.query.by_model, wish.query.metric, (long long)wish.query.server);
    http_reply_field(reply, "Cache-Control", "no-cache");
    if (recall(srv->quality, key, last.generation, &reply->text))
        return;
    const tft_status status =
        track_report_make(srv->options.store.dir, &srv->contract, &wish.query, profile_of, srv, &report, &err);
    if (status == TFT_ERR_LIMIT) {
        http_reply_problem(reply, 422, "too-many-groups", "Too many groups",
                           "The answer would have %s; ask for one server, or group by less", err.text);
        return;
    }
    if (status != TFT_OK) {
        view_reply_unreadable(srv, reply, &err);
        return;
    }
    put_report(&reply->text, &wish, &report);
    track_report_free(&report);
    if (!reply->text.failed)
        remember(srv->quality, key, last.generation, &reply->text);
}

static const http_parameter of_quality[] = {
    {"from", API_STRING, "Begin of the span of origins, widened to six hours UTC; -7d where it is not given", NULL,
     false},
    {"to", API_STRING, "End of the span, exclusive", NULL, false},
    {"group_by", API_STRING, "metric, horizon, profile, server, model, by commas; metrics are always apart",
     "metric,horizon", false},
    {"metric", API_STRING, "One metric only", NULL, false},
    {"server", API_NAME, "One server only", NULL, false},
    {0}};

const http_route routes_quality[] = {
    {.path = "/api/v1/quality",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_quality,
     .parameters = of_quality,
     .tag = "Quality",
     .summary = "How good forecasts and probabilities were, against what came and against simple forecasters",
     .reply = "Quality",
     .statuses = "200 404 422 503"},
    {0}};
