/* http_listen.h - the socket behind an address such as "127.0.0.1:8000" or "[::1]:8000". */
#ifndef TFTD_SERVER_HTTP_LISTEN_H
#define TFTD_SERVER_HTTP_LISTEN_H

#include <stdint.h>

#include "tft/error.h"

/* A listening socket, which the caller owns; *host and *port become what it listens on (port 0 picks one).
 * TFT_ERR_ARGUMENT: not an address. TFT_ERR_BUSY: in use or not allowed. */
tft_status http_listen_at(const char *text, int *out, char host[64], uint16_t *port, tft_error *err);

#endif
