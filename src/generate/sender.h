/* sender.h - posts one body to the daemon's POST /feed/data.
 *
 * The outcome says what to do with the batch: sent, pointless to send again (the daemon refused it), or to be sent again
 * (nobody answered, or the daemon was busy). Sending again is always safe: a record's key is server and time.
 *
 * Memory:  the sender owns one connection, kept open between posts, and at most 64 KiB of an answer.
 * Threads: one sender, one thread.
 */
#ifndef TFTD_GENERATE_SENDER_H
#define TFTD_GENERATE_SENDER_H

#include <signal.h>
#include <stddef.h>

#include "tft/error.h"

typedef struct generate_sender generate_sender;

typedef enum generate_outcome {
    GENERATE_SENT,    // 2xx
    GENERATE_REFUSED, // 4xx that will not change: do not repeat
    GENERATE_RETRY    // no connection, timeout, 408, 429, 5xx; 401 where a key file may yet bring the right key
} generate_outcome;

typedef struct generate_sender_options {
    const char *url; // the daemon's base URL, http or https; "/feed/data" is appended
    const char
        *key_file;       // its first line is the API key; read again when the daemon does not know the key. NULL = none
    const char *ca_file; // PEM: who may have signed the daemon's certificate. NULL = those of the system
    const volatile sig_atomic_t *stop; // set by a signal handler: ends a request under way. May be NULL
} generate_sender_options;

/* `options` is lent for the call, but `stop` for the sender's life. TFT_ERR_ARGUMENT where the URL is none; what reading the key
 * file says. */
tft_status generate_sender_open(const generate_sender_options *options, generate_sender **sender, tft_error *err);
void generate_sender_close(generate_sender *sender); // accepts NULL

/* Posts body[0 … n−1] (JSON), 5 seconds at most. Where the outcome is not SENT, `why` tells in one line. */
generate_outcome generate_sender_post(generate_sender *sender, const char *body, size_t n, char *why, size_t why_bytes);

/* "http://127.0.0.1:8000", without trailing slashes; lent until close. */
const char *generate_sender_url(const generate_sender *sender);

#endif
