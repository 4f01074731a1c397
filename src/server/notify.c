/* notify.c - see notify.h. */
#include "server/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A variable's number, where its companion says that it is for this process. */
static int64_t number_for_us(const char *name, const char *pid_name, bool pid_needed)
{
    const char *const text = getenv(name), *const pid = getenv(pid_name);
    if (text == NULL || (pid == NULL && pid_needed) || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
        return 0;
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && value > 0 ? value : 0;
}

int64_t notify_watchdog_ms(void)
{
    const int64_t us = number_for_us("WATCHDOG_USEC", "WATCHDOG_PID", false);
    return us == 0 ? 0 : us < 1000 ? 1 : us / 1000;
}

size_t notify_sockets(size_t max)
{
    const int64_t given = number_for_us("LISTEN_FDS", "LISTEN_PID", true);
    const size_t n = (uint64_t)given < max ? (size_t)given : max;
    for (size_t i = 0; i < n; i++)
        fcntl(NOTIFY_FIRST_SOCKET + (int)i, F_SETFD, FD_CLOEXEC);
    return n;
}

void notify_manager(const char *message)
{
    const char *const path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t n = path == NULL ? 0 : strlen(path);
    if (n == 0 || n >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; // the abstract namespace
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}
