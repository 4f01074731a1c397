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

/* What may change while the daemon runs; each request is judged by the one that is in force when it comes. */
typedef struct auth_policy {
    auth_mode mode;
    bool protect_status;                        // /status and /metrics need a key too
    bool any_foreign;                           // some listener is not on loopback
    bool allow_unauthenticated;                 // http.allow_unauthenticated
    unsigned read_per_minute, write_per_minute; // 0 = no limit
    size_t n_allowed_hosts, n_cors_origins;
    const char *allowed_hosts[HTTP_MAX_ORIGINS], *cors_origins[HTTP_MAX_ORIGINS]; // lent
} auth_policy;

typedef struct auth_counts {
    uint64_t failures_missing, failures_unknown, failures_role, failures_host, rate_limited;
} auth_counts;

/* TFT_ERR_FORMAT: the key file is damaged. A file that is not there holds no keys. */
tft_status auth_open(const char *keys_file, log_sink *log, auth **out, tft_error *err);
void auth_close(auth *a); // accepts NULL

bool auth_is_on(auth *a, const auth_policy *policy); // keys are asked for
/* Reads the key file again now, from here on the one at `keys_file` (NULL = the same); where that fails everything stays. */
tft_status auth_reload(auth *a, const char *keys_file, tft_error *err);
/* Shaped as http_admit; `a` may be NULL: everybody may everything. */
bool auth_admit(auth *a, const auth_policy *policy, http_request *request, http_reply *reply);
/* Whether `origin` is one of http.cors_origins. */
bool auth_knows_origin(const auth_policy *policy, const char *origin);
auth_counts auth_count(auth *a);

#endif
