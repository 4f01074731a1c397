/* log.c - see log.h. */
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_BYTES 2048

struct log_sink {
    pthread_mutex_t lock; // guards fd and file
    int fd;
    _Atomic int level, format;
    atomic_bool stamped;
    char file[4096];
    _Atomic uint64_t lines[LOG_N_LEVELS]; // written, by level
};

static const struct {
    const char *word, *level_word;
    log_level level;
} tags[] = {
    [LOG_TAG_DEBUG] = {"DEBUG", "debug", LOG_LEVEL_DEBUG},
    [LOG_TAG_INFO] = {"INFO", "info", LOG_LEVEL_INFO},
    [LOG_TAG_OK] = {"OK", "info", LOG_LEVEL_INFO},
    [LOG_TAG_SUCCESS] = {"SUCCESS", "info", LOG_LEVEL_INFO},
    [LOG_TAG_READY] = {"READY", "info", LOG_LEVEL_INFO},
    [LOG_TAG_SHUTDOWN] = {"SHUTDOWN", "info", LOG_LEVEL_INFO},
    [LOG_TAG_WARNING] = {"WARNING", "warning", LOG_LEVEL_WARNING},
    [LOG_TAG_ERROR] = {"ERROR", "error", LOG_LEVEL_ERROR},
};

/* systemd sets JOURNAL_STREAM to "device:inode" of the stream it attached (systemd.exec(5)). */
static bool stdout_is_journal(void)
{
    const char *const named = getenv("JOURNAL_STREAM");
    struct stat info;
    if (named == NULL || fstat(STDOUT_FILENO, &info) != 0)
        return false;
    char own[64];
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return strcmp(own, named) == 0;
}

static bool is_stamped(const log_options *options, bool in_file)
{
    return options->stamps == LOG_STAMPS_ALWAYS ||
           (options->stamps == LOG_STAMPS_AUTO && (in_file || !stdout_is_journal()));
}

static tft_status open_file(const char *path, int *fd, tft_error *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *fd >= 0 ? TFT_OK : tft_fail(err, TFT_ERR_IO, "log file %s: %s", path, strerror(errno));
}

tft_status log_open(const log_options *options, log_sink **log, tft_error *err)
{
    log_sink *const sink = calloc(1, sizeof *sink);
    if (sink == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the log");
    sink->fd = STDOUT_FILENO;
    sink->format = options->format;
    sink->level = options->level;
    sink->stamped = is_stamped(options, options->file != NULL && options->file[0] != '\0');
    pthread_mutex_init(&sink->lock, NULL);
    if (options->file != NULL && options->file[0] != '\0') {
        snprintf(sink->file, sizeof sink->file, "%s", options->file);
        const tft_status status = open_file(sink->file, &sink->fd, err);
        if (status != TFT_OK) {
            pthread_mutex_destroy(&sink->lock);
            free(sink);
            return status;
        }
    }
    *log = sink;
    return TFT_OK;
}

void log_close(log_sink *log)
{
    if (log == NULL)
        return;
    if (log->fd != STDOUT_FILENO)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

tft_status log_reopen(log_sink *log, tft_error *err)
{
    if (log == NULL)
        return TFT_OK;
    int fd = -1;
    pthread_mutex_lock(&log->lock);
    const tft_status status = log->file[0] != '\0' ? open_file(log->file, &fd, err) : TFT_OK;
    if (fd >= 0) {
        close(log->fd);
        log->fd = fd;
    }
    pthread_mutex_unlock(&log->lock);
    return status;
}

void log_count(const log_sink *log, uint64_t lines[LOG_N_LEVELS])
{
    for (size_t i = 0; i < LOG_N_LEVELS; i++)
        lines[i] = log != NULL ? log->lines[i] : 0;
}

tft_status log_prepare(log_sink *log, const log_options *options, int *fd, tft_error *err)
{
    const char *const file = options->file != NULL ? options->file : "";
    pthread_mutex_lock(&log->lock);
    const bool same = strcmp(file, log->file) == 0;
    pthread_mutex_unlock(&log->lock);
    *fd = -1;
    if (same)
        return TFT_OK;
    if (strlen(file) >= sizeof log->file)
        return tft_fail(err, TFT_ERR_ARGUMENT, "log.file: a path of %zu bytes", strlen(file));
    if (file[0] != '\0')
        return open_file(file, fd, err);
    *fd = STDOUT_FILENO;
    return TFT_OK;
}

void log_configure(log_sink *log, const log_options *options, int fd)
{
    pthread_mutex_lock(&log->lock);
    if (fd >= 0) {
        if (log->fd != STDOUT_FILENO)
            close(log->fd);
        log->fd = fd;
        snprintf(log->file, sizeof log->file, "%s", options->file != NULL ? options->file : "");
    }
    log->level = options->level;
    log->format = options->format;
    log->stamped = is_stamped(options, log->file[0] != '\0');
    pthread_mutex_unlock(&log->lock);
}

/* How many bytes a valid UTF-8 character at text[0 … n−1] takes (RFC 3629: no overlong forms, no surrogates), or 0. */
static size_t utf8_length(const unsigned char *text, size_t n)
{
    const unsigned char c = text[0];
    const size_t length = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f) || (c == 0xf0 && text[1] < 0x90) ||
        (c == 0xf4 && text[1] > 0x8f) || (c == 0xc2 && text[1] < 0xa0)) // the last: C1 controls drive terminals too
        return 0;
    return length;
}

