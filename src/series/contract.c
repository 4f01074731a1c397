/* contract.c - see tft/contract.h: the default contract, and what makes a contract usable.
 *
 * The default's four metrics, their bounds and their old names are those of CONTRACT 1.1 and 1.2. Scale floors are
 * chosen where a difference stops meaning anything: a tenth of a percent of a CPU, a kilobyte per second, a tenth of
 * a millisecond. They keep a machine that is idle for a week from dividing by zero, and its noise from looking like
 * a signal.
 */
#include <math.h>
#include <string.h>

#include "tft/contract.h"

#define MIN_STEP_MS 1000
#define MAX_STEP_MS 86400000
#define MAX_STEPS 100000 // of context, horizon and memory: bounds what a model file can make us allocate

static tft_metric metric(const char *name, const char *legacy_name, const char *unit, double max, double scale_floor)
{
    tft_metric m = {.min = 0.0, .max = max, .scale_floor = scale_floor, .target = true};
    strncpy(m.name, name, sizeof m.name - 1);
    strncpy(m.legacy_name, legacy_name, sizeof m.legacy_name - 1);
    strncpy(m.unit, unit, sizeof m.unit - 1);
    return m;
}

tft_contract tft_contract_default(void)
{
    tft_contract contract = {
        .version = "1.0.0",
        .n_metrics = 4,
        .has_state = true,
        .has_profile = true,
        .step_ms = 300000,
        .context = 288,
        .horizon = 96,
        .memory = 2304,
        .incident = {.by_metric = false, .metric = 0, .level = 90.0, .steps = 3},
    };
    contract.metrics[0] = metric("cpu_pct", "cpu_percent", "%", 100.0, 0.1);
    contract.metrics[1] = metric("mem_pct", "memory_percent", "%", 100.0, 0.1);
    contract.metrics[2] = metric("disk_io_mb_s", "disk_percent", "MB/s", 1e6, 0.001);
    contract.metrics[3] = metric("latency_ms", "load_average", "ms", 86400000.0, 0.1);
    return contract;
}

static tft_status check_metric(const tft_contract *contract, size_t i, tft_error *err)
{
    const tft_metric *const m = &contract->metrics[i];
    const size_t length = strnlen(m->name, sizeof m->name);
    if (length == 0 || length == sizeof m->name)
        return tft_fail(err, TFT_ERR_ARGUMENT, "metric %zu: its name must have 1 to %d bytes", i,
                        TFT_MAX_METRIC_NAME - 1);
    if (strnlen(m->legacy_name, sizeof m->legacy_name) == sizeof m->legacy_name ||
        strnlen(m->unit, sizeof m->unit) == sizeof m->unit)
        return tft_fail(err, TFT_ERR_ARGUMENT, "metric %s: its legacy name or unit is too long", m->name);
    for (size_t k = 0; k < i; k++) {
        if (strcmp(contract->metrics[k].name, m->name) == 0)
            return tft_fail(err, TFT_ERR_ARGUMENT, "metric %s is there twice", m->name);
    }
    if (!(m->min < m->max))
        return tft_fail(err, TFT_ERR_ARGUMENT, "metric %s: its range is %g to %g, the minimum must be the smaller one",
                        m->name, m->min, m->max);
    if (!(m->scale_floor > 0.0) || !isfinite(m->scale_floor))
        return tft_fail(err, TFT_ERR_ARGUMENT, "metric %s: scale_floor is %g, must be above 0 and finite", m->name,
                        m->scale_floor);
    if (m->target && i > 0 && !contract->metrics[i - 1].target)
        return tft_fail(err, TFT_ERR_ARGUMENT, "metric %s is a target behind an observed one; targets come first",
                        m->name);
    return TFT_OK;
}

static tft_status check_size(const char *what, size_t value, size_t low, size_t high, tft_error *err)
{
    if (value < low || value > high)
        return tft_fail(err, TFT_ERR_ARGUMENT, "%s is %zu, must be %zu to %zu", what, value, low, high);
    return TFT_OK;
}

tft_status tft_contract_check(const tft_contract *contract, tft_error *err)
{
    if (strnlen(contract->version, sizeof contract->version) == sizeof contract->version)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the version must have at most %zu bytes", sizeof contract->version - 1);
    tft_status status = check_size("the number of metrics", contract->n_metrics, 1, TFT_MAX_METRICS, err);
    for (size_t i = 0; status == TFT_OK && i < contract->n_metrics; i++)
        status = check_metric(contract, i, err);
    if (status != TFT_OK)
        return status;
    if (!contract->metrics[0].target)
        return tft_fail(err, TFT_ERR_ARGUMENT, "no metric is a target; at least one must be forecast");
    if (contract->step_ms < MIN_STEP_MS || contract->step_ms > MAX_STEP_MS)
        return tft_fail(err, TFT_ERR_ARGUMENT, "step_ms is %lld, must be %d to %d", (long long)contract->step_ms,
                        MIN_STEP_MS, MAX_STEP_MS);
    status = check_size("context", contract->context, 2, MAX_STEPS, err);
    if (status == TFT_OK)
        status = check_size("horizon", contract->horizon, 1, MAX_STEPS, err);
    if (status == TFT_OK)
        status = check_size("memory", contract->memory, contract->context, MAX_STEPS, err);
    if (status != TFT_OK || !contract->incident.by_metric)
        return status;

    const tft_incident_rule *const rule = &contract->incident;
    if (rule->metric >= contract->n_metrics)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the incident rule names metric %zu of %zu", rule->metric,
                        contract->n_metrics);
    if (!isfinite(rule->level))
        return tft_fail(err, TFT_ERR_ARGUMENT, "the incident rule's level must be finite");
    return check_size("the incident rule's number of steps", rule->steps, 1, contract->memory, err);
}

size_t tft_contract_targets(const tft_contract *contract)
{
    size_t n = 0;
    while (n < contract->n_metrics && contract->metrics[n].target)
        n++;
    return n;
}

int tft_contract_find(const tft_contract *contract, const char *name, size_t n)
{
    for (size_t i = 0; i < contract->n_metrics; i++) {
        const char *const own = contract->metrics[i].name;
        if (strlen(own) == n && memcmp(own, name, n) == 0)
            return (int)i;
    }
    return -1;
}
