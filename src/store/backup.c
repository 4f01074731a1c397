/* backup.c - store_backup() and store_restore(), see reader.h.
 *
 * A backup is made with SQLite's online backup (https://sqlite.org/backup.html): pages are copied a few hundred at a time from a
 * read transaction, so the daemon goes on writing; what it commits meanwhile is not in the copy. The copy is written
 * beside its final name, checked and synced before it gets it: a file with that name is a whole backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/database.h"
#include "store/reader.h"

#define MAX_PATH 4096
#define PAGES_AT_ONCE 512

static tft_status fail(sqlite3 *db, const char *what, tft_error *err)
{
    const int code = db != NULL ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    return tft_fail(err, code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? TFT_ERR_FORMAT : TFT_ERR_IO, "%s: %s", what,
                    db != NULL ? sqlite3_errmsg(db) : "no memory");
}

/* That the file is a sound database of ours, of a version that this program can read. */
static tft_status check(sqlite3 *db, const char *path, tft_error *err)
{
    sqlite3_stmt *one = NULL;
    tft_status status = TFT_OK;
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &one, NULL) != SQLITE_OK)
        return fail(db, path, err);
    const char *said = sqlite3_step(one) == SQLITE_ROW ? (const char *)sqlite3_column_text(one, 0) : NULL;
    if (said == NULL)
        status = fail(db, path, err);
    else if (strcmp(said, "ok") != 0)
        status = tft_fail(err, TFT_ERR_FORMAT, "%s: damaged: %.200s", path, said);
    sqlite3_finalize(one);
    if (status != TFT_OK)
        return status;
    one = NULL;
    int64_t version = 0;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &one, NULL) == SQLITE_OK && sqlite3_step(one) == SQLITE_ROW)
        version = sqlite3_column_int64(one, 0);
    sqlite3_finalize(one);
    if (version < 1 || version > DATABASE_VERSION)
        return tft_fail(err, TFT_ERR_MISMATCH, "%s: layout %lld is not one of tftd's up to %d", path,
                        (long long)version, DATABASE_VERSION);
    return TFT_OK;
}

tft_status store_check(const char *dir, size_t *n_servers, int64_t *newest_ms, tft_error *err)
{
    char path[MAX_PATH];
    sqlite3 *db = NULL;
    sqlite3_stmt *one = NULL;
    *n_servers = 0;
    *newest_ms = INT64_MIN;
    snprintf(path, sizeof path, "%s/tftd.db", dir);
    tft_status status = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK ? check(db, path, err)
                                                                                            : fail(db, path, err);
    if (status == TFT_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*), max(newest_ms) FROM servers WHERE records > 0", -1, &one, NULL) ==
            SQLITE_OK &&
        sqlite3_step(one) == SQLITE_ROW) {
        *n_servers = (size_t)sqlite3_column_int64(one, 0);
        *newest_ms = *n_servers > 0 ? sqlite3_column_int64(one, 1) : INT64_MIN;
    }
    sqlite3_finalize(one);
    sqlite3_close(db);
    return status;
}

static tft_status copy(sqlite3 *from, sqlite3 *to, const char *path, void (*progress)(void *context, double share),
                       void *context, tft_error *err)
{
    sqlite3_backup *const job = sqlite3_backup_init(to, "main", from, "main");
    if (job == NULL)
        return fail(to, path, err);
    int code;
    do {
        code = sqlite3_backup_step(job, PAGES_AT_ONCE);
        const int all = sqlite3_backup_pagecount(job);
        if (progress != NULL && all > 0)
            progress(context, 1.0 - (double)sqlite3_backup_remaining(job) / (double)all);
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
            sqlite3_sleep(20);
    } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
    sqlite3_backup_finish(job);
    return code == SQLITE_DONE ? TFT_OK : fail(to, path, err);
}

static tft_status sync_file(const char *path, tft_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok ? TFT_OK : tft_fail(err, TFT_ERR_IO, "%s: cannot be synced to disk", path);
}

/* An empty file that nobody else may read: it holds what the data directory holds. A link that somebody has put there is not followed. */
static tft_status make_private(const char *path, tft_error *err)
{
    unlink(path);
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    close(fd);
    return TFT_OK;
}

/* Copies the database `from` to `to` by way of a file beside it. */
static tft_status copy_file(const char *from, const char *to, void (*progress)(void *context, double share),
                            void *context, tft_error *err)
{
    char aside[MAX_PATH + 32];
    sqlite3 *source = NULL, *target = NULL;
    tft_status status = TFT_OK;
    snprintf(aside, sizeof aside, "%s.tmp.%ld", to, (long)getpid());
    status = make_private(aside, err);
    if (status == TFT_OK && sqlite3_open_v2(from, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        status = fail(source, from, err);
    if (status == TFT_OK &&
        sqlite3_open_v2(aside, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        status = fail(target, aside, err);
    if (status == TFT_OK) {
        sqlite3_busy_timeout(source, 5000);
        // one read transaction from the first page to the last: otherwise each commit of the daemon would start it anew
        if (sqlite3_exec(source, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL) != SQLITE_OK)
            status = fail(source, from, err);
    }
    if (status == TFT_OK)
        status = copy(source, target, to, progress, context, err);
    if (status == TFT_OK && sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
        status = fail(target, to, err);
    if (status == TFT_OK)
        status = check(target, to, err);
    sqlite3_close(source);
    sqlite3_close(target);
    if (status == TFT_OK)
        status = sync_file(aside, err);
    if (status == TFT_OK && link(aside, to) != 0) // unlike rename(), never replaces what is there
        status = tft_fail(err, tft_file_exists(to) ? TFT_ERR_BUSY : TFT_ERR_IO, "%s: %s", to,
                          tft_file_exists(to) ? "is there already" : "cannot be made");
    unlink(aside);
    return status;
}

tft_status store_backup(const char *dir, const char *file, void (*progress)(void *context, double share), void *context,
                        tft_error *err)
{
    char from[MAX_PATH];
    snprintf(from, sizeof from, "%s/tftd.db", dir);
    if (!tft_file_exists(from))
        return tft_fail(err, TFT_ERR_NOT_FOUND, "%s: no database there", from);
    if (tft_file_exists(file))
        return tft_fail(err, TFT_ERR_BUSY, "%s: is there already", file);
    return copy_file(from, file, progress, context, err);
}

tft_status store_restore(const char *file, const char *dir, tft_error *err)
{
    char to[MAX_PATH];
    sqlite3 *source = NULL;
    snprintf(to, sizeof to, "%s/tftd.db", dir);
    if (!tft_file_exists(file))
        return tft_fail(err, TFT_ERR_NOT_FOUND, "%s: no such file", file);
    if (tft_file_exists(to))
        return tft_fail(err, TFT_ERR_BUSY, "%s: holds a database already; restore into an empty directory", dir);
    tft_status status = tft_make_folders(dir, 0700, err);
    if (status == TFT_OK && sqlite3_open_v2(file, &source, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        status = fail(source, file, err);
    if (status == TFT_OK)
        status = check(source, file, err);
    sqlite3_close(source);
    return status == TFT_OK ? copy_file(file, to, NULL, NULL, err) : status;
}
