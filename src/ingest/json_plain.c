/* json_plain.c - see json_plain.h. */
#include "ingest/json_plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_DIGITS 15
#define MOST_DIGITS 64 // of a number that goes to strtod
#define EXACT_POWERS 23

/* What is left of the body. */
typedef struct cursor {
    const char *at, *end;
} cursor;

/* A key's meaning: a metric's number, or one of these. */
enum { KEY_TIME = TFT_MAX_METRICS, KEY_NAME, KEY_STATE, KEY_STATUS, KEY_PROFILE, KEY_OTHER };

typedef struct text {
    const char *bytes; // NULL: not there
    size_t n;
} text;

/* What a record's object says, before it is judged. */
typedef struct reading {
    uint64_t seen; // keys, by their meaning
    text time, name, state, status, profile;
} reading;

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

/* The next byte that is no blank is `wanted`: takes it. */
static bool take(cursor *c, char wanted)
{
    skip_blanks(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* A text of printable ASCII without escapes. */
static bool take_text(cursor *c, text *out)
{
    if (!take(c, '"'))
        return false;
    const char *at = c->at;
    while (at < c->end && *at != '"') {
        const unsigned char byte = (unsigned char)*at;
        if (byte < 0x20 || byte >= 0x7f || byte == '\\')
            return false;
        at++;
    }
    if (at == c->end)
        return false;
    *out = (text){c->at, (size_t)(at - c->at)};
    c->at = at + 1;
    return true;
}

static bool take_null(cursor *c)
{
    if (c->end - c->at < 4 || memcmp(c->at, "null", 4) != 0)
        return false;
    c->at += 4;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits into *mantissa (it overflows only where *n > EXACT_DIGITS, and is then not used). */
static const char *take_digits(const char *at, const char *end, uint64_t *mantissa, size_t *n)
{
    for (; at < end && is_digit(*at); at++, ++*n)
        *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
    return at;
}

/* −? digits (. digits)?, as JSON has them; no exponent. */
static bool take_number(cursor *c, double *out)
{
    static const double powers[EXACT_POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = c->at;
    const bool negative = at < c->end && *at == '-';
    at += negative;
    const char *const first = at;
    uint64_t mantissa = 0;
    size_t n = 0;
    at = take_digits(at, c->end, &mantissa, &n);
    if (n == 0 || (n > 1 && *first == '0'))
        return false;
    const bool whole = at == c->end || *at != '.';
    const size_t n_whole = n;
    if (!whole) {
        at = take_digits(at + 1, c->end, &mantissa, &n);
        if (n == n_whole)
            return false;
    }
    if (at == c->end || n > MOST_DIGITS ||
        !(*at == ',' || *at == '}' || *at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        return false; // an exponent, or no number at all
    if (whole && (n > EXACT_DIGITS || (negative && mantissa == 0)))
        return false; // whole numbers have bounds of their own in the document, and no −0
    if (n <= EXACT_DIGITS) {
        const double size = (double)mantissa / powers[n - n_whole];
        *out = negative ? -size : size;
    } else {
        char digits[MOST_DIGITS + 3];
        const size_t length = (size_t)(at - c->at); // n digits, a point, a sign
        memcpy(digits, c->at, length);
        digits[length] = '\0';
        *out = strtod(digits, NULL);
    }
    c->at = at;
    return true;
}

/* `guess` is where the key stood in the record before: senders write their fields in one order. */
static int meaning_of(const tft_contract *contract, text key, size_t guess)
{
    static const struct {
        const char *word;
        size_t n;
        int key;
    } words[] = {{"timestamp", 9, KEY_TIME},
                 {"server_name", 11, KEY_NAME},
                 {"state", 5, KEY_STATE},
                 {"status", 6, KEY_STATUS},
                 {"profile", 7, KEY_PROFILE}};
    const size_t m = contract->n_metrics;
    for (size_t i = 0; i < m; i++) {
        const size_t k = (guess + i) % m;
        if (strlen(contract->metrics[k].name) == key.n && memcmp(contract->metrics[k].name, key.bytes, key.n) == 0)
            return (int)k;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].n == key.n && memcmp(words[i].word, key.bytes, key.n) == 0)
            return words[i].key;
    return KEY_OTHER;
}

/* The value of a key that is a text where it says anything. */
static bool take_word(cursor *c, text *out)
{
    return *c->at == '"' ? take_text(c, out) : take_null(c);
}

static bool take_value(cursor *c, int key, reading *r, tft_record *record)
{
    double number;
    text ignored;
    skip_blanks(c);
    if (c->at == c->end)
        return false;
    switch (key) {
    case KEY_TIME:
        return take_word(c, &r->time);
    case KEY_NAME:
        return take_word(c, &r->name);
    case KEY_STATE:
        return take_word(c, &r->state);
    case KEY_STATUS:
        return take_word(c, &r->status);
    case KEY_PROFILE:
        return take_word(c, &r->profile);
    case KEY_OTHER:
        return *c->at == '"' ? take_text(c, &ignored) : take_null(c) || take_number(c, &number);
    default:
        return take_null(c) || take_number(c, &record->values[key]);
    }
}

/* The texts become what they mean; false where one is no good. */
static bool judge(const reading *r, const tft_contract *contract, const tft_record_limits *limits, tft_record *record)
{
    tft_fault fault;
    const text state = r->state.bytes != NULL ? r->state : r->status;
    if (r->time.bytes == NULL || r->name.bytes == NULL ||
        !tft_record_parse_time(r->time.bytes, r->time.n, &record->time_ms, &fault))
        return false;
    record->name = r->name.bytes;
    record->name_length = r->name.n;
    if (state.bytes != NULL && !tft_record_parse_state("state", state.bytes, state.n, &record->state, &fault))
        return false;
    if (r->profile.bytes != NULL) {
        record->profile = tft_profile_find(r->profile.bytes, r->profile.n);
        if (record->profile < 0)
            return false;
    }
    return tft_record_check(contract, limits, record, &fault);
}

static bool take_record(cursor *c, const tft_contract *contract, const tft_record_limits *limits, tft_record *record)
{
    reading r = {0};
    size_t guess = 0;
    *record = tft_record_empty();
    if (!take(c, '{'))
        return false;
    do {
        text word;
        skip_blanks(c);
        if (!take_text(c, &word) || !take(c, ':'))
            return false;
        const int key = meaning_of(contract, word, guess);
        if (key != KEY_OTHER && (r.seen >> key & 1) != 0)
            return false; // twice: the last one counts, says json.c
        r.seen |= (uint64_t)1 << key;
        guess = key < TFT_MAX_METRICS ? (size_t)key + 1 : guess;
        if (!take_value(c, key, &r, record))
            return false;
    } while (take(c, ','));
    return take(c, '}') && judge(&r, contract, limits, record);
}

static bool take_list(cursor *c, const tft_contract *contract, const tft_record_limits *limits, size_t most,
                      ingest_batch *batch)
{
    size_t n = 0;
    if (!take(c, '['))
        return false;
    do {
        if (n == most || !take_record(c, contract, limits, &batch->records[n]))
            return false;
        batch->indices[n] = (uint32_t)n;
        n++;
    } while (take(c, ','));
    batch->n = batch->received = n;
    return take(c, ']');
}

/* {"records": in front of the list, if it is there. */
static bool take_head(cursor *c, bool list_too, bool *object)
{
    text word;
    skip_blanks(c);
    *object = take(c, '{');
    if (!*object)
        return list_too;
    return take_text(c, &word) && word.n == 7 && memcmp(word.bytes, "records", 7) == 0 && take(c, ':');
}

/* No body has more records than opening braces. */
static size_t count_braces(const char *bytes, size_t n)
{
    size_t braces = 0;
    for (size_t i = 0; i < n; i++)
        braces += bytes[i] == '{';
    return braces;
}

bool ingest_json_plain(const char *bytes, size_t n, bool list_too, const tft_contract *contract,
                       const tft_record_limits *limits, size_t max_records, ingest_batch *batch)
{
    cursor c = {bytes, bytes + n};
    bool object, plain = false;
    *batch = (ingest_batch){0};
    if (!take_head(&c, list_too, &object))
        return false;
    const size_t braces = count_braces(c.at, (size_t)(c.end - c.at));
    const size_t most = braces < max_records ? braces : max_records;
    if (most > 0 && ingest_batch_open(batch, most, NULL) == TFT_OK)
        plain = take_list(&c, contract, limits, most, batch) && (!object || take(&c, '}'));
    skip_blanks(&c);
    if (plain && c.at == c.end)
        return true;
    ingest_batch_free(batch);
    return false;
}
