/* keys.h - API keys: the file that they are kept in, and finding the one that a client showed.
 *
 * A key is 256 random bits, shown once when it is made: "tftd_" and 43 characters of base64url. The file holds only its
 * SHA-256, one line each:
 *
 *     # tftd API keys: sha256 role created name
 *     9f86d081884c7d65…  write  2026-11-24T01:20:00Z  telegraf-rack-4
 *
 * A slow password hash would add nothing: there is no word list of 256-bit numbers to try. Digests are compared all,
 * each in constant time, so that how long a refusal takes tells nothing about any key.
 *
 * Memory:  a set is one block. Threads: a loaded set is read-only.
 */
#ifndef TFTD_SERVER_KEYS_H
#define TFTD_SERVER_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "server/http.h"

#define KEYS_MAX 1000
#define KEY_NAME_SIZE 64
#define KEY_TEXT_SIZE 64 // "tftd_", 43 characters and a NUL fit

typedef struct api_key {
    unsigned char digest[TFT_SHA256_BYTES];
    http_role role;
    char name[KEY_NAME_SIZE];
    char created[24];
} api_key;

typedef struct key_set {
    size_t n;
    api_key *keys;
} key_set;

/* Reads the file; a missing one is an empty set. TFT_ERR_FORMAT names file and line. */
tft_status keys_load(const char *path, key_set *set, tft_error *err);
void keys_free(key_set *set); // accepts a zeroed struct

/* Makes a key, adds it to the file (mode 0600, replaced as a whole) and writes it to text[KEY_TEXT_SIZE]: the only time it
 * is seen. TFT_ERR_ARGUMENT for a name that is taken or no name (1–63 letters, digits, . _ -). */
tft_status keys_add(const char *path, const char *name, http_role role, char *text, tft_error *err);
/* TFT_ERR_NOT_FOUND where there is none of that name. */
tft_status keys_revoke(const char *path, const char *name, tft_error *err);

/* The key whose digest is that of text[n], or NULL. Looks at every key, whatever it finds. */
const api_key *keys_find(const key_set *set, const char *text, size_t n);

const char *key_role_name(http_role role); // "read", "write", "admin"
bool key_role_find(const char *name, http_role *role);

#endif
