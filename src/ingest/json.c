/* json.c - see json.h. */
#include "ingest/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/json_plain.h"

/* What stands where a number or a text should, for a sentence. */
static const char *show(const tft_json *object, const char *key, char out[TFT_QUOTED_TEXT + 2])
{
    bool truth = false;
    switch (tft_json_kind_at(object, key)) {
    case TFT_JSON_BOOL:
        tft_json_bool(tft_json_at(object, key), &truth);
        return truth ? "true" : "false";
    case TFT_JSON_ARRAY:
        return "a list";
    case TFT_JSON_OBJECT:
        return "an object";
    case TFT_JSON_NUMBER: {
        double value = 0;
        tft_json_number(tft_json_at(object, key), &value);
        snprintf(out, TFT_QUOTED_TEXT, "%.15g", value);
        return out;
    }
    case TFT_JSON_STRING: {
        size_t n = 0;
        const char *const text = tft_json_string(tft_json_at(object, key), &n);
        char quoted[TFT_QUOTED_TEXT];
        snprintf(out, TFT_QUOTED_TEXT + 2, "\"%s\"", tft_fault_quote(text, n, quoted));
        return out;
    }
    default:
        return "null";
    }
}

static bool wrong_type(tft_fault *fault, const tft_json *object, const char *key, const char *wanted)
{
    char value[TFT_QUOTED_TEXT + 2];
    return tft_fault_set(fault, TFT_FAULT_WRONG_TYPE, key, "%s is %s, must be %s", key, show(object, key, value),
                         wanted);
}

static bool is_missing(const tft_json *object, const char *key)
{
    const tft_json_kind kind = tft_json_kind_at(object, key);
    return kind == TFT_JSON_ABSENT || kind == TFT_JSON_NULL;
}

/* A text that must be there. */
static bool need_text(const tft_json *object, const char *key, const char **text, size_t *n, tft_fault *fault)
{
    if (is_missing(object, key))
        return tft_fault_set(fault, TFT_FAULT_MISSING_FIELD, key, "%s is missing", key);
    *text = tft_json_string(tft_json_at(object, key), n);
    return *text != NULL || wrong_type(fault, object, key, "a text");
}

static bool read_metrics(const tft_json *object, const tft_contract *contract, tft_record *record, tft_fault *fault)
{
    for (size_t m = 0; m < contract->n_metrics; m++) {
        const char *const key = contract->metrics[m].name;
        double value;
        if (is_missing(object, key))
            continue;
        if (!tft_json_number(tft_json_at(object, key), &value))
            return wrong_type(fault, object, key, "a number");
        if (!isfinite(value))
            return tft_fault_set(fault, TFT_FAULT_NOT_FINITE, key, "%s is %s, must be a finite number", key,
                                 isnan(value) ? "NaN"
                                 : value > 0  ? "Infinity"
                                              : "-Infinity");
        record->values[m] = value;
    }
    return true;
}

static bool read_state(const tft_json *object, tft_record *record, tft_fault *fault)
{
    const char *const key = is_missing(object, "state") ? "status" : "state";
    if (is_missing(object, key))
        return true;
    size_t n = 0;
    const char *const text = tft_json_string(tft_json_at(object, key), &n);
    if (text == NULL)
        return wrong_type(fault, object, key, "a text");
    return tft_record_parse_state(key, text, n, &record->state, fault);
}

/* *unknown becomes true where the word is none of the seven. */
static bool read_profile(const tft_json *object, tft_record *record, bool *unknown, tft_fault *fault)
{
    if (is_missing(object, "profile"))
        return true;
    size_t n = 0;
    const char *const text = tft_json_string(tft_json_at(object, "profile"), &n);
    if (text == NULL)
        return wrong_type(fault, object, "profile", "a text");
    record->profile = tft_profile_find(text, n);
    *unknown = record->profile < 0;
    if (*unknown)
        record->profile = TFT_PROFILE_GENERIC;
    return true;
}

static bool read_record(const tft_json *object, const tft_contract *contract, const tft_record_limits *limits,
                        tft_record *record, bool *unknown_profile, tft_fault *fault)
{
    *record = tft_record_empty();
    *unknown_profile = false;
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT)
        return tft_fault_set(fault, TFT_FAULT_NOT_AN_OBJECT, "", "the record is not an object");
    const char *time = NULL;
    size_t n = 0;
    return need_text(object, "timestamp", &time, &n, fault) &&
           tft_record_parse_time(time, n, &record->time_ms, fault) &&
           need_text(object, "server_name", &record->name, &record->name_length, fault) &&
           read_metrics(object, contract, record, fault) && read_state(object, record, fault) &&
           read_profile(object, record, unknown_profile, fault) && tft_record_check(contract, limits, record, fault);
}

void ingest_note_set(ingest_note *note, size_t index, const tft_fault *fault, const char *name, size_t name_length)
{
    note->index = index;
    note->fault = *fault;
    note->has_name = name != NULL;
    if (name != NULL)
        tft_fault_quote(name, name_length, note->name);
}

