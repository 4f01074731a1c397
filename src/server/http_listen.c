/* http_listen.c - see http_listen.h. */
#include "server/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http.h"

bool http_address_parse(const char *text, char host[64], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text)
        return false;
    const char *from = text;
    size_t n = (size_t)(colon - text);
    if (text[0] == '[') {
        if (n < 3 || text[n - 1] != ']')
            return false;
        from++;
        n -= 2;
    } else if (memchr(text, ':', n) != NULL) {
        return false; // an IPv6 address needs its brackets
    }
    char *end;
    errno = 0;
    const unsigned long value = strtoul(colon + 1, &end, 10);
    if (n >= 64 || colon[1] < '0' || colon[1] > '9' || *end != '\0' || errno != 0 || value > 65535)
        return false;
    memcpy(host, from, n);
    host[n] = '\0';
    *port = (uint16_t)value;
    unsigned char address[16];
    if (strcmp(host, "localhost") == 0)
        snprintf(host, 64, "127.0.0.1");
    return inet_pton(text[0] == '[' ? AF_INET6 : AF_INET, host, address) == 1;
}

bool http_address_is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

tft_status http_listen_at(const char *text, int *out, char host[64], uint16_t *port, tft_error *err)
{
    if (!http_address_parse(text, host, port))
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%s\" is not ADDRESS:PORT (127.0.0.1:8000, [::1]:8000)", text);
    const bool six = strchr(host, ':') != NULL;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(*port)};
    inet_pton(six ? AF_INET6 : AF_INET, host, six ? (void *)&in6.sin6_addr : (void *)&in4.sin_addr);
    const struct sockaddr *const address = six ? (const void *)&in6 : (const void *)&in4;
    socklen_t length = six ? sizeof in6 : sizeof in4;

    const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    if (fd < 0)
        return tft_fail(err, TFT_ERR_BUSY, "%s: socket: %s", text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (six)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address, length) != 0 || listen(fd, SOMAXCONN) != 0) {
        const tft_status status = tft_fail(err, TFT_ERR_BUSY, "cannot listen on %s: %s", text, strerror(errno));
        close(fd);
        return status;
    }
    if (six && getsockname(fd, (struct sockaddr *)(void *)&in6, &length) == 0)
        *port = ntohs(in6.sin6_port);
    else if (!six && getsockname(fd, (struct sockaddr *)(void *)&in4, &length) == 0)
        *port = ntohs(in4.sin_port);
    *out = fd;
    return TFT_OK;
}
