/* splits.c - see splits.h. */
#include "score/splits.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "score/numpy_choice.h"
#include "series/csv.h"
#include "train/split.h"

#define UNSEEN_FROM INT64_C(1375920000000) // 2013-08-08T00:00:00Z
#define LATER_FROM INT64_C(1377388800000)  // 2013-08-25T00:00:00Z
#define TARGETS_TO INT64_C(1377900000000)  // 2013-08-30T22:00:00Z
#define STUDY_SEED 7

/* The study drew a part of dev-unseen and then, from the same generator, a part of dev-later. */
#define UNSEEN_WINDOWS 26952
#define UNSEEN_CHOSEN 6738
#define LATER_CHOSEN 6567

/* The study printed no base rates of its (randomly drawn) training windows; these five give the skills of its climatology
 * rows to their digits, on both splits, and with them so do those of its "per-VM frequency". */
#define STUDY_RATES                                                                                                    \
    {                                                                                                                  \
        0.00395, 0.00629, 0.0099, 0.01546, 0.0244                                                                      \
    }

static const score_split splits[] = {
    {"dev-unseen", {"3/5x20", false, UNSEEN_FROM, TARGETS_TO, 24, 0, 0, 0}, "cpu_pct>=90x3", STUDY_RATES},
    {"dev-later", {"3/5x20", true, LATER_FROM, TARGETS_TO, 24, 0, 0, 0}, "cpu_pct>=90x3", STUDY_RATES},
    {"dev-unseen-anchor",
     {"3/5x20", false, UNSEEN_FROM, TARGETS_TO, 24, UNSEEN_CHOSEN, 0, 0},
     "cpu_pct>=90x3",
     STUDY_RATES},
    {"dev-later-anchor",
     {"3/5x20", true, LATER_FROM, TARGETS_TO, 24, LATER_CHOSEN, UNSEEN_WINDOWS, UNSEEN_CHOSEN},
     "cpu_pct>=90x3",
     STUDY_RATES},
};

const score_split *score_split_find(const char *name)
{
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        if (strcmp(splits[i].name, name) == 0)
            return &splits[i];
    }
    return NULL;
}

const char *score_split_names(void)
{
    return "dev-unseen, dev-later, dev-unseen-anchor or dev-later-anchor";
}

/* The range of origins that the selection and the data allow, as step numbers; empty where first > last. */
typedef struct origin_range {
    int64_t first, last;
} origin_range;

static origin_range range_of(const tft_dataset *dataset, const score_selection *selection)
{
    const int64_t step_ms = dataset->contract.step_ms, horizon = (int64_t)dataset->contract.horizon;
    const int64_t every = (int64_t)selection->every;
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    for (size_t i = 0; i < dataset->n_servers; i++) {
        const tft_series *const s = &dataset->series[i];
        if (s->n_steps == 0)
            continue;
        oldest = s->first_step < oldest ? s->first_step : oldest;
        const int64_t last = s->first_step + (int64_t)s->n_steps - 1;
        newest = last > newest ? last : newest;
    }
    if (oldest > newest)
        return (origin_range){0, -1};
    if (selection->from_ms != INT64_MIN) { // the first step that starts at or after `from`
        const int64_t from = -tft_floor_to(-selection->from_ms, step_ms) / step_ms;
        oldest = from > oldest ? from : oldest;
    }
    int64_t last_target = newest;
    if (selection->to_ms != INT64_MAX) { // the last step that starts before `to`
        const int64_t to = tft_floor_to(selection->to_ms - 1, step_ms) / step_ms;
        last_target = to < newest ? to : newest;
    }
    return (origin_range){-tft_floor_to(-oldest, every), last_target - horizon};
}

static tft_status list_server(const tft_series *series, uint32_t server, origin_range range, int64_t every,
                              score_windows *windows, size_t *capacity, uint8_t *origin_used, tft_error *err)
{
    bool any = false;
    for (int64_t origin = range.first; origin <= range.last; origin += every) {
        const int64_t at = tft_series_index(series, origin);
        if (at < 0 || series->counts[at] == 0 || series->states[at] == TFT_STATE_OFFLINE)
            continue;
        if (windows->n == *capacity) {
            *capacity = *capacity * 2 + 1024;
            score_window *const more = realloc(windows->items, tft_mul_sat(*capacity, sizeof *more));
            if (more == NULL)
                return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows", *capacity);
            windows->items = more;
        }
        windows->items[windows->n++] = (score_window){server, origin};
        uint8_t *const used = &origin_used[(origin - range.first) / every];
        windows->n_origins += *used == 0;
        *used = 1;
        any = true;
    }
    windows->n_servers += any;
    return TFT_OK;
}

