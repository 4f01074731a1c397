/* json.c - see json.h. json-c's tokener is incremental; one call over the whole text, then its end is checked.
 *
 * What json-c lets through and we do not (it writes U+FFFD for half a surrogate pair, takes comments, 'single quotes' and control characters)
 * is found by a scan before.
 */
#include "base/json.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The value of the four hex digits at text[at], or −1. */
static int hex4(const char *text, size_t n, size_t at)
{
    if (at + 4 > n)
        return -1;
    int value = 0;
    for (size_t i = at; i < at + 4; i++) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Whether the escape at text[i] is half a surrogate pair; *length is how many bytes the whole escape takes. */
static bool lone_surrogate(const char *text, size_t n, size_t i, size_t *length)
{
    *length = 2;
    const int unit = i + 1 < n && text[i + 1] == 'u' ? hex4(text, n, i + 2) : -1;
    if (unit < 0xd800 || unit > 0xdfff)
        return false;
    const bool escape_follows = i + 8 <= n && text[i + 6] == '\\' && text[i + 7] == 'u';
    const int low = escape_follows ? hex4(text, n, i + 8) : -1;
    *length = 12;
    return unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff;
}

/* What json-c lets through although it is no JSON: 'single quotes', comments, one level too many, half surrogate pairs.
 * Returns why and, in *at, where; NULL where nothing is wrong. */
static const char *find_leniency(const char *text, size_t n, size_t max_depth, size_t *at)
{
    size_t depth = 0, length;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        *at = i;
        if (in_string) {
            if (c == '"') {
                in_string = false;
            } else if (c == '\\') {
                if (lone_surrogate(text, n, i, &length))
                    return "escape of half a surrogate pair";
                i += length - 1;
            } else if ((unsigned char)c < 0x20) {
                return "control character in a string";
            }
            continue;
        }
        switch (c) {
        case '"':
            in_string = true;
            break;
        case '[':
        case '{':
            if (++depth > max_depth)
                return "nested too deeply";
            break;
        case ']':
        case '}':
            depth -= depth > 0;
            break;
        case '\'':
        case '/':
            return "unexpected character";
        default:
            break;
        }
    }
    return NULL;
}

