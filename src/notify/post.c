/* post.c - see post.h. */
#include "notify/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http_client.h"
#include "notify/run.h"

#define MOST_RETRY_AFTER_S 3600

struct poster {
    const notify_receiver *command; // NULL = by HTTP
    http_client *client;
    const atomic_bool *stop;
};

static bool asked_to_stop(const void *context)
{
    const poster *const p = context;
    return p->stop != NULL && atomic_load(p->stop);
}

/* http://host:9093 becomes http://host:9093/api/v2/alerts; a webhook's URL stays as it is. */
static void make_url(const notify_receiver *receiver, size_t which, char out[320])
{
    const char *const url = receiver->urls[which];
    size_t n = strlen(url);
    if (receiver->kind != NOTIFY_ALERTMANAGER) {
        snprintf(out, 320, "%s", url);
        return;
    }
    while (n > 0 && url[n - 1] == '/')
        n--;
    snprintf(out, 320, "%.*s/api/v2/alerts", (int)n, url);
}

tft_status poster_open(const notify_receiver *receiver, size_t which, const atomic_bool *stop, poster **out,
                       tft_error *err)
{
    poster *const p = calloc(1, sizeof *p);
    *out = p;
    if (p == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for receiver %s", receiver->name);
    p->stop = stop;
    if (receiver->kind == NOTIFY_COMMAND) {
        p->command = receiver;
        return TFT_OK;
    }
    char url[320], authorization[600];
    make_url(receiver, which, url);
    snprintf(authorization, sizeof authorization, "Authorization: %s", receiver->authorization);
    const http_client_options options = {
        .url = url,
        .user_agent = "tftd",
        .headers = {"Content-Type: application/json", receiver->authorization[0] != '\0' ? authorization : NULL},
        .ca_file = receiver->ca_file,
        .timeout_ms = receiver->timeout_ms,
        .connect_ms = receiver->timeout_ms < 5000 ? receiver->timeout_ms : 5000,
        .answer_max = POST_ANSWER_MAX,
        .stop = asked_to_stop,
        .context = p};
    const tft_status status = http_client_open(&options, &p->client, err);
    if (status != TFT_OK) {
        tft_error_prefix(err, "receiver %s", receiver->name);
        poster_close(p);
        *out = NULL;
    }
    return status;
}

void poster_close(poster *p)
{
    if (p == NULL)
        return;
    http_client_close(p->client);
    free(p);
}

void poster_post(poster *p, const char *body, size_t n, post_answer *answer)
{
    if (p->command != NULL) {
        notify_run(p->command, body, n, p->stop, answer);
        return;
    }
    const http_answer got = http_client_ask(p->client, body, n);
    *answer = (post_answer){.status = got.status};
    if (got.status == 0)
        snprintf(answer->why, sizeof answer->why, "%s", got.why);
    if (got.status == 0 || (got.status >= 200 && got.status < 300))
        return;
    answer->retry_after_ms = 1000 * (got.retry_after_s < MOST_RETRY_AFTER_S ? got.retry_after_s : MOST_RETRY_AFTER_S);
    snprintf(answer->why, sizeof answer->why, "answered %d: %.120s", got.status, got.body);
    http_client_one_line(answer->why, true);
}
