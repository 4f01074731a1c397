/* checkpoint.c - <out>/checkpoint.tft: everything a training needs to go on as if it had never stopped.
 *
 * A safetensors file (github.com/huggingface/safetensors, "Format"), replaced whole after every epoch and on a stop:
 *
 *     | u64 n | n bytes of JSON: __metadata__, five tensors F32 [N] | weights | ema | best | adam_m | adam_v |
 *
 * N floats is the padded block of optimizer.h. __metadata__ holds texts only: the state (tft_train_state), the options
 * that shape the result, and a fingerprint of the data. There is no generator to keep: window k and the dropout of
 * step s are functions of (seed, k) and (seed, s). A checkpoint of other options or data is refused, naming the first
 * difference, because going on from it could not give what an uninterrupted run gives.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "train/trainer.h"

#define N_BLOCKS 5
#define MAX_HEADER ((size_t)1 << 20)
#define MAX_CHECKPOINT ((size_t)4 << 30)

static const char *const block_names[N_BLOCKS] = {"weights", "ema", "best", "adam_m", "adam_v"};

/* The state's fields by name: written and read by walking this one table. */
typedef struct field {
    const char *name;
    size_t offset;
    enum { FIELD_COUNT, FIELD_REAL, FIELD_FLAG } kind;
} field;

#define FIELD(name, kind)                                                                                              \
    {                                                                                                                  \
#name, offsetof(tft_train_state, name), kind                                                                   \
    }
static const field fields[] = {FIELD(step, FIELD_COUNT),
                               FIELD(epoch, FIELD_COUNT),
                               FIELD(n_skipped, FIELD_COUNT),
                               FIELD(best_epoch, FIELD_COUNT),
                               FIELD(epochs_without_better, FIELD_COUNT),
                               FIELD(best_loss, FIELD_REAL),
                               FIELD(best_hazard, FIELD_REAL),
                               FIELD(last_loss, FIELD_REAL),
                               FIELD(last_hazard, FIELD_REAL),
                               FIELD(sum_loss, FIELD_REAL),
                               FIELD(sum_hazard, FIELD_REAL),
                               FIELD(n_losses, FIELD_REAL),
                               FIELD(epoch_loss, FIELD_REAL),
                               FIELD(elapsed_s, FIELD_REAL),
                               FIELD(finished, FIELD_FLAG),
                               FIELD(early_stopped, FIELD_FLAG)};
#define N_FIELDS (sizeof fields / sizeof fields[0])

static void field_to_text(const tft_train_state *state, const field *f, char *text, size_t capacity)
{
    const unsigned char *const at = (const unsigned char *)state + f->offset;
    uint64_t count = 0;
    double real = 0;
    bool flag = false;
    switch (f->kind) {
    case FIELD_COUNT:
        memcpy(&count, at, sizeof count);
        snprintf(text, capacity, "%" PRIu64, count);
        break;
    case FIELD_REAL:
        memcpy(&real, at, sizeof real);
        snprintf(text, capacity, "%.17g", real);
        break;
    case FIELD_FLAG:
        memcpy(&flag, at, sizeof flag);
        snprintf(text, capacity, "%d", flag);
    }
}

static bool field_from_text(tft_train_state *state, const field *f, const char *text)
{
    unsigned char *const at = (unsigned char *)state + f->offset;
    char *end;
    const uint64_t count = strtoull(text, &end, 10);
    const bool whole = end != text && *end == '\0';
    const double real = strtod(text, &end);
    const bool number = end != text && *end == '\0' && !isnan(real);
    const bool flag = count != 0;
    switch (f->kind) {
    case FIELD_COUNT:
        memcpy(at, &count, sizeof count);
        return whole && count < UINT64_C(1) << 60;
    case FIELD_REAL:
        memcpy(at, &real, sizeof real);
        return number;
    case FIELD_FLAG:
        memcpy(at, &flag, sizeof flag);
        return whole && count <= 1;
    }
    return false;
}

