/* config.h - who is told of alerts, and of which: receivers and routes, as the configuration gives them.
 *
 *     alerts:
 *       receivers:
 *         - {name: am, kind: alertmanager, urls: [http://am1:9093, http://am2:9093]}       all of them are told
 *         - {name: chat, kind: webhook, url: https://chat.example/hook, authorization: "Bearer …"}
 *         - {name: pager, kind: command, command: [/usr/local/bin/page, --team, sre]}       the webhook's message on its stdin
 *       routes:
 *         - {match: {severity: critical}, receivers: [am, chat]}
 *         - {receivers: [am]}
 *
 * Routes are read from the top; the first that matches decides, unless it says `continue: true`. Without routes every receiver is
 * told of everything. A command is a program with fixed arguments, never a shell's line (run.h).
 *
 * Memory:  plain structs. Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_CONFIG_H
#define TFTD_NOTIFY_CONFIG_H

#include "notify/matcher.h"

#define NOTIFY_MAX_RECEIVERS 16
#define NOTIFY_MAX_URLS 4
#define NOTIFY_MAX_WORDS 16
#define NOTIFY_MAX_ROUTES 64
#define NOTIFY_MAX_TARGETS (NOTIFY_MAX_RECEIVERS * NOTIFY_MAX_URLS)

typedef enum notify_kind { NOTIFY_WEBHOOK, NOTIFY_ALERTMANAGER, NOTIFY_COMMAND } notify_kind;
const char *notify_kind_name(notify_kind kind); // "webhook", "alertmanager", "command"

typedef struct notify_receiver {
    char name[64];
    notify_kind kind;
    size_t n_urls;
    char urls[NOTIFY_MAX_URLS][256]; // of an Alertmanager: its base, http://host:9093; of a command: the program
    size_t n_words;
    char words[NOTIFY_MAX_WORDS][256]; // a command's program and arguments
    char authorization[512];           // value of that header, "" = none
    char ca_file[256];                 // "" = the system's
    int64_t timeout_ms;                // 10 s
    int64_t resend_ms;                 // Alertmanager: 1 min; what fires is sent with endsAt four times that ahead
    bool send_resolved;                // true
} notify_receiver;

typedef struct notify_route {
    notify_matcher match;
    size_t n_receivers;
    char receivers[NOTIFY_MAX_RECEIVERS][64];
    bool goes_on; // continue
} notify_route;

typedef struct notify_config {
    size_t n_receivers, n_routes;
    notify_receiver receivers[NOTIFY_MAX_RECEIVERS];
    notify_route routes[NOTIFY_MAX_ROUTES];
} notify_config;

notify_receiver notify_receiver_default(void);

/* NULL, or a sentence on what is wrong: a receiver without name or URL, two of one name, a route to nobody. */
const char *notify_config_check(const notify_config *config, char *where, size_t capacity);

/* Bit i: receiver i is to be told. */
uint32_t notify_route_of(const notify_config *config, const notify_subject *subject);

#endif
