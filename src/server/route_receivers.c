/* route_receivers.c - GET /api/v1/receivers and POST /receivers/{name}/test: who is told of alerts, and whether that works.
 *
 * Each target comes with its last posts (outbox.h keeps twenty since the start), newest first.
 *
 * Keys and what stands before the @ of a URL are never shown.
 */
#include <stdio.h>
#include <string.h>

#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

typedef struct listing {
    tft_text *out;
    const notify_receiver *before; // the one whose targets come
    size_t n, limit;               // receivers written
    const char *after;             // a page goes on behind this name; NULL = from the beginning
    char last[64];                 // name of the last one written
    bool skipping, more;
} listing;

static void put_posts(const outbox_target *target, tft_text *out)
{
    static const char *const results[] = {"delivered", "refused", "failed"};
    const size_t n = target->n_posts < OUTBOX_POSTS ? target->n_posts : OUTBOX_POSTS;
    tft_text_puts(out, ", \"deliveries\": [");
    for (size_t i = 0; i < n; i++) {
        const outbox_post *const post = &target->posts[(target->n_posts - 1 - i) % OUTBOX_POSTS];
        tft_text_puts(out, i > 0 ? ", {\"at\": " : "{\"at\": ");
        json_put_time_ms(out, post->at_ms);
        tft_text_printf(out,
                        ", \"result\": \"%s\", \"alerts\": %zu, \"firing\": %zu, \"error\": ", results[post->result],
                        post->alerts, post->firing);
        json_put_string(out, post->why[0] != '\0' ? post->why : NULL);
        tft_text_puts(out, "}");
    }
    tft_text_puts(out, "]");
}

/* Whether this receiver, whose first target comes, is on the page. */
static bool is_on_page(listing *l, const notify_receiver *receiver)
{
    if (l->after != NULL) { // up to the one that ended the page before
        if (strcmp(l->after, receiver->name) == 0)
            l->after = NULL;
        return false;
    }
    l->more = l->more || l->n == l->limit;
    return !l->more;
}

/* A URL without user and password, and without its query, where keys are put too. */
static void put_url(const char *url, tft_text *out)
{
    const char *const scheme = strstr(url, "://");
    const size_t head = scheme != NULL ? (size_t)(scheme - url) + 3 : 0;
    const char *const host = url + head;
    const char *const end = host + strcspn(host, "/?#");
    const char *at = host;
    for (const char *c = host; c < end; c++)
        at = *c == '@' ? c + 1 : at;
    tft_text shown = tft_text_new(600);
    tft_text_add(&shown, url, head);
    tft_text_add(&shown, at, strcspn(at, "?#"));
    tft_text_json_string(out, shown.bytes != NULL ? shown.bytes : "", shown.n);
    tft_text_free(&shown);
}

static void list_target(void *context, const notify_receiver *receiver, size_t which, const outbox_target *target,
                        size_t waiting)
{
    listing *const l = context;
    tft_text *const out = l->out;
    const bool begins = receiver != l->before;
    if (begins)
        l->skipping = !is_on_page(l, receiver);
    l->before = receiver;
    if (l->skipping)
        return;
    if (begins) {
        tft_text_puts(out, l->n++ > 0 ? "]}, {\"name\": " : "{\"name\": ");
        snprintf(l->last, sizeof l->last, "%s", receiver->name);
        json_put_string(out, receiver->name);
        tft_text_printf(out,
                        ", \"kind\": \"%s\", \"send_resolved\": %s, \"resend_s\": ", notify_kind_name(receiver->kind),
                        receiver->send_resolved ? "true" : "false");
        if (receiver->kind == NOTIFY_ALERTMANAGER)
            tft_text_printf(out, "%lld", (long long)(receiver->resend_ms / 1000));
        else
            tft_text_puts(out, "null");
        tft_text_puts(out, ", \"targets\": [");
    } else {
        tft_text_puts(out, ", ");
    }
    tft_text_puts(out, "{\"target\": ");
    json_put_string(out, target->name);
    tft_text_puts(out, ", \"url\": ");
    put_url(receiver->urls[which], out);
    tft_text_printf(
        out, ", \"delivered\": %llu, \"failed\": %llu, \"dropped\": %llu, \"waiting\": %zu, \"last_attempt_at\": ",
        (unsigned long long)target->delivered, (unsigned long long)target->failed, (unsigned long long)target->dropped,
        waiting);
    json_put_time_ms(out, target->last_attempt_ms);
    tft_text_puts(out, ", \"last_success_at\": ");
    json_put_time_ms(out, target->last_success_ms);
    tft_text_puts(out, ", \"last_error\": ");
    json_put_string(out, target->last_error[0] != '\0' ? target->last_error : NULL);
    put_posts(target, out);
    tft_text_puts(out, "}");
}

