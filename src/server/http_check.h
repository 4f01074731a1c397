/* http_check.h - what a route below /api/v1 refuses before its handler is asked: media types, unknown and malformed parameters.
 *
 * All of it follows from the route's row (http_route): what it produces and takes, its parameters, and how long their schemas say that
 * a value may be. What a value means is the handler's (api.h).
 */
#ifndef TFTD_SERVER_HTTP_CHECK_H
#define TFTD_SERVER_HTTP_CHECK_H

#include "server/http.h"

/* `declared`: bytes of the body, as the headers say. False: the reply holds the problem. Threads: any. */
bool http_check_strictly(const http_request *request, uint64_t declared, http_reply *reply);

#endif
