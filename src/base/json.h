/* json.h - reading JSON; the one place that knows json-c. (Writing is text.h: replies are rendered once.)
 *
 * Strict RFC 8259, with one deliberate opening: bare NaN, Infinity, -Infinity and numbers that overflow
 * become non-finite doubles instead of failing the document, so that a caller can reject the one value and
 * keep its neighbours. Refused: an empty or cut document, trailing text, invalid UTF-8, lone surrogate
 * escapes, more than `max_depth` levels. Where an object repeats a key, the last one counts.
 *
 * A tft_json is a borrowed pointer into the document; NULL means "not there", and every getter accepts it.
 *
 * Memory:  the document owns all nodes until tft_json_free().
 * Threads: a document belongs to one thread.
 */
#ifndef TFT_BASE_JSON_H
#define TFT_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef struct json_object tft_json;

typedef enum tft_json_kind {
    TFT_JSON_ABSENT,
    TFT_JSON_NULL,
    TFT_JSON_BOOL,
    TFT_JSON_NUMBER,
    TFT_JSON_STRING,
    TFT_JSON_ARRAY,
    TFT_JSON_OBJECT
} tft_json_kind;

typedef struct tft_json_document {
    tft_json *root; // a JSON null is a NULL root with is_null set
    bool is_null;
} tft_json_document;

/* TFT_ERR_FORMAT with "malformed JSON at byte N: why" otherwise. bytes[n] need not be NUL. */
tft_status tft_json_parse(const char *bytes, size_t n, size_t max_depth, tft_json_document *document, tft_error *err);
void tft_json_free(tft_json_document *document);

/* Kind of the value under `key`: tells a null from a missing one, which a pointer cannot. */
tft_json_kind tft_json_kind_at(const tft_json *object, const char *key);
tft_json_kind tft_json_item_kind(const tft_json *array, size_t i);
tft_json_kind tft_json_kind_of(const tft_json *value); // of a non-null value; NULL gives ABSENT

const tft_json *tft_json_at(const tft_json *object, const char *key); // NULL: missing or null
const tft_json *tft_json_item(const tft_json *array, size_t i);
size_t tft_json_length(const tft_json *array_or_object); // 0 for anything else

/* The text with its length (it may hold NUL bytes); NULL where the value is no string. */
const char *tft_json_string(const tft_json *value, size_t *n);
/* False, and *out untouched, where the value is no number (no conversions from text or bool). */
bool tft_json_number(const tft_json *value, double *out);
bool tft_json_bool(const tft_json *value, bool *out);

/* Calls visit(context, key, value or NULL for null) for every member, in document order. */
void tft_json_each(const tft_json *object, void (*visit)(void *context, const char *key, const tft_json *value),
                   void *context);

/* Getters for configuration files of our own: the value, or an error naming the key. */
tft_status tft_json_need_number(const tft_json *object, const char *key, double low, double high, double *out,
                                tft_error *err);
tft_status tft_json_need_size(const tft_json *object, const char *key, size_t low, size_t high, size_t *out,
                              tft_error *err);
tft_status tft_json_need_string(const tft_json *object, const char *key, char *out, size_t capacity, tft_error *err);

#endif
