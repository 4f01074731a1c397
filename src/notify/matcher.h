/* matcher.h - which alerts a silence, a maintenance window or a route is about.
 *
 * Every part that is given must match; an empty part matches all. The server is a glob, the others are words. An alert of the fleet
 * (drift, quality) has no server and no profile: only matchers that name neither, or the server "*", are about it.
 *
 * Memory:  a plain struct. Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_MATCHER_H
#define TFTD_NOTIFY_MATCHER_H

#include "base/json.h"
#include "base/text.h"
#include "tft/contract.h"

typedef struct notify_matcher {
    char server[257]; // glob
    char profile[20], kind[12], severity[12];
    char metric[TFT_MAX_METRIC_NAME]; // the contract's name
} notify_matcher;

/* What is matched; "" where an alert has no such thing. `server` is [server_length]. */
typedef struct notify_subject {
    const char *server;
    size_t server_length;
    const char *profile, *kind, *metric, *severity;
} notify_subject;

bool notify_matches(const notify_matcher *matcher, const notify_subject *subject);
/* Whether the matcher is about this server at all, whatever the alert: maintenance. */
bool notify_matches_server(const notify_matcher *matcher, const char *server, size_t n, const char *profile);
bool notify_matcher_is_empty(const notify_matcher *matcher);

/* {"server": "ppdb*", "profile": "database", "kind": …, "metric": …, "severity": …}, every key optional.
 * Returns NULL, or a sentence on what is wrong; *field then names the key. */
const char *notify_matcher_parse(const tft_json *object, notify_matcher *matcher, const char **field);
/* One part by its key ("server" …), as configuration files give it; same result. */
const char *notify_matcher_set(notify_matcher *matcher, const char *key, const char *value, size_t n);
void notify_matcher_write(const notify_matcher *matcher, tft_text *out);

#endif
