/* train_data.c - see train_data.h. */
#include "cli/train_data.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

typedef struct input {
    char path[PATH_MAX];
    size_t group;
} input;

bool train_data_share(const char *text, size_t *n, double *share)
{
    const char *const at = strrchr(text, '@');
    char *end;
    *n = strlen(text);
    *share = -1;
    if (at == NULL || at == text || tft_file_exists(text))
        return true;
    const double value = strtod(at + 1, &end);
    if (end == at + 1 || *end != '\0')
        return true; // an '@' of the file's name
    *n = (size_t)(at - text);
    *share = value;
    return value > 0 && value <= 1;
}

/* Paths and groups of all files, and the groups' shares. */
static tft_status plan_inputs(const flag_list *files, input *inputs, train_data *data, tft_error *err)
{
    double sum = 0;
    size_t n_groups = 0;
    for (size_t i = 0; i < files->n; i++) {
        size_t n;
        double share;
        if (!train_data_share(files->items[i], &n, &share))
            return tft_fail(err, TFT_ERR_ARGUMENT, "%s: a share must be more than 0 and at most 1", files->items[i]);
        if (n >= sizeof inputs[i].path)
            return tft_fail(err, TFT_ERR_LIMIT, "a path of %zu bytes is too long", n);
        memcpy(inputs[i].path, files->items[i], n);
        inputs[i].path[n] = '\0';
        if (share > 0 || i == 0)
            data->share[n_groups++] = share;
        sum += share > 0 ? share : 0;
        inputs[i].group = n_groups - 1;
    }
    if (sum <= 0)
        return TFT_OK; // no shares: one group, drawn as it comes
    if (data->share[0] < 0) {
        if (sum >= 1)
            return tft_fail(err, TFT_ERR_ARGUMENT, "the shares add up to %g: nothing is left for %s", sum,
                            inputs[0].path);
        data->share[0] = 1 - sum;
    }
    data->n_groups = n_groups;
    return TFT_OK;
}

/* ---- columns -------------------------------------------------------------------------------------------------- */

typedef struct columns {
    bool metric[TFT_MAX_METRICS]; // of the spec's contract: some file has it
    bool state, profile;
} columns;

static tft_status look_at_header(const char *path, const model_spec *spec, columns *found, tft_error *err)
{
    char **names = NULL;
    size_t n = 0;
    const tft_status status = tft_csv_header(path, &names, &n, err);
    if (status != TFT_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        const int metric = tft_contract_find(&spec->contract, names[i], strlen(names[i]));
        if (metric >= 0)
            found->metric[metric] = true;
        found->state |= strcmp(names[i], spec->state[0] != '\0' ? spec->state : "state") == 0;
        found->profile |= strcmp(names[i], spec->profile[0] != '\0' ? spec->profile : "profile") == 0;
    }
    tft_csv_header_free(names, n);
    return TFT_OK;
}

static bool derives_states(const tft_contract *c)
{
    return tft_contract_find(c, "cpu_pct", 7) >= 0 || tft_contract_find(c, "mem_pct", 7) >= 0 ||
           tft_contract_find(c, "latency_ms", 10) >= 0;
}

/* The contract follows the files: metrics that none has are left out (an error where they were asked for). */
static tft_status settle_contract(model_spec *spec, const columns *found, tft_error *err)
{
    tft_contract *const c = &spec->contract;
    size_t n = 0;
    for (size_t m = 0; m < c->n_metrics; m++) {
        if (!found->metric[m] && spec->metrics_given)
            return tft_fail(err, TFT_ERR_MISMATCH, "no file has a column \"%s\"", c->metrics[m].name);
        if (!found->metric[m])
            continue;
        spec->floor_given[n] = spec->metrics_given ? spec->floor_given[m] : true;
        c->metrics[n] = c->metrics[m];
        if (!spec->floor_given[n])
            c->metrics[n].scale_floor = 1; // until the data are known: settle_floors
        n++;
    }
    c->n_metrics = n;
    if (n == 0 || !c->metrics[0].target)
        return tft_fail(
            err, TFT_ERR_MISMATCH,
            "no file has one of the default metrics (cpu_pct, mem_pct, disk_io_mb_s, latency_ms); name yours "
            "with --targets a,b or in a --config file");
    c->has_state = found->state || derives_states(c);
    c->has_profile = found->profile;
    if (!spec->hazard_given)
        spec->train.hazard = c->incident.by_metric || c->has_state;
    if (!spec->memory_given) { // 8 days of steps
        const size_t eight_days = (size_t)((int64_t)8 * 86400000 / c->step_ms);
        c->memory = eight_days > c->context ? eight_days : c->context;
    }
    return TFT_OK;
}