/* Keeps `chosen` windows, the ones that numpy's generator draws; origins and servers are counted as before. */
static tft_status keep_chosen(const score_selection *selection, score_windows *windows, tft_error *err)
{
    if (selection->chosen > windows->n)
        return tft_fail(err, TFT_ERR_MISMATCH, "the split takes %zu windows, the data has %zu", selection->chosen,
                        windows->n);
    uint8_t *const chosen = calloc(windows->n, 1);
    if (chosen == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu windows", windows->n);
    score_numpy_generator generator = score_numpy_default_rng(STUDY_SEED);
    tft_status status = TFT_OK;
    if (selection->draws_before > 0)
        status = score_numpy_choose(&generator, selection->draws_before, selection->drawn_before, NULL, err);
    if (status == TFT_OK)
        status = score_numpy_choose(&generator, windows->n, selection->chosen, chosen, err);
    size_t kept = 0;
    for (size_t i = 0; status == TFT_OK && i < windows->n; i++) {
        if (chosen[i])
            windows->items[kept++] = windows->items[i];
    }
    if (status == TFT_OK)
        windows->n = kept;
    free(chosen);
    return status;
}

tft_status score_windows_list(const tft_dataset *dataset, const score_selection *selection, score_windows *windows,
                              tft_error *err)
{
    assert(selection->every > 0);
    memset(windows, 0, sizeof *windows);
    const origin_range range = range_of(dataset, selection);
    const int64_t every = (int64_t)selection->every;
    const size_t n_range = range.first <= range.last ? (size_t)((range.last - range.first) / every) + 1 : 0;
    uint8_t *const selected = calloc(dataset->n_servers + 1, 1), *const used = calloc(n_range + 1, 1);
    size_t capacity = 0;
    tft_status status = TFT_OK;
    if (selected == NULL || used == NULL) {
        status =
            tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers and %zu origins", dataset->n_servers, n_range);
        goto done;
    }
    if (selection->servers != NULL)
        status =
            tft_server_set(selection->servers, (const char *const *)dataset->names, dataset->n_servers, selected, err);
    for (size_t i = 0; status == TFT_OK && i < dataset->n_servers; i++) {
        const bool wanted = selection->servers == NULL || (selected[i] != 0) != selection->all_but_servers;
        if (wanted)
            status = list_server(&dataset->series[i], (uint32_t)i, range, every, windows, &capacity, used, err);
    }
    if (status == TFT_OK && windows->n == 0)
        status =
            tft_fail(err, TFT_ERR_NOT_FOUND,
                     "no server has a record at any of the %zu origins (each needs %zu steps after it in the data)",
                     n_range, dataset->contract.horizon);
    if (status == TFT_OK && selection->chosen > 0)
        status = keep_chosen(selection, windows, err);

done:
    free(selected);
    free(used);
    if (status != TFT_OK)
        score_windows_free(windows);
    return status;
}

void score_windows_free(score_windows *windows)
{
    if (windows == NULL)
        return;
    free(windows->items);
    memset(windows, 0, sizeof *windows);
}

tft_status score_incident_rule(const char *text, const tft_contract *contract, tft_incident_rule *rule, tft_error *err)
{
    if (strcmp(text, "state") == 0) {
        *rule = (tft_incident_rule){.by_metric = false};
        return TFT_OK;
    }
    const char *const sign = strstr(text, ">=");
    const char *const times = sign != NULL ? strrchr(sign, 'x') : NULL;
    double level = 0, steps = 0;
    if (times == NULL || !tft_csv_number(sign + 2, (size_t)(times - sign - 2), &level) ||
        !tft_csv_number(times + 1, strlen(times + 1), &steps) || !(steps >= 1 && steps <= 1000) ||
        steps != (double)(size_t)steps)
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%.100s\" is not a rule such as cpu_pct>=90x3, or state", text);
    const int metric = tft_contract_find(contract, text, (size_t)(sign - text));
    if (metric < 0)
        return tft_fail(err, TFT_ERR_ARGUMENT, "the rule \"%.100s\" names no metric of the contract", text);
    *rule = (tft_incident_rule){.by_metric = true, .metric = (size_t)metric, .level = level, .steps = (size_t)steps};
    return TFT_OK;
}
