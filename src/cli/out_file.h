/* out_file.h - a text file that is written as it grows, plain or packed by its name (.gz, .xz, .zst), "-" = stdout.
 *
 * A file is written under "<path>.tmp.<pid>" and renamed when it is closed well: a reader never finds half a table.
 *
 * Memory:  one buffer of 64 KiB and what the packer needs; the caller owns *file until close or abandon.
 * Threads: one.
 */
#ifndef TFTD_CLI_OUT_FILE_H
#define TFTD_CLI_OUT_FILE_H

#include <stddef.h>

#include "tft/error.h"

typedef struct out_file out_file;

tft_status out_file_open(const char *path, out_file **file, tft_error *err);
/* Adds bytes; a failure is kept and told by out_file_close(). */
void out_file_add(out_file *file, const char *bytes, size_t n);
/* Ends, syncs and renames the file. The first failure of any call is reported here; the file is then not there. */
tft_status out_file_close(out_file *file, tft_error *err);
/* Gives up: nothing is left behind. Accepts NULL. */
void out_file_abandon(out_file *file);

#endif
