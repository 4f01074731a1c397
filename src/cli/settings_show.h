/* settings_show.h - the settings as people and programs look at them: JSON, JSON Schema, YAML.
 *
 * Every value is written as it may be read again: durations as "30m", sizes as "16MiB". Receivers are shown by name alone: what
 * follows may hold passwords.
 */
#ifndef TFTD_CLI_SETTINGS_SHOW_H
#define TFTD_CLI_SETTINGS_SHOW_H

#include "base/text.h"
#include "cli/settings.h"

/* {"file": …, "items": [{"key", "value", "default", "source", "kind", "reloads", "help"}, …]}: what is in force. `now` was read by
 * the last reload (at the start: the same as `boot`): its values hold for the keys that reload, boot's for the others. */
void settings_put_json(const settings *boot, const settings *now, tft_text *out);
/* A JSON Schema (2020-12) of the file. */
void settings_put_schema(tft_text *out);
/* The same settings as a file that could be read, each key with where its value came from. */
void settings_put_yaml(const settings *s, tft_text *out);

#endif
