/* events.h - news for whoever listens to GET /events: the last EVENTS_KEPT of them in a ring, each with a number.
 *
 *     number   …  1041   1042   1043   1044
 *                  ▲ oldest kept          ▲ newest
 *
 * Publishing copies a few hundred bytes under a mutex that nobody holds for longer than that, so it may be done from
 * anywhere, also while other locks are held. A listener remembers the number it has seen and asks for the next; one that
 * is too slow finds that its next is gone, and is told so (a `reset` event). Numbers begin anew with each process, so
 * an id also carries the start of the process.
 *
 * Memory:  EVENTS_KEPT texts of at most EVENTS_MAX_BYTES; an event that is larger is left out.
 * Threads: any.
 */
#ifndef TFTD_SERVER_EVENTS_H
#define TFTD_SERVER_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define EVENTS_KEPT 1000
#define EVENTS_MAX_BYTES 8192

typedef struct events events;

typedef enum event_kind {
    EVENT_FORECAST, // a new forecast is there
    EVENT_ALERT,    // an alert has changed
    EVENT_WARMUP,   // the fleet's warm-up has moved
    EVENT_SERVER,   // a server is new, has changed, is forgotten
    EVENT_MODEL,    // another model serves
    EVENT_CONFIG,   // settings were reloaded
    EVENT_HEARTBEAT,
    EVENT_N_KINDS
} event_kind;
extern const char *const event_kind_names[EVENT_N_KINDS];

events *events_open(void);      // NULL without memory
void events_close(events *all); // accepts NULL
/* `wake` is called after each event (http_wake_streams); NULL: nobody is. When this returns, the one before is not
 * running and will not be called any more. */
void events_on_news(events *all, void (*wake)(void *context), void *context);

/* Adds an event. server: the name of the server it is about, or NULL; json: its data, an object. Never waits. */
void events_publish(events *all, event_kind kind, const char *server, const char *json);

/* Calls `wake` without an event: for listeners that have something to do by the clock. */
void events_wake(events *all);

typedef struct event {
    uint64_t number;
    event_kind kind;
    int64_t time_ms;
    char server[257]; // "" = about none
    tft_text data;    // appended to
} event;

uint64_t events_newest(events *all); // 0 = none yet
/* The first event after `seen` that is there: its number may be larger than seen + 1, then some were lost. False: none. */
bool events_next(events *all, uint64_t seen, event *out);

#endif
