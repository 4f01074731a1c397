/* names.h - server names numbered in the order they were met: a hash table of numbers beside an array of texts.
 *
 * Open addressing, FNV-1a over the bytes. Rows of a file nearly always follow rows of the same server, so the name found
 * last is tried first. At most TFT_MAX_NAMES names, each as record.h allows it.
 *
 * Memory:  owns the texts and the table.
 */
#ifndef TFT_SERIES_NAMES_H
#define TFT_SERIES_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define TFT_MAX_NAMES 1000000

typedef struct tft_names {
    size_t n, capacity;
    char **texts;    // [n] NUL-terminated
    size_t n_slots;  // a power of two, at least twice the capacity
    uint32_t *slots; // number + 1; 0 = empty
    size_t last;     // the number found or added last
} tft_names;

void tft_names_free(tft_names *names); // accepts a zeroed struct

/* Number of name[0 … n−1], or −1. */
int64_t tft_names_find(const tft_names *names, const char *name, size_t n);

/* Number of the name, added if it is new; *number. TFT_ERR_FORMAT where record.h allows no such name. */
tft_status tft_names_add(tft_names *names, const char *name, size_t n, size_t *number, tft_error *err);

/* To be called after the caller has put `texts` into another order. */
void tft_names_reorder(tft_names *names);

#endif
