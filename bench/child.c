/* child.c - see child.h. */
#include "child.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* Reads the child's log until a line says [READY]; the port is behind the last ':' of its url=. */
static bool wait_until_ready(const bench_child *child, const char *log, int *port)
{
    for (int waited = 0; waited < 12000 && waitpid(child->pid, NULL, WNOHANG) == 0; waited++) {
        char *text = NULL;
        size_t n = 0;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (tft_file_read(log, (size_t)1 << 20, &text, &n, NULL) != TFT_OK)
            continue;
        const char *ready = strstr(text, "[READY]");
        const char *url = ready != NULL && strchr(ready, '\n') != NULL ? strstr(ready, "url=http://") : NULL;
        const char *colon = url != NULL ? strchr(url + strlen("url=http://"), ':') : NULL;
        *port = colon != NULL ? atoi(colon + 1) : 0;
        free(text);
        if (*port > 0)
            return true;
    }
    return false;
}

static bool launch(const char *program, const char *model, bench_child *child)
{
    char log[128];
    snprintf(log, sizeof log, "%s/bench.log", child->folder);
    child->pid = fork();
    if (child->pid == 0) {
        const int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(out, STDOUT_FILENO);
        execl(program, program, "serve", "--listen", "127.0.0.1:0", "--data-dir", child->folder,
              model != NULL ? "--model" : "--no-model", model, (char *)NULL);
        _exit(127);
    }
    if (child->pid > 0 && wait_until_ready(child, log, &child->port))
        return true;
    fprintf(stderr, "bench: %s serve did not get ready\n", program);
    bench_child_stop(child);
    return false;
}

bool bench_child_start(const char *program, const char *model, bench_child *child)
{
    *child = (bench_child){.pid = -1};
    snprintf(child->folder, sizeof child->folder, "/tmp/tftd-bench-XXXXXX");
    if (mkdtemp(child->folder) == NULL) {
        fprintf(stderr, "bench: no folder %s: %s\n", child->folder, strerror(errno));
        return false;
    }
    return launch(program, model, child);
}

void bench_child_halt(bench_child *child, int signal_number)
{
    kill(child->pid, signal_number);
    waitpid(child->pid, NULL, 0);
    child->pid = -1;
}

bool bench_child_launch(const char *program, const char *model, bench_child *child, double *ready_s)
{
    const double start = tft_monotonic_s();
    const bool ready = launch(program, model, child);
    *ready_s = tft_monotonic_s() - start;
    return ready;
}

double bench_child_cpu_s(const bench_child *child)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)child->pid);
    FILE *const file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) != NULL && strrchr(line, ')') != NULL)
        sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    if (file != NULL)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

void bench_child_stop(bench_child *child)
{
    if (child->pid > 0) {
        kill(child->pid, SIGTERM);
        waitpid(child->pid, NULL, 0);
    }
    tft_remove_folder(child->folder, NULL);
    child->pid = -1;
}

void bench_child_memory(const bench_child *child, double *now_mb, double *peak_mb)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)child->pid);
    FILE *file = fopen(path, "r");
    *now_mb = *peak_mb = 0.0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        long kib = 0;
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            *now_mb = (double)kib * 1024e-6;
        else if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            *peak_mb = (double)kib * 1024e-6;
    }
    if (file != NULL)
        fclose(file);
}

int bench_connect(const bench_child *child)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)child->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Reads head and body (Content-Length); the text ends with the body. */
static int read_reply(int fd, tft_text *reply)
{
    char buffer[65536];
    size_t need = SIZE_MAX;
    tft_text_clear(reply);
    while (reply->n < need) {
        const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            return -1;
        tft_text_add(reply, buffer, (size_t)got);
        const char *end = need == SIZE_MAX && reply->bytes != NULL ? strstr(reply->bytes, "\r\n\r\n") : NULL;
        const char *length = end != NULL ? strcasestr(reply->bytes, "\r\nContent-Length:") : NULL;
        if (length != NULL)
            need = (size_t)(end + 4 - reply->bytes) + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    }
    return reply->n > 12 ? atoi(reply->bytes + strlen("HTTP/1.1 ")) : -1;
}

int bench_post(int fd, const char *path, const char *body, size_t n, tft_text *reply)
{
    char head[256];
    const int head_n = snprintf(head, sizeof head,
                                "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                path, n);
    if (!send_all(fd, head, (size_t)head_n) || !send_all(fd, body, n))
        return -1;
    return read_reply(fd, reply);
}

int bench_get(int fd, const char *path, tft_text *reply)
{
    char head[256];
    const int n = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
    return send_all(fd, head, (size_t)n) ? read_reply(fd, reply) : -1;
}

int bench_get_unkept(int fd, const char *path, const char *fields, size_t *bytes, double *first_s)
{
    char buffer[1 << 16];
    char head[512], answer[8192];
    size_t n = 0, need;
    const int asked = snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path, fields);
    const char *end = NULL;
    if (asked < 0 || (size_t)asked >= sizeof head || !send_all(fd, head, (size_t)asked))
        return -1;
    while (end == NULL && n < sizeof answer - 1) {
        const ssize_t got = recv(fd, answer + n, sizeof answer - 1 - n, 0);
        if (got <= 0)
            return -1;
        if (n == 0)
            *first_s = tft_monotonic_s();
        n += (size_t)got;
        answer[n] = '\0';
        end = strstr(answer, "\r\n\r\n");
    }
    const char *const length = end != NULL ? strcasestr(answer, "\r\nContent-Length:") : NULL;
    if (length == NULL)
        return -1;
    need = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    *bytes = (size_t)(answer + n - (end + 4));
    while (*bytes < need) {
        const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
        if (got <= 0)
            return -1;
        *bytes += (size_t)got;
    }
    return atoi(answer + strlen("HTTP/1.1 "));
}