/* FNV-1a over names, times and values: tells other data, not other intentions. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *const at = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t fingerprint(const tft_dataset *dataset)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < dataset->n_servers; i++) {
        const tft_series *const s = &dataset->series[i];
        h = hash(h, dataset->names[i], strlen(dataset->names[i]) + 1);
        h = hash(h, &s->first_step, sizeof s->first_step);
        h = hash(h, &s->n_steps, sizeof s->n_steps);
        for (size_t k = 0; k < s->n_steps; k += 16) { // every 16th step: a changed file shows, and it stays quick
            h = hash(h, &s->counts[k], sizeof s->counts[k]);
            for (size_t m = 0; m < s->n_metrics; m++) {
                const float x = s->values[k * s->n_metrics + m];
                const float value = isnan(x) ? -1e30f : x; // NaNs have many encodings
                h = hash(h, &value, sizeof value);
            }
        }
    }
    return h;
}

static void options_text(const tft_trainer *t, tft_text *text)
{
    tft_train_options_text(t->options, &t->dataset->contract, text);
    tft_text_printf(text, " groups=%zu", t->options->n_groups);
    for (size_t g = 0; g < t->options->n_groups; g++)
        tft_text_printf(text, ",%.17g", t->options->group_share != NULL ? t->options->group_share[g] : 0.0);
    tft_text_printf(text, " data=%016" PRIx64, fingerprint(t->dataset));
}

static tft_status path_of(const tft_trainer *t, char path[PATH_MAX], tft_error *err)
{
    if (snprintf(path, PATH_MAX, "%s/checkpoint.tft", t->options->out) >= PATH_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", t->options->out);
    return TFT_OK;
}

static void put_string(tft_text *text, const char *key, const char *value)
{
    tft_text_puts(text, ", ");
    tft_text_json_string(text, key, strlen(key));
    tft_text_puts(text, ": ");
    tft_text_json_string(text, value, strlen(value));
}

static void header(const tft_trainer *t, tft_text *text)
{
    const size_t bytes = t->optimizer.n * sizeof(float);
    char value[64];
    tft_text options = tft_text_new(MAX_HEADER);
    options_text(t, &options);
    tft_text_puts(text, "{\"__metadata__\": {\"format\": \"tftd checkpoint 1\"");
    put_string(text, "options", options.bytes != NULL ? options.bytes : "");
    text->failed |= options.failed;
    for (size_t i = 0; i < N_FIELDS; i++) {
        field_to_text(&t->state, &fields[i], value, sizeof value);
        put_string(text, fields[i].name, value);
    }
    tft_text_puts(text, "}");
    for (size_t i = 0; i < N_BLOCKS; i++)
        tft_text_printf(text, ", \"%s\": {\"dtype\": \"F32\", \"shape\": [%zu], \"data_offsets\": [%zu, %zu]}",
                        block_names[i], t->optimizer.n, i * bytes, (i + 1) * bytes);
    tft_text_puts(text, "}");
    while (text->n % 8 != 0 && !text->failed) // the tensors then lie aligned in the file
        tft_text_puts(text, " ");
    tft_text_free(&options);
}

tft_status tft_checkpoint_write(tft_trainer *t, tft_error *err)
{
    const tft_optimizer *const o = &t->optimizer;
    const size_t bytes = o->n * sizeof(float);
    char path[PATH_MAX];
    unsigned char *file = NULL;
    tft_text json = tft_text_new(MAX_HEADER);
    tft_status status = path_of(t, path, err);
    if (status != TFT_OK)
        return status;
    header(t, &json);
    if (!json.failed)
        file = calloc(1, 8 + json.n + N_BLOCKS * bytes);
    if (file == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: no memory for a checkpoint", path);
        goto done;
    }
    for (size_t i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)json.n >> (8 * i));
    memcpy(file + 8, json.bytes, json.n);
    float *const data = (float *)(void *)(file + 8 + json.n);
    const float *const blocks[N_BLOCKS] = {NULL, o->ema, o->best, o->m, o->v};
    tft_optimizer_get(t->model, t->workspaces[0], data);
    for (size_t i = 1; i < N_BLOCKS; i++)
        memcpy(data + i * o->n, blocks[i], bytes);
    status = tft_file_replace(path, file, 8 + json.n + N_BLOCKS * bytes, err);
done:
    free(file);
    tft_text_free(&json);
    return status;
}

/* TFT_ERR_MISMATCH naming the first option that differs. Both texts are "name=value" separated by spaces. */
static tft_status compare_options(const char *then, const char *now, tft_error *err)
{
    while (*then != '\0' || *now != '\0') {
        then += strspn(then, " ");
        now += strspn(now, " ");
        const size_t a = strcspn(then, " "), b = strcspn(now, " ");
        if (a != b || memcmp(then, now, a) != 0)
            return tft_fail(err, TFT_ERR_MISMATCH,
                            "made with %.*s, now it is %.*s: resume with the same options and data",
                            (int)(a < 100 ? a : 100), then, (int)(b < 100 ? b : 100), now);
        then += a;
        now += b;
    }
    return TFT_OK;
}