static void route_receiver_list(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    api_paging paging;
    if (!api_read_paging(request, reply, &paging))
        return;
    listing l = {.out = &reply->text, .limit = paging.limit, .after = paging.has_cursor ? paging.place : NULL};
    tft_text_puts(&reply->text, "{\"items\": [");
    notify_each_target(srv->notify, list_target, &l);
    if (l.n > 0)
        tft_text_puts(&reply->text, "]}");
    api_put_list_end(&reply->text, l.more ? l.last : NULL, strlen(l.last));
    http_reply_field(reply, "Cache-Control", "no-cache");
}

typedef struct testing {
    tft_text *out;
    size_t n, good;
} testing;

static void note_answer(void *context, const char *target, const post_answer *answer)
{
    testing *const t = context;
    const bool good = answer->status >= 200 && answer->status < 300;
    tft_text_puts(t->out, t->n++ > 0 ? ", {\"target\": " : "{\"target\": ");
    json_put_string(t->out, target);
    tft_text_printf(t->out, ", \"ok\": %s, \"status\": ", good ? "true" : "false");
    if (answer->status > 0)
        tft_text_printf(t->out, "%d", answer->status);
    else
        tft_text_puts(t->out, "null");
    tft_text_puts(t->out, ", \"error\": ");
    json_put_string(t->out, good ? NULL : answer->why);
    tft_text_puts(t->out, "}");
    t->good += good;
}

static void route_receiver_test(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    const char *const name = http_param(request, "name");
    tft_error err = {0};
    testing t = {.out = &reply->text};
    tft_text_puts(&reply->text, "{\"receiver\": ");
    json_put_string(&reply->text, name);
    tft_text_puts(&reply->text, ", \"targets\": [");
    const tft_status status = notify_test(srv->notify, name, note_answer, &t, &err);
    tft_text_printf(&reply->text, "], \"ok\": %s}", t.n > 0 && t.good == t.n ? "true" : "false");
    if (status == TFT_ERR_NOT_FOUND)
        http_reply_problem(reply, 404, "unknown-receiver", "Unknown receiver", "No receiver '%.60s'", name);
    else if (status != TFT_OK) {
        http_reply_problem(reply, 503, "overloaded", "Overloaded", "%s", err.text);
        http_reply_field(reply, "Retry-After", "5");
    }
}

static const http_parameter of_receivers[] = {API_PAGING, {0}};
static const http_parameter of_receiver[] = {{"name", API_NAME, "Name of the receiver", "ops", true}, {0}};

const http_route routes_receivers[] = {{.path = "/api/v1/receivers",
                                        .method = HTTP_GET,
                                        .role = ROLE_ADMIN,
                                        .handler = route_receiver_list,
                                        .parameters = of_receivers,
                                        .tag = "Alerts",
                                        .summary = "Who is told of alerts, and how that goes",
                                        .reply = "ReceiverList",
                                        .statuses = "200"},
                                       {.path = "/api/v1/receivers/{name}/test",
                                        .method = HTTP_POST,
                                        .role = ROLE_ADMIN,
                                        .handler = route_receiver_test,
                                        .parameters = of_receiver,
                                        .tag = "Alerts",
                                        .summary = "Send a test alert to each address of a receiver",
                                        .reply = "ReceiverTest",
                                        .statuses = "200 404 503"},
                                       {0}};
