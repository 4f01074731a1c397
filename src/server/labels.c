/* labels.c - see labels.h. */
#include "server/labels.h"

#include <stdlib.h>
#include <string.h>

void labels_init(server_labels *all)
{
    *all = (server_labels){0};
    pthread_mutex_init(&all->lock, NULL);
}

void labels_free(server_labels *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->texts[i]);
    free(all->texts);
    pthread_mutex_destroy(&all->lock);
}

void labels_set(server_labels *all, size_t server, const char *text)
{
    char *const copy = text != NULL ? strdup(text) : NULL;
    pthread_mutex_lock(&all->lock);
    if (server >= all->n && copy != NULL) {
        const size_t n = server + 64;
        char **const texts = realloc(all->texts, n * sizeof *texts);
        if (texts != NULL) {
            memset(texts + all->n, 0, (n - all->n) * sizeof *texts);
            all->texts = texts;
            all->n = n;
        }
    }
    char *old = copy;
    if (server < all->n) {
        old = all->texts[server];
        all->texts[server] = copy;
    }
    pthread_mutex_unlock(&all->lock);
    free(old);
}

void labels_put(server_labels *all, size_t server, tft_text *out)
{
    pthread_mutex_lock(&all->lock);
    const char *const text = server < all->n ? all->texts[server] : NULL;
    tft_text_puts(out, text != NULL ? text : "{}");
    pthread_mutex_unlock(&all->lock);
}

/* ---- reading ------------------------------------------------------------------------------------------- */

typedef struct reading {
    tft_text *out;
    size_t n;
    const char *why; // NULL = all is well
} reading;

static bool key_is_good(const char *key)
{
    const size_t n = strlen(key);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return n > 0 && n <= LABELS_MAX_KEY && strchr(letters, key[0]) != NULL &&
           strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-") == n;
}

static void read_label(void *context, const char *key, const tft_json *value)
{
    reading *const r = context;
    size_t n = 0;
    const char *const text = tft_json_string(value, &n);
    if (r->why != NULL)
        return;
    if (!key_is_good(key))
        r->why = "a key is a letter or _, then at most 62 letters, digits, _ . -";
    else if (text == NULL || n > LABELS_MAX_VALUE || strlen(text) != n)
        r->why = "a value is a text of at most 256 bytes";
    else if (r->n == LABELS_MAX)
        r->why = "there are at most 32 labels";
    if (r->why != NULL)
        return;
    tft_text_puts(r->out, r->n++ > 0 ? ", " : "");
    tft_text_json_string(r->out, key, strlen(key));
    tft_text_puts(r->out, ": ");
    tft_text_json_string(r->out, text, n);
}

bool labels_read(const tft_json *object, tft_text *out, const char **why)
{
    reading r = {.out = out};
    if (tft_json_kind_of(object) != TFT_JSON_OBJECT) {
        *why = "must be an object of texts";
        return false;
    }
    tft_text_puts(out, "{");
    tft_json_each(object, read_label, &r);
    tft_text_puts(out, "}");
    *why = r.why;
    return r.why == NULL;
}
