/* hours.h - what is beyond the retention of steps is kept as hours: twelve steps become one row with mean, least, most, count.
 *
 *     ……… nothing | hours ……………………………………………… | steps ……………………… | now
 *                  4 · R                              R
 *
 * R is store.retention.steps, or what store.max_size leaves room for: hours reach back four times as far as steps do. Where the file
 * is too full once raw records are gone, the oldest hour of steps goes the same way, early; and where hours reach farther
 * than four times the oldest step, the oldest of them goes.
 *
 * A step goes into its hour once: it is added and its rows are deleted in one transaction, and only where no raw record of its hour
 * is left, so that nobody counts it again. Its mark of being sealed moves into the hour's row and stays for ever.
 *
 * Cost: with four metrics a server's step takes about 95 bytes in step_log and 48 in steps, an hour 98, and 25 without its values. Senders
 * wait for the hour of at most HOURS_SERVERS servers.
 *
 * Memory:  a tally of all servers while an hour is made. Threads: one at a time, whoever maintains the store.
 */
#ifndef TFTD_STORE_HOURS_H
#define TFTD_STORE_HOURS_H

#include "store/internal.h"

#define HOURS_REACH 4     // times as far as steps
#define HOURS_SERVERS 256 // in one transaction

tft_status hours_keep(store *s, tft_error *err);

#endif
