/* file.c - see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

tft_status tft_file_read(const char *path, size_t max_bytes, char **bytes, size_t *n, tft_error *err)
{
    tft_status status = TFT_OK;
    char *data = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tft_fail(err, errno == ENOENT ? TFT_ERR_NOT_FOUND : TFT_ERR_IO, "%s: %s", path, strerror(errno));
    struct stat info;
    if (fstat(fd, &info) != 0) {
        status = tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        status = tft_fail(err, TFT_ERR_FORMAT, "%s: not a regular file", path);
        goto done;
    }
    if ((uint64_t)info.st_size > max_bytes) {
        status = tft_fail(err, TFT_ERR_LIMIT, "%s: %lld bytes, at most %zu are read", path, (long long)info.st_size,
                          max_bytes);
        goto done;
    }
    const size_t size = (size_t)info.st_size;
    data = malloc(size + 1);
    if (data == NULL) {
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: no memory for %zu bytes", path, size);
        goto done;
    }
    size_t got = 0;
    while (got < size) {
        const ssize_t k = read(fd, data + got, size - got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            status = tft_fail(err, TFT_ERR_IO, "%s: %s", path, k < 0 ? strerror(errno) : "became shorter while read");
            goto done;
        }
        got += (size_t)k;
    }
    data[size] = '\0';
    *bytes = data;
    *n = size;
    data = NULL;
done:
    free(data);
    close(fd);
    return status;
}

tft_status tft_sync_folder(const char *path, tft_error *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    const int bad = fsync(fd) != 0 && errno != EINVAL; // EINVAL: a file system that needs no such call
    const int cause = errno;
    close(fd);
    return bad ? tft_fail(err, TFT_ERR_IO, "%s: fsync: %s", path, strerror(cause)) : TFT_OK;
}

static tft_status write_all(int fd, const char *bytes, size_t n, const char *path, tft_error *err)
{
    while (n > 0) {
        const ssize_t k = write(fd, bytes, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
        bytes += k;
        n -= (size_t)k;
    }
    return TFT_OK;
}

tft_status tft_file_replace(const char *path, const void *bytes, size_t n, tft_error *err)
{
    char temporary[PATH_MAX];
    const int k = snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid());
    if (k < 0 || (size_t)k >= sizeof temporary)
        return tft_fail(err, TFT_ERR_LIMIT, "%s: path too long", path);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", temporary, strerror(errno));
    tft_status status = write_all(fd, bytes, n, temporary, err);
    if (status == TFT_OK && fsync(fd) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: fsync: %s", temporary, strerror(errno));
    close(fd);
    if (status == TFT_OK && rename(temporary, path) != 0)
        status = tft_fail(err, TFT_ERR_IO, "%s: rename: %s", path, strerror(errno));
    if (status != TFT_OK) {
        unlink(temporary);
        return status;
    }
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *const slash = strrchr(folder, '/');
    if (slash == NULL)
        return tft_sync_folder(".", err);
    slash[slash == folder ? 1 : 0] = '\0';
    return tft_sync_folder(folder, err);
}

tft_status tft_make_folders(const char *path, unsigned mode, tft_error *err)
{
    char part[PATH_MAX];
    const size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return tft_fail(err, TFT_ERR_ARGUMENT, "folder name of %zu bytes, 1 to %d are possible", n, PATH_MAX - 1);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        const char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return tft_fail(err, TFT_ERR_IO, "%s: %s", part, strerror(errno));
        part[i] = kept;
    }
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return tft_fail(err, TFT_ERR_IO, "%s: is not a folder", path);
    return TFT_OK;
}

tft_status tft_remove_folder(const char *path, tft_error *err)
{
    DIR *const folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? TFT_OK : tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    if (rmdir(path) != 0)
        return tft_fail(err, TFT_ERR_IO, "%s: %s", path, strerror(errno));
    return TFT_OK;
}

bool tft_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
