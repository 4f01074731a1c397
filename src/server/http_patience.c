/* http_patience.c - see http_patience.h. */
#include "server/http_patience.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"

#define LOOK_EVERY_MS 1000 // or a quarter of the shortest limit
#define BODY_RATE 500.0    // bytes/s that a body must come with, on average
#define JIFFY_MS 10        // what the kernel's own times are rounded to, at most

typedef enum stage { HEAD, BODY, SERVED, RESTS, TURNED_AWAY } stage;

struct patience_guest {
    patience *host;
    int fd;
    struct in6_addr address; // an IPv4 one as ::ffff:a.b.c.d
    stage at;
    double since_s;               // of the stage
    double moved_s;               // BODY: when bytes came last
    size_t bytes;                 // BODY: so far
    patience_guest *next, **link; // link: what points here
};

struct patience {
    patience_limits limits;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; // guards everything below and all guests
    pthread_cond_t wake;
    bool closing;
    patience_guest *guests;
    unsigned n_guests;
    patience_counts counts;
};

/* ---- turning away ----------------------------------------------------------------------------------------- */

static void turn_away(patience_guest *guest, const char *why)
{
    const patience *const p = guest->host;
    if (!p->limits.tls) {
        char text[512], body[256];
        const int n = snprintf(body, sizeof body,
                               "{\"type\": \"/docs/problems/request-timeout\", \"title\": \"Request timeout\", "
                               "\"status\": 408, \"detail\": \"%s\"}",
                               why);
        const int m = snprintf(text, sizeof text,
                               "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\n"
                               "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                               n, body);
        (void)!send(guest->fd, text, (size_t)m, MSG_DONTWAIT | MSG_NOSIGNAL); // who does not read it does without
    }
    shutdown(guest->fd, p->limits.tls ? SHUT_RDWR : SHUT_RD);
    guest->at = TURNED_AWAY;
}

/* Whether bytes came since the last reply was sent: another head has begun. */
static bool has_begun(const patience_guest *guest, double now_s)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(guest->fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return false;
    const double rested_ms = 1e3 * (now_s - guest->since_s);
    return (double)info.tcpi_last_data_recv + JIFFY_MS < rested_ms;
}

static void look_at(patience_guest *guest, double now_s)
{
    patience *const p = guest->host;
    const double header_s = 1e-3 * (double)p->limits.header_ms, body_s = 1e-3 * (double)p->limits.body_ms;
    switch (guest->at) {
    case RESTS:
        if (header_s > 0 && has_begun(guest, now_s)) {
            guest->at = HEAD;
            guest->since_s = now_s;
        }
        break;
    case HEAD:
        if (header_s > 0 && now_s - guest->since_s > header_s) {
            p->counts.slow_heads++;
            turn_away(guest, "The headers took too long (http.header_timeout)");
        }
        break;
    case BODY:
        if (body_s > 0 &&
            (now_s - guest->moved_s > body_s || now_s - guest->since_s > body_s + (double)guest->bytes / BODY_RATE)) {
            p->counts.slow_bodies++;
            turn_away(guest, "The body came too slowly (http.body_timeout)");
        }
        break;
    case SERVED:
    case TURNED_AWAY:
        break;
    }
}

static void *run(void *context)
{
    patience *const p = context;
    int64_t every_ms = LOOK_EVERY_MS;
    if (p->limits.header_ms > 0 && p->limits.header_ms / 4 < every_ms)
        every_ms = p->limits.header_ms / 4;
    if (p->limits.body_ms > 0 && p->limits.body_ms / 4 < every_ms)
        every_ms = p->limits.body_ms / 4;
    every_ms = every_ms < 1 ? 1 : every_ms;
    pthread_mutex_lock(&p->lock);
    while (!p->closing) {
        if (p->guests == NULL) {
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        const double now_s = tft_monotonic_s();
        for (patience_guest *guest = p->guests; guest != NULL; guest = guest->next)
            look_at(guest, now_s);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        const int64_t ns = until.tv_nsec + every_ms * 1000000;
        until.tv_sec += ns / 1000000000;
        until.tv_nsec = ns % 1000000000;
        while (!p->closing && pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------------------- */

tft_status patience_open(const patience_limits *limits, patience **out, tft_error *err)
{
    patience *const p = calloc(1, sizeof *p);
    *out = NULL;
    if (p == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for connections");
    p->limits = *limits;
    pthread_condattr_t how;
    pthread_condattr_init(&how);
    pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &how);
    pthread_condattr_destroy(&how);
    pthread_mutex_init(&p->lock, NULL);
    p->has_thread = pthread_create(&p->thread, NULL, run, p) == 0;
    if (!p->has_thread) {
        patience_close(p);
        return tft_fail(err, TFT_ERR_MEMORY, "no thread to watch connections");
    }
    *out = p;
    return TFT_OK;
}

void patience_close(patience *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->has_thread)
        pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* ---- guests ----------------------------------------------------------------------------------------------- */

static struct in6_addr address_of(const struct sockaddr *from)
{
    struct in6_addr address = {0};
    if (from != NULL && from->sa_family == AF_INET6) {
        address = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    } else if (from != NULL && from->sa_family == AF_INET) {
        address.s6_addr[10] = address.s6_addr[11] = 0xff;
        memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    }
    return address;
}

/* Whether one more from there may be. Lock held. */
static bool has_room(const patience *p, const struct in6_addr *address)
{
    unsigned n = 0;
    for (const patience_guest *guest = p->guests; guest != NULL; guest = guest->next)
        n += memcmp(&guest->address, address, sizeof *address) == 0;
    return (p->limits.max_per_address == 0 || n < p->limits.max_per_address) &&
           (p->limits.max == 0 || p->n_guests < p->limits.max);
}

bool patience_takes(patience *p, const struct sockaddr *from)
{
    const struct in6_addr address = address_of(from);
    pthread_mutex_lock(&p->lock);
    const bool takes = has_room(p, &address);
    p->counts.crowded += !takes;
    pthread_mutex_unlock(&p->lock);
    return takes;
}

patience_guest *patience_meet(patience *p, int fd, const struct sockaddr *from)
{
    patience_guest *const guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        return NULL;
    *guest = (patience_guest){.host = p, .fd = fd, .address = address_of(from), .since_s = tft_monotonic_s()};
    pthread_mutex_lock(&p->lock);
    if (!has_room(p, &guest->address)) { // another thread has taken the last place since patience_takes()
        p->counts.crowded++;
        shutdown(fd, SHUT_RDWR);
        guest->at = TURNED_AWAY;
    }
    guest->next = p->guests;
    guest->link = &p->guests;
    if (guest->next != NULL)
        guest->next->link = &guest->next;
    else
        pthread_cond_signal(&p->wake); // the first one
    p->guests = guest;
    p->n_guests++;
    pthread_mutex_unlock(&p->lock);
    return guest;
}

void patience_part(patience_guest *guest)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guest->host->lock);
    *guest->link = guest->next;
    if (guest->next != NULL)
        guest->next->link = guest->link;
    guest->host->n_guests--;
    pthread_mutex_unlock(&guest->host->lock);
    free(guest);
}

/* Who was turned away stays so: what still arrives changes nothing. */
static void enter(patience_guest *guest, stage at)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guest->host->lock);
    if (guest->at != TURNED_AWAY && guest->at != at) {
        guest->at = at;
        guest->since_s = guest->moved_s = tft_monotonic_s();
        guest->bytes = 0;
    }
    pthread_mutex_unlock(&guest->host->lock);
}

void patience_head(patience_guest *guest)
{
    enter(guest, HEAD);
}

void patience_body(patience_guest *guest)
{
    enter(guest, BODY);
}

void patience_more(patience_guest *guest, size_t n)
{
    if (guest == NULL)
        return;
    pthread_mutex_lock(&guest->host->lock);
    guest->moved_s = tft_monotonic_s();
    guest->bytes += n;
    pthread_mutex_unlock(&guest->host->lock);
}

void patience_served(patience_guest *guest)
{
    enter(guest, SERVED);
}

void patience_rests(patience_guest *guest)
{
    enter(guest, RESTS);
}

patience_counts patience_count(patience *p)
{
    pthread_mutex_lock(&p->lock);
    const patience_counts counts = p->counts;
    pthread_mutex_unlock(&p->lock);
    return counts;
}
