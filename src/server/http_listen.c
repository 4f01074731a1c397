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

bool http_listen_text(int fd, char text[72])
{
    struct sockaddr_storage at = {0};
    socklen_t length = sizeof at, n = sizeof(int);
    int listens = 0, type = 0;
    char host[INET6_ADDRSTRLEN];
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) != 0 || listens == 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM ||
        getsockname(fd, (struct sockaddr *)&at, &length) != 0)
        return false;
    const struct sockaddr_in *const in4 = (const void *)&at;
    const struct sockaddr_in6 *const in6 = (const void *)&at;
    if (at.ss_family == AF_INET && inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host) != NULL)
        snprintf(text, 72, "%s:%u", host, ntohs(in4->sin_port));
    else if (at.ss_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host) != NULL)
        snprintf(text, 72, "[%s]:%u", host, ntohs(in6->sin6_port));
    else
        return false;
    return true;
}

/* ---- knocking --------------------------------------------------------------------------------------------- */

void http_knocking_place(int fd, struct sockaddr_storage *place)
{
    socklen_t length = sizeof *place;
    memset(place, 0, sizeof *place);
    if (getsockname(fd, (struct sockaddr *)place, &length) != 0)
        place->ss_family = AF_UNSPEC;
    struct sockaddr_in *const in4 = (void *)place;
    struct sockaddr_in6 *const in6 = (void *)place;
    if (place->ss_family == AF_INET && in4->sin_addr.s_addr == htonl(INADDR_ANY))
        in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (place->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
        in6->sin6_addr = in6addr_loopback;
}

/* The port of an address, 0 where it has none. */
static uint16_t port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
    return address->sa_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port) : 0;
}

void http_knock(const struct sockaddr_storage *place, _Atomic uint32_t *knocker)
{
    const socklen_t length = place->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    const int fd = socket(place->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    // bound before it connects, so that its port is known before anybody can see it
    struct sockaddr_storage from = *place;
    socklen_t n = sizeof from;
    if (from.ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)&from)->sin_port = 0;
    else
        ((struct sockaddr_in6 *)(void *)&from)->sin6_port = 0;
    if (bind(fd, (const struct sockaddr *)&from, length) == 0 && getsockname(fd, (struct sockaddr *)&from, &n) == 0) {
        atomic_store(knocker, port_of((const struct sockaddr *)&from));
        (void)!connect(fd, (const struct sockaddr *)place, length); // goes on by itself
    }
    close(fd); // what waits to be accepted stays so
}

static bool same_host(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 && IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                                                          &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr);
}

bool http_is_knock(const struct sockaddr *from, const struct sockaddr_storage *place, _Atomic uint32_t *knocker)
{
    uint32_t port = from != NULL ? port_of(from) : 0;
    return port != 0 && port == atomic_load(knocker) && same_host(from, (const struct sockaddr *)place) &&
           atomic_compare_exchange_strong(knocker, &port, 0); // whoever has the port next is a client
}

/* ---- listening -------------------------------------------------------------------------------------------- */

tft_status http_listen_at(const char *text, const int *inherited, size_t n, int *out, char host[64], uint16_t *port,
                          tft_error *err)
{
    if (!http_address_parse(text, host, port))
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%s\" is not ADDRESS:PORT (127.0.0.1:8000, [::1]:8000)", text);
    for (size_t i = 0; i < n; i++) {
        char its[72];
        if (http_listen_text(inherited[i], its) && strcmp(its, text) == 0) {
            *out = inherited[i];
            return TFT_OK;
        }
    }
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
