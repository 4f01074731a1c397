/* farewell.c - see farewell.h. The thread sleeps in poll(2) on its sockets and on a pipe by which it is woken. */
#include "server/farewell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define FAREWELL_SECONDS 2.0
#define FAREWELL_BYTES ((size_t)256 << 20)

typedef struct guest {
    int fd;
    double until_s;
    size_t bytes;
} guest;

struct farewell {
    pthread_t thread;
    pthread_mutex_t lock;         // guards the fields below
    guest arrivals[FAREWELL_MAX]; // handed over, not yet taken by the thread
    size_t n_arrivals;
    size_t n_guests; // with the thread
    bool closing;
    int wake[2];
};

static void wake(const farewell *pool)
{
    const char byte = 0;
    if (write(pool->wake[1], &byte, 1) < 0)
        return; // the pipe is full: the thread is awake anyway
}

/* Reads what is there and drops it; false when the socket is done with. */
static bool drop_input(guest *one, char *scratch, size_t capacity)
{
    const ssize_t n = recv(one->fd, scratch, capacity, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    one->bytes += (size_t)n;
    return n > 0 && one->bytes < FAREWELL_BYTES;
}

static void *run(void *context)
{
    farewell *const pool = context;
    guest guests[FAREWELL_MAX];
    size_t n = 0;
    static const size_t scratch_bytes = 65536;
    char *const scratch = malloc(scratch_bytes);
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        for (size_t i = 0; i < pool->n_arrivals; i++)
            guests[n++] = pool->arrivals[i];
        pool->n_arrivals = 0;
        pool->n_guests = n;
        const bool closing = pool->closing || scratch == NULL;
        pthread_mutex_unlock(&pool->lock);

        struct pollfd fds[FAREWELL_MAX + 1];
        fds[0] = (struct pollfd){.fd = pool->wake[0], .events = POLLIN};
        for (size_t i = 0; i < n; i++)
            fds[i + 1] = (struct pollfd){.fd = guests[i].fd, .events = POLLIN};
        if (!closing)
            poll(fds, (nfds_t)(n + 1), n > 0 ? 100 : -1);
        char bytes[64];
        if (!closing && (fds[0].revents & POLLIN) != 0 && read(pool->wake[0], bytes, sizeof bytes) < 0)
            continue;

        const double now = tft_monotonic_s();
        size_t kept = 0;
        for (size_t i = 0; i < n; i++) {
            const bool readable = !closing && (fds[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
            const bool stays =
                !closing && now < guests[i].until_s && (!readable || drop_input(&guests[i], scratch, scratch_bytes));
            if (stays)
                guests[kept++] = guests[i];
            else
                close(guests[i].fd);
        }
        n = kept;
        if (closing)
            break;
    }
    free(scratch);
    return NULL;
}

tft_status farewell_open(farewell **pool, tft_error *err)
{
    farewell *const made = calloc(1, sizeof *made);
    if (made == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for closing sockets");
    if (pipe2(made->wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(made);
        return tft_fail(err, TFT_ERR_IO, "pipe: %s", strerror(errno));
    }
    pthread_mutex_init(&made->lock, NULL);
    if (pthread_create(&made->thread, NULL, run, made) != 0) {
        close(made->wake[0]);
        close(made->wake[1]);
        pthread_mutex_destroy(&made->lock);
        free(made);
        return tft_fail(err, TFT_ERR_MEMORY, "no thread for closing sockets");
    }
    *pool = made;
    return TFT_OK;
}

void farewell_close(farewell *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_mutex_unlock(&pool->lock);
    wake(pool);
    pthread_join(pool->thread, NULL);
    for (size_t i = 0; i < pool->n_arrivals; i++)
        close(pool->arrivals[i].fd);
    close(pool->wake[0]);
    close(pool->wake[1]);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void farewell_adopt(farewell *pool, int fd)
{
    pthread_mutex_lock(&pool->lock);
    const bool room = !pool->closing && pool->n_guests + pool->n_arrivals < FAREWELL_MAX;
    if (room)
        pool->arrivals[pool->n_arrivals++] = (guest){.fd = fd, .until_s = tft_monotonic_s() + FAREWELL_SECONDS};
    pthread_mutex_unlock(&pool->lock);
    if (room)
        wake(pool);
    else
        close(fd);
}
