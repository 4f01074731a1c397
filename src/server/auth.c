/* auth.c - see auth.h. */
#include "server/auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"

#define MAX_ADDRESSES 4096
#define MINUTE_MS 60000
#define FAILURES_A_MINUTE 10
#define LOOK_EVERY_MS 1000

/* How often something happened in the minute that began at `since_ms`. */
typedef struct tally {
    char who[64];
    int64_t since_ms;
    unsigned n;
} tally;

struct auth {
    log_sink *log;
    pthread_mutex_t lock; // guards everything below
    char *keys_file;
    key_set keys;
    bool had_keys;           // ever since it was opened
    struct timespec changed; // the key file's, when it was read
    int64_t looked_ms;
    tally failures[MAX_ADDRESSES]; // by a hash of the address
    tally reads[KEYS_MAX], writes[KEYS_MAX];
    auth_counts counts;
};

/* Whoever revokes the last key, or loses the file, has not said that everybody is an admin now. */
static bool is_on(const auth *a, const auth_policy *policy)
{
    return policy->mode == AUTH_ON || (policy->mode == AUTH_AUTO && a->had_keys);
}

/* ---- the key file -------------------------------------------------------------------------------------- */

static struct timespec change_of(const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 ? now.st_mtim : (struct timespec){0, 0};
}

static tft_status read_keys(auth *a, const char *path, tft_error *err)
{
    key_set fresh;
    const struct timespec changed = change_of(path);
    if (path == a->keys_file)
        a->changed = changed; // a damaged file is not read again until it changes
    const tft_status status = keys_load(path, &fresh, err);
    if (status != TFT_OK)
        return status;
    keys_free(&a->keys);
    a->keys = fresh;
    a->had_keys = a->had_keys || fresh.n > 0;
    a->changed = changed;
    return TFT_OK;
}

static void look_for_changes(auth *a, int64_t now_ms)
{
    if (now_ms - a->looked_ms < LOOK_EVERY_MS && now_ms >= a->looked_ms)
        return;
    a->looked_ms = now_ms;
    const struct timespec changed = change_of(a->keys_file);
    if (changed.tv_sec == a->changed.tv_sec && changed.tv_nsec == a->changed.tv_nsec)
        return;
    tft_error err = {0};
    const tft_status status = read_keys(a, a->keys_file, &err);
    if (status == TFT_OK && a->keys.n == 0 && a->had_keys)
        log_line(a->log, LOG_TAG_WARNING, "No API key is left: what needs one is refused until there is one");
    else if (status == TFT_OK)
        log_line(a->log, LOG_TAG_INFO, "API keys read again: %zu", a->keys.n);
    else
        log_line(a->log, LOG_TAG_ERROR, "The old API keys stay: %s", err.text);
}

tft_status auth_open(const char *keys_file, log_sink *log, auth **out, tft_error *err)
{
    *out = NULL;
    auth *const a = calloc(1, sizeof *a);
    if (a == NULL || (a->keys_file = strdup(keys_file)) == NULL) {
        free(a);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for the authentication");
    }
    a->log = log;
    pthread_mutex_init(&a->lock, NULL);
    const tft_status status = read_keys(a, a->keys_file, err);
    if (status != TFT_OK) {
        auth_close(a);
        return status;
    }
    *out = a;
    return TFT_OK;
}

void auth_close(auth *a)
{
    if (a == NULL)
        return;
    keys_free(&a->keys);
    pthread_mutex_destroy(&a->lock);
    free(a->keys_file);
    free(a);
}

bool auth_is_on(auth *a, const auth_policy *policy)
{
    pthread_mutex_lock(&a->lock);
    const bool on = is_on(a, policy);
    pthread_mutex_unlock(&a->lock);
    return on;
}

