/* run.c - see run.h. */
#include "notify/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/http_client.h"

#define LOOK_MS 50 // between two looks at whether it has ended

typedef struct running {
    pid_t pid;
    int in, out; // its standard input and output, ours to write and read; −1 = closed
    char said[POST_ANSWER_MAX + 1];
    size_t n_said;
} running;

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Actions and attributes of the new process; `in` and `out` are its ends of the pipes. */
static int start(const notify_receiver *receiver, int in, int out, pid_t *pid)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *const environment[] = {path, NULL};
    char words[NOTIFY_MAX_WORDS][sizeof receiver->words[0]];
    char *argv[NOTIFY_MAX_WORDS + 1] = {NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    for (size_t i = 0; i < receiver->n_words; i++) {
        memcpy(words[i], receiver->words[i], sizeof words[i]); // posix_spawn wants them writable
        argv[i] = words[i];
    }
    sigemptyset(&none);
    sigfillset(&all);
    int fault = posix_spawn_file_actions_init(&files);
    if (fault != 0)
        return fault;
    fault = posix_spawnattr_init(&how);
    if (fault == 0) {
        fault = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
        if (fault == 0)
            fault = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
        if (fault == 0)
            fault = posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
        if (fault == 0)
            fault = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
        if (fault == 0)
            fault = posix_spawn_file_actions_addchdir_np(&files, "/");
        posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setpgroup(&how, 0);
        posix_spawnattr_setsigmask(&how, &none);
        posix_spawnattr_setsigdefault(&how, &all);
        if (fault == 0)
            fault = posix_spawn(pid, argv[0], &files, &how, argv, environment);
        posix_spawnattr_destroy(&how);
    }
    posix_spawn_file_actions_destroy(&files);
    return fault;
}

static int open_process(const notify_receiver *receiver, running *r)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        const int fault = errno;
        close(in[0]);
        close(in[1]);
        return fault;
    }
    const int fault = start(receiver, in[0], out[1], &r->pid);
    close(in[0]);
    close(out[1]);
    r->in = in[1];
    r->out = out[0];
    fcntl(r->in, F_SETFL, O_NONBLOCK); // a program that reads nothing holds nobody up
    fcntl(r->out, F_SETFL, O_NONBLOCK);
    return fault;
}

static void feed(running *r, const char *body, size_t n, size_t *written)
{
    const ssize_t done = write(r->in, body + *written, n - *written);
    if (done > 0)
        *written += (size_t)done;
    if (*written == n || (done < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&r->in);
}

static void listen_to(running *r)
{
    char piece[4096];
    const ssize_t got = read(r->out, piece, sizeof piece);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&r->out);
    if (got <= 0)
        return;
    const size_t room = POST_ANSWER_MAX - r->n_said, keep = (size_t)got < room ? (size_t)got : room;
    memcpy(r->said + r->n_said, piece, keep); // the rest is read and forgotten
    r->n_said += keep;
}

/* Until the program has ended; false where it had to be ended. What it started and left behind is ended too. */
static bool attend(running *r, const char *body, size_t n, int64_t timeout_ms, const atomic_bool *stop, int *status)
{
    const double until = tft_monotonic_s() + (double)timeout_ms / 1000;
    size_t written = 0;
    bool ended = false;
    while (!ended && tft_monotonic_s() < until && (stop == NULL || !atomic_load(stop))) {
        struct pollfd ends[] = {{.fd = r->in, .events = POLLOUT}, {.fd = r->out, .events = POLLIN}};
        poll(ends, 2, LOOK_MS); // a closed end, −1, is passed over
        if (ends[0].revents != 0)
            feed(r, body, n, &written);
        if (ends[1].revents != 0)
            listen_to(r);
        siginfo_t info = {.si_pid = 0};
        ended = waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == r->pid;
    }
    if (ended && r->out >= 0)
        listen_to(r);       // its last words
    kill(-r->pid, SIGKILL); // before its number is given back: no other group can have it
    waitpid(r->pid, status, 0);
    return ended;
}

void notify_run(const notify_receiver *receiver, const char *body, size_t n, const atomic_bool *stop,
                post_answer *answer)
{
    running r = {.in = -1, .out = -1};
    int status = 0;
    *answer = (post_answer){0};
    const int fault = open_process(receiver, &r);
    if (fault != 0) {
        snprintf(answer->why, sizeof answer->why, "%.100s: %.50s", receiver->words[0], strerror(fault));
    } else if (!attend(&r, body, n, receiver->timeout_ms, stop, &status)) {
        snprintf(answer->why, sizeof answer->why, "had not ended after %.1f s", (double)receiver->timeout_ms / 1000);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        answer->status = 200;
    } else {
        answer->status = 503;
        snprintf(answer->why, sizeof answer->why, "%s %d: %.120s", WIFEXITED(status) ? "ended with" : "died of signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), r.said);
        http_client_one_line(answer->why, true);
    }
    close_end(&r.in);
    close_end(&r.out);
}
