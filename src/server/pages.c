/* pages.c - see pages.h. */
#include "server/pages.h"

#include <stdlib.h>

#include "server/render.h"

#define MAX_PAGE ((size_t)2 << 30)

void pages_init(pages *all)
{
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->done, NULL);
    all->at_work = false;
    all->predictions = NULL;
}

void pages_free(pages *all)
{
    if (all->predictions != NULL)
        page_release(all->predictions);
    all->predictions = NULL;
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->done);
}

void page_release(void *context)
{
    page *const p = context;
    if (atomic_fetch_sub(&p->references, 1) > 1)
        return;
    tft_text_free(&p->head);
    tft_text_free(&p->packed);
    free(p);
}

static page *render(const forecast_snapshot *snapshot)
{
    page *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->references = 1;
    p->sequence = snapshot->sequence;
    p->finished_s = snapshot->finished_s;
    p->head = tft_text_new(MAX_PAGE);
    p->packed = tft_text_new(MAX_PAGE);
    const render_filter everything = render_everything(snapshot);
    render_predictions(snapshot, &everything, &p->head);
    if (p->head.failed) {
        page_release(p);
        return NULL;
    }
    return p;
}

/* Packs the head of a page that others may be reading; the result is theirs when it is handed over under the lock. */
static void pack(const page *p, tft_text *packed, gzip_head *facts)
{
    *packed = tft_text_new(MAX_PAGE);
    if (!gzip_begin(p->head.bytes, p->head.n, packed, facts))
        tft_text_free(packed); // no memory: it goes out plain
}

/* Renders the snapshot and makes it the current page. Called and left with the lock held, which is free in between. */
static void renew(pages *all, const forecast_snapshot *snapshot, bool want_packed)
{
    all->at_work = true;
    pthread_mutex_unlock(&all->lock);
    page *const fresh = render(snapshot);
    if (fresh != NULL && want_packed)
        pack(fresh, &fresh->packed, &fresh->packed_head);
    pthread_mutex_lock(&all->lock);
    all->at_work = false;
    pthread_cond_broadcast(&all->done);
    if (fresh == NULL)
        return; // no memory: the page before goes on
    if (all->predictions != NULL)
        page_release(all->predictions);
    all->predictions = fresh;
}

/* The same for packing the current page. */
static void pack_current(pages *all)
{
    page *const p = all->predictions;
    tft_text packed;
    gzip_head facts;
    atomic_fetch_add(&p->references, 1);
    all->at_work = true;
    pthread_mutex_unlock(&all->lock);
    pack(p, &packed, &facts);
    pthread_mutex_lock(&all->lock);
    all->at_work = false;
    pthread_cond_broadcast(&all->done);
    p->packed = packed;
    p->packed_head = facts;
    page_release(p);
}

page *pages_predictions(pages *all, engine *e, bool want_packed)
{
    const forecast_snapshot *const snapshot = engine_acquire(e);
    page *p = NULL;
    if (!snapshot->sufficient)
        goto done;
    pthread_mutex_lock(&all->lock);
    while (all->at_work && all->predictions == NULL)
        pthread_cond_wait(&all->done, &all->lock);
    if (!all->at_work && (all->predictions == NULL || all->predictions->sequence < snapshot->sequence))
        renew(all, snapshot, want_packed);
    while (want_packed && all->at_work && all->predictions != NULL && all->predictions->packed.n == 0)
        pthread_cond_wait(&all->done, &all->lock);
    if (want_packed && all->predictions != NULL && all->predictions->packed.n == 0)
        pack_current(all);
    p = all->predictions;
    if (p != NULL)
        atomic_fetch_add(&p->references, 1);
    pthread_mutex_unlock(&all->lock);

done:
    engine_release(e, snapshot);
    return p;
}
