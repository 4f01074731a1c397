/* post.h - a JSON body to a receiver, by HTTP (client/http_client.h) or by a program (run.h).
 *
 * At most POST_ANSWER_MAX bytes of the answer are kept, for the log.
 *
 * Threads: a poster belongs to one thread; connections are kept open between posts.
 */
#ifndef TFTD_NOTIFY_POST_H
#define TFTD_NOTIFY_POST_H

#include <stdatomic.h>

#include "notify/config.h"

#define POST_ANSWER_MAX 512

typedef struct poster poster;

/* To url number `which` of the receiver, which is lent until close. stop (may be NULL): a request under way ends soon after it is set. */
tft_status poster_open(const notify_receiver *receiver, size_t which, const atomic_bool *stop, poster **out,
                       tft_error *err);
void poster_close(poster *p); // accepts NULL

typedef struct post_answer {
    int status;             // 0 = there was none
    int64_t retry_after_ms; // of 429 and 503, 0 = none
    char why[160];          // where status is not 2xx: one line without control characters
} post_answer;
void poster_post(poster *p, const char *body, size_t n, post_answer *answer);

#endif
