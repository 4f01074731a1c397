/* labels.h - what people say about a server, beside what it measures: {"team": "payments", "rack": "b7"}.
 *
 * At most LABELS_MAX texts of bounded length, kept as the JSON object that they are shown as. On disk in the store; here so
 * that a request need not ask it.
 *
 * Memory:  owns a text per labelled server. Threads: any.
 */
#ifndef TFTD_SERVER_LABELS_H
#define TFTD_SERVER_LABELS_H

#include <pthread.h>

#include "base/json.h"
#include "base/text.h"

#define LABELS_MAX 32
#define LABELS_MAX_KEY 63
#define LABELS_MAX_VALUE 256

typedef struct server_labels {
    pthread_mutex_t lock; // guards the next two
    char **texts;         // [n] by the server's id; NULL = none
    size_t n;
} server_labels;

void labels_init(server_labels *all);
void labels_free(server_labels *all);

/* text: a JSON object, NULL = none. Without memory the server has none until the next start. */
void labels_set(server_labels *all, size_t server, const char *text);
/* Appends the object, {} where there are none. */
void labels_put(server_labels *all, size_t server, tft_text *out);

/* Checks an object of labels and writes it as it will be kept. False, and *why says what is wrong: too many, a key that is not
 * a letter or _ followed by letters, digits, _ . -, a value that is no text or too long. */
bool labels_read(const tft_json *object, tft_text *out, const char **why);

#endif
