/* watchdog.h - tells the service manager that requests are still answered (systemd's WatchdogSec).
 *
 * A thread knocks at the daemon's own door three times in the manager's interval; the thread that opens it is one of those
 * that answer requests, and it is the one that tells the manager. Where they are all stuck nobody opens, the manager hears
 * nothing, and starts us again. Who is at the limit of connections still opens: the knock is no connection.
 */
#ifndef TFTD_SERVER_WATCHDOG_H
#define TFTD_SERVER_WATCHDOG_H

#include <stdint.h>

#include "server/http.h"
#include "tft/error.h"

typedef struct watchdog watchdog;

/* every_ms 0: nothing is started, and *out is NULL. `http` is lent until close. */
tft_status watchdog_open(http_server *http, int64_t every_ms, watchdog **out, tft_error *err);
void watchdog_close(watchdog *dog); // accepts NULL

#endif
