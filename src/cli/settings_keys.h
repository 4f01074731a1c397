/* settings_keys.h - the table of all keys: kind, bounds, place in the settings, what it means. Only the files of settings include it.
 *
 * Reading (settings.c), GET /api/v1/config and its schema (settings_show.c) and docs/CONFIGURATION.md follow it.
 */
#ifndef TFTD_CLI_SETTINGS_KEYS_H
#define TFTD_CLI_SETTINGS_KEYS_H

#include "cli/settings.h"

typedef enum settings_kind { TEXT, BOOL, COUNT, BYTES, DURATION, NUMBER, WORD, LIST, NUMBERS } settings_kind;

typedef struct settings_key {
    const char *path;
    settings_kind kind;
    size_t offset;
    double low, high;         // bounds; of a DURATION in seconds; LIST, NUMBERS: how many
    const char *const *words; // of a WORD, NULL at the end
    bool reloads;             // a reload takes it over; else it holds until the next start
    const char *help;
} settings_key;

extern const settings_key settings_keys[SETTINGS_N_KEYS];

/* The key of this path, or NULL. */
const settings_key *settings_find_key(const char *path);

#endif
