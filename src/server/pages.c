/* pages.c - see pages.h. */
#include "server/pages.h"

#include <stdlib.h>

#include "server/render.h"

#define MAX_PAGE ((size_t)2 << 30)

void pages_init(pages *all)
{
    pthread_mutex_init(&all->lock, NULL);
    all->predictions = NULL;
}

void pages_free(pages *all)
{
    if (all->predictions != NULL)
        page_release(all->predictions);
    all->predictions = NULL;
    pthread_mutex_destroy(&all->lock);
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

page *pages_predictions(pages *all, engine *e, bool want_packed)
{
    pthread_mutex_lock(&all->lock);
    const forecast_snapshot *const snapshot = engine_acquire(e);
    if (snapshot->sufficient && (all->predictions == NULL || all->predictions->sequence != snapshot->sequence)) {
        page *const fresh = render(snapshot);
        if (fresh != NULL && all->predictions != NULL)
            page_release(all->predictions);
        if (fresh != NULL)
            all->predictions = fresh;
    }
    const bool sufficient = snapshot->sufficient;
    engine_release(e, snapshot);
    page *const p = sufficient ? all->predictions : NULL;
    if (p != NULL && want_packed && p->packed.n == 0 &&
        !gzip_begin(p->head.bytes, p->head.n, &p->packed, &p->packed_head))
        tft_text_free(&p->packed); // no memory: this one goes out plain
    if (p != NULL)
        atomic_fetch_add(&p->references, 1);
    pthread_mutex_unlock(&all->lock);
    return p;
}
