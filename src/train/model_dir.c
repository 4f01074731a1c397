/* model_dir.c - see model_dir.h. */
#include "train/model_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "series/anchors.h"
#include "tft/config_json.h"
#include "tft/judge.h"
#include "tft/window.h"
#include "train/contract_json.h"
#include "train/server_mapping.h"

#define MAX_CONFIG_BYTES ((size_t)1 << 20)
#define MAX_MAPPING_BYTES ((size_t)256 << 20)
#define MAX_MODELS 4096

static const char scaling_text[] =
    "per window: scale = mean of the 24 h mean and the 7 d mean of |value|, at least scale_floor; real inputs made of "
    "values are asinh(value / scale), anchors and targets are value / scale";

/* ---- config.json ---------------------------------------------------------------------------------------------- */

/* The shortest text that reads back as the same float: 0.1, not 0.100000001. */
static void put_float(tft_text *text, float value)
{
    char out[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, sizeof out, "%.*g", digits, (double)value);
        if (strtof(out, NULL) == value)
            break;
    }
    tft_text_puts(text, out);
}

void tft_model_card_to_json(const tft_model_card *card, tft_text *text)
{
    const tft_target *const first = &card->network.targets[0];
    tft_text_puts(text, "{\"format\": 1,\n \"network\": ");
    tft_config_to_json(&card->network, text);
    tft_text_puts(text, ",\n \"contract\": ");
    tft_contract_to_json(&card->contract, text);
    tft_text_puts(text, ",\n \"quantiles\": [");
    for (size_t i = 0; i < first->n_quantiles; i++) {
        tft_text_puts(text, i == 0 ? "" : ", ");
        put_float(text, first->quantiles[i]);
    }
    tft_text_puts(text, "],\n \"scaling\": ");
    tft_text_json_string(text, scaling_text, sizeof scaling_text - 1);
    tft_text_puts(text, ",\n \"calibration\": ");
    tft_calibration_to_json(&card->calibration, text);
    tft_text_puts(text, "}\n");
}

/* The network's targets must be the contract's, in its order: a forecast is written under the contract's names. */
static tft_status check_targets(const tft_model_card *card, tft_error *err)
{
    const size_t wanted = tft_contract_targets(&card->contract);
    if (card->network.n_targets != wanted)
        return tft_fail(err, TFT_ERR_MISMATCH, "the network has %zu targets, the contract %zu", card->network.n_targets,
                        wanted);
    for (size_t m = 0; m < wanted; m++) {
        if (strcmp(card->network.targets[m].name, card->contract.metrics[m].name) != 0)
            return tft_fail(err, TFT_ERR_MISMATCH, "target %zu is %s in the network and %s in the contract", m,
                            card->network.targets[m].name, card->contract.metrics[m].name);
    }
    if (card->network.max_encoder_length < card->contract.context ||
        card->network.max_decoder_length < card->contract.horizon)
        return tft_fail(err, TFT_ERR_MISMATCH, "the network takes %zu + %zu steps, the contract wants %zu + %zu",
                        card->network.max_encoder_length, card->network.max_decoder_length, card->contract.context,
                        card->contract.horizon);
    return TFT_OK;
}

static tft_status read_parts(const tft_json *root, tft_model_card *card, tft_error *err)
{
    size_t format = 0;
    tft_status status = tft_json_need_size(root, "format", 1, 1, &format, err);
    if (status != TFT_OK)
        return status;
    status = tft_config_from_json(tft_json_at(root, "network"), &card->network, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "network");
        return status;
    }
    status = tft_contract_from_json(tft_json_at(root, "contract"), &card->contract, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "contract");
        return status;
    }
    status = tft_calibration_from_json(tft_json_at(root, "calibration"), &card->calibration, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "calibration");
        return status;
    }
    return check_targets(card, err);
}

tft_status tft_model_card_from_json(const char *bytes, size_t n, tft_model_card *card, tft_error *err)
{
    tft_json_document document = {0};
    tft_status status = tft_json_parse(bytes, n, 16, &document, err);
    if (status != TFT_OK)
        return status;
    tft_model_card *const read = calloc(1, sizeof *read); // larger than a stack frame should be
    if (read == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a configuration of %zu bytes", sizeof *read);
        goto done;
    }
    status = read_parts(document.root, read, err);
    if (status == TFT_OK)
        *card = *read;
done:
    free(read);
    tft_json_free(&document);
    return status;
}

static tft_status differ(tft_error *err, const char *what, const char *model, const char *build)
{
    return tft_fail(err, TFT_ERR_MISMATCH, "%s is \"%s\" in the model, \"%s\" in the windows that this build makes",
                    what, model, build);
}

