/* demo.h - `tftd serve --demo`: a synthetic fleet inside the daemon that first backfills its own history.
 *
 *     now − 8 d ........................ now − 30 min ............ now .....
 *     | a record per server and 5 minutes | one every 5 seconds    | live, every 5 seconds
 *     | healthy                           | the scenario            (so that what it builds up is under way)
 *
 * History goes in through accept_records(), checked like any other; live batches are posted to the daemon's own port, as
 * `tftd generate --stream` would. A data directory that has history already is continued from its newest record.
 * The generator's control port (127.0.0.1:8001) switches the scenario; where it is taken, the demo goes on without.
 *
 * Memory:  a fleet of 20 servers and batches of 5000 records. Threads: one, plus the control port's.
 */
#ifndef TFTD_CLI_DEMO_H
#define TFTD_CLI_DEMO_H

#include "generate/fleet.h"
#include "server/server.h"

typedef struct demo demo;

/* Starts the thread; srv is lent until demo_close(). `control`: address of the control port. */
tft_status demo_open(server *srv, generate_scenario scenario, const char *control, demo **out, tft_error *err);
void demo_close(demo *d); // accepts NULL; ends within about a second

#endif
