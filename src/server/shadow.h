/* shadow.h - a model that runs beside the one that serves, so that both can be compared before anybody relies on it.
 *
 * POST /models/{id}/load verifies a model and gives it an engine of its own, without a thread, alerts or listeners. Each time a
 * forecast of the served model is kept (track/track.h), the keeper lets the shadow forecast the same fleet, and keeps that under the
 * shadow's name. Both are scored by the same code on the same steps; GET /quality?group_by=model shows them side by side.
 * Nobody is ever shown a shadow's forecast.
 *
 * DATA_DIR/shadow-model holds its name over restarts. Promoting it ends it.
 *
 * Memory:  a model and the slots of one more engine, while there is a shadow. Threads: shadow_run() belongs to the keeper; the
 * others from any: what is new waits in `next` until the keeper takes it.
 */
#ifndef TFTD_SERVER_SHADOW_H
#define TFTD_SERVER_SHADOW_H

#include <pthread.h>

#include "forecast/engine.h"

struct server;

typedef struct shadow {
    pthread_mutex_t lock; // guards the next three
    char name[128];       // "" = none
    bool changed;         // the keeper has not yet taken what is next
    engine *next;
    engine *current; // the keeper's
} shadow;

void shadow_init(shadow *s);
void shadow_close(shadow *s); // the keeper has ended; accepts a zeroed struct that was initialised

/* TFT_ERR_NOT_FOUND: there is no such model. TFT_ERR_FORMAT, TFT_ERR_MISMATCH: it is damaged, or its metrics are not the fleet's.
 * TFT_ERR_STATE: it serves already, or models are fixed. */
tft_status shadow_load(struct server *srv, const char *name, tft_error *err);
/* Ends the shadow if it has this name (NULL = whichever). False where there is no such one. */
bool shadow_drop(struct server *srv, const char *name);
void shadow_name(struct server *srv, char name[128]);
/* What ran before the last end runs again; a failure is logged. */
void shadow_restore(struct server *srv);

/* A forecast of the served model has just been kept: forecasts once and keeps it. The keeper's. */
tft_status shadow_run(struct server *srv, tft_error *err);

#endif
