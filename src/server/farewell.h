/* farewell.h - sockets that are closed kindly: what the peer still sends is read and dropped for a moment.
 *
 * A body that is refused by its declared length is never read. Closing the socket then would make the kernel answer the
 * rest of the body with a reset, and the reset may overtake the reply in the client's hands (RFC 9112 §9.6). So the
 * socket goes to a thread that reads and drops until the peer closes, at most 2 s or 256 MiB each.
 *
 * Memory:  at most FAREWELL_MAX sockets; one more is closed at once.
 * Threads: any may hand over a socket.
 */
#ifndef TFTD_SERVER_FAREWELL_H
#define TFTD_SERVER_FAREWELL_H

#include "tft/error.h"

#define FAREWELL_MAX 64

typedef struct farewell farewell;

tft_status farewell_open(farewell **pool, tft_error *err);
void farewell_close(farewell *pool); // accepts NULL; drops all sockets at once

/* Gives `fd` away; it is closed in any case. */
void farewell_adopt(farewell *pool, int fd);

#endif