/* Copies text to out with everything unprintable as \xNN; returns the length, at most capacity. */
static size_t escape(const char *text, size_t n, char *out, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        const unsigned char c = (unsigned char)text[i];
        const size_t length = c >= 0x20 && c < 0x7f ? 1
                              : c < 0x80            ? 0
                                                    : utf8_length((const unsigned char *)text + i, n - i);
        if (used + (length > 0 ? length : 4) > capacity)
            break;
        if (length > 0) {
            memcpy(out + used, text + i, length);
            used += length;
            i += length;
        } else {
            static const char digits[] = "0123456789abcdef";
            const char hex[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
            memcpy(out + used, hex, sizeof hex);
            used += sizeof hex;
            i++;
        }
    }
    return used;
}

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; // a log that cannot be written must not stop the daemon
        bytes += done;
        n -= (size_t)done;
    }
}

void log_line(log_sink *log, log_tag tag, const char *format, ...)
{
    if (log == NULL || (int)tags[tag].level < log->level)
        return;
    char message[LINE_BYTES], safe[LINE_BYTES], stamp[TFT_TIME_TEXT];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (n < 0)
        return;
    const size_t length = (size_t)n < sizeof message ? (size_t)n : sizeof message - 1;
    const size_t n_safe = escape(message, length, safe, sizeof safe);
    tft_time_format_ms(tft_wall_ms(), stamp);

    tft_text line = tft_text_new((size_t)8 * LINE_BYTES);
    if (log->format == LOG_FORMAT_JSON) {
        tft_text_printf(&line, "{\"ts\": \"%s\", \"level\": \"%s\", \"tag\": \"%s\", \"message\": ", stamp,
                        tags[tag].level_word, tags[tag].word);
        tft_text_json_string(&line, safe, n_safe);
        tft_text_puts(&line, "}\n");
    } else {
        if (log->stamped)
            tft_text_printf(&line, "%s ", stamp);
        tft_text_printf(&line, "[%s] ", tags[tag].word);
        tft_text_add(&line, safe, n_safe);
        tft_text_puts(&line, "\n");
    }
    if (!line.failed) {
        pthread_mutex_lock(&log->lock);
        write_all(log->fd, line.bytes, line.n);
        log->lines[tags[tag].level]++;
        pthread_mutex_unlock(&log->lock);
    }
    tft_text_free(&line);
}

bool log_gate_open(log_gate *gate, double every_s, uint64_t *held)
{
    const int64_t now = (int64_t)(tft_monotonic_s() * 1e3);
    int64_t next = atomic_load(&gate->next_ms);
    if (now < next || !atomic_compare_exchange_strong(&gate->next_ms, &next, now + (int64_t)(every_s * 1e3))) {
        atomic_fetch_add(&gate->held, 1);
        return false;
    }
    *held = atomic_exchange(&gate->held, 0);
    return true;
}
