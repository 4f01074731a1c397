/* settings_notify.h - alerts.receivers and alerts.routes: lists of mappings, the only ones in the configuration.
 *
 * The reader in settings.c hands over each leaf with its path behind "alerts.": receivers.0.url, routes.2.match.server.
 */
#ifndef TFTD_CLI_SETTINGS_NOTIFY_H
#define TFTD_CLI_SETTINGS_NOTIFY_H

#include "notify/config.h"

/* Whether the sequence at this path (from the root) is a list of mappings. */
bool settings_is_item_list(const char *path);

/* Sets one leaf; returns NULL, or a sentence on what is wrong with it. A new index makes a new item: they come in order. */
const char *settings_set_notify(notify_config *config, const char *path, const char *const *values, size_t n,
                                bool is_list);

#endif
