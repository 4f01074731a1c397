/* http_client.c - see http_client.h. */
#include "client/http_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct http_client {
    CURL *curl;
    struct curl_slist *headers;
    tft_text answer;
    size_t answer_max;
    bool (*stop)(const void *context);
    const void *context;
};

static size_t keep_answer(char *bytes, size_t size, size_t n, void *context)
{
    http_client *const c = context;
    const size_t room = c->answer_max - c->answer.n;
    tft_text_add(&c->answer, bytes, size * n < room ? size * n : room); // the rest is read and forgotten
    return size * n;
}

static int asked_to_stop(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const http_client *const client = context;
    (void)a, (void)b, (void)c, (void)d;
    return client->stop != NULL && client->stop(client->context);
}

tft_status http_client_set_headers(http_client *c, const char *const headers[HTTP_CLIENT_HEADERS], tft_error *err)
{
    struct curl_slist *all = curl_slist_append(NULL, "Expect:"); // without a value: no pause before a large body
    for (size_t i = 0; all != NULL && i < HTTP_CLIENT_HEADERS && headers[i] != NULL; i++) {
        struct curl_slist *const more = curl_slist_append(all, headers[i]);
        if (more == NULL)
            curl_slist_free_all(all);
        all = more;
    }
    if (all == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for headers");
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, all);
    curl_slist_free_all(c->headers);
    c->headers = all;
    return TFT_OK;
}

static void set_up(http_client *c, const http_client_options *o)
{
    const int64_t connect_ms = o->connect_ms > 0 ? o->connect_ms : o->timeout_ms;
    curl_easy_setopt(c->curl, CURLOPT_URL, o->url);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, asked_to_stop);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, c);
    if (o->user_agent != NULL)
        curl_easy_setopt(c->curl, CURLOPT_USERAGENT, o->user_agent);
    if (!o->proxy)
        curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
    if (o->ca_file != NULL && o->ca_file[0] != '\0')
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, o->ca_file);
}

tft_status http_client_open(const http_client_options *options, http_client **out, tft_error *err)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return tft_fail(err, TFT_ERR_STATE, "libcurl could not start");
    http_client *const c = calloc(1, sizeof *c);
    if (c == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "%s: no memory", options->url);
    *c = (http_client){.curl = curl_easy_init(),
                       .answer = tft_text_new(options->answer_max + 1),
                       .answer_max = options->answer_max,
                       .stop = options->stop,
                       .context = options->context};
    tft_status status = c->curl != NULL ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "%s: no memory", options->url);
    if (status == TFT_OK)
        status = http_client_set_headers(c, options->headers, err);
    if (status != TFT_OK) {
        http_client_close(c);
        return status;
    }
    set_up(c, options);
    *out = c;
    return TFT_OK;
}

void http_client_close(http_client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    curl_slist_free_all(c->headers);
    tft_text_free(&c->answer);
    free(c);
}

http_answer http_client_ask(http_client *c, const char *body, size_t n)
{
    http_answer answer = {.why = "", .body = ""};
    long status = 0;
    curl_off_t retry_s = 0;
    tft_text_clear(&c->answer);
    if (body != NULL) {
        curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    } else {
        curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    }
    const CURLcode result = curl_easy_perform(c->curl);
    if (result != CURLE_OK) {
        answer.why = curl_easy_strerror(result);
        return answer;
    }
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    answer.status = (int)status;
    if (c->answer.n > 0 && c->answer.bytes != NULL)
        answer.body = c->answer.bytes;
    answer.n = c->answer.n;
    if (curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &retry_s) == CURLE_OK && retry_s > 0)
        answer.retry_after_s = (int64_t)retry_s;
    return answer;
}

bool http_client_usable(const char *url)
{
    CURLU *const parts = curl_url();
    char *scheme = NULL, *host = NULL;
    const bool ok = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                    (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0) &&
                    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0';
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return ok;
}

void http_client_one_line(char *text, bool ascii)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++)
        if (*c < 0x20 || *c == 0x7f || (ascii && *c > 0x7f))
            *c = ' ';
}