/* A metric of which nothing is known: a hundredth of its mean size is noise. */
static void settle_floors(model_spec *spec, tft_dataset *dataset)
{
    tft_contract *const c = &dataset->contract;
    for (size_t m = 0; m < c->n_metrics; m++) {
        double sum = 0, n = 0;
        for (size_t i = 0; i < dataset->n_servers && !spec->floor_given[m]; i++) {
            const tft_series *const s = &dataset->series[i];
            for (size_t k = 0; k < s->n_steps; k++) {
                const double x = (double)s->values[k * s->n_metrics + m];
                sum += isnan(x) ? 0 : fabs(x);
                n += !isnan(x);
            }
        }
        if (!spec->floor_given[m])
            c->metrics[m].scale_floor = sum > 0 ? 0.01 * sum / n : 1;
    }
    spec->contract = *c;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Moves a server's series into `to`, under its name, or PREFIX/name where that one is taken. */
static tft_status move_server(tft_dataset *from, size_t i, size_t group, tft_dataset *to, tft_error *err)
{
    char name[512];
    double nothing[TFT_MAX_METRICS];
    tft_series *const series = &from->series[i];
    int n = snprintf(name, sizeof name, "%s", from->names[i]);
    if (tft_dataset_find(to, name, (size_t)n) >= 0)
        n = snprintf(name, sizeof name, "%zu/%s", group, from->names[i]);
    if (n < 0 || (size_t)n >= sizeof name || tft_dataset_find(to, name, (size_t)n) >= 0)
        return tft_fail(err, TFT_ERR_LIMIT, "server %s: its name cannot be told apart from another group's",
                        from->names[i]);
    for (size_t m = 0; m < TFT_MAX_METRICS; m++)
        nothing[m] = NAN;
    const int64_t time_ms = series->first_step * from->contract.step_ms;
    const tft_status status =
        tft_dataset_add(to, name, (size_t)n, time_ms, nothing, TFT_STATE_OFFLINE, (int)series->profile, err);
    if (status != TFT_OK)
        return status;
    tft_series *const place = &to->series[tft_dataset_find(to, name, (size_t)n)];
    tft_series_free(place);
    *place = *series;
    *series = (tft_series){0};
    return TFT_OK;
}

static tft_status add_group(tft_dataset *from, size_t group, train_data *data, tft_error *err)
{
    tft_dataset *const to = &data->dataset;
    const size_t before = to->n_servers;
    for (size_t i = 0; i < from->n_servers; i++) {
        const tft_status status = move_server(from, i, group, to, err);
        if (status != TFT_OK)
            return status;
    }
    to->n_rows += from->n_rows;
    to->n_rejected += from->n_rejected;
    if (to->first_fault[0] == '\0')
        memcpy(to->first_fault, from->first_fault, sizeof to->first_fault);
    uint16_t *const group_of = realloc(data->group_of, (to->n_servers + 1) * sizeof *group_of);
    if (group_of == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", to->n_servers);
    data->group_of = group_of;
    for (size_t i = before; i < to->n_servers; i++)
        group_of[i] = (uint16_t)group;
    return TFT_OK;
}

static uint64_t count_records(const tft_dataset *dataset)
{
    uint64_t n = 0;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        for (size_t k = 0; k < dataset->series[i].n_steps; k++)
            n += dataset->series[i].counts[k];
    }
    return n;
}

/* Reads a file, and says so where most of its rows are known already: two fleets of equal names in one group are one
 * fleet, the second of which adds nothing. */
static tft_status read_file(tft_dataset *part, const char *path, const tft_csv_columns *names, tft_error *err)
{
    const size_t rows_before = part->n_rows;
    const uint64_t before = count_records(part);
    const tft_status status = tft_dataset_read_csv(part, path, names, err);
    const uint64_t rows = part->n_rows - rows_before, added = count_records(part) - before;
    if (status == TFT_OK && added < rows / 2)
        fprintf(
            stderr,
            "[WARNING] %s: %llu of its %llu rows add nothing: their (server, time) was read before. If these are other "
            "servers, give the file a share of its own: %s@0.1\n",
            path, (unsigned long long)(rows - added), (unsigned long long)rows, path);
    return status;
}

static tft_status read_group(const model_spec *spec, const input *inputs, size_t n, size_t group, train_data *data,
                             tft_error *err)
{
    const tft_csv_columns names = {.time = spec->time[0] != '\0' ? spec->time : NULL,
                                   .server = spec->server[0] != '\0' ? spec->server : NULL,
                                   .state = spec->state[0] != '\0' ? spec->state : NULL,
                                   .profile = spec->profile[0] != '\0' ? spec->profile : NULL};
    tft_dataset part = {0};
    tft_status status = tft_dataset_open(&spec->contract, &part, err);
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        if (inputs[i].group == group)
            status = read_file(&part, inputs[i].path, &names, err);
    }
    if (status == TFT_OK)
        status = add_group(&part, group, data, err);
    tft_dataset_close(&part);
    return status;
}

