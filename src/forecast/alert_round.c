/* alert_round.c - see alert_round.h. */
#include "forecast/alert_round.h"

#include <math.h>
#include <string.h>

/* A round under way. */
typedef struct walk {
    const alert_round *round;
    snapshot_slot *out;
    alert_frame frame;
    const alert *old; // what has not been met yet
    size_t n_old;
    const float *rows; // of the server and metric at hand; NULL = none
    alert_counts *counts;
    tft_error *err;
} walk;

static const char *metric_name(const walk *w, size_t metric)
{
    return metric == ALERT_METRICS ? "" : w->round->contract->metrics[metric].name;
}

static tft_status add_ended(walk *w, const alert *a)
{
    snapshot_slot *const out = w->out;
    const tft_status status = slot_reserve_ended(out, out->s.n_ended + 1, w->err);
    if (status == TFT_OK)
        out->ended[out->s.n_ended++] = *a;
    return status;
}

static tft_status add_open(walk *w, const alert *a)
{
    const tft_status status = slot_reserve_alerts(w->out, w->out->s.n_alerts + 1, w->err);
    if (status == TFT_OK)
        w->out->alerts[w->out->s.n_alerts++] = *a;
    return status;
}

/* An old alert that no rule asked after: its metric is gone, or too long has passed. */
static tft_status leave_behind(walk *w, const alert *old)
{
    alert a = *old;
    const alert_condition gone = {.exists = false};
    if (alert_live(w->round->settings, &gone, true, w->round->now_ms, &a) != ALERT_FATE_ENDED)
        return TFT_OK;
    return add_ended(w, &a);
}

/* The old alert with this key, or NULL; those before it in the order are left behind. */
static tft_status meet(walk *w, const alert *key, const alert **old)
{
    *old = NULL;
    while (w->n_old > 0) {
        const int order = alert_compare_keys(w->old, key);
        if (order > 0)
            break;
        const alert *const first = w->old++;
        w->n_old--;
        if (order == 0) {
            *old = first;
            break;
        }
        const tft_status status = leave_behind(w, first);
        if (status != TFT_OK)
            return status;
    }
    return TFT_OK;
}

/* One of the fleet goes on while nobody says how good forecasts are: after a start it takes a while to know again. */
static tft_status carry(walk *w, const alert *old)
{
    alert a = *old;
    a.changed = a.just_fired = false;
    return add_open(w, &a);
}

static tft_status step(walk *w, const alert *key, const alert *old, const alert_condition *condition)
{
    alert a = old != NULL ? *old : *key;
    const alert_fate fate = alert_live(w->round->settings, condition, old != NULL, w->round->now_ms, &a);
    if (fate == ALERT_FATE_ENDED)
        return add_ended(w, &a);
    if (fate == ALERT_FATE_NONE)
        return TFT_OK;
    const snapshot_server *const server = a.server == ALERT_FLEET ? NULL : &w->out->servers[a.server];
    if (old == NULL || a.starts_ms != old->starts_ms)
        alert_make_id(server != NULL ? server->name : "", server != NULL ? server->name_length : 0, a.kind,
                      metric_name(w, a.metric), a.severity, a.starts_ms, a.id);
    return add_open(w, &a);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static alert_condition judge(const walk *w, const alert *key, bool was_open)
{
    const alert_round *const r = w->round;
    const snapshot_server *const s = &w->out->servers[key->server];
    const bool critical = key->severity == ALERT_CRITICAL;
    if (key->kind == ALERT_THRESHOLD) {
        const size_t m = key->metric;
        const risk_threshold threshold = r->risk->thresholds[s->profile][m];
        return alert_rule_threshold(r->settings, &w->frame, w->rows, critical ? threshold.critical : threshold.warning,
                                    s->current[m], was_open);
    }
    if (key->kind == ALERT_INCIDENT)
        return alert_rule_incident(r->settings, &w->frame, snapshot_incident(&w->out->s, key->server, r->curve),
                                   r->settings->incident_levels[critical]);
    const alert_absence absence = {s->state == TFT_STATE_OFFLINE, s->planned || s->maintenance, s->last_seen_ms};
    return alert_rule_silent(r->settings, &w->frame, &absence, critical ? r->stale_after_ms : r->offline_after_ms);
}

static tft_status step_rule(walk *w, size_t server, alert_kind kind, size_t metric)
{
    tft_status status = TFT_OK;
    for (alert_severity severity = ALERT_WARNING; severity <= ALERT_CRITICAL && status == TFT_OK; severity++) {
        const alert key = {.server = server, .kind = kind, .metric = metric, .severity = severity};
        const alert *old;
        status = meet(w, &key, &old);
        if (status != TFT_OK)
            return status;
        const alert_condition condition = judge(w, &key, old != NULL);
        if (old != NULL || condition.set)
            status = step(w, &key, old, &condition);
    }
    return status;
}

static tft_status step_server(walk *w, size_t server)
{
    tft_status status = TFT_OK;
    for (size_t m = 0; m < w->out->s.n_targets && status == TFT_OK; m++) {
        w->rows = snapshot_rows(&w->out->s, server, m, w->round->rows); // for both severities
        status = step_rule(w, server, ALERT_THRESHOLD, m);
    }
    if (status == TFT_OK)
        status = step_rule(w, server, ALERT_INCIDENT, ALERT_METRICS);
    if (status == TFT_OK)
        status = step_rule(w, server, ALERT_SILENT, ALERT_METRICS);
    return status;
}

static tft_status step_fleet(walk *w)
{
    tft_status status = TFT_OK;
    for (alert_kind kind = ALERT_DRIFT; kind <= ALERT_QUALITY; kind++)
        for (size_t i = 0; i < w->round->n_quality && status == TFT_OK; i++) {
            const alert_quality *const q = &w->round->quality[i];
            const alert key = {.server = ALERT_FLEET, .kind = kind, .metric = q->metric, .severity = ALERT_WARNING};
            const alert *old;
            status = meet(w, &key, &old);
            const alert_condition condition = kind == ALERT_DRIFT ? alert_rule_drift(w->round->settings, q)
                                                                  : alert_rule_quality(w->round->settings, q);
            if (status == TFT_OK && (old != NULL || condition.set))
                status = step(w, &key, old, &condition);
        }
    return status;
}

/* ---- marks and inhibition --------------------------------------------------------------------------------------- */

static void mark(const walk *w, alert *a)
{
    const alert_hooks *const hooks = w->round->hooks;
    const snapshot_server *const server = a->server == ALERT_FLEET ? NULL : &w->out->servers[a->server];
    const tft_metric *const metric = a->metric == ALERT_METRICS ? NULL : &w->round->contract->metrics[a->metric];
    const alert_mute before = a->mute;
    a->mute = ALERT_HEARD;
    a->silence[0] = '\0';
    a->acknowledged = false;
    if (hooks->mark != NULL && hooks->mark(hooks->context, server, metric, w->round->now_ms, a))
        a->mute = ALERT_SILENCED;
    if (server != NULL && server->maintenance)
        a->mute = ALERT_MAINTENANCE;
    a->changed = a->changed || a->mute != before;
}

/* The first alert of `server` that fires at critical and is heard, or NULL. The list is in the order of servers. */
static const alert *critical_of(const snapshot_slot *out, size_t server)
{
    size_t low = 0, high = out->s.n_alerts;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (out->alerts[middle].server < server)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < out->s.n_alerts && out->alerts[low].server == server; low++)
        if (out->alerts[low].severity == ALERT_CRITICAL && out->alerts[low].status == ALERT_FIRING)
            return &out->alerts[low];
    return NULL;
}

