/* keeper.h - the thread that keeps forecasts and scores them when their time has come (track/track.h).
 *
 * It looks at the current snapshot every second, gives way to everything else, and tells the engine how good each metric's
 * forecasts have been (alerts of kind drift and quality).
 */
#ifndef TFTD_SERVER_KEEPER_H
#define TFTD_SERVER_KEEPER_H

#include "tft/error.h"

struct server;

/* Opens server.track and starts the thread: after the engine has its model. */
tft_status server_start_keeper(struct server *srv, tft_error *err);
void server_stop_keeper(struct server *srv);  // waits for the piece at hand
void server_close_keeper(struct server *srv); // after nobody asks for server.track any more

#endif
