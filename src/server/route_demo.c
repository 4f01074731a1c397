/* route_demo.c - GET and POST /demo: the generator's scenario, for the page's demo controls.
 *
 * The generator (of --demo, or `tftd generate --stream --control`) listens on a port of its own, which a page from this origin may
 * not talk to; the daemon passes on what is asked, to dashboard.generator_url and nowhere else. Nobody there is no error:
 * `available` is then false.
 *
 * Memory:  an answer of at most 64 KiB. Threads: any; a request waits for the generator at most a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "client/http_client.h"
#include "server/api.h"
#include "server/routes.h"
#include "server/server.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define WAIT_MS 1000

static const char *const scenarios[] = {"healthy", "degrading", "critical"};
#define N_SCENARIOS (sizeof scenarios / sizeof scenarios[0])

/* The HTTP status of `path` at the generator, 0 where nobody answers; body NULL: GET. */
static int ask_generator(const server *srv, const char *path, const char *body, tft_text *answer)
{
    const char *const base = srv->options.generator_url;
    char url[512];
    http_client *client = NULL;
    if (base == NULL || base[0] == '\0' || snprintf(url, sizeof url, "%s%s", base, path) >= (int)sizeof url)
        return 0;
    const http_client_options options = {
        .url = url, .headers = {"Content-Type: application/json"}, .timeout_ms = WAIT_MS, .answer_max = ANSWER_MAX};
    if (http_client_open(&options, &client, NULL) != TFT_OK)
        return 0;
    const http_answer got = http_client_ask(client, body, body != NULL ? strlen(body) : 0);
    tft_text_add(answer, got.body, got.n);
    http_client_close(client);
    return got.status;
}

/* The scenario's word out of the generator's answer; NULL where it is none of ours. */
static const char *find_scenario(const tft_text *answer)
{
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "\"scenario\": \"%s\"", scenarios[i]);
        if (answer->n > 0 && strstr(answer->bytes, wanted) != NULL)
            return scenarios[i];
    }
    return NULL;
}

static long find_total(const tft_text *answer)
{
    static const char key[] = "\"total_affected\": ";
    const char *const at = answer->n > 0 ? strstr(answer->bytes, key) : NULL;
    return at != NULL ? strtol(at + sizeof key - 1, NULL, 10) : 0;
}

static void put_demo(const server *srv, http_reply *reply)
{
    tft_text answer = tft_text_new(ANSWER_MAX);
    const bool there = ask_generator(srv, "/scenario/status", NULL, &answer) == 200;
    const char *const scenario = there ? find_scenario(&answer) : NULL;
    tft_text_printf(&reply->text, "{\"available\": %s, \"scenario\": ", scenario != NULL ? "true" : "false");
    json_put_string(&reply->text, scenario);
    tft_text_printf(&reply->text, ", \"total_affected\": %ld}", there ? find_total(&answer) : 0);
    http_reply_field(reply, "Cache-Control", "no-store");
    tft_text_free(&answer);
}

static void route_demo(void *context, const http_request *request, http_reply *reply)
{
    (void)request;
    put_demo(context, reply);
}

static void route_demo_set(void *context, const http_request *request, http_reply *reply)
{
    const server *const srv = context;
    tft_json_document document = {0};
    if (!api_read_object(request, reply, &document))
        return;
    const char *chosen = NULL;
    size_t n = 0;
    const char *const word = tft_json_string(tft_json_at(document.root, "scenario"), &n);
    for (size_t i = 0; i < N_SCENARIOS; i++) {
        if (word != NULL && strlen(scenarios[i]) == n && memcmp(word, scenarios[i], n) == 0)
            chosen = scenarios[i];
    }
    tft_json_free(&document);
    if (chosen == NULL) {
        api_invalid(reply, "scenario", "must be healthy, degrading or critical");
        return;
    }
    char body[64];
    snprintf(body, sizeof body, "{\"scenario\": \"%s\"}", chosen);
    tft_text answer = tft_text_new(ANSWER_MAX);
    const long status = ask_generator(srv, "/scenario/set", body, &answer);
    tft_text_free(&answer);
    if (status == 200) {
        put_demo(srv, reply);
    } else {
        http_reply_problem(reply, 503, "no-generator", "No generator", "No demo generator answers");
        http_reply_field(reply, "Retry-After", "5");
    }
}

#define DEMO_REPLY                                                                                                     \
    "{\"type\": \"object\", \"required\": [\"available\", \"scenario\", \"total_affected\"], \"properties\": "         \
    "{\"available\": {\"type\": \"boolean\"}, \"scenario\": {\"type\": [\"string\", \"null\"]}, \"total_affected\": "  \
    "{\"type\": \"integer\"}}}"

const http_route routes_demo[] = {
    {.path = "/api/v1/demo",
     .method = HTTP_GET,
     .role = ROLE_READ,
     .handler = route_demo,
     .tag = "Demo",
     .summary = "Whether a demo generator runs, and its scenario",
     .reply = DEMO_REPLY,
     .statuses = "200"},
    {.path = "/api/v1/demo",
     .method = HTTP_POST,
     .role = ROLE_WRITE,
     .handler = route_demo_set,
     .tag = "Demo",
     .summary = "Switch the demo generator's scenario",
     .takes = "application/json",
     .body = "{\"type\": \"object\", \"properties\": {\"scenario\": {\"enum\": [\"healthy\", \"degrading\", "
             "\"critical\"]}}, \"required\": [\"scenario\"]}",
     .example = "{\"scenario\": \"degrading\"}",
     .reply = DEMO_REPLY,
     .statuses = "200 422 503"},
    {0}};