tft_status auth_reload(auth *a, const char *keys_file, tft_error *err)
{
    char *const path = keys_file != NULL ? strdup(keys_file) : NULL;
    if (keys_file != NULL && path == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory to read %s", keys_file);
    pthread_mutex_lock(&a->lock);
    const tft_status status = read_keys(a, path != NULL ? path : a->keys_file, err);
    char *unused = path;
    if (status == TFT_OK && path != NULL) {
        unused = a->keys_file;
        a->keys_file = path;
    }
    pthread_mutex_unlock(&a->lock);
    free(unused);
    return status;
}

auth_counts auth_count(auth *a)
{
    pthread_mutex_lock(&a->lock);
    const auth_counts counts = a->counts;
    pthread_mutex_unlock(&a->lock);
    return counts;
}

/* ---- counting ------------------------------------------------------------------------------------------ */

static tally *failures_of(auth *a, const char *peer)
{
    uint32_t hash = 2166136261u; // FNV-1a
    for (const char *c = peer; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &a->failures[hash % MAX_ADDRESSES];
}

/* Those of `who` in the running minute; another one's place is not his. */
static unsigned count_of(const tally *t, const char *who, int64_t now_ms)
{
    const int64_t age = now_ms - t->since_ms;
    return strcmp(t->who, who) == 0 && age >= 0 && age < MINUTE_MS ? t->n : 0;
}

static void count(tally *t, const char *who, int64_t now_ms)
{
    const unsigned before = count_of(t, who, now_ms);
    if (before == 0) {
        snprintf(t->who, sizeof t->who, "%s", who);
        t->since_ms = now_ms;
    }
    t->n = before + 1;
}

static bool refuse_rate(http_reply *reply, const tally *t, int64_t now_ms, const char *why)
{
    http_reply_refusal(reply, 429, "too-many-requests", "Too many requests", "%s", why);
    http_reply_field(reply, "Retry-After", "%lld", (long long)((t->since_ms + MINUTE_MS - now_ms + 999) / 1000));
    return false;
}

/* ---- other sites' pages -------------------------------------------------------------------------------- */

/* The host of "name:port", "[::1]:port" or a bare one. */
static bool host_is(const char *host, size_t n, const char *name)
{
    return strlen(name) == n && strncasecmp(host, name, n) == 0;
}

static size_t host_length(const char *host)
{
    if (host[0] == '[') {
        const char *const end = strchr(host, ']');
        return end != NULL ? (size_t)(end - host) + 1 : strlen(host);
    }
    return strcspn(host, ":");
}

static bool host_is_ours(const auth_policy *o, const char *host)
{
    const size_t n = host_length(host);
    if (host_is(host, n, "localhost") || host_is(host, n, "[::1]") || host_is(host, n, "::1"))
        return true;
    if (n < 64) {
        char bare[64];
        memcpy(bare, host, n);
        bare[n] = '\0';
        if (http_address_is_loopback(bare))
            return true;
    }
    for (size_t i = 0; i < o->n_allowed_hosts; i++) {
        if (host_is(host, n, o->allowed_hosts[i]))
            return true;
    }
    return false;
}

bool auth_knows_origin(const auth_policy *o, const char *origin)
{
    for (size_t i = 0; i < o->n_cors_origins; i++) {
        if (strcmp(o->cors_origins[i], "*") == 0 || strcasecmp(o->cors_origins[i], origin) == 0)
            return true;
    }
    return false;
}

/* Whether an Origin ("https://host:port") is that of this very host, or listed. */
static bool origin_is_ours(const auth_policy *o, const char *origin, const char *host)
{
    if (auth_knows_origin(o, origin))
        return true;
    const char *const after = strstr(origin, "://");
    return after != NULL && host != NULL && strcasecmp(after + 3, host) == 0;
}

static bool admit_site(auth *a, const auth_policy *policy, const http_request *request, http_reply *reply)
{
    const char *const host = http_header(request, "Host"), *const origin = http_header(request, "Origin");
    const bool on = is_on(a, policy);
    if (!on && !policy->any_foreign && host != NULL && !host_is_ours(policy, host)) {
        a->counts.failures_host++;
        http_reply_refusal(reply, 403, "foreign-host", "Foreign host",
                           "Host is none of this machine's loopback names; http.allowed_hosts lists others");
        return false;
    }
    if (request->method != HTTP_GET && origin != NULL && !origin_is_ours(policy, origin, host)) {
        a->counts.failures_host++;
        http_reply_refusal(reply, 403, "foreign-origin", "Foreign origin",
                           "A page of another origin may not write here; http.cors_origins lists those that may");
        return false;
    }
    return true;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static const char *shown_key(const http_request *request)
{
    const char *const own = http_header(request, "X-API-Key"), *bearer = http_header(request, "Authorization");
    if (own != NULL)
        return own;
    if (bearer == NULL || strncasecmp(bearer, "Bearer ", 7) != 0)
        return NULL;
    bearer += 7;
    return bearer + strspn(bearer, " ");
}

static bool refuse_key(auth *a, const http_request *request, http_reply *reply, const char *shown, int64_t now_ms)
{
    tally *const failures = failures_of(a, request->peer);
    if (count_of(failures, request->peer, now_ms) >= FAILURES_A_MINUTE) {
        a->counts.rate_limited++;
        return refuse_rate(reply, failures, now_ms, "Too many requests without a valid key from this address");
    }
    count(failures, request->peer, now_ms);
    if (shown == NULL)
        a->counts.failures_missing++;
    else
        a->counts.failures_unknown++;
    http_reply_refusal(reply, 401, "unauthorized", "Unauthorized", "%s",
                       shown == NULL ? "This needs an API key: X-API-Key: KEY, or Authorization: Bearer KEY"
                                     : "The API key is not known here");
    http_reply_field(reply, "WWW-Authenticate", "Bearer realm=\"tftd\"");
    return false;
}

static bool admit_key(auth *a, const auth_policy *policy, http_request *request, http_reply *reply, http_role needed,
                      int64_t now_ms)
{
    const char *const shown = shown_key(request);
    tally *const failures = failures_of(a, request->peer);
    // An address that keeps failing is not even looked up: it could not tell a hit from a miss.
    const bool locked = count_of(failures, request->peer, now_ms) >= FAILURES_A_MINUTE;
    const api_key *const key = shown == NULL || locked ? NULL : keys_find(&a->keys, shown, strlen(shown));
    if (key == NULL)
        return refuse_key(a, request, reply, shown, now_ms);
    memcpy(request->key_name, key->name, sizeof request->key_name); // both end with a NUL
    request->granted = key->role;
    if (key->role < needed) {
        a->counts.failures_role++;
        http_reply_refusal(reply, 403, "forbidden", "Forbidden", "This needs the role %s; the key %s has %s",
                           key_role_name(needed), key->name, key_role_name(key->role));
        return false;
    }
    const bool writes = request->method != HTTP_GET;
    const unsigned limit = writes ? policy->write_per_minute : policy->read_per_minute;
    tally *const used = writes ? &a->writes[key - a->keys.keys] : &a->reads[key - a->keys.keys];
    if (limit > 0 && count_of(used, key->name, now_ms) >= limit) {
        a->counts.rate_limited++;
        return refuse_rate(reply, used, now_ms, "The key's requests of this minute are used up");
    }
    count(used, key->name, now_ms);
    return true;
}

/* What a request's route asks for; a path without a route tells nothing, so it needs a reader's key. */
static http_role needed_role(const auth_policy *policy, const http_request *request)
{
    const http_role role = request->route != NULL ? request->route->role : ROLE_READ;
    const bool status = strcmp(request->path, "/status") == 0 || strcmp(request->path, "/metrics") == 0;
    return status ? policy->protect_status ? ROLE_READ : ROLE_OPEN : role;
}

bool auth_admit(auth *a, const auth_policy *policy, http_request *request, http_reply *reply)
{
    if (a == NULL) {
        request->granted = ROLE_ADMIN;
        return true;
    }
    const int64_t now_ms = (int64_t)(tft_monotonic_s() * 1e3);
    pthread_mutex_lock(&a->lock);
    look_for_changes(a, now_ms);
    bool admitted = admit_site(a, policy, request, reply);
    const http_role needed = needed_role(policy, request);
    request->granted = is_on(a, policy) ? ROLE_OPEN : ROLE_ADMIN;
    if (admitted && is_on(a, policy) && (needed > ROLE_OPEN || shown_key(request) != NULL))
        admitted = admit_key(a, policy, request, reply, needed, now_ms);
    pthread_mutex_unlock(&a->lock);
    return admitted;
}
