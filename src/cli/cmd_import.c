/* cmd_import.c - tftd import model: weights exported from pytorch-forecasting become a model directory.
 *
 * SRC is a folder with model.safetensors (the package's state_dict, its names) and config.json as tests/golden/README.md
 * describes them. The new directory holds the same weights, each tensor once, and a config.json with the `network`; its
 * `contract` is null, because the package does not say what the columns mean: `tftd check-golden` and libtft can run
 * such a model, the daemon cannot serve it.
 *
 * Exit codes: 0 done, 2 usage, 4 a file of SRC is invalid, 1 anything else.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "tft/config_json.h"
#include "tft/model.h"

#define MAX_CONFIG ((size_t)16 << 20)

static const flag_page page = {
    "tftd import model SRC --out DIR",
    "Turns SRC, a folder with model.safetensors and config.json exported from pytorch-forecasting's\n"
    "TemporalFusionTransformer (tests/golden/README.md says how), into DIR/tft_model_YYYYMMDD_HHMMSS/ and prints its\n"
    "path. Every tensor is checked: name, shape, type, finiteness.",
    "  tftd import model tests/golden/daemon --out models\n"
    "  tftd check-golden tests/golden/daemon\n"};

/* folder/name into path[PATH_MAX]. */
static tft_status join(const char *folder, const char *name, char *path, tft_error *err)
{
    const int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return n < 0 || n >= PATH_MAX ? tft_fail(err, TFT_ERR_LIMIT, "path too long: %.100s…", folder) : TFT_OK;
}

static tft_status read_config(const char *source, tft_config *config, tft_error *err)
{
    char path[PATH_MAX], *bytes = NULL;
    size_t n = 0;
    tft_json_document document = {0};
    tft_status status = join(source, "config.json", path, err);
    if (status == TFT_OK)
        status = tft_file_read(path, MAX_CONFIG, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = tft_json_parse(bytes, n, 32, &document, err);
    if (status == TFT_OK)
        status = tft_config_from_pytorch_forecasting(document.root, config, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    tft_json_free(&document);
    free(bytes);
    return status;
}

/* "tft_model_20251101_090000" of an instant. */
static void name_of(int64_t ms, char *name, size_t capacity)
{
    char stamp[TFT_TIME_TEXT]; // 2025-11-01T09:00:00Z
    tft_time_format_s(ms, stamp);
    snprintf(name, capacity, "tft_model_%.4s%.2s%.2s_%.2s%.2s%.2s", stamp, stamp + 5, stamp + 8, stamp + 11, stamp + 14,
             stamp + 17);
}

static tft_status write_files(const char *folder, const tft_config *config, const tft_model *model, tft_error *err)
{
    char path[PATH_MAX];
    tft_status status = join(folder, "model.safetensors", path, err);
    if (status == TFT_OK)
        status = tft_model_save_weights(model, path, err);
    if (status != TFT_OK)
        return status;
    tft_text text = tft_text_new(MAX_CONFIG);
    tft_text_puts(&text, "{\"network\": ");
    tft_config_to_json(config, &text);
    tft_text_puts(&text, ", \"contract\": null}\n");
    status = text.failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory for config.json")
                         : join(folder, "config.json", path, err);
    if (status == TFT_OK)
        status = tft_file_replace(path, text.bytes, text.n, err);
    tft_text_free(&text);
    return status;
}

/* Writes aside and renames, as every model directory is written. */
static tft_status write_directory(const char *out, const tft_config *config, const tft_model *model, char *final,
                                  tft_error *err)
{
    char aside[PATH_MAX], name[32], hidden[64];
    tft_status status = tft_make_folders(out, 0777, err);
    int64_t ms = tft_wall_ms();
    do { // the next free second
        name_of(ms, name, sizeof name);
        if (status == TFT_OK)
            status = join(out, name, final, err);
        ms += 1000;
    } while (status == TFT_OK && tft_file_exists(final));
    snprintf(hidden, sizeof hidden, ".%.26s.tmp.%ld", name, (long)getpid());
    if (status == TFT_OK)
        status = join(out, hidden, aside, err);
    if (status == TFT_OK)
        status = tft_make_folders(aside, 0777, err);
    if (status != TFT_OK)
        return status;
    status = write_files(aside, config, model, err);
    if (status == TFT_OK && rename(aside, final) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: could not be renamed to %s", aside, final);
    if (status == TFT_OK)
        return tft_sync_folder(out, err);
    tft_remove_folder(aside, NULL);
    return status;
}

static int exit_code(tft_status status)
{
    switch (status) {
    case TFT_OK:
        return EXIT_DONE;
    case TFT_ERR_FORMAT:
    case TFT_ERR_LIMIT:
    case TFT_ERR_MISMATCH:
    case TFT_ERR_NOT_FOUND:
    case TFT_ERR_ARGUMENT:
        return EXIT_DATA;
    default:
        return EXIT_FAILED;
    }
}

int cmd_import(int argc, char **argv)
{
    const char *out = NULL;
    flag_list rest = {0};
    const flag flags[] = {{"--out", "DIR", "folder for the new model directory", FLAG_TEXT, &out}, {0}};
    const int code = flags_parse(argc, argv, &page, flags, &rest);
    if (code >= 0)
        return code;
    if (rest.n != 2 || strcmp(rest.items[0], "model") != 0 || out == NULL) {
        fprintf(stderr, "tftd import: wants `import model SRC --out DIR`; `tftd help import` shows an example\n");
        return EXIT_USAGE;
    }
    const char *const source = rest.items[1];
    tft_error err = {0};
    tft_config *const config = calloc(1, sizeof *config);
    tft_model *model = NULL;
    char weights[PATH_MAX], path[PATH_MAX];
    snprintf(weights, sizeof weights, "%s/model.safetensors", source);
    tft_status status =
        config == NULL ? tft_fail(&err, TFT_ERR_MEMORY, "no memory") : read_config(source, config, &err);
    if (status == TFT_OK)
        status = tft_model_open(config, &model, &err);
    if (status == TFT_OK)
        status = tft_model_load_weights(model, weights, &err);
    if (status == TFT_OK)
        status = write_directory(out, config, model, path, &err);
    if (status == TFT_OK)
        printf("%s\n", path);
    else
        fprintf(stderr, "tftd import: %s\n", err.text);
    tft_model_close(model);
    free(config);
    return exit_code(status);
}
