/* control.h - the generator's control port: look at the stream, switch its scenario while it runs (CONTRACT 1.10).
 *
 *     POST /scenario/set {"scenario": "degrading"}    GET /scenario/status    GET /status    GET /    GET /health
 *
 * Plain HTTP without authentication, meant for loopback: it can do nothing but switch a scenario. Hostile bytes meet small
 * bounds: 4 KiB of body, 16 KiB of headers, 32 connections, 10 seconds of silence.
 *
 * Memory:  at most about 1 MiB, by those bounds. Threads: one of its own (libmicrohttpd's), which calls the stream.
 */
#ifndef TFTD_GENERATE_CONTROL_H
#define TFTD_GENERATE_CONTROL_H

#include <stdint.h>

#include "generate/stream.h"

typedef struct generate_control generate_control;

/* address: "127.0.0.1:8001", "[::1]:8001", "localhost:8001"; port 0 picks one. TFT_ERR_ARGUMENT where it is no address,
 * TFT_ERR_IO where it is in use or not allowed. The stream is borrowed until close. */
tft_status generate_control_open(const char *address, generate_stream *stream, generate_control **control,
                                 tft_error *err);
void generate_control_close(generate_control *control); // accepts NULL

uint16_t generate_control_port(const generate_control *control);

/* The scenario that a body asks for, for POST /scenario/set: −1, and why in `err`, where it is not one. */
int generate_control_scenario(const char *body, size_t n, tft_error *err);

#endif
