/* acks.h - who has said "I have seen it", of alerts that are open: in memory for the engine, on disk in the alert's row.
 *
 * Memory:  one store_ack per acknowledged open alert. Threads: any; one mutex, never held over a commit.
 */
#ifndef TFTD_NOTIFY_ACKS_H
#define TFTD_NOTIFY_ACKS_H

#include <stdbool.h>

#include "store/alert_log.h"

typedef struct acks acks;

acks *acks_open(void); // NULL without memory
void acks_close(acks *all);

/* ack->at_ms STORE_NEVER takes it away. False without memory. */
bool acks_set(acks *all, const char *id, const store_ack *ack);
/* Whether the alert is acknowledged at now_ms; *ack (may be NULL) as it is then. */
bool acks_find(acks *all, const char *id, int64_t now_ms, store_ack *ack);

#endif
