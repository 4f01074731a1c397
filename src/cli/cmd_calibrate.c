/* cmd_calibrate.c - tftd calibrate: fits the calibration of a model that is there, without training it again.
 *
 * Reads the model as it was trained (its old calibration is left aside), forecasts windows of the files, and writes the
 * new calibration, or the parts of it that were asked for, into its config.json, by replacing that file as a whole. With --alerts the
 * calibration stays, and what alerts on it were worth is counted and written beside it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/train_data.h"
#include "train/calibrate.h"
#include "train/lend.h"
#include "train/model_dir.h"
#include "train/split.h"

#define DEFAULT_WINDOWS 8000

static const flag_page page = {
    "tftd calibrate --model DIR [--servers SET] [--to TIME] FILE[@SHARE]…",
    "Fits a model's calibration on CSV files: factors for its quantiles so that P10–P90 holds 80 % of what comes, the "
    "incident\n"
    "probabilities, and the probability that any server of a fleet has an incident. Take servers and times that the "
    "model was\n"
    "not trained on. The model's config.json is replaced (--dry-run: printed instead); weights stay as they are. "
    "Training does\n"
    "the same by itself, with its validation data. Each FILE@SHARE is a fleet of its own, as for train. "
    "docs/TRAINING.md.\n"
    "--alerts counts, on files used neither for training nor for calibration, how many alerts at each level were "
    "followed by an\n"
    "incident, and keeps that with the model: the daemon's alerts then state it.",
    "  tftd calibrate --model models/tft_model_20251101_090000 --servers 2/5x20 --to 2013-08-25T00:00:00Z "
    "2013-0?.csv.xz\n"
    "  tftd calibrate --model DIR --dry-run fleet-301.csv@0.5 fleet-302.csv@0.5\n"
    "  tftd calibrate --model DIR --alerts fleet-303.csv@0.5 fleet-304.csv@0.5\n"};

typedef struct calibrate_args {
    const char *model, *servers, *holdout, *spec;
    int64_t from, to;
    size_t windows, threads;
    bool dry_run, quantiles_only, incidents_only, fleet_only, alerts;
    flag_list files;
} calibrate_args;

/* The files under the model's contract, each group a world of its own. */
static tft_status read_data(const calibrate_args *a, const tft_model_card *card, train_data *data, tft_error *err)
{
    model_spec *const spec = calloc(1, sizeof *spec);
    if (spec == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a specification");
    model_spec_init(spec);
    tft_status status = a->spec != NULL ? model_spec_read(a->spec, spec, err) : TFT_OK;
    if (status == TFT_OK)
        status = train_data_read_as(&card->contract, spec, &a->files, data, err);
    free(spec);
    return status;
}

/* Which parts of a calibration are fitted. */
static unsigned parts_of(const calibrate_args *a)
{
    return a->quantiles_only   ? TFT_CALIBRATE_QUANTILES
           : a->incidents_only ? TFT_CALIBRATE_INCIDENTS | TFT_CALIBRATE_FLEET
           : a->fleet_only     ? TFT_CALIBRATE_FLEET
                               : TFT_CALIBRATE_ALL;
}

static tft_status leave_out(const char *set, const tft_dataset *d, uint8_t *selected, tft_error *err)
{
    uint8_t *const out = malloc(d->n_servers + 1);
    if (out == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", d->n_servers);
    const tft_status status = tft_server_set(set, (const char *const *)d->names, d->n_servers, out, err);
    for (size_t i = 0; status == TFT_OK && i < d->n_servers; i++)
        selected[i] = selected[i] != 0 && out[i] == 0;
    free(out);
    return status;
}

static tft_status fit(const calibrate_args *a, tft_model_card *card, tft_model *model, const train_data *data,
                      tft_calibrate_facts *facts, tft_error *err)
{
    const tft_dataset *const d = &data->dataset;
    const int64_t step_ms = card->contract.step_ms;
    tft_forecaster *forecaster = NULL;
    uint8_t *const selected = malloc(d->n_servers + 1);
    if (selected == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu servers", d->n_servers);
    memset(selected, 1, d->n_servers + 1);
    tft_status status = a->servers == NULL
                            ? TFT_OK
                            : tft_server_set(a->servers, (const char *const *)d->names, d->n_servers, selected, err);
    if (status == TFT_OK && a->holdout != NULL)
        status = leave_out(a->holdout, d, selected, err);
    const tft_calibrate_plan plan = {.parts = parts_of(a),
                                     .selected = selected,
                                     .group_of = data->n_groups > 0 ? data->group_of : NULL,
                                     .group_share = data->n_groups > 0 ? data->share : NULL,
                                     .n_groups = data->n_groups,
                                     .first_step = a->from == INT64_MIN ? INT64_MIN : a->from / step_ms,
                                     .last_step = a->to == INT64_MAX ? INT64_MAX : a->to / step_ms - 1,
                                     .n_windows = a->windows,
                                     .seed = 1};
    tft_calibration *const fresh = malloc(sizeof *fresh);
    if (status == TFT_OK && fresh == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a calibration");
    if (status == TFT_OK) {
        *fresh = card->calibration;
        if (!a->alerts)
            memset(&card->calibration, 0, sizeof card->calibration); // as it was trained
        status = tft_forecaster_lend(card, model, a->threads, &forecaster, err);
    }
    if (status == TFT_OK)
        status = a->alerts ? tft_calibrate_alerts(forecaster, d, &plan, &fresh->alerts, facts, err)
                           : tft_calibrate(forecaster, d, &plan, fresh, facts, err);
    if (status == TFT_OK)
        card->calibration = *fresh;
    tft_forecaster_close(forecaster);
    free(fresh);
    free(selected);
    return status;
}

static tft_status put(const calibrate_args *a, const tft_model_card *card, tft_error *err)
{
    char path[PATH_MAX];
    tft_text text = tft_text_new((size_t)1 << 20);
    tft_status status = TFT_OK;
    if (a->dry_run)
        tft_calibration_to_json(&card->calibration, &text);
    else
        tft_model_card_to_json(card, &text);
    if (text.failed)
        status = tft_fail(err, TFT_ERR_LIMIT, "config.json would be larger than %zu bytes", text.max);
    else if (a->dry_run)
        printf("%s\n", text.bytes);
    else if (snprintf(path, sizeof path, "%s/config.json", a->model) >= (int)sizeof path)
        status = tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", a->model);
    else
        status = tft_file_replace(path, text.bytes, text.n, err);
    tft_text_free(&text);
    return status;
}

/* Of every ten alerts at a level of the daemon's own (P within 1 h), so many were right. */
static void tell_alerts(const tft_model_card *card, const tft_calibrate_facts *f)
{
    const tft_alert_record *const r = &card->calibration.alerts;
    const uint32_t hour = (uint32_t)(3600000 / card->contract.step_ms);
    fprintf(stderr, "counted alerts at %zu windows; an incident followed %llu of %llu\n", f->n_windows,
            (unsigned long long)r->n_came, (unsigned long long)r->n_cases);
    for (int tenths = 1; tenths <= TFT_N_ALERT_LEVELS; tenths++) {
        uint64_t raised, followed;
        if (tft_alert_record_find(r, hour, tenths / 10.0, &raised, &followed))
            fprintf(stderr, "  P(incident within 1 h) >= %d0 %%: %llu of %llu, %.0f %%\n", tenths,
                    (unsigned long long)followed, (unsigned long long)raised,
                    100.0 * (double)followed / (double)raised);
    }
}

static void tell(const calibrate_args *a, const tft_model_card *card, const tft_calibrate_facts *f)
{
    if (a->alerts) {
        tell_alerts(card, f);
        return;
    }
    fprintf(stderr, "calibrated on %zu windows at %zu origins, %zu cells", f->n_windows, f->n_origins, f->n_cells);
    if (a->quantiles_only)
        fprintf(stderr, "; the incident probabilities stay as they were");
    else if (a->fleet_only)
        fprintf(stderr, "; only the fleet's probability is new");
    else if (card->calibration.n_points > 0)
        fprintf(stderr, "; %zu of %zu cases with an incident within %u steps", f->n_incidents[0], f->n_cases[0],
                card->calibration.step[0]);
    else if (card->network.hazard)
        fprintf(stderr, "; too few incidents to calibrate their probability");
    fprintf(stderr, "\n");
}

static tft_status run(const calibrate_args *a, tft_error *err)
{
    train_data data = {0};
    tft_calibrate_facts facts = {0};
    tft_model *model = NULL;
    tft_model_card *const card = calloc(1, sizeof *card);
    if (card == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a model's configuration");
    tft_status status = tft_model_dir_read(a->model, card, &model, err);
    if (status == TFT_OK)
        status = tft_model_card_check_features(card, err);
    if (status == TFT_OK)
        status = read_data(a, card, &data, err);
    if (status == TFT_OK)
        status = fit(a, card, model, &data, &facts, err);
    if (status == TFT_OK)
        status = put(a, card, err);
    if (status == TFT_OK)
        tell(a, card, &facts);
    train_data_free(&data);
    tft_model_close(model);
    free(card);
    return status;
}

int cmd_calibrate(int argc, char **argv)
{
    calibrate_args a = {.from = INT64_MIN, .to = INT64_MAX, .windows = DEFAULT_WINDOWS};
    const flag flags[] = {
        {"--model", "DIR", "a model directory", FLAG_TEXT, &a.model},
        {"--servers", "SET", "names a,b,c, or 3/5x20: block 3 of 5 in blocks of 20 by number (all)", FLAG_TEXT,
         &a.servers},
        {"--holdout", "SET", "not these: machines that the model is to be judged on", FLAG_TEXT, &a.holdout},
        {"--from", "TIME", "first origin (default: a window after the start of the data)", FLAG_TIME, &a.from},
        {"--to", "TIME", "all targets start before it (default: the end of the data)", FLAG_TIME, &a.to},
        {"--windows", "N", "windows to forecast, about (8000)", FLAG_SIZE, &a.windows},
        {"--quantiles-only", NULL, "leave the incident probabilities as they are", FLAG_SWITCH, &a.quantiles_only},
        {"--incidents-only", NULL, "only the incident probabilities, of servers and of the fleet", FLAG_SWITCH,
         &a.incidents_only},
        {"--fleet-only", NULL, "only the probability that any server of a fleet has an incident", FLAG_SWITCH,
         &a.fleet_only},
        {"--alerts", NULL, "calibrate nothing; count what alerts at each level were worth", FLAG_SWITCH, &a.alerts},
        {"--spec", "MODEL.yaml", "names of the columns, as for train", FLAG_TEXT, &a.spec},
        {"--threads", "N", "0 = all cores (0)", FLAG_SIZE, &a.threads},
        {"--dry-run", NULL, "print the calibration and leave the model as it is", FLAG_SWITCH, &a.dry_run},
        {0}};
    const int code = flags_parse(argc, argv, &page, flags, &a.files);
    if (code >= 0)
        return code;
    const int n_parts = a.quantiles_only + a.incidents_only + a.fleet_only + a.alerts;
    if (a.model == NULL || a.files.n == 0 || a.windows == 0 || n_parts > 1) {
        fprintf(stderr, "tftd calibrate: %s; `tftd help calibrate` shows how\n",
                a.model == NULL  ? "--model is missing"
                : a.files.n == 0 ? "no FILE"
                : n_parts > 1    ? "only one of --quantiles-only, --incidents-only, --fleet-only, --alerts is possible"
                                 : "--windows must be at least 1");
        return EXIT_USAGE;
    }
    tft_error err = {0};
    const tft_status status = run(&a, &err);
    if (status != TFT_OK)
        fprintf(stderr, "tftd calibrate: %s\n", err.text);
    return command_exit_code(status);
}
