/* sender.c - see sender.h. */
#include "generate/sender.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "client/http_client.h"

#define ANSWER_MAX ((size_t)64 * 1024)
#define URL_MAX 2048
#define KEY_FILE_MAX 4096

struct generate_sender {
    http_client *client;
    const volatile sig_atomic_t *stop;
    char *key_file; // NULL = no key
    char base[URL_MAX];
};

/* What the requests carry: the key stands in `key`. */
typedef struct sender_headers {
    const char *lines[HTTP_CLIENT_HEADERS];
    char key[KEY_FILE_MAX + 16];
} sender_headers;

static bool asked_to_stop(const void *context)
{
    const generate_sender *const sender = context;
    return sender->stop != NULL && __atomic_load_n(sender->stop, __ATOMIC_RELAXED) != 0;
}

/* "Content-Type …", and X-API-Key with what the key file says now. */
static tft_status make_headers(const char *key_file, sender_headers *out, tft_error *err)
{
    char *text = NULL;
    size_t n = 0;
    *out = (sender_headers){.lines = {"Content-Type: application/json"}};
    if (key_file == NULL)
        return TFT_OK;
    const tft_status status = tft_file_read(key_file, KEY_FILE_MAX, &text, &n, err);
    if (status != TFT_OK)
        return status;
    const int length = (int)strcspn(text, " \t\r\n");
    snprintf(out->key, sizeof out->key, "X-API-Key: %.*s", length, text);
    free(text);
    if (length == 0)
        return tft_fail(err, TFT_ERR_FORMAT, "%s: no key on its first line", key_file);
    out->lines[1] = out->key;
    return TFT_OK;
}

/* The key may have been replaced meanwhile; where its file cannot be read the old one stays. */
static void read_key_again(generate_sender *sender)
{
    sender_headers fresh;
    if (make_headers(sender->key_file, &fresh, NULL) == TFT_OK)
        (void)http_client_set_headers(sender->client, fresh.lines, NULL);
}

static tft_status open_client(generate_sender *sender, const generate_sender_options *options, tft_error *err)
{
    char target[URL_MAX + 16];
    sender_headers headers;
    const tft_status status = make_headers(sender->key_file, &headers, err);
    if (status != TFT_OK)
        return status;
    snprintf(target, sizeof target, "%s/feed/data", sender->base);
    http_client_options o = {.url = target,
                             .user_agent = "tftd-generate",
                             .ca_file = options->ca_file,
                             .timeout_ms = 5000,
                             .connect_ms = 2000,
                             .answer_max = ANSWER_MAX,
                             .proxy = true,
                             .stop = asked_to_stop,
                             .context = sender};
    memcpy(o.headers, headers.lines, sizeof o.headers);
    return http_client_open(&o, &sender->client, err);
}

tft_status generate_sender_open(const generate_sender_options *options, generate_sender **out, tft_error *err)
{
    const char *const url = options->url;
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n + sizeof "/feed/data" > URL_MAX || !http_client_usable(url))
        return tft_fail(err, TFT_ERR_ARGUMENT, "\"%.100s\" is not a URL such as http://127.0.0.1:8000", url);
    generate_sender *const sender = calloc(1, sizeof *sender);
    if (sender == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "%s: out of memory", url);
    sender->stop = options->stop;
    memcpy(sender->base, url, n);
    tft_status status = TFT_OK;
    if (options->key_file != NULL && (sender->key_file = strdup(options->key_file)) == NULL)
        status = tft_fail(err, TFT_ERR_MEMORY, "%s: out of memory", url);
    if (status == TFT_OK)
        status = open_client(sender, options, err);
    if (status != TFT_OK) {
        generate_sender_close(sender);
        return status;
    }
    *out = sender;
    return TFT_OK;
}

void generate_sender_close(generate_sender *sender)
{
    if (sender == NULL)
        return;
    http_client_close(sender->client);
    free(sender->key_file);
    free(sender);
}

const char *generate_sender_url(const generate_sender *sender)
{
    return sender->base;
}

generate_outcome generate_sender_post(generate_sender *sender, const char *body, size_t n, char *why, size_t why_bytes)
{
    const http_answer answer = http_client_ask(sender->client, body, n);
    const int status = answer.status;
    if (status == 0) {
        snprintf(why, why_bytes, "%s: %s", sender->base, answer.why);
        return GENERATE_RETRY;
    }
    if (status >= 200 && status < 300)
        return GENERATE_SENT;
    snprintf(why, why_bytes, "%s answered %d: %.200s", sender->base, status, answer.body);
    http_client_one_line(why, false); // nothing that a terminal would obey
    if (status == 401 && sender->key_file != NULL) {
        read_key_again(sender);
        return GENERATE_RETRY;
    }
    return status == 408 || status == 429 || status < 200 || status >= 500 ? GENERATE_RETRY : GENERATE_REFUSED;
}