static tft_status check_tensors(const tft_json *root, size_t n, tft_error *err)
{
    for (size_t i = 0; i < N_BLOCKS; i++) {
        const tft_json *const tensor = tft_json_at(root, block_names[i]);
        const double wanted[3] = {(double)n, (double)(i * n * 4), (double)((i + 1) * n * 4)};
        double found[3] = {-1, -1, -1};
        tft_json_number(tft_json_item(tft_json_at(tensor, "shape"), 0), &found[0]);
        tft_json_number(tft_json_item(tft_json_at(tensor, "data_offsets"), 0), &found[1]);
        tft_json_number(tft_json_item(tft_json_at(tensor, "data_offsets"), 1), &found[2]);
        for (size_t k = 0; k < 3; k++) {
            if (found[k] != wanted[k])
                return tft_fail(err, TFT_ERR_MISMATCH, "tensor %s is not the %zu floats that this network has",
                                block_names[i], n);
        }
    }
    return TFT_OK;
}

static tft_status read_header(tft_trainer *t, const tft_json *root, tft_train_state *state, tft_error *err)
{
    const tft_json *const metadata = tft_json_at(root, "__metadata__");
    const char *const then = tft_json_string(tft_json_at(metadata, "options"), NULL);
    tft_text now = tft_text_new(MAX_HEADER);
    tft_status status = TFT_OK;
    if (then == NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "no checkpoint of tftd train");
    options_text(t, &now);
    status = now.failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory") : compare_options(then, now.bytes, err);
    tft_text_free(&now);
    if (status == TFT_OK)
        status = check_tensors(root, t->optimizer.n, err);
    for (size_t i = 0; i < N_FIELDS && status == TFT_OK; i++) {
        const char *const text = tft_json_string(tft_json_at(metadata, fields[i].name), NULL);
        if (text == NULL || !field_from_text(state, &fields[i], text))
            status = tft_fail(err, TFT_ERR_FORMAT, "metadata \"%s\" is missing or no number", fields[i].name);
    }
    return status;
}

static tft_status read_bytes(tft_trainer *t, const unsigned char *file, size_t n, tft_error *err)
{
    const tft_optimizer *const o = &t->optimizer;
    tft_json_document document = {0};
    tft_train_state state = {0};
    uint64_t length = 0;
    for (size_t i = 0; i < 8 && n >= 8; i++)
        length |= (uint64_t)file[i] << (8 * i);
    if (n < 8 || length > MAX_HEADER || length > n - 8)
        return tft_fail(err, TFT_ERR_FORMAT, "%zu bytes, too short or no checkpoint", n);
    tft_status status = tft_json_parse((const char *)file + 8, (size_t)length, 8, &document, err);
    if (status != TFT_OK)
        return status;
    status = read_header(t, document.root, &state, err);
    const size_t data = n - 8 - (size_t)length, bytes = o->n * sizeof(float);
    if (status == TFT_OK && data != N_BLOCKS * bytes)
        status = tft_fail(err, TFT_ERR_FORMAT, "%zu bytes of weights, expected %zu", data, N_BLOCKS * bytes);
    if (status == TFT_OK) {
        const unsigned char *const at = file + 8 + length;
        float *const blocks[N_BLOCKS] = {o->best, o->ema, o->best, o->m, o->v};
        memcpy(o->best, at, bytes); // through `best` into the model, because a file's bytes need not lie aligned
        tft_optimizer_put(o->best, t->model, t->workspaces[0]);
        for (size_t i = 1; i < N_BLOCKS; i++)
            memcpy(blocks[i], at + i * bytes, bytes);
        t->state = state;
    }
    tft_json_free(&document);
    return status;
}

tft_status tft_checkpoint_read(tft_trainer *t, tft_error *err)
{
    char path[PATH_MAX], *bytes = NULL;
    size_t n = 0;
    tft_status status = path_of(t, path, err);
    if (status == TFT_OK)
        status = tft_file_read(path, MAX_CHECKPOINT, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    status = read_bytes(t, (const unsigned char *)bytes, n, err);
    if (status != TFT_OK)
        tft_error_prefix(err, "%s", path);
    free(bytes);
    return status;
}
