/* news.h - what a new forecast changes, as events: compares each snapshot with what was told before.
 *
 *     forecast   at each snapshot
 *     warmup     when the number of ready servers, or warmup_complete, has moved
 *     server     when one is new or its state has changed; more than NEWS_MAX_SERVERS at once are told as a number
 *     model      when another model serves
 *
 * Memory:  a byte per server. Threads: the engine's only.
 */
#ifndef TFTD_SERVER_NEWS_H
#define TFTD_SERVER_NEWS_H

#include "forecast/snapshot.h"
#include "server/events.h"

#define NEWS_MAX_SERVERS 50

typedef struct news {
    uint8_t *states; // [n] tft_state as told, 255 = never told
    size_t n;
    bool begun; // the first snapshot tells no servers: a restart is no news about them
    size_t ready;
    bool warm;
    char model[128];
} news;

void news_tell(news *before, events *all, const forecast_snapshot *s);
void news_free(news *before);

#endif
