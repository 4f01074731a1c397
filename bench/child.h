/* child.h - a real `tftd serve` on a free port and in a folder of its own, and a client that posts to it.
 *
 * The client is a socket and a few lines of HTTP/1.1, so that what is measured is the daemon and not a library.
 *
 * Memory:  a child owns its folder and removes it at the end. Threads: one connection, one thread.
 */
#ifndef TFTD_BENCH_CHILD_H
#define TFTD_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"

typedef struct bench_child {
    pid_t pid;
    int port;
    char folder[64];
} bench_child;

/* Starts `program serve --listen 127.0.0.1:0 --data-dir FOLDER` with the model (NULL = none) and waits for its [READY]
 * line. False, with a line on stderr, where it does not come. */
bool bench_child_start(const char *program, const char *model, bench_child *child);
void bench_child_stop(bench_child *child); // SIGTERM, waits, removes the folder
/* Ends it by this signal, and starts it again on the same folder; *ready_s is from exec to the [READY] line. */
void bench_child_halt(bench_child *child, int signal_number);
bool bench_child_launch(const char *program, const char *model, bench_child *child, double *ready_s);

/* VmRSS and VmHWM of the child, MB (10⁶ bytes). */
void bench_child_memory(const bench_child *child, double *now_mb, double *peak_mb);

double bench_child_cpu_s(const bench_child *child); // user and system time so far

int bench_connect(const bench_child *child); // a socket, or −1
/* Sends a request and reads the whole answer into `reply` (cleared first). Returns the status code, or −1. */
int bench_post(int socket, const char *path, const char *body, size_t n, tft_text *reply);
int bench_get(int socket, const char *path, tft_text *reply);
/* The same of an answer too large to keep, with more header lines ("Name: value\r\n"): how many bytes of body came, and when the first
 * of its answer was there (tft_monotonic_s()). */
int bench_get_unkept(int socket, const char *path, const char *fields, size_t *bytes, double *first_s);

#endif
