/* audit.c - see audit.h. */
#include "server/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/api.h"

#define LINE_MAX_BYTES 16384
#define TROUBLE_EVERY_S 60

struct audit {
    char *path;
    log_sink *log;
    log_gate gate;
    pthread_mutex_t lock; // guards the next
    int fd;
};

static tft_status open_file(const char *path, int *fd, tft_error *err)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *fd >= 0 ? TFT_OK : tft_fail(err, TFT_ERR_ARGUMENT, "audit.file: %s: %s", path, strerror(errno));
}

tft_status audit_open(const char *path, log_sink *log, audit **out, tft_error *err)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0')
        return TFT_OK;
    audit *const a = calloc(1, sizeof *a);
    char *const copy = strdup(path);
    if (a == NULL || copy == NULL) {
        free(a);
        free(copy);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the audit log");
    }
    *a = (audit){.path = copy, .log = log, .fd = -1};
    pthread_mutex_init(&a->lock, NULL);
    const tft_status status = open_file(path, &a->fd, err);
    if (status != TFT_OK)
        audit_close(a);
    else
        *out = a;
    return status;
}

void audit_close(audit *a)
{
    if (a == NULL)
        return;
    if (a->fd >= 0)
        close(a->fd);
    pthread_mutex_destroy(&a->lock);
    free(a->path);
    free(a);
}

tft_status audit_reopen(audit *a, tft_error *err)
{
    int fd;
    const tft_status status = a != NULL ? open_file(a->path, &fd, err) : TFT_OK;
    if (a == NULL || status != TFT_OK)
        return status;
    pthread_mutex_lock(&a->lock);
    close(a->fd);
    a->fd = fd;
    pthread_mutex_unlock(&a->lock);
    return TFT_OK;
}

/* One line, one write(2): lines of several threads never mix. */
static void put_line(audit *a, tft_text *line)
{
    tft_text_puts(line, "}\n");
    pthread_mutex_lock(&a->lock);
    const bool written = !line->failed && write(a->fd, line->bytes, line->n) == (ssize_t)line->n;
    pthread_mutex_unlock(&a->lock);
    tft_text_free(line);
    uint64_t held;
    if (!written && log_gate_open(&a->gate, TROUBLE_EVERY_S, &held))
        log_line(a->log, LOG_TAG_ERROR, "The audit log cannot be written: %s", a->path);
}

static tft_text new_line(const char *who, const char *address)
{
    char stamp[TFT_TIME_TEXT];
    tft_text line = tft_text_new(LINE_MAX_BYTES);
    tft_time_format_ms(tft_wall_ms(), stamp);
    tft_text_printf(&line, "{\"time\": \"%s\", \"who\": ", stamp);
    json_put_string(&line, who);
    tft_text_puts(&line, ", \"address\": ");
    json_put_string(&line, address);
    tft_text_puts(&line, ", \"action\": ");
    return line;
}

void audit_request(audit *a, const http_outcome *outcome)
{
    const http_route *const route = outcome->route;
    const http_request *const request = outcome->request;
    if (a == NULL || route == NULL || route->method == HTTP_GET || route->carries_records)
        return;
    char action[256];
    snprintf(action, sizeof action, "%s %s", http_method_names[route->method], route->path);
    // what was made, else what was named, else the path
    const char *const target = outcome->location != NULL ? outcome->location
                               : request->n_params > 0   ? request->params[0]
                                                         : request->path;
    tft_text line = new_line(request->key_name[0] != '\0' ? request->key_name : NULL, request->peer);
    json_put_string(&line, action);
    tft_text_puts(&line, ", \"target\": ");
    json_put_string(&line, target);
    tft_text_printf(&line, ", \"status\": %d, \"result\": \"%s\"", outcome->status,
                    outcome->status < 400   ? "ok"
                    : outcome->status < 500 ? "refused"
                                            : "failed");
    put_line(a, &line);
}

void audit_say(audit *a, const char *who, const char *action, const char *target, bool ok)
{
    if (a == NULL)
        return;
    tft_text line = new_line(who, NULL);
    json_put_string(&line, action);
    tft_text_puts(&line, ", \"target\": ");
    json_put_string(&line, target);
    tft_text_printf(&line, ", \"status\": null, \"result\": \"%s\"", ok ? "ok" : "failed");
    put_line(a, &line);
}