static void inhibit(const walk *w, size_t i)
{
    snapshot_slot *const out = w->out;
    alert *const a = &out->alerts[i];
    const alert_hooks *const hooks = w->round->hooks;
    char before[ALERT_ID_BYTES];
    memcpy(before, a->inhibited_by, sizeof before);
    a->inhibited_by[0] = '\0';
    const alert *by = NULL;
    if (a->severity == ALERT_WARNING && i + 1 < out->s.n_alerts) { // critical follows its warning in the order
        const alert *const next = &out->alerts[i + 1];
        if (next->server == a->server && next->kind == a->kind && next->metric == a->metric &&
            next->status == ALERT_FIRING)
            by = next;
    }
    if (by == NULL && hooks->upstream_of != NULL && a->server != ALERT_FLEET) {
        const size_t cause = hooks->upstream_of(hooks->context, a->server);
        if (cause < out->s.n_servers && cause != a->server)
            by = critical_of(out, cause);
    }
    if (by != NULL)
        memcpy(a->inhibited_by, by->id, sizeof a->inhibited_by);
    a->changed = a->changed || strcmp(before, a->inhibited_by) != 0;
}

static alert_name name_of(const void *context, size_t server)
{
    const snapshot_slot *const slot = context;
    return (alert_name){slot->servers[server].name, slot->servers[server].name_length};
}

/* Whether the alerts of the snapshot before may go on: while a history is fed in, days pass between two snapshots. */
static bool go_on(const alert_round *r)
{
    const int64_t gap_ms = r->now_ms - r->previous_now_ms, most_ms = r->settings->lookahead_ms;
    return r->restored || (gap_ms <= most_ms && gap_ms >= -most_ms);
}

tft_status alert_round_run(const alert_round *round, snapshot_slot *out, alert_counts *counts, tft_error *err)
{
    walk w = {.round = round,
              .out = out,
              .frame = {round->now_ms, out->s.first_ms, round->contract->step_ms, round->contract->horizon},
              .old = round->old,
              .n_old = round->n_old,
              .counts = counts,
              .err = err};
    tft_status status = TFT_OK;
    out->s.n_alerts = out->s.n_ended = 0;
    while (!go_on(round) && w.n_old > 0 && status == TFT_OK) {
        status = leave_behind(&w, w.old++);
        w.n_old--;
    }
    for (size_t id = 0; id < out->s.n_servers && status == TFT_OK; id++)
        status = step_server(&w, id);
    if (status == TFT_OK)
        status = step_fleet(&w);
    for (; w.n_old > 0 && status == TFT_OK; w.n_old--, w.old++)
        status = w.old->server == ALERT_FLEET && round->n_quality == 0 ? carry(&w, w.old) : leave_behind(&w, w.old);
    if (status != TFT_OK)
        return status;
    for (size_t i = 0; i < out->s.n_alerts; i++)
        mark(&w, &out->alerts[i]);
    for (size_t i = 0; i < out->s.n_alerts; i++) {
        inhibit(&w, i);
        const alert *const a = &out->alerts[i];
        counts->fired[a->kind][a->severity] += a->just_fired && alert_is_heard(a);
    }
    out->s.n_firing = alert_order(round->contract, out->alerts, out->s.n_alerts, name_of, out, out->order);
    return TFT_OK;
}
