/* json.h - the body of POST /feed/data: {"records": [{…}, …]} to records, bad ones named, good ones kept.
 *
 * Rules of CONTRACT 1.1: types here (a value is a JSON number; text, booleans and lists are not), ranges, names and
 * times in series/record.h. Null and absent are the same: missing. `status` stands in for an absent `state`. Fields
 * that the contract does not have are ignored.
 *
 * Memory:  the batch owns the parsed document; the names in its records point into it or into `bytes`, which must therefore
 *          stay until ingest_batch_free().
 *          Bounded by the body's bytes (about 40 times as many) and by max_records.
 * Threads: a batch belongs to one thread.
 */
#ifndef TFTD_INGEST_JSON_H
#define TFTD_INGEST_JSON_H

#include "base/json.h"
#include "series/record.h"

#define INGEST_MAX_DEPTH 32
#define INGEST_MAX_NOTES 100 // faults, and warnings, that are listed

typedef struct ingest_note {
    size_t index; // of the record in the body
    tft_fault fault;
    bool has_name;
    char name[TFT_QUOTED_TEXT]; // the server's, fit for a reply
} ingest_note;

typedef enum ingest_shape {
    INGEST_SHAPE_OK,
    INGEST_NOT_OBJECT, // the body is JSON but no object
    INGEST_NO_RECORDS, // it has no "records"
    INGEST_NOT_A_LIST  // "records" is no array
} ingest_shape;

typedef struct ingest_batch {
    ingest_shape shape;
    size_t received;     // records in the body
    size_t n;            // good ones
    tft_record *records; // [n]
    uint32_t *indices;   // [n] their places in the body
    size_t n_rejected;
    size_t by_code[TFT_N_FAULTS]; // of those
    size_t n_faults;              // listed
    ingest_note *faults;          // [INGEST_MAX_NOTES] the first ones, by index
    size_t n_warnings;
    ingest_note *warnings; // [INGEST_MAX_NOTES]
    tft_json_document document;
    char *space; // names that do not lie in the document (rows.h)
} ingest_batch;

/* TFT_ERR_FORMAT: not JSON ("malformed JSON at byte N: …"). TFT_ERR_ARGUMENT: JSON of another shape, told in
 * batch->shape. TFT_ERR_LIMIT: more than max_records. TFT_OK otherwise, however many records were rejected. */
tft_status ingest_json(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                       size_t max_records, ingest_batch *batch, tft_error *err);

/* The same for a body that may also be the list alone: [{…}, …]. */
tft_status ingest_json_any(const char *bytes, size_t n, const tft_contract *contract, const tft_record_limits *limits,
                           size_t max_records, ingest_batch *batch, tft_error *err);

/* Both go here where the body is not plain (json_plain.h): by way of a document. */
tft_status ingest_json_document(const char *bytes, size_t n, bool list_too, const tft_contract *contract,
                                const tft_record_limits *limits, size_t max_records, ingest_batch *batch,
                                tft_error *err);

/* For decoders of rows: room for `received` records; then, row by row, what came of it. */
tft_status ingest_batch_open(ingest_batch *batch, size_t received, tft_error *err);
/* Record i of the body from a JSON object (anything else is a fault). Its name is lent by the object. */
void ingest_take_object(ingest_batch *batch, size_t i, const tft_json *object, const tft_contract *contract,
                        const tft_record_limits *limits);
/* Record i of the body was decoded and checked (batch->records[batch->n] holds it), or has a fault. */
void ingest_keep(ingest_batch *batch, size_t i);
void ingest_refuse(ingest_batch *batch, size_t i, const tft_fault *fault, const char *name, size_t name_length);
void ingest_warn_profile(ingest_batch *batch, size_t i, const char *word, size_t n);

void ingest_batch_free(ingest_batch *batch); // accepts a zeroed struct

/* A fault with the record's name, for the reply's list. */
void ingest_note_set(ingest_note *note, size_t index, const tft_fault *fault, const char *name, size_t name_length);

#endif
