/* keys.c - see keys.h. */
#include "server/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define MAX_FILE ((size_t)1 << 20)
#define SECRET_BYTES 32

static const char *const role_names[] = {"open", "read", "write", "admin"};

const char *key_role_name(http_role role)
{
    return role_names[role];
}

bool key_role_find(const char *name, http_role *role)
{
    for (http_role r = ROLE_READ; r <= ROLE_ADMIN; r++) {
        if (strcmp(name, role_names[r]) == 0) {
            *role = r;
            return true;
        }
    }
    return false;
}

static bool good_name(const char *name)
{
    const size_t n = strlen(name);
    return n > 0 && n < KEY_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == n;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

static bool read_hex(const char *text, unsigned char digest[TFT_SHA256_BYTES])
{
    if (strlen(text) != 2 * (size_t)TFT_SHA256_BYTES)
        return false;
    for (size_t i = 0; i < TFT_SHA256_BYTES; i++) {
        unsigned value = 0;
        for (size_t k = 0; k < 2; k++) {
            static const char digits[] = "0123456789abcdef";
            const char *const at = strchr(digits, text[2 * i + k]);
            if (at == NULL)
                return false;
            value = value * 16 + (unsigned)(at - digits);
        }
        digest[i] = (unsigned char)value;
    }
    return true;
}

/* "digest role created name" */
static bool read_line(char *line, api_key *key)
{
    char *rest = NULL;
    const char *const digest = strtok_r(line, " \t", &rest);
    const char *const role = strtok_r(NULL, " \t", &rest);
    const char *const created = strtok_r(NULL, " \t", &rest);
    const char *const name = strtok_r(NULL, " \t", &rest);
    if (name == NULL || strtok_r(NULL, " \t", &rest) != NULL || !read_hex(digest, key->digest) ||
        !key_role_find(role, &key->role) || strlen(created) >= sizeof key->created || !good_name(name))
        return false;
    snprintf(key->created, sizeof key->created, "%s", created);
    snprintf(key->name, sizeof key->name, "%s", name);
    return true;
}

static tft_status read_lines(const char *path, char *bytes, key_set *set, tft_error *err)
{
    size_t number = 0;
    char *rest = bytes;
    while (rest != NULL) {
        char *const line = strsep(&rest, "\n");
        number++;
        if (line[strspn(line, " \t\r")] == '\0' || line[0] == '#')
            continue;
        if (set->n == KEYS_MAX)
            return tft_fail(err, TFT_ERR_LIMIT, "%s: more than %d keys", path, KEYS_MAX);
        line[strcspn(line, "\r")] = '\0';
        if (!read_line(line, &set->keys[set->n]))
            return tft_fail(err, TFT_ERR_FORMAT, "%s:%zu: not \"SHA256 read|write|admin CREATED NAME\"", path, number);
        set->n++;
    }
    return TFT_OK;
}

tft_status keys_load(const char *path, key_set *set, tft_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    memset(set, 0, sizeof *set);
    if (!tft_file_exists(path))
        return TFT_OK;
    tft_status status = tft_file_read(path, MAX_FILE, &bytes, &n, err);
    if (status != TFT_OK)
        return status;
    set->keys = calloc(KEYS_MAX, sizeof *set->keys);
    char *const text = malloc(n + 1);
    if (set->keys == NULL || text == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "no memory for %d keys", KEYS_MAX);
    if (status == TFT_OK) {
        memcpy(text, bytes, n);
        text[n] = '\0';
        status = read_lines(path, text, set, err);
    }
    free(text);
    free(bytes);
    if (status != TFT_OK)
        keys_free(set);
    return status;
}

void keys_free(key_set *set)
{
    free(set->keys);
    memset(set, 0, sizeof *set);
}

static tft_status save(const char *path, const key_set *set, tft_error *err)
{
    tft_text text = tft_text_new(MAX_FILE);
    tft_text_puts(&text,
                  "# tftd API keys: sha256 role created name. Made by `tftd keys`; the keys themselves are nowhere.\n");
    for (size_t i = 0; i < set->n; i++) {
        char digest[TFT_SHA256_TEXT];
        tft_sha256_hex(set->keys[i].digest, digest);
        tft_text_printf(&text, "%s %s %s %s\n", digest, key_role_name(set->keys[i].role), set->keys[i].created,
                        set->keys[i].name);
    }
    const mode_t before = umask(077); // nobody else reads even the digests
    tft_status status = text.failed ? tft_fail(err, TFT_ERR_MEMORY, "no memory for the key file")
                                    : tft_file_replace(path, text.bytes, text.n, err);
    umask(before);
    if (status == TFT_OK && chmod(path, 0600) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: its mode cannot be set to 0600", path);
    tft_text_free(&text);
    return status;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static api_key *by_name(const key_set *set, const char *name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (strcmp(set->keys[i].name, name) == 0)
            return &set->keys[i];
    }
    return NULL;
}

/* RFC 4648 §5 without padding. */
static void write_base64url(const unsigned char *bytes, size_t n, char *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, held = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffffu;
        for (held += 8; held >= 6; held -= 6)
            *out++ = letters[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *out++ = letters[bits << (6 - held) & 63];
    *out = '\0';
}

static tft_status make_key(const char *name, http_role role, char *text, api_key *key, tft_error *err)
{
    unsigned char secret[SECRET_BYTES];
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return tft_fail(err, TFT_ERR_IO, "the system gives no random bytes");
    memcpy(text, "tftd_", 5);
    write_base64url(secret, sizeof secret, text + 5);
    *key = (api_key){.role = role};
    snprintf(key->name, sizeof key->name, "%s", name);
    const time_t now = (time_t)(tft_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(key->created, sizeof key->created, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return tft_sha256(text, strlen(text), key->digest, err);
}

tft_status keys_add(const char *path, const char *name, http_role role, char *text, tft_error *err)
{
    key_set set;
    if (!good_name(name))
        return tft_fail(err, TFT_ERR_ARGUMENT, "a key's name is 1 to 63 letters, digits, '.', '_' or '-'");
    tft_status status = keys_load(path, &set, err);
    if (status != TFT_OK)
        return status;
    if (by_name(&set, name) != NULL)
        status = tft_fail(err, TFT_ERR_ARGUMENT, "%s already has a key named %s; revoke it first, or take another name",
                          path, name);
    if (status == TFT_OK && set.n == KEYS_MAX)
        status = tft_fail(err, TFT_ERR_LIMIT, "%s holds %d keys already", path, KEYS_MAX);
    if (status == TFT_OK && set.keys == NULL) {
        set.keys = calloc(1, sizeof *set.keys);
        if (set.keys == NULL)
            status = tft_fail(err, TFT_ERR_MEMORY, "no memory for a key");
    }
    if (status == TFT_OK)
        status = make_key(name, role, text, &set.keys[set.n], err);
    if (status == TFT_OK) {
        set.n++;
        status = save(path, &set, err);
    }
    keys_free(&set);
    return status;
}

tft_status keys_revoke(const char *path, const char *name, tft_error *err)
{
    key_set set;
    tft_status status = keys_load(path, &set, err);
    if (status != TFT_OK)
        return status;
    api_key *const key = by_name(&set, name);
    if (key == NULL) {
        status = tft_fail(err, TFT_ERR_NOT_FOUND, "%s: no key named %.64s", path, name);
    } else {
        const size_t after = set.n - 1 - (size_t)(key - set.keys);
        memmove(key, key + 1, after * sizeof *key);
        set.n--;
        status = save(path, &set, err);
    }
    keys_free(&set);
    return status;
}

static bool same(const unsigned char *a, const unsigned char *b)
{
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < TFT_SHA256_BYTES; i++)
        difference = (unsigned char)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

const api_key *keys_find(const key_set *set, const char *text, size_t n)
{
    unsigned char digest[TFT_SHA256_BYTES];
    const api_key *found = NULL;
    if (tft_sha256(text, n, digest, NULL) != TFT_OK)
        return NULL;
    for (size_t i = 0; i < set->n; i++) {
        if (same(set->keys[i].digest, digest))
            found = &set->keys[i];
    }
    return found;
}