static tft_status check_inputs(const char *place, const tft_config *a, const tft_inputs *x, const tft_config *b,
                               const tft_inputs *y, tft_error *err)
{
    if (x->n_reals != y->n_reals || x->n_embeddings != y->n_embeddings)
        return tft_fail(
            err, TFT_ERR_MISMATCH,
            "%s inputs: %u reals and %u categoricals in the model, %u and %u in the windows that this build makes",
            place, x->n_reals, x->n_embeddings, y->n_reals, y->n_embeddings);
    for (size_t i = 0; i < x->n_reals; i++) {
        if (strcmp(a->reals[x->reals[i]].name, b->reals[y->reals[i]].name) != 0)
            return differ(err, place, a->reals[x->reals[i]].name, b->reals[y->reals[i]].name);
    }
    for (size_t i = 0; i < x->n_embeddings; i++) {
        const tft_embedding *const p = &a->embeddings[x->embeddings[i]], *const q = &b->embeddings[y->embeddings[i]];
        if (strcmp(p->name, q->name) != 0 || p->cardinality != q->cardinality || p->members[0] != q->members[0])
            return differ(err, place, p->name, q->name);
    }
    return TFT_OK;
}

tft_status tft_model_card_check_features(const tft_model_card *card, tft_error *err)
{
    const tft_config *const have = &card->network;
    tft_config *const wanted = malloc(sizeof *wanted);
    if (wanted == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a configuration of %zu bytes", sizeof *wanted);
    *wanted = *have;
    const tft_target *const first = &have->targets[0];
    tft_status status = tft_features_config(&card->contract, first->quantiles, first->n_quantiles, have->n_anchors > 0,
                                            have->hazard, wanted, err);
    if (have->n_anchors == TFT_FIRST_ANCHORS || have->n_anchors == TFT_SECOND_ANCHORS) // an earlier version's
        wanted->n_anchors = have->n_anchors;
    if (status == TFT_OK &&
        (have->n_targets != wanted->n_targets || have->n_anchors != wanted->n_anchors ||
         have->n_categoricals != wanted->n_categoricals || tft_config_outputs(have) != tft_config_outputs(wanted)))
        status =
            tft_fail(err, TFT_ERR_MISMATCH,
                     "%zu targets, %zu outputs, %zu anchors, %zu categoricals in the model; %zu, %zu, %zu, %zu in the "
                     "windows that this build makes",
                     have->n_targets, tft_config_outputs(have), have->n_anchors, have->n_categoricals,
                     wanted->n_targets, tft_config_outputs(wanted), wanted->n_anchors, wanted->n_categoricals);
    if (status == TFT_OK && have->n_signs != wanted->n_signs)
        status = tft_fail(err, TFT_ERR_MISMATCH, "%zu signs in the model, %zu in the windows that this build makes",
                          have->n_signs, wanted->n_signs);
    if (status == TFT_OK)
        status = check_inputs("static", have, &have->static_inputs, wanted, &wanted->static_inputs, err);
    if (status == TFT_OK)
        status = check_inputs("encoder", have, &have->encoder_inputs, wanted, &wanted->encoder_inputs, err);
    if (status == TFT_OK)
        status = check_inputs("decoder", have, &have->decoder_inputs, wanted, &wanted->decoder_inputs, err);
    free(wanted);
    return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static void put_text(tft_text *text, const char *key, const char *value)
{
    tft_text_printf(text, ",\n \"%s\": ", key);
    if (value == NULL)
        tft_text_puts(text, "null");
    else
        tft_text_json_string(text, value, strlen(value));
}

static void put_real(tft_text *text, const char *key, double value)
{
    tft_text_printf(text, ",\n \"%s\": ", key);
    tft_text_json_number(text, value);
}

static void write_info(const tft_model_card *card, const tft_training_info *info, size_t n_values, size_t n_servers,
                       tft_text *text)
{
    char stamp[TFT_TIME_TEXT];
    tft_time_format_ms(info->trained_at_ms, stamp);
    tft_text_printf(text,
                    "{\n \"trained_at\": \"%s\",\n \"training_completed\": %s,\n \"epochs\": %zu,\n \"steps\": %zu",
                    stamp, info->interrupted ? "false" : "true", info->epochs, info->steps);
    tft_text_printf(text, ",\n \"unique_states\": %zu,\n \"state_encoder_size\": %d,\n \"num_servers\": %zu",
                    info->unique_states, TFT_N_STATES - 1, n_servers);
    put_text(text, "data_contract_version", card->contract.version);
    put_real(text, "data_hours", info->data_hours);
    put_real(text, "final_train_loss", info->final_train_loss);
    put_real(text, "final_val_loss", info->final_val_loss);
    put_real(text, "final_hazard_loss", info->final_hazard_loss);
    tft_text_printf(text,
                    ",\n \"model_parameters\": %zu,\n \"early_stopping\": %s,\n \"seed\": %llu,\n \"threads\": %zu",
                    n_values, info->early_stopping ? "true" : "false", (unsigned long long)info->seed, info->n_threads);
    put_real(text, "training_seconds", info->training_seconds);
    put_text(text, "commit", info->commit);
    put_text(text, "command_line", info->command_line);
    put_text(text, "options", info->options);
    tft_text_puts(text, "\n}\n");
}

static tft_status write_text(const char *folder, const char *name, tft_text *text, tft_error *err)
{
    char path[PATH_MAX];
    if (text->failed)
        return tft_fail(err, TFT_ERR_MEMORY, "%s: no memory, or larger than %zu bytes", name, text->max);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return tft_fail(err, TFT_ERR_LIMIT, "%s/%s: path too long", folder, name);
    return tft_file_replace(path, text->bytes, text->n, err);
}

static tft_status save_judge(const char *folder, const tft_judge *judge, tft_error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" TFT_JUDGE_FILE, folder) >= (int)sizeof path)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", folder);
    return tft_judge_save(judge, path, err);
}

static tft_status write_files(const char *folder, const tft_model_card *card, const tft_model *model,
                              const tft_training_info *info, const char *const *server_names, size_t n_servers,
                              tft_error *err)
{
    char weights[PATH_MAX];
    tft_text config = tft_text_new(MAX_CONFIG_BYTES), facts = tft_text_new(MAX_CONFIG_BYTES),
             mapping = tft_text_new(MAX_MAPPING_BYTES);
    tft_status status = TFT_OK;
    if (snprintf(weights, sizeof weights, "%s/model.safetensors", folder) >= (int)sizeof weights) {
        status = tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", folder);
        goto done;
    }
    status = tft_model_save_weights(model, weights, err);
    if (status == TFT_OK && tft_model_judge(model) != NULL)
        status = save_judge(folder, tft_model_judge(model), err);
    if (status != TFT_OK)
        goto done;
    tft_model_card_to_json(card, &config);
    status = write_text(folder, "config.json", &config, err);
    if (status != TFT_OK)
        goto done;
    write_info(card, info, tft_model_n_values(model), n_servers, &facts);
    status = write_text(folder, "training_info.json", &facts, err);
    if (status != TFT_OK)
        goto done;
    status = tft_server_mapping_write(server_names, n_servers, &mapping, err);
    if (status == TFT_OK)
        status = write_text(folder, "server_mapping.json", &mapping, err);
    if (status == TFT_OK)
        status = tft_sync_folder(folder, err);
done:
    tft_text_free(&config);
    tft_text_free(&facts);
    tft_text_free(&mapping);
    return status;
}

static void name_of(int64_t ms, char out[TFT_MODEL_NAME])
{
    char stamp[TFT_TIME_TEXT]; // 2025-11-01T09:00:00Z
    tft_time_format_s(ms, stamp);
    snprintf(out, TFT_MODEL_NAME, "tft_model_%.4s%.2s%.2s_%.2s%.2s%.2s", stamp, stamp + 5, stamp + 8, stamp + 11,
             stamp + 14, stamp + 17);
}

tft_status tft_model_dir_write(const char *folder, const tft_model_card *card, const tft_model *model,
                               const tft_training_info *info, const char *const *server_names, size_t n_servers,
                               char *path, size_t capacity, tft_error *err)
{
    char name[TFT_MODEL_NAME], aside[PATH_MAX], final[PATH_MAX];
    tft_status status = tft_make_folders(folder, 0777, err);
    if (status != TFT_OK)
        return status;
    if (strlen(folder) + 2 * TFT_MODEL_NAME > sizeof aside)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", folder);
    snprintf(aside, sizeof aside, "%s/.tft_model.tmp.%ld", folder, (long)getpid());
    status = tft_remove_folder(aside, err); // left by a run that had our process number
    if (status == TFT_OK && mkdir(aside, 0777) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: %s", aside, strerror(errno));
    if (status != TFT_OK)
        return status;
    status = write_files(aside, card, model, info, server_names, n_servers, err);
    for (int64_t second = 0; status == TFT_OK; second++) {
        name_of(info->trained_at_ms + second * 1000, name);
        snprintf(final, sizeof final, "%s/%s", folder, name);
        if (rename(aside, final) == 0)
            break;
        if ((errno != EEXIST && errno != ENOTEMPTY) || second > 1000)
            status = tft_fail(err, TFT_ERR_IO, "%s: rename: %s", final, strerror(errno));
    }
    if (status == TFT_OK)
        status = tft_sync_folder(folder, err);
    if (status != TFT_OK) {
        tft_remove_folder(aside, NULL);
        return status;
    }
    if (snprintf(path, capacity, "%s", final) >= (int)capacity)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", final);
    return TFT_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static tft_status need_file(const char *directory, const char *name, char path[PATH_MAX], tft_error *err)
{
    if (snprintf(path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", directory);
    return tft_file_exists(path) ? TFT_OK : tft_fail(err, TFT_ERR_NOT_FOUND, "%s: missing", path);
}

static tft_status read_card(const char *path, tft_model_card *card, tft_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    tft_status status = tft_file_read(path, MAX_CONFIG_BYTES, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_model_card_from_json(bytes, n, card, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    free(bytes);
    return status;
}

static tft_status load_judge(const char *directory, const tft_model_card *card, tft_model *model, tft_error *err)
{
    char path[PATH_MAX];
    tft_judge *judge = NULL;
    tft_status status = need_file(directory, TFT_JUDGE_FILE, path, err);
    if (status == TFT_OK)
        status = tft_judge_load(path, card->network.n_trees, card->network.n_signs, &judge, err);
    if (status == TFT_OK)
        tft_model_take_judge(model, judge);
    return status;
}

tft_status tft_model_dir_read(const char *directory, tft_model_card *card, tft_model **model, tft_error *err)
{
    static const char *const companions[] = {"training_info.json", "server_mapping.json"};
    char path[PATH_MAX];
    tft_model *opened = NULL;
    tft_status status = need_file(directory, "config.json", path, err);
    if (status == TFT_OK)
        status = read_card(path, card, err);
    for (size_t i = 0; i < sizeof companions / sizeof companions[0] && status == TFT_OK; i++)
        status = need_file(directory, companions[i], path, err);
    if (status == TFT_OK)
        status = need_file(directory, "model.safetensors", path, err);
    if (status == TFT_OK)
        status = tft_model_open(&card->network, &opened, err);
    if (status == TFT_OK)
        status = tft_model_load_weights(opened, path, err);
    if (status == TFT_OK && card->network.n_trees > 0)
        status = load_judge(directory, card, opened, err);
    if (status != TFT_OK) {
        tft_model_close(opened);
        return status;
    }
    *model = opened;
    return TFT_OK;
}

bool tft_model_name_valid(const char *name)
{
    static const char form[] = "tft_model_########_######";
    for (size_t i = 0; i < sizeof form; i++) { // with the NUL
        const bool same = form[i] == '#' ? name[i] >= '0' && name[i] <= '9' : name[i] == form[i];
        if (!same)
            return false;
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    return strcmp(b, a);
}

tft_status tft_model_dir_newest(const char *folder, tft_model_warning warn, void *context, char *path, size_t capacity,
                                tft_error *err)
{
    tft_status status = TFT_OK;
    size_t n = 0;
    char(*names)[TFT_MODEL_NAME] = calloc(MAX_MODELS, TFT_MODEL_NAME);
    tft_model_card *const card = calloc(1, sizeof *card);
    DIR *const list = opendir(folder);
    if (names == NULL || card == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a list of models");
        goto done;
    }
    if (list == NULL) {
        status = tft_fail(err, errno == ENOENT ? TFT_ERR_NOT_FOUND : TFT_ERR_IO, "%s: %s", folder, strerror(errno));
        goto done;
    }
    for (const struct dirent *entry = readdir(list); entry != NULL && n < MAX_MODELS; entry = readdir(list)) {
        if (tft_model_name_valid(entry->d_name))
            snprintf(names[n++], TFT_MODEL_NAME, "%.31s", entry->d_name);
    }
    qsort(names, n, sizeof names[0], newest_first);
    for (size_t i = 0; i < n; i++) {
        tft_error fault = {0};
        tft_model *model = NULL;
        if (snprintf(path, capacity, "%s/%s", folder, names[i]) >= (int)capacity) {
            status = tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", folder);
            goto done;
        }
        tft_status found = tft_model_dir_read(path, card, &model, &fault);
        if (found == TFT_OK)
            found = tft_model_card_check_features(card, &fault);
        tft_model_close(model);
        if (found == TFT_OK)
            goto done;
        if (warn != NULL)
            warn(context, path, fault.text);
    }
    status = tft_fail(err, TFT_ERR_NOT_FOUND, "%s: no valid model among %zu (names are tft_model_YYYYMMDD_HHMMSS)",
                      folder, n);
done:
    if (list != NULL)
        closedir(list);
    free(names);
    free(card);
    return status;
}
