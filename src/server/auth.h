/* auth.h - who may what: keys and roles, brute force, request rates, foreign hosts and foreign pages (CONTRACT 2.1).
 *
 * One question, asked once for each request when its headers are there and before its body is read (http_options.admit):
 *
 *     1  another site's page          Host on a loopback listener without keys must be a loopback name or in
 *                                     http.allowed_hosts (DNS rebinding); a write with an Origin must come from the same
 *                                     host or from http.cors_origins                                    403
 *     2  an open route                needs nothing
 *     3  no key, an unknown key       401; after 10 of them in a minute from one address                429
 *     4  a role that is too small     403
 *     5  too many requests of a key   auth.rate_limit.{read,write} in a minute                          429
 *
 * Keys are read again when their file changes (looked at once a second at most) and on SIGHUP: adding and revoking
 * need no restart. A file that cannot be read keeps the old keys, and says so in the log. Where keys were asked for they go on to be,
 * also when the last one is revoked or the file is gone: only a start without keys is open (and refuses an address outside).
 *
 * Memory:  bounded: 4096 addresses and KEYS_MAX keys are remembered, the oldest forgotten.
 * Threads: any may call auth_admit().
 */
#ifndef TFTD_SERVER_AUTH_H
#define TFTD_SERVER_AUTH_H

#include "server/http.h"
#include "server/keys.h"

typedef struct auth auth;

typedef enum auth_mode { AUTH_AUTO, AUTH_ON, AUTH_OFF } auth_mode; // auto: on from the first key on, until the end

typedef struct auth_options {
    auth_mode mode;
    const char *keys_file;
    bool protect_status;                        // /status and /metrics need a key too
    bool any_foreign;                           // some listener is not on loopback
    unsigned read_per_minute, write_per_minute; // 0 = no limit
    const char *const *allowed_hosts;
    size_t n_allowed_hosts;
    const char *const *cors_origins;
    size_t n_cors_origins;
    log_sink *log;
} auth_options;

typedef struct auth_counts {
    uint64_t failures_missing, failures_unknown, failures_role, failures_host, rate_limited;
} auth_counts;

/* `options` and what it points to are lent. TFT_ERR_FORMAT: the key file is damaged. */
tft_status auth_open(const auth_options *options, auth **out, tft_error *err);
void auth_close(auth *a); // accepts NULL

bool auth_is_on(auth *a);
/* Reads the key file again now. */
tft_status auth_reload(auth *a, tft_error *err);
/* Shaped as http_admit; `a` may be NULL: everybody may everything. */
bool auth_admit(auth *a, http_request *request, http_reply *reply);
auth_counts auth_count(auth *a);

#endif
