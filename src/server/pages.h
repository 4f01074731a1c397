/* pages.h - the bodies that are the same for every client until the next forecast: rendered once, lent to many.
 *
 * A page is a head (rendered once per snapshot; packed once, if somebody takes gzip) and a tail that holds the age of the
 * forecast, written per request. As long as somebody asks, the engine renders (and packs) the page of a snapshot before it shows
 * the snapshot, so that nobody waits for either; where the last page took longer than PAGES_PATIENCE_MS to make (a fleet of
 * thousands), that would delay the forecast, and a thread renders it behind: a request is then served the page before, whose age says
 * how old it is. When nobody has asked for PAGES_KEPT_S, the page is given up; who asks next renders one and waits for it, as does the
 * first to take gzip for its packing.
 *
 * The page of more than PAGES_WHOLE servers is never in memory whole: it is made of packed pieces, of which only those of servers of whom
 * something changed are made anew (page_pieces.h), by the thread always. It has no head and no tail; page_reader_open() reads it. Who asks
 * first does not wait for it in a worker thread, where everybody else would wait with him for seconds: he is told `later`, and his stream
 * is woken (pages_on_first) when pages_current() has it.
 *
 * Memory:  at most PAGES_MOST pages: the current one, the prepared one, one that is being made, one that is still being sent. While slow
 *          readers hold them all, the current one is not replaced. page_bytes() says how large one can be.
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
#include "server/page_pieces.h"

#define PAGES_MOST 4
#define PAGES_WHOLE 256 // servers: some 8 MB of text

typedef struct page {
    atomic_size_t *alive; // the pages' count of those there are
    _Atomic int references;
    uint64_t sequence;     // of the snapshot
    double finished_s;     // of the snapshot: tft_monotonic_s()
    page_pieces *pieces;   // of a large fleet; then there is no head
    tft_text head, packed; // packed.n 0: not packed yet
    gzip_head packed_head;
} page;

#define PAGES_PATIENCE_MS 100
#define PAGES_KEPT_S 300

typedef struct pages {
    pthread_mutex_t lock;        // guards the fields below
    pthread_cond_t done;         // somebody has ceased to be at work
    pthread_cond_t wake_up;      // there may be something for the thread to do
    atomic_size_t alive;         // pages that are not yet free
    bool at_work;                // somebody renders or packs
    bool first_wanted;           // somebody waits for the first page of a large fleet
    void (*wake)(void *context); // is called when it is there
    void *wake_context;
    page *predictions;
    page *prepared;                   // of a snapshot that is shown soon, or was just shown
    double wanted_s, packed_wanted_s; // when somebody asked last; tft_monotonic_s()
    double took_s;                    // what rendering the current page took
    engine *engine;                   // the thread's
    pthread_t thread;
    bool has_thread, ends;
} pages;

void pages_init(pages *all);
void pages_free(pages *all); // stops the thread
/* Starts the thread, which renders the engine's snapshots until pages_stop(). Without it, requests render. */
tft_status pages_start(pages *all, engine *e, tft_error *err);
void pages_stop(pages *all); // the engine may close afterwards; nothing where it was not started
/* Renders the page of a snapshot that is about to be shown, where somebody wants it and it does not take long. One caller. */
void pages_prepare(pages *all, const forecast_snapshot *snapshot);
/* There is a new snapshot. Waits for nothing. */
void pages_notify(pages *all);

/* `wake` is called when the first page of a large fleet is there; NULL: nobody is, and from the return on nobody will be. */
void pages_on_first(pages *all, void (*wake)(void *context), void *context);

/* The page of /predictions/current for the engine's newest snapshot; NULL without memory, or where the snapshot is
 * not sufficient, or, with *later set, where it is being made. `want_packed` packs it. Give it back with page_release(). */
page *pages_predictions(pages *all, engine *e, bool want_packed, bool *later);
/* The page that is there, or NULL. Waits for nothing. Give it back with page_release(). */
page *pages_current(pages *all);
void page_release(void *page);
/* Whether it can be sent packed. */
bool page_is_packed(const page *p);
/* Bytes of one page of so many servers at most, packed form included. */
double page_bytes(size_t n_servers, size_t n_targets, size_t horizon);

#endif
