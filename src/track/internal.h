/* internal.h - what track.c and score_set.c share. Nobody outside this room includes it. */
#ifndef TFTD_TRACK_INTERNAL_H
#define TFTD_TRACK_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "score/baselines.h"
#include "track/pack.h"
#include "track/track.h"

typedef struct scorer scorer;
typedef struct observer observer;

struct track {
    track_options options;
    _Atomic int64_t retention_ms; // a reload moves it
    const tft_contract *contract; // the fleet's
    int64_t kept_ms;              // begin of the newest interval that has its forecast
    unsigned char *buffer;        // [buffer_bytes] packed rows
    size_t buffer_bytes;
    float *rows; // [7, horizon] of one metric, unpacked
    scorer *scorer;
    observer *observer;
    pthread_mutex_t lock; // guards the next
    track_last last;
};

tft_status scorer_open(track *t, tft_error *err);
void scorer_close(track *t);
/* Room for one server's history, for the thread that keeps and scores. */
tft_series *scorer_series(track *t);

tft_status observer_open(track *t, tft_error *err);
void observer_close(track *t);

#endif
