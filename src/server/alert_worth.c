/* alert_worth.c - see alert_worth.h. */
#include "server/alert_worth.h"

#include <math.h>
#include <string.h>

#include "forecast/snapshot.h"

void alert_worth_init(alert_worth *worth)
{
    memset(worth, 0, sizeof *worth);
    pthread_mutex_init(&worth->lock, NULL);
}

void alert_worth_free(alert_worth *worth)
{
    pthread_mutex_destroy(&worth->lock);
}

void alert_worth_model(alert_worth *worth, const tft_alert_record *record)
{
    pthread_mutex_lock(&worth->lock);
    worth->known.model = *record;
    memset(worth->known.own, 0, sizeof worth->known.own);
    pthread_mutex_unlock(&worth->lock);
}

void alert_worth_contract(alert_worth *worth, const tft_contract *contract)
{
    pthread_mutex_lock(&worth->lock);
    worth->known.step_ms = contract->step_ms;
    worth->known.within_ms = (int64_t)contract->horizon * contract->step_ms;
    pthread_mutex_unlock(&worth->lock);
}

void alert_worth_horizon(alert_worth *worth, int64_t horizon_ms)
{
    pthread_mutex_lock(&worth->lock);
    worth->known.horizon_ms = horizon_ms;
    pthread_mutex_unlock(&worth->lock);
}

void alert_worth_record(alert_worth *worth, const track_incidents *incidents)
{
    pthread_mutex_lock(&worth->lock);
    memcpy(worth->known.own, incidents, sizeof worth->known.own);
    pthread_mutex_unlock(&worth->lock);
}

/* Counts of the daemon's own record, where it has enough of them. */
static bool find_own(const alert_counts_known *known, double level, alert_expectation *out)
{
    for (size_t h = 0; h < TRACK_N_HORIZONS; h++) {
        for (size_t l = 0; l < TRACK_N_LEVELS && snapshot_horizon_ms[h] == known->horizon_ms; l++) {
            const track_incidents *const counted = &known->own[h];
            if (fabs(track_levels[l] - level) > 1e-6 || !(counted->raised[l] >= ALERT_WORTH_OWN))
                continue;
            *out = (alert_expectation){.raised = (uint64_t)llround(counted->raised[l]),
                                       .followed = (uint64_t)llround(counted->followed[l]),
                                       .within_ms = known->within_ms,
                                       .own = true};
            return true;
        }
    }
    return false;
}

bool alert_worth_find(const alert_counts_known *known, double level, alert_expectation *out)
{
    if (find_own(known, level, out))
        return true;
    *out = (alert_expectation){.within_ms = (int64_t)known->model.within * known->step_ms};
    return known->step_ms > 0 && known->horizon_ms > 0 &&
           tft_alert_record_find(&known->model, (uint32_t)(known->horizon_ms / known->step_ms), level, &out->raised,
                                 &out->followed);
}

bool alert_worth_of(void *context, const store_alert *row, alert_expectation *out)
{
    alert_worth *const worth = context;
    if (strcmp(row->kind, "incident") != 0 || isnan(row->threshold))
        return false;
    pthread_mutex_lock(&worth->lock);
    const bool found = alert_worth_find(&worth->known, row->threshold, out);
    pthread_mutex_unlock(&worth->lock);
    return found;
}
