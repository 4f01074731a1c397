/* pages.c - see pages.h. */
#include "server/pages.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "server/render.h"

#define MAX_PAGE ((size_t)2 << 30)

void pages_init(pages *all)
{
    *all = (pages){.wanted_s = -PAGES_KEPT_S, .packed_wanted_s = -PAGES_KEPT_S};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->done, &attributes);
    pthread_cond_init(&all->wake_up, &attributes);
    pthread_condattr_destroy(&attributes);
}

void pages_free(pages *all)
{
    pages_stop(all);
    if (all->predictions != NULL)
        page_release(all->predictions);
    if (all->prepared != NULL)
        page_release(all->prepared);
    all->predictions = all->prepared = NULL;
    pthread_mutex_destroy(&all->lock);
    pthread_cond_destroy(&all->done);
    pthread_cond_destroy(&all->wake_up);
}

void page_release(void *context)
{
    page *const p = context;
    if (atomic_fetch_sub(&p->references, 1) > 1)
        return;
    tft_text_free(&p->head);
    tft_text_free(&p->packed);
    page_pieces_free(p->pieces);
    atomic_fetch_sub(p->alive, 1);
    free(p);
}

bool page_is_packed(const page *p)
{
    return p->pieces != NULL || p->packed.n > 0;
}

double page_bytes(size_t n_servers, size_t n_targets, size_t horizon)
{
    enum { NUMBER = 12, STAMP = 24, REST = 1024 }; // "123456.789, ", "\"2025-10-13T16:35:00Z\", ", keys and facts
    const size_t plain = REST + n_targets * (REST + horizon * (FORECAST_N_QUANTILES * NUMBER + STAMP));
    const double of_whole = 1.5 * (double)plain, of_piece = 0.5 * (double)plain; // packing halves it at least
    const double whole = (double)(n_servers < PAGES_WHOLE ? n_servers : PAGES_WHOLE) * of_whole;
    return n_servers > PAGES_WHOLE ? fmax(whole, (double)n_servers * of_piece) : whole;
}

/* As pieces, or as one text. */
static void fill(page *p, const forecast_snapshot *snapshot, const page *before)
{
    if (snapshot->n_servers > PAGES_WHOLE) {
        p->pieces = page_pieces_make(snapshot, before != NULL ? before->pieces : NULL);
        p->head.failed = p->pieces == NULL;
    } else {
        const render_filter everything = render_everything(snapshot);
        render_predictions(snapshot, &everything, &p->head);
    }
}

/* NULL without memory, or where PAGES_MOST are there already, but for the first (`before` is NULL), without which nobody would be
 * served. The page before is lent. */
