/* split.h - which servers train, which validate, which are held out.
 *
 * A set of servers is written in one of two ways:
 *   3/5x20    block 3 of 5, in blocks of 20: the servers whose number n has ((n − 1) div 20) mod 5 = 3. n is the number
 *             at the end of the name (vm061 → 61); a name without one counts as its place in name order, from 1.
 *   a,b,c     these names.
 * Neighbours in name order are often copies of one another, so an honest split holds out whole blocks.
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_SPLIT_H
#define TFT_TRAIN_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "tft/dataset.h"

typedef enum tft_role { TFT_ROLE_TRAIN, TFT_ROLE_VALIDATE, TFT_ROLE_HELD_OUT } tft_role;

typedef struct tft_split {
    size_t n_servers;
    uint8_t *roles;          // [n_servers] tft_role; owned
    int64_t last_step;       // the last step that may be a target at all (holdout_from − 1), INT64_MAX without
    int64_t validation_from; // first step that validates on training servers; INT64_MAX where servers validate
} tft_split;

/* selected[i] = 1 for the members of the set `text`, 0 for the others. TFT_ERR_ARGUMENT for a malformed set,
 * TFT_ERR_NOT_FOUND for a name that no server has and for a set without members. */
tft_status tft_server_set(const char *text, const char *const *names, size_t n, uint8_t *selected, tft_error *err);

typedef struct tft_split_wish {
    const char *holdout, *validation; // sets, or NULL
    int64_t holdout_from_ms;          // 0 = none
    const uint16_t *group_of;         // [n_servers] or NULL: all are one group
    size_t n_groups;
} tft_split_wish;

/* In each group that `validation` names no server of, every tenth training server validates; where that gives nobody at
 * all (fewer than ten servers), the last tenth of time does. */
tft_status tft_split_make(const tft_dataset *dataset, const tft_split_wish *wish, tft_split *split, tft_error *err);
void tft_split_free(tft_split *split); // accepts a zeroed struct

#endif
