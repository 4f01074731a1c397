/* sender.c - see sender.h. */
#include "generate/sender.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/text.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define URL_MAX 2048
#define KEY_FILE_MAX 4096

struct generate_sender {
    CURL *curl;
    struct curl_slist *headers;
    tft_text answer;
    const volatile sig_atomic_t *stop;
    char *key_file; // NULL = no key
    char base[URL_MAX];
};

static size_t keep_answer(char *bytes, size_t size, size_t n, void *context)
{
    generate_sender *const sender = context;
    const size_t room = ANSWER_MAX - sender->answer.n;
    tft_text_add(&sender->answer, bytes, size * n < room ? size * n : room); // the rest is read and forgotten
    return size * n;
}

static int asked_to_stop(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const generate_sender *const sender = context;
    (void)a, (void)b, (void)c, (void)d;
    return sender->stop != NULL && __atomic_load_n(sender->stop, __ATOMIC_RELAXED) != 0;
}

static bool usable(const char *url)
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

/* "Content-Type …", and X-API-Key with what the key file says now. */
static tft_status make_headers(const char *key_file, struct curl_slist **out, tft_error *err)
{
    char *text = NULL;
    size_t n = 0;
    tft_status status = key_file != NULL ? tft_file_read(key_file, KEY_FILE_MAX, &text, &n, err) : TFT_OK;
    if (status != TFT_OK)
        return status;
    char key[KEY_FILE_MAX + 16];
    const int length = text != NULL ? (int)strcspn(text, " \t\r\n") : 0;
    snprintf(key, sizeof key, "X-API-Key: %.*s", length, text != NULL ? text : "");
    free(text);
    if (key_file != NULL && length == 0)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: no key on its first line", key_file);
    // "Expect:" without a value: no pause before a large body
    const char *const lines[] = {"Content-Type: application/json", "Expect:", key};
    struct curl_slist *all = NULL;
    for (size_t i = 0; i < (key_file != NULL ? 3 : 2); i++) {
        struct curl_slist *const more = curl_slist_append(all, lines[i]);
        if (more == NULL) {
            curl_slist_free_all(all);
            return tft_fail(err, TFT_ERR_MEMORY, "no memory for headers");
        }
        all = more;
    }
    *out = all;
    return TFT_OK;
}

/* The key may have been replaced meanwhile; where its file cannot be read the old one stays. */
static void read_key_again(generate_sender *sender)
{
    struct curl_slist *fresh = NULL;
    if (make_headers(sender->key_file, &fresh, NULL) != TFT_OK)
        return;
    curl_easy_setopt(sender->curl, CURLOPT_HTTPHEADER, fresh);
    curl_slist_free_all(sender->headers);
    sender->headers = fresh;
}

tft_status generate_sender_open(const generate_sender_options *options, generate_sender **out, tft_error *err)
{
    const char *const url = options->url;
    tft_status status = TFT_ERR_MEMORY;
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n + sizeof "/feed/data" > URL_MAX || !usable(url))
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%.100s\" is not a URL such as http://127.0.0.1:8000", url);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return tft_fail(err, TFT_ERR_STATE, "libcurl could not start");
    generate_sender *const sender = calloc(1, sizeof *sender);
    if (sender == NULL)
        goto memory;
    sender->stop = options->stop;
    if (options->key_file != NULL && (sender->key_file = strdup(options->key_file)) == NULL)
        goto memory;
    status = make_headers(sender->key_file, &sender->headers, err);
    if (status != TFT_OK) {
        generate_sender_close(sender);
        return status;
    }
    sender->answer = tft_text_new(ANSWER_MAX);
    memcpy(sender->base, url, n);
    char target[URL_MAX + 16];
    snprintf(target, sizeof target, "%s/feed/data", sender->base);
    sender->curl = curl_easy_init();
    CURL *const c = sender->curl;
    if (c == NULL)
        goto memory;
    curl_easy_setopt(c, CURLOPT_URL, target);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, sender->headers);
    if (options->ca_file != NULL)
        curl_easy_setopt(c, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "tftd-generate");
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 2000L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, sender);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, asked_to_stop);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, sender);
    *out = sender;
    return TFT_OK;
memory:
    generate_sender_close(sender);
    return tft_fail(err, TFT_ERR_MEMORY, "%s: out of memory", url);
}

void generate_sender_close(generate_sender *sender)
{
    if (sender == NULL)
        return;
    curl_slist_free_all(sender->headers);
    curl_easy_cleanup(sender->curl);
    tft_text_free(&sender->answer);
    free(sender->key_file);
    free(sender);
}

const char *generate_sender_url(const generate_sender *sender)
{
    return sender->base;
}

generate_outcome generate_sender_post(generate_sender *sender, const char *body, size_t n, char *why, size_t why_bytes)
{
    long code = 0;
    tft_text_clear(&sender->answer);
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
    const CURLcode result = curl_easy_perform(sender->curl);
    if (result != CURLE_OK) {
        snprintf(why, why_bytes, "%s: %s", sender->base, curl_easy_strerror(result));
        return GENERATE_RETRY;
    }
    curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200 && code < 300)
        return GENERATE_SENT;
    snprintf(why, why_bytes, "%s answered %ld: %.200s", sender->base, code,
             sender->answer.bytes != NULL ? sender->answer.bytes : "");
    for (char *c = why; *c != '\0'; c++) { // one line, and nothing that a terminal would obey
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    }
    if (code == 401 && sender->key_file != NULL) {
        read_key_again(sender);
        return GENERATE_RETRY;
    }
    return code == 408 || code == 429 || code < 200 || code >= 500 ? GENERATE_RETRY : GENERATE_REFUSED;
}
