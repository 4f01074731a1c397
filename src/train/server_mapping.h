/* server_mapping.h - server_mapping.json: the numeric ids that old clients show beside a server's name.
 *
 * server_id = first 8 hex digits of SHA-256(name), as a number, modulo 1 000 000 (CONTRACT 1.7). Two of a thousand
 * servers share an id with 39 % chance, so the name stays the key everywhere.
 */
#ifndef TFT_TRAIN_SERVER_MAPPING_H
#define TFT_TRAIN_SERVER_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "tft/error.h"

tft_status tft_server_id(const char *name, size_t n, uint32_t *id, tft_error *err);

/* Appends the whole file: name_to_id, id_to_name (the first name of an id in the given order), version, total_servers. */
tft_status tft_server_mapping_write(const char *const *names, size_t n, tft_text *text, tft_error *err);

#endif
