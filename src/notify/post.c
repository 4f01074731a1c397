/* post.c - see post.h. */
#include "notify/post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "notify/run.h"

#define MOST_RETRY_AFTER_S 3600

struct poster {
    const notify_receiver *command; // NULL = by HTTP
    CURL *curl;
    struct curl_slist *headers;
    const atomic_bool *stop;
    tft_text answer;
    char url[320];
};

static size_t keep_answer(char *bytes, size_t size, size_t n, void *context)
{
    poster *const p = context;
    const size_t room = POST_ANSWER_MAX - p->answer.n;
    tft_text_add(&p->answer, bytes, size * n < room ? size * n : room); // the rest is read and forgotten
    return size * n;
}

static int asked_to_stop(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const poster *const p = context;
    (void)a, (void)b, (void)c, (void)d;
    return p->stop != NULL && atomic_load(p->stop);
}

static bool add_header(poster *p, const char *text)
{
    struct curl_slist *const more = curl_slist_append(p->headers, text);
    p->headers = more != NULL ? more : p->headers;
    return more != NULL;
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
    *out = NULL;
    if (receiver->kind == NOTIFY_COMMAND) {
        *out = calloc(1, sizeof **out);
        if (*out == NULL)
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for receiver %s", receiver->name);
        (*out)->command = receiver;
        (*out)->stop = stop;
        return TFT_OK;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return tft_fail(err, TFT_ERR_STATE, "libcurl could not start");
    poster *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for receiver %s", receiver->name);
    char authorization[600];
    p->stop = stop;
    p->answer = tft_text_new(POST_ANSWER_MAX + 1);
    p->curl = curl_easy_init();
    make_url(receiver, which, p->url);
    snprintf(authorization, sizeof authorization, "Authorization: %s", receiver->authorization);
    CURL *const c = p->curl;
    const bool good = c != NULL && add_header(p, "Content-Type: application/json") && add_header(p, "Expect:") &&
                      (receiver->authorization[0] == '\0' || add_header(p, authorization));
    if (!good) {
        poster_close(p);
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for receiver %s", receiver->name);
    }
    curl_easy_setopt(c, CURLOPT_URL, p->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "tftd");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)receiver->timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(receiver->timeout_ms < 5000 ? receiver->timeout_ms : 5000));
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); // a proxy out of the environment is nobody's configuration
    if (receiver->ca_file[0] != '\0')
        curl_easy_setopt(c, CURLOPT_CAINFO, receiver->ca_file);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, asked_to_stop);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, p);
    *out = p;
    return TFT_OK;
}

void poster_close(poster *p)
{
    if (p == NULL)
        return;
    curl_slist_free_all(p->headers);
    curl_easy_cleanup(p->curl);
    tft_text_free(&p->answer);
    free(p);
}

void post_clean(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
        if (*c < 0x20 || *c >= 0x7f)
            *c = ' ';
}

void poster_post(poster *p, const char *body, size_t n, post_answer *answer)
{
    long code = 0;
    curl_off_t retry_s = 0;
    if (p->command != NULL) {
        notify_run(p->command, body, n, p->stop, answer);
        return;
    }
    *answer = (post_answer){0};
    tft_text_clear(&p->answer);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(p->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    const CURLcode result = curl_easy_perform(p->curl);
    if (result != CURLE_OK) {
        snprintf(answer->why, sizeof answer->why, "%s", curl_easy_strerror(result));
        return;
    }
    curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &code);
    answer->status = (int)code;
    if (code >= 200 && code < 300)
        return;
    if (curl_easy_getinfo(p->curl, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s > 0)
        answer->retry_after_ms = 1000 * (retry_s < MOST_RETRY_AFTER_S ? (int64_t)retry_s : MOST_RETRY_AFTER_S);
    snprintf(answer->why, sizeof answer->why, "answered %ld: %.120s", code,
             p->answer.bytes != NULL ? p->answer.bytes : "");
    post_clean(answer->why);
}
