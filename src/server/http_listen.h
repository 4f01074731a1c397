/* http_listen.h - the socket behind an address such as "127.0.0.1:8000" or "[::1]:8000": made, or taken over from a service
 * manager that made it before us (systemd's socket activation); and knocking at one's own door.
 */
#ifndef TFTD_SERVER_HTTP_LISTEN_H
#define TFTD_SERVER_HTTP_LISTEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "tft/error.h"

/* A listening socket, which the caller owns; *host and *port become what it listens on (port 0 picks one). It is the one of
 * inherited[n] with this address, if there is one.
 * TFT_ERR_ARGUMENT: not an address. TFT_ERR_BUSY: in use or not allowed. */
tft_status http_listen_at(const char *text, const int *inherited, size_t n, int *out, char host[64], uint16_t *port,
                          tft_error *err);

/* "127.0.0.1:8000" of a socket that listens; false where it is no such TCP socket. */
bool http_listen_text(int fd, char text[72]);

/* Knocking: a connection to ourselves that is told by the address and port it comes from and closed at once. `place` is where a
 * client on this machine reaches the listening socket `fd`, and the address that a knock comes from. *knocker: its port, 0 once
 * it was heard. */
void http_knocking_place(int fd, struct sockaddr_storage *place);
void http_knock(const struct sockaddr_storage *place, _Atomic uint32_t *knocker);
bool http_is_knock(const struct sockaddr *from, const struct sockaddr_storage *place, _Atomic uint32_t *knocker);

#endif