tft_status tft_json_parse(const char *bytes, size_t n, size_t max_depth, tft_json_document *document, tft_error *err)
{
    *document = (tft_json_document){0};
    if (n > INT_MAX)
        return tft_fail(err, TFT_ERR_LIMIT, "JSON of %zu bytes, at most %d are read", n, INT_MAX);
    size_t place = 0;
    const char *const wrong = find_leniency(bytes, n, max_depth, &place);
    if (wrong != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "malformed JSON at byte %zu: %s", place, wrong);

    json_tokener *const tokener = json_tokener_new_ex((int)max_depth + 1);
    if (tokener == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for a JSON parser");
    json_tokener_set_flags(tokener,
                           JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8 | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    tft_json *root = json_tokener_parse_ex(tokener, bytes, (int)n);
    enum json_tokener_error why = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (why == json_tokener_continue && end == n && n > 0) { // a bare number at the very end wants a terminator
        root = json_tokener_parse_ex(tokener, "\n", 1);
        why = json_tokener_get_error(tokener);
        end = n;
    }
    tft_status status = TFT_OK;
    if (why == json_tokener_continue) {
        status = tft_fail(err, TFT_ERR_FORMAT, "malformed JSON at byte %zu: the document ends too early", n);
    } else if (why != json_tokener_success) {
        status = tft_fail(err, TFT_ERR_FORMAT, "malformed JSON at byte %zu: %s", end, json_tokener_error_desc(why));
    } else {
        while (end < n && (bytes[end] == ' ' || bytes[end] == '\n' || bytes[end] == '\r' || bytes[end] == '\t'))
            end++;
        if (end < n)
            status = tft_fail(err, TFT_ERR_FORMAT, "malformed JSON at byte %zu: text after the document", end);
    }
    json_tokener_free(tokener);
    if (status != TFT_OK) {
        json_object_put(root);
        return status;
    }
    document->root = root;
    document->is_null = root == NULL;
    return TFT_OK;
}

void tft_json_free(tft_json_document *document)
{
    if (document == NULL)
        return;
    json_object_put(document->root);
    *document = (tft_json_document){0};
}

tft_json_kind tft_json_kind_of(const tft_json *value)
{
    if (value == NULL)
        return TFT_JSON_ABSENT;
    switch (json_object_get_type(value)) {
    case json_type_null:
        return TFT_JSON_NULL;
    case json_type_boolean:
        return TFT_JSON_BOOL;
    case json_type_double:
    case json_type_int:
        return TFT_JSON_NUMBER;
    case json_type_object:
        return TFT_JSON_OBJECT;
    case json_type_array:
        return TFT_JSON_ARRAY;
    case json_type_string:
        return TFT_JSON_STRING;
    }
    return TFT_JSON_ABSENT;
}

tft_json_kind tft_json_kind_at(const tft_json *object, const char *key)
{
    tft_json *value = NULL;
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT || !json_object_object_get_ex(object, key, &value))
        return TFT_JSON_ABSENT;
    return value == NULL ? TFT_JSON_NULL : tft_json_kind_of(value);
}

tft_json_kind tft_json_item_kind(const tft_json *array, size_t i)
{
    if (i >= tft_json_length(array) || tft_json_kind_of(array) != TFT_JSON_ARRAY)
        return TFT_JSON_ABSENT;
    const tft_json *const value = json_object_array_get_idx(array, i);
    return value == NULL ? TFT_JSON_NULL : tft_json_kind_of(value);
}

const tft_json *tft_json_at(const tft_json *object, const char *key)
{
    tft_json *value = NULL;
    if (tft_json_kind_of(object) == TFT_JSON_OBJECT)
        json_object_object_get_ex(object, key, &value);
    return value;
}

const tft_json *tft_json_item(const tft_json *array, size_t i)
{
    return tft_json_kind_of(array) == TFT_JSON_ARRAY ? json_object_array_get_idx(array, i) : NULL;
}

size_t tft_json_length(const tft_json *value)
{
    switch (tft_json_kind_of(value)) {
    case TFT_JSON_ARRAY:
        return json_object_array_length(value);
    case TFT_JSON_OBJECT:
        return (size_t)json_object_object_length(value);
    default:
        return 0;
    }
}

const char *tft_json_string(const tft_json *value, size_t *n)
{
    if (tft_json_kind_of(value) != TFT_JSON_STRING)
        return NULL;
    if (n != NULL)
        *n = (size_t)json_object_get_string_len(value);
    return json_object_get_string((tft_json *)(uintptr_t)value); // json-c caches a rendering, hence its non-const
}

bool tft_json_number(const tft_json *value, double *out)
{
    if (tft_json_kind_of(value) != TFT_JSON_NUMBER)
        return false;
    *out = json_object_get_double(value);
    return true;
}

bool tft_json_bool(const tft_json *value, bool *out)
{
    if (tft_json_kind_of(value) != TFT_JSON_BOOL)
        return false;
    *out = json_object_get_boolean(value) != 0;
    return true;
}

void tft_json_each(const tft_json *object, void (*visit)(void *context, const char *key, const tft_json *value),
                   void *context)
{
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT)
        return;
    struct json_object_iterator at = json_object_iter_begin((tft_json *)(uintptr_t)object);
    const struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        visit(context, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
}

tft_status tft_json_need_number(const tft_json *object, const char *key, double low, double high, double *out,
                                tft_error *err)
{
    double value;
    if (!tft_json_number(tft_json_at(object, key), &value))
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": missing or not a number", key);
    if (!(value >= low && value <= high))
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" is %g, must be %g to %g", key, value, low, high);
    *out = value;
    return TFT_OK;
}

tft_status tft_json_need_size(const tft_json *object, const char *key, size_t low, size_t high, size_t *out,
                              tft_error *err)
{
    double value;
    const tft_status status = tft_json_need_number(object, key, (double)low, (double)high, &value, err);
    if (status != TFT_OK)
        return status;
    if (value != (double)(size_t)value)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\" is %g, must be a whole number", key, value);
    *out = (size_t)value;
    return TFT_OK;
}

tft_status tft_json_need_string(const tft_json *object, const char *key, char *out, size_t capacity, tft_error *err)
{
    size_t n;
    const char *const text = tft_json_string(tft_json_at(object, key), &n);
    if (text == NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": missing or not a string", key);
    if (n >= capacity || memchr(text, '\0', n) != NULL)
        return tft_fail(err, TFT_ERR_FORMAT, "key \"%s\": %zu bytes, at most %zu without NUL fit", key, n,
                        capacity - 1);
    memcpy(out, text, n + 1);
    return TFT_OK;
}