void ingest_warn_profile(ingest_batch *batch, size_t i, const char *word, size_t n)
{
    const tft_record *const record = &batch->records[batch->n];
    if (batch->n_warnings == INGEST_MAX_NOTES)
        return;
    char quoted[TFT_QUOTED_TEXT];
    tft_fault fault = {0};
    snprintf(fault.field, sizeof fault.field, "profile");
    snprintf(fault.reason, sizeof fault.reason, "profile is \"%.198s\", taken as generic",
             tft_fault_quote(word, n, quoted));
    ingest_note_set(&batch->warnings[batch->n_warnings++], i, &fault, record->name, record->name_length);
}

void ingest_keep(ingest_batch *batch, size_t i)
{
    batch->indices[batch->n++] = (uint32_t)i; // the next good one goes right behind: one append, one fsync
}

void ingest_refuse(ingest_batch *batch, size_t i, const tft_fault *fault, const char *name, size_t name_length)
{
    batch->n_rejected++;
    batch->by_code[fault->code]++;
    if (batch->n_faults < INGEST_MAX_NOTES)
        ingest_note_set(&batch->faults[batch->n_faults++], i, fault, name, name_length);
}

void ingest_take_object(ingest_batch *batch, size_t i, const tft_json *object, const tft_contract *contract,
                        const tft_record_limits *limits)
{
    tft_fault fault = {0};
    bool unknown_profile;
    size_t n = 0;
    if (read_record(object, contract, limits, &batch->records[batch->n], &unknown_profile, &fault)) {
        const char *const word = tft_json_string(tft_json_at(object, "profile"), &n);
        if (unknown_profile && word != NULL)
            ingest_warn_profile(batch, i, word, n);
        ingest_keep(batch, i);
        return;
    }
    const char *const name = tft_json_string(tft_json_at(object, "server_name"), &n);
    ingest_refuse(batch, i, &fault, name, n);
}

tft_status ingest_batch_open(ingest_batch *batch, size_t received, tft_error *err)
{
    batch->received = received;
    const size_t n = batch->received > 0 ? batch->received : 1;
    batch->records = calloc(n, sizeof *batch->records);
    batch->indices = calloc(n, sizeof *batch->indices);
    batch->faults = calloc(INGEST_MAX_NOTES, sizeof *batch->faults);
    batch->warnings = calloc(INGEST_MAX_NOTES, sizeof *batch->warnings);
    return batch->records && batch->indices && batch->faults && batch->warnings
               ? TFT_OK
               : tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu records", n);
}

static tft_status find_records(ingest_batch *batch, bool list_too, const tft_json **list, tft_error *err)
{
    const tft_json *const root = batch->document.root;
    if (list_too && tft_json_kind_of(root) == TFT_JSON_ARRAY) {
        *list = root;
        return TFT_OK;
    }
    if (tft_json_kind_of(root) != TFT_JSON_OBJECT) {
        batch->shape = INGEST_NOT_OBJECT;
        return tft_fail(err, TFT_ERR_ARGUMENT, "the body is not an object%s", list_too ? " or a list" : "");
    }
    *list = tft_json_at(root, "records");
    const tft_json_kind kind = tft_json_kind_at(root, "records");
    batch->shape = kind == TFT_JSON_ARRAY    ? INGEST_SHAPE_OK
                   : kind == TFT_JSON_ABSENT ? INGEST_NO_RECORDS
                                             : INGEST_NOT_A_LIST;
    if (batch->shape != INGEST_SHAPE_OK)
        return tft_fail(err, TFT_ERR_ARGUMENT, "records is %s", kind == TFT_JSON_ABSENT ? "missing" : "not a list");
    return TFT_OK;
}

tft_status ingest_json_document(const char *bytes, size_t n, bool list_too, const tft_contract *contract,
                                const tft_record_limits *limits, size_t max_records, ingest_batch *batch,
                                tft_error *err)
{
    *batch = (ingest_batch){0};
    const tft_json *list = NULL;
    tft_status status = tft_json_parse(bytes, n, INGEST_MAX_DEPTH, &batch->document, err);
    if (status == TFT_OK)
        status = find_records(batch, list_too, &list, err);
    if (status != TFT_OK)
        return status;
    const size_t received = tft_json_length(list);
    if (received > max_records)
        return tft_fail(err, TFT_ERR_LIMIT, "%zu records in one request, at most %zu", received, max_records);
    status = ingest_batch_open(batch, received, err);
    for (size_t i = 0; i < received && status == TFT_OK; i++)
        ingest_take_object(batch, i, tft_json_item(list, i), contract, limits);
    return status;
}

tft_status ingest_json(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                       size_t max_records, ingest_batch *batch, tft_error *err)
{
    if (ingest_json_plain(bytes, n, false, contract, limits, max_records, batch))
        return TFT_OK;
    return ingest_json_document(bytes, n, false, contract, limits, max_records, batch, err);
}

tft_status ingest_json_any(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                           size_t max_records, ingest_batch *batch, tft_error *err)
{
    if (ingest_json_plain(bytes, n, true, contract, limits, max_records, batch))
        return TFT_OK;
    return ingest_json_document(bytes, n, true, contract, limits, max_records, batch, err);
}

void ingest_batch_free(ingest_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->records);
    free(batch->indices);
    free(batch->faults);
    free(batch->warnings);
    free(batch->space);
    tft_json_free(&batch->document);
    *batch = (ingest_batch){0};
}
