/* notify.h - what passes between us and a service manager: systemd's protocols (sd_notify(3), sd_watchdog_enabled(3),
 * sd_listen_fds(3)), without its library.
 *
 * Out: one datagram of NAME=VALUE lines to the socket that NOTIFY_SOCKET names; nothing happens where it is not set.
 * In:  WATCHDOG_USEC, how often it wants to hear WATCHDOG=1; LISTEN_FDS, sockets that it has opened for us, from
 *      descriptor 3 on. Both count only where their …_PID is ours: they may have been meant for our parent.
 */
#ifndef TFTD_SERVER_NOTIFY_H
#define TFTD_SERVER_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

/* "READY=1", "STOPPING=1". Failures are nobody's business: the service manager will time out and tell. */
void notify_manager(const char *message);

/* Milliseconds; 0 = it does not want to hear. */
int64_t notify_watchdog_ms(void);

/* How many sockets there are at NOTIFY_FIRST_SOCKET and above, at most `max`; they are closed in programs that we start. */
#define NOTIFY_FIRST_SOCKET 3
size_t notify_sockets(size_t max);

#endif
