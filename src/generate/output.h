/* output.h - where a CSV goes: standard output, or a file that appears only when it is complete; packed by its suffix.
 *
 * path        bytes
 * "-"         to the stream that the caller lends, as they are
 * *.gz        gzip (RFC 1952, without name and time: same rows, same bytes)
 * *.xz, *.zst xz, zstd, at fast levels
 * else        as they are
 * A file is written as "<path>.tmp.<pid>" and renamed at the end (rename(2) is atomic): half a file never has its name.
 *
 * Memory:  the output owns its buffers (64 KiB and the packer's own). Threads: one at a time.
 */
#ifndef TFTD_GENERATE_OUTPUT_H
#define TFTD_GENERATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tft/error.h"

typedef struct generate_output generate_output;

tft_status generate_output_open(const char *path, FILE *standard, generate_output **output, tft_error *err);
tft_status generate_output_write(generate_output *output, const char *bytes, size_t n, tft_error *err);

/* Ends the file: complete = false deletes what was written. Frees the output in any case; accepts NULL. */
tft_status generate_output_close(generate_output *output, bool complete, tft_error *err);

#endif
