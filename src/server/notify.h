/* notify.h - telling a service manager how we are: systemd's datagram protocol (sd_notify(3)), without its library.
 *
 * One datagram of NAME=VALUE lines to the socket that NOTIFY_SOCKET names; nothing happens where it is not set.
 */
#ifndef TFTD_SERVER_NOTIFY_H
#define TFTD_SERVER_NOTIFY_H

/* "READY=1", "STOPPING=1". Failures are nobody's business: the service manager will time out and tell. */
void notify_manager(const char *message);

#endif
