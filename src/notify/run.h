/* run.h - a JSON body to a program of the operator's: a receiver of kind `command`.
 *
 *     {name: pager, kind: command, command: [/usr/local/bin/page, --team, sre]}
 *
 * The program and its arguments stand in the configuration and are what they are: there is no shell, nothing is put into an argument, and
 * what came over the network is on the program's standard input alone, as the JSON message of a webhook. Its environment is PATH, its folder
 * is /, its other descriptors are closed, and it is the leader of a process group of its own, which is killed with all in it when
 * the receiver's timeout is over or the daemon stops. Exit code 0 means told; anything else is tried again, as a receiver that
 * answers 503 is. What it writes is read, and the first POST_ANSWER_MAX bytes are kept to say why.
 *
 * Threads: any; each call is a process of its own. SIGPIPE must be ignored, as the daemon does.
 */
#ifndef TFTD_NOTIFY_RUN_H
#define TFTD_NOTIFY_RUN_H

#include "notify/post.h"

/* answer->status is 200 for exit code 0, 503 for another, 0 where it could not be started or did not end in time. stop may be NULL. */
void notify_run(const notify_receiver *receiver, const char *body, size_t n, const atomic_bool *stop,
                post_answer *answer);

#endif
