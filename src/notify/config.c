/* config.c - see config.h. */
#include "notify/config.h"

#include <stdio.h>
#include <string.h>

const char *notify_kind_name(notify_kind kind)
{
    return kind == NOTIFY_WEBHOOK ? "webhook" : kind == NOTIFY_COMMAND ? "command" : "alertmanager";
}

notify_receiver notify_receiver_default(void)
{
    return (notify_receiver){.timeout_ms = 10000, .resend_ms = 60000, .send_resolved = true};
}

static bool is_name(const char *name)
{
    const size_t n = strlen(name);
    return n > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static int find_receiver(const notify_config *config, const char *name)
{
    for (size_t i = 0; i < config->n_receivers; i++)
        if (strcmp(config->receivers[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool is_url(const char *url)
{
    const bool http = strncmp(url, "http://", 7) == 0, https = strncmp(url, "https://", 8) == 0;
    return (http && url[7] != '\0') || (https && url[8] != '\0');
}

/* What is wrong with where a receiver is to be found. */
static const char *check_target(const notify_receiver *r)
{
    if (r->kind == NOTIFY_COMMAND) {
        if (r->n_words == 0)
            return "needs a command: a list of a program and its arguments";
        if (r->words[0][0] != '/')
            return "has a command that does not begin with /: there is no search for it";
        return r->n_urls == 1 && strcmp(r->urls[0], r->words[0]) == 0 ? NULL : "has a url, which a command does not";
    }
    if (r->n_words > 0)
        return "has a command; its kind must be command then";
    if (r->n_urls == 0)
        return "needs a url, or urls";
    for (size_t k = 0; k < r->n_urls; k++)
        if (!is_url(r->urls[k]))
            return "has a url that is neither http:// nor https://";
    return NULL;
}

const char *notify_config_check(const notify_config *config, char *where, size_t capacity)
{
    for (size_t i = 0; i < config->n_receivers; i++) {
        const notify_receiver *const r = &config->receivers[i];
        snprintf(where, capacity, "alerts.receivers[%zu]", i);
        if (!is_name(r->name))
            return "needs a name of letters, digits, - _ .";
        if (find_receiver(config, r->name) != (int)i)
            return "has the name of another one";
        const char *const why = check_target(r);
        if (why != NULL)
            return why;
    }
    for (size_t i = 0; i < config->n_routes; i++) {
        snprintf(where, capacity, "alerts.routes[%zu]", i);
        for (size_t k = 0; k < config->routes[i].n_receivers; k++)
            if (find_receiver(config, config->routes[i].receivers[k]) < 0)
                return "names a receiver that is not there";
    }
    return NULL;
}

uint32_t notify_route_of(const notify_config *config, const notify_subject *subject)
{
    uint32_t told = 0;
    if (config->n_routes == 0)
        return (1u << config->n_receivers) - 1u;
    for (size_t i = 0; i < config->n_routes; i++) {
        const notify_route *const route = &config->routes[i];
        if (!notify_matches(&route->match, subject))
            continue;
        for (size_t k = 0; k < route->n_receivers; k++) {
            const int r = find_receiver(config, route->receivers[k]);
            told |= r >= 0 ? 1u << r : 0u;
        }
        if (!route->goes_on)
            break;
    }
    return told;
}