static page *render(pages *all, const forecast_snapshot *snapshot, const page *before)
{
    const bool fits = atomic_fetch_add(&all->alive, 1) < PAGES_MOST || before == NULL;
    page *const p = fits ? calloc(1, sizeof *p) : NULL;
    if (p == NULL) {
        atomic_fetch_sub(&all->alive, 1);
        return NULL;
    }
    p->references = 1;
    p->alive = &all->alive;
    p->sequence = snapshot->sequence;
    p->finished_s = snapshot->finished_s;
    p->head = tft_text_new(MAX_PAGE);
    p->packed = tft_text_new(MAX_PAGE);
    fill(p, snapshot, before);
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

/* Makes a page the current one unless that is a later one; it is the list's from here on. Lock held. */
static void show(pages *all, page *fresh)
{
    page *const before = all->predictions;
    const bool later = before == NULL || before->sequence < fresh->sequence;
    all->predictions = later ? fresh : before;
    if (!later)
        page_release(fresh);
    else if (before != NULL)
        page_release(before);
}

/* Renders the snapshot and makes it the current page. Called and left with the lock held, which is free in between. */
static void renew(pages *all, const forecast_snapshot *snapshot, bool want_packed)
{
    page *const before = all->predictions;
    if (before != NULL)
        atomic_fetch_add(&before->references, 1);
    all->at_work = true;
    pthread_mutex_unlock(&all->lock);
    const double began = tft_monotonic_s();
    page *const fresh = render(all, snapshot, before);
    if (fresh != NULL && want_packed && !page_is_packed(fresh))
        pack(fresh, &fresh->packed, &fresh->packed_head);
    if (before != NULL)
        page_release(before);
    pthread_mutex_lock(&all->lock);
    all->at_work = false;
    pthread_cond_broadcast(&all->done);
    if (fresh == NULL)
        return; // no memory, or slow readers hold all there may be: the page before goes on
    all->took_s = tft_monotonic_s() - began;
    show(all, fresh);
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

/* Makes the prepared page the current one where its snapshot, or a later one, is shown. Lock held. */
static void show_prepared(pages *all, const forecast_snapshot *shown)
{
    page *const next = all->prepared;
    if (next == NULL || next->sequence > shown->sequence)
        return;
    all->prepared = NULL;
    show(all, next);
}

/* ---- the thread ------------------------------------------------------------------------------------------------ */

static bool is_recent(double then_s)
{
    return tft_monotonic_s() - then_s < PAGES_KEPT_S;
}

static struct timespec in_seconds(double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const int64_t ns = (int64_t)until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    return until;
}

/* Makes the first page of a large fleet for those who wait for it. Called and left with the lock held. */
static void make_first(pages *all)
{
    const forecast_snapshot *const snapshot = engine_acquire(all->engine);
    if (snapshot->sufficient)
        renew(all, snapshot, is_recent(all->packed_wanted_s));
    engine_release(all->engine, snapshot);
    all->first_wanted =
        all->predictions == NULL && is_recent(all->wanted_s); // without memory now: once more in a second
    if (all->predictions != NULL && all->wake != NULL)
        all->wake(all->wake_context);
}

/* Renders the newest snapshot where somebody wants it, or gives the page up. Called and left with the lock held. */
static void keep_fresh(pages *all)
{
    if (all->at_work || (all->predictions == NULL && !all->first_wanted))
        return;
    if (all->predictions == NULL) {
        make_first(all);
        return;
    }
    if (!is_recent(all->wanted_s)) {
        page_release(all->predictions);
        if (all->prepared != NULL)
            page_release(all->prepared);
        all->predictions = all->prepared = NULL;
        return;
    }
    const forecast_snapshot *const snapshot = engine_acquire(all->engine);
    show_prepared(all, snapshot);
    if (snapshot->sufficient && all->predictions->sequence < snapshot->sequence)
        renew(all, snapshot, is_recent(all->packed_wanted_s));
    engine_release(all->engine, snapshot);
}

static void *run(void *context)
{
    pages *const all = context;
    pthread_mutex_lock(&all->lock);
    while (!all->ends) {
        keep_fresh(all);
        const struct timespec until = in_seconds(1); // a notice that came while we were at work is not lost for long
        if (!all->ends)
            pthread_cond_timedwait(&all->wake_up, &all->lock, &until);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

tft_status pages_start(pages *all, engine *e, tft_error *err)
{
    all->engine = e;
    all->has_thread = pthread_create(&all->thread, NULL, run, all) == 0;
    return all->has_thread ? TFT_OK : tft_fail(err, TFT_ERR_MEMORY, "no thread to render pages");
}

void pages_stop(pages *all)
{
    if (!all->has_thread)
        return;
    pthread_mutex_lock(&all->lock);
    all->ends = true;
    pthread_cond_signal(&all->wake_up);
    pthread_mutex_unlock(&all->lock);
    pthread_join(all->thread, NULL);
    all->has_thread = false;
}

void pages_notify(pages *all)
{
    pthread_mutex_lock(&all->lock);
    pthread_cond_signal(&all->wake_up);
    pthread_mutex_unlock(&all->lock);
}

void pages_prepare(pages *all, const forecast_snapshot *snapshot)
{
    pthread_mutex_lock(&all->lock);
    page *const before = all->predictions;
    const bool wanted = before != NULL && is_recent(all->wanted_s) && all->took_s <= PAGES_PATIENCE_MS / 1e3 &&
                        snapshot->n_servers <= PAGES_WHOLE;
    const bool want_packed = is_recent(all->packed_wanted_s);
    if (wanted)
        atomic_fetch_add(&before->references, 1);
    pthread_mutex_unlock(&all->lock);
    if (!wanted)
        return;
    const double began = tft_monotonic_s();
    page *const fresh = render(all, snapshot, before);
    page_release(before);
    if (fresh == NULL)
        return; // no room: the thread tries again
    if (want_packed)
        pack(fresh, &fresh->packed, &fresh->packed_head);
    pthread_mutex_lock(&all->lock);
    if (all->prepared != NULL)
        page_release(all->prepared);
    all->prepared = fresh;
    all->took_s = tft_monotonic_s() - began;
    pthread_mutex_unlock(&all->lock);
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

/* Waits until the thread has rendered snapshot `sequence`, as long as that is worth while. Lock held. */
static void wait_for(pages *all, uint64_t sequence)
{
    const struct timespec until = in_seconds(PAGES_PATIENCE_MS / 1e3);
    if (all->took_s > PAGES_PATIENCE_MS / 1e3)
        return;
    pthread_cond_signal(&all->wake_up);
    while (all->predictions != NULL && all->predictions->sequence < sequence)
        if (pthread_cond_timedwait(&all->done, &all->lock, &until) == ETIMEDOUT)
            return;
}

void pages_on_first(pages *all, void (*wake)(void *context), void *context)
{
    pthread_mutex_lock(&all->lock); // wake() is called under it
    all->wake = wake;
    all->wake_context = context;
    pthread_mutex_unlock(&all->lock);
}

page *pages_current(pages *all)
{
    pthread_mutex_lock(&all->lock);
    page *const p = all->predictions;
    if (p != NULL)
        atomic_fetch_add(&p->references, 1);
    pthread_mutex_unlock(&all->lock);
    return p;
}

page *pages_predictions(pages *all, engine *e, bool want_packed, bool *later)
{
    const forecast_snapshot *const snapshot = engine_acquire(e);
    page *p = NULL;
    *later = false;
    if (!snapshot->sufficient)
        goto done;
    pthread_mutex_lock(&all->lock);
    all->wanted_s = tft_monotonic_s();
    all->packed_wanted_s = want_packed ? all->wanted_s : all->packed_wanted_s;
    if (all->predictions == NULL && all->has_thread && snapshot->n_servers > PAGES_WHOLE) {
        *later = all->first_wanted = true;
        pthread_cond_signal(&all->wake_up);
        pthread_mutex_unlock(&all->lock);
        goto done;
    }
    while (all->at_work && all->predictions == NULL)
        pthread_cond_wait(&all->done, &all->lock);
    show_prepared(all, snapshot);
    if (all->predictions != NULL && all->has_thread && all->predictions->sequence < snapshot->sequence)
        wait_for(all, snapshot->sequence);
    else if (!all->at_work && (all->predictions == NULL || all->predictions->sequence < snapshot->sequence))
        renew(all, snapshot, want_packed);
    while (want_packed && all->at_work && all->predictions != NULL && !page_is_packed(all->predictions))
        pthread_cond_wait(&all->done, &all->lock);
    if (want_packed && all->predictions != NULL && !page_is_packed(all->predictions))
        pack_current(all);
    p = all->predictions;
    if (p != NULL)
        atomic_fetch_add(&p->references, 1);
    pthread_mutex_unlock(&all->lock);

done:
    engine_release(e, snapshot);
    return p;
}