/* Sorting moves servers; their groups follow by name. */
static tft_status sort_with_groups(train_data *data, tft_error *err)
{
    tft_dataset *const d = &data->dataset;
    const size_t n = d->n_servers;
    char **const names = calloc(n + 1, sizeof *names);
    uint16_t *const groups = malloc((n + 1) * sizeof *groups);
    tft_status status = TFT_OK;
    if (names == NULL || groups == NULL || data->group_of == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", n);
        goto done;
    }
    for (size_t i = 0; i < n && status == TFT_OK; i++) {
        names[i] = strdup(d->names[i]);
        groups[i] = data->group_of[i];
        if (names[i] == NULL)
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", n);
    }
    if (status == TFT_OK)
        tft_dataset_sort(d);
    for (size_t i = 0; i < n && status == TFT_OK; i++)
        data->group_of[tft_dataset_find(d, names[i], strlen(names[i]))] = groups[i];
done:
    for (size_t i = 0; i < n && names != NULL; i++)
        free(names[i]);
    free(names);
    free(groups);
    return status;
}

/* `settle`: the contract follows the files; otherwise it stays as it is. */
static tft_status read_all(model_spec *spec, bool settle, const flag_list *files, train_data *data, tft_error *err)
{
    columns found = {0};
    input *const inputs = calloc(files->n + 1, sizeof *inputs);
    tft_status status = inputs != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu files", files->n);
    *data = (train_data){0};
    if (status == TFT_OK)
        status = plan_inputs(files, inputs, data, err);
    for (size_t i = 0; i < files->n && status == TFT_OK && settle; i++)
        status = look_at_header(inputs[i].path, spec, &found, err);
    if (status == TFT_OK && settle)
        status = settle_contract(spec, &found, err);
    if (status == TFT_OK)
        status = tft_contract_check(&spec->contract, err);
    if (status == TFT_OK)
        status = tft_dataset_open(&spec->contract, &data->dataset, err);
    const size_t n_groups = data->n_groups > 0 ? data->n_groups : 1;
    for (size_t g = 0; g < n_groups && status == TFT_OK; g++)
        status = read_group(spec, inputs, files->n, g, data, err);
    if (status == TFT_OK)
        status = sort_with_groups(data, err);
    if (status == TFT_OK && settle)
        settle_floors(spec, &data->dataset);
    free(inputs);
    return status;
}

tft_status train_data_read(model_spec *spec, const flag_list *files, train_data *data, tft_error *err)
{
    return read_all(spec, true, files, data, err);
}

tft_status train_data_read_as(const tft_contract *contract, model_spec *spec, const flag_list *files, train_data *data,
                              tft_error *err)
{
    spec->contract = *contract;
    return read_all(spec, false, files, data, err);
}

void train_data_free(train_data *data)
{
    tft_dataset_close(&data->dataset);
    free(data->group_of);
    *data = (train_data){0};
}
