/* pages.h - the bodies that are the same for every client until the next forecast: rendered once, lent to many.
 *
 * A page is a head (rendered once per snapshot; packed once, if somebody takes gzip) and a tail that holds the age of the
 * forecast, written per request. Whoever asks first for a new snapshot renders it, without holding the lock; who comes
 * meanwhile is served the page before, whose age says how old it is. Only the very first page is waited for.
 *
 * Memory:  the current page and those that are still being sent; each about 16 KiB per server and metric.
 * Threads: any; `lock` guards the current page and who is at work on it. A page that is current is never changed, but that
 *          `packed` appears in it.
 */
#ifndef TFTD_SERVER_PAGES_H
#define TFTD_SERVER_PAGES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"
#include "forecast/engine.h"
#include "server/gzip.h"

typedef struct page {
    _Atomic int references;
    uint64_t sequence;     // of the snapshot
    double finished_s;     // of the snapshot: tft_monotonic_s()
    tft_text head, packed; // packed.n 0: not packed yet
    gzip_head packed_head;
} page;

typedef struct pages {
    pthread_mutex_t lock; // guards the fields below
    pthread_cond_t done;  // somebody has ceased to be at work
    bool at_work;         // somebody renders or packs
    page *predictions;
} pages;

void pages_init(pages *all);
void pages_free(pages *all);

/* The page of /predictions/current for the engine's newest snapshot; NULL without memory, or where the snapshot is
 * not sufficient. `want_packed` packs it. Give it back with page_release(). */
page *pages_predictions(pages *all, engine *e, bool want_packed);
void page_release(void *page);

#endif
