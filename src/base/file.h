/* file.h - whole files: read within a bound, replaced only by a complete one.
 *
 * tft_file_replace() writes to "<path>.tmp.<pid>", syncs, renames over `path` and syncs the folder: after
 * a crash the old or the new file is there, never half of one (POSIX rename(2) is atomic).
 *
 * Threads: any; two writers of one path race for the last word, not for its integrity.
 */
#ifndef TFT_BASE_FILE_H
#define TFT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tft/error.h"

/* Reads all of `path`. *bytes is NUL-terminated one past *n and belongs to the caller (free()).
 * TFT_ERR_NOT_FOUND, TFT_ERR_IO, or TFT_ERR_LIMIT where the file is larger than max_bytes. */
tft_status tft_file_read(const char *path, size_t max_bytes, char **bytes, size_t *n, tft_error *err);

tft_status tft_file_replace(const char *path, const void *bytes, size_t n, tft_error *err);

/* Creates `path` and its missing parents; an existing folder is fine. */
tft_status tft_make_folders(const char *path, unsigned mode, tft_error *err);

tft_status tft_sync_folder(const char *path, tft_error *err);

/* Deletes a folder and what lies in it, one level deep (a model directory); a missing one is fine. */
tft_status tft_remove_folder(const char *path, tft_error *err);

bool tft_file_exists(const char *path);

#endif
