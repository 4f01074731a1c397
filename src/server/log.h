/* log.h - the daemon's log: one line, one write. The only place that writes to stdout while serving.
 *
 *     2025-10-13T16:31:15.402Z [WARNING] Rejected 3 of 20 records from 10.0.0.7: first: index 3 cpu_pct out_of_range
 *
 * The tag is part of the contract: scripts grep for it (CONTRACT 1.9). A line is cut at 2 KiB; bytes that are no
 * printable UTF-8 are written as \xNN, so text from a client can neither break a line nor drive a terminal.
 * Under the journal (or with timestamps "never") the stamp is left out; with format "json" a line is one object with
 * ts, level, tag, message.
 *
 * Memory:  the log owns its file, if it has one; lines live on the stack.
 * Threads: any; a line is one write(2), a mutex guards reopening.
 */
#ifndef TFTD_SERVER_LOG_H
#define TFTD_SERVER_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

typedef enum log_tag {
    LOG_TAG_DEBUG,
    LOG_TAG_INFO,
    LOG_TAG_OK,
    LOG_TAG_SUCCESS,
    LOG_TAG_READY,
    LOG_TAG_SHUTDOWN,
    LOG_TAG_WARNING,
    LOG_TAG_ERROR
} log_tag;

typedef enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR } log_level;
typedef enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON } log_format;
typedef enum log_stamps { LOG_STAMPS_AUTO, LOG_STAMPS_ALWAYS, LOG_STAMPS_NEVER } log_stamps;

typedef struct log_options {
    log_level level;
    log_format format;
    log_stamps stamps; // AUTO: unless stdout is the journal (systemd's JOURNAL_STREAM names it)
    const char *file;  // "" or NULL = stdout
} log_options;

typedef struct log_sink log_sink;

tft_status log_open(const log_options *options, log_sink **log, tft_error *err);
void log_close(log_sink *log); // accepts NULL

/* Writes a line if its level is wanted; `log` may be NULL (nothing is written). */
void log_line(log_sink *log, log_tag tag, const char *format, ...) TFT_PRINTF(3, 4);

/* Opens the file anew (after rotation); keeps the old one where that fails. Nothing happens on stdout. */
tft_status log_reopen(log_sink *log, tft_error *err);
/* A reload, in two halves: what can fail, and what cannot. log_prepare() opens the file where it is another one, else *fd is −1;
 * log_configure() takes it, and level, format and stamps hold from the next line on. */
tft_status log_prepare(log_sink *log, const log_options *options, int *fd, tft_error *err);
void log_configure(log_sink *log, const log_options *options, int fd);
/* Lines written so far, by level; zeros where `log` is NULL. */
#define LOG_N_LEVELS 4
void log_count(const log_sink *log, uint64_t lines[LOG_N_LEVELS]);

/* Lets one line through per `every_s` seconds. Zeroed at birth, one per kind of line, shared by threads. */
typedef struct log_gate {
    _Atomic int64_t next_ms;
    _Atomic uint64_t held;
} log_gate;

/* Whether a line may be written now; *held gets how many were kept back since the last one. */
bool log_gate_open(log_gate *gate, double every_s, uint64_t *held);

#endif
