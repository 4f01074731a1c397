/* outbox.c - see outbox.h. */
#include "notify/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify/payload.h"

#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS (5 * 60 * 1000)

/* What one target knows of one alert. */
typedef struct entry {
    bool wanted; // it is to be told at all
    outbox_told told;
    bool maybe;        // nobody knows: a post broke off, or we were killed during one; so it must hear how things are
    bool maybe_before; // the post that is under way
    int64_t sent_ms;   // last success
    int64_t due_ms;    // after a refusal: not before
    unsigned refusals;
    bool under_way;
} entry;

typedef struct notice {
    store_alert row;
    bool open, over, offered;
    int64_t closed_ms;
    uint64_t fingerprint; // of its labels, by which Alertmanager knows it
    entry to[];           // [n_targets]
} notice;

struct outbox {
    size_t n_targets;
    outbox_target targets[NOTIFY_MAX_TARGETS];
    size_t n, capacity;
    notice **notices; // by id
    size_t n_written, written_capacity;
    store_delivery *written;
    bool written_taken;
    tft_rng rng;
};

tft_status outbox_open(const notify_config *config, uint64_t seed, outbox **out, tft_error *err)
{
    outbox *const o = calloc(1, sizeof *o);
    *out = o;
    if (o == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for deliveries");
    o->rng = tft_rng_seeded(seed, 0);
    for (size_t r = 0; r < config->n_receivers; r++) {
        const notify_receiver *const from = &config->receivers[r];
        for (size_t u = 0; u < from->n_urls; u++) {
            outbox_target *const t = &o->targets[o->n_targets++];
            *t = (outbox_target){.receiver = r,
                                 .resends = from->kind == NOTIFY_ALERTMANAGER,
                                 .send_resolved = from->send_resolved,
                                 .one_server = from->kind != NOTIFY_ALERTMANAGER,
                                 .resend_ms = from->resend_ms,
                                 .last_attempt_ms = STORE_NEVER,
                                 .last_success_ms = STORE_NEVER};
            if (from->n_urls == 1)
                snprintf(t->name, sizeof t->name, "%s", from->name);
            else
                snprintf(t->name, sizeof t->name, "%s#%zu", from->name, u + 1);
        }
    }
    return TFT_OK;
}

void outbox_close(outbox *o)
{
    if (o == NULL)
        return;
    for (size_t i = 0; i < o->n; i++)
        free(o->notices[i]);
    free(o->notices);
    free(o->written);
    free(o);
}

size_t outbox_targets(const outbox *o)
{
    return o->n_targets;
}

const outbox_target *outbox_target_at(const outbox *o, size_t target)
{
    return &o->targets[target];
}

/* ---- notices ----------------------------------------------------------------------------------------------------- */

static size_t place_of(const outbox *o, const char *id, bool *found)
{
    size_t low = 0, high = o->n;
    *found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(o->notices[middle]->row.id, id);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static notice *find(const outbox *o, const char *id)
{
    bool found;
    const size_t at = place_of(o, id, &found);
    return found ? o->notices[at] : NULL;
}

/* The notice of this alert, made if it is not there; NULL without memory or beyond OUTBOX_MAX. */
static notice *find_or_add(outbox *o, const store_alert *row)
{
    bool found;
    const size_t at = place_of(o, row->id, &found);
    if (found)
        return o->notices[at];
    if (o->n == OUTBOX_MAX)
        return NULL;
    if (o->n == o->capacity) {
        const size_t capacity = o->capacity == 0 ? 64 : 2 * o->capacity;
        notice **const more = realloc(o->notices, capacity * sizeof *more);
        if (more == NULL)
            return NULL;
        o->notices = more;
        o->capacity = capacity;
    }
    notice *const fresh = calloc(1, sizeof *fresh + o->n_targets * sizeof *fresh->to);
    if (fresh == NULL)
        return NULL;
    fresh->row = *row;
    fresh->fingerprint = payload_fingerprint(row);
    memmove(o->notices + at + 1, o->notices + at, (o->n - at) * sizeof *o->notices);
    o->notices[at] = fresh;
    o->n++;
    return fresh;
}

static void write_down(outbox *o, const notice *from, size_t target, int told)
{
    if (o->written_taken)
        o->n_written = 0;
    o->written_taken = false;
    if (o->n_written == o->written_capacity) {
        const size_t capacity = o->written_capacity == 0 ? 64 : 2 * o->written_capacity;
        store_delivery *const more = realloc(o->written, capacity * sizeof *more);
        if (more == NULL)
            return; // after kill -9 it would be told once more, or not that it is over: no memory is worse
        o->written = more;
        o->written_capacity = capacity;
    }
    store_delivery *const row = &o->written[o->n_written++];
    memcpy(row->target, o->targets[target].name, sizeof row->target);
    memcpy(row->alert, from->row.id, sizeof row->alert);
    row->told = told;
}

const store_delivery *outbox_written(outbox *o, size_t *n)
{
    *n = o->written_taken ? 0 : o->n_written;
    o->written_taken = true;
    return o->written;
}

bool outbox_restore(outbox *o, const store_alert *row, const char *target, outbox_told told, int64_t now_ms)
{
    size_t t = 0;
    while (t < o->n_targets && strcmp(o->targets[t].name, target) != 0)
        t++;
    notice *const it = t < o->n_targets ? find_or_add(o, row) : NULL;
    if (it == NULL)
        return false;
    it->over = strcmp(row->status, "resolved") == 0;
    const bool known = told == OUTBOX_FIRING || told == OUTBOX_UNKNOWN;
    it->open = strcmp(row->status, "firing") == 0 && row->mute[0] == '\0' &&
               (row->inhibited_by[0] == '\0' || it->open || known);
    it->closed_ms = now_ms;
    const bool unknown = told == OUTBOX_UNKNOWN;
    it->to[t] =
        (entry){.wanted = true, .told = unknown ? OUTBOX_NOTHING : told, .maybe = unknown, .sent_ms = STORE_NEVER};
    return true;
}

/* ---- rounds ------------------------------------------------------------------------------------------------------ */

void outbox_begin(outbox *o)
{
    for (size_t i = 0; i < o->n; i++)
        o->notices[i]->offered = false;
}

void outbox_offer(outbox *o, const store_alert *row, uint32_t receivers, int64_t now_ms)
{
    (void)now_ms;
    if (row->inhibited_by[0] != '\0') { // no news of it; but who knows of it is not told that it is over
        notice *const known = find(o, row->id);
        if (known != NULL && known->open) {
            known->row = *row;
            known->offered = true;
        }
        return;
    }
    notice *const it = receivers == 0 ? find(o, row->id) : find_or_add(o, row);
    for (size_t t = 0; t < o->n_targets; t++) {
        if ((receivers >> o->targets[t].receiver & 1u) == 0)
            continue;
        if (it == NULL) {
            o->targets[t].dropped++;
        } else if (!it->to[t].wanted) {
            it->to[t] = (entry){.wanted = true, .sent_ms = STORE_NEVER};
            write_down(o, it, t, OUTBOX_NOTHING);
        }
    }
    if (it == NULL)
        return;
    it->row = *row;
    it->offered = it->open = true;
    it->over = false;
}

/* It is not open any more; who never heard of it need not, unless it is over. */
static void shut(outbox *o, notice *it, bool over, int64_t now_ms)
{
    if (it->open)
        it->closed_ms = now_ms;
    it->open = false;
    it->over = it->over || over;
    for (size_t t = 0; t < o->n_targets; t++) {
        entry *const e = &it->to[t];
        const bool never_heard = e->told == OUTBOX_NOTHING && !e->maybe && !it->over;
        const bool skip = never_heard || (!o->targets[t].send_resolved && !o->targets[t].resends);
        if (e->wanted && skip && !e->under_way) {
            e->wanted = false;
            write_down(o, it, t, -1);
        }
    }
}

void outbox_over(outbox *o, const store_alert *row, int64_t now_ms)
{
    notice *const it = find(o, row->id);
    if (it == NULL)
        return;
    it->row = *row;
    it->offered = true;
    shut(o, it, true, now_ms);
}

static bool is_finished(const notice *it, const outbox *o)
{
    if (it->open)
        return false;
    for (size_t t = 0; t < o->n_targets; t++)
        if (it->to[t].wanted || it->to[t].under_way)
            return false;
    return true;
}

/* Lets go of what needs no more telling. */
static void retire(outbox *o, notice *it, int64_t now_ms)
{
    for (size_t t = 0; t < o->n_targets && !it->open; t++) {
        entry *const e = &it->to[t];
        if (!e->wanted || e->under_way)
            continue;
        const bool given_up = (e->told != OUTBOX_RESOLVED || e->maybe) && now_ms - it->closed_ms >= OUTBOX_GIVE_UP_MS;
        const int64_t keep_ms = o->targets[t].resends && it->over ? OUTBOX_KEEP_RESOLVED_MS : 0;
        if (!given_up && (e->told != OUTBOX_RESOLVED || e->maybe || now_ms - it->closed_ms < keep_ms))
            continue;
        if (!given_up && !it->over && now_ms - it->closed_ms < OUTBOX_GIVE_UP_MS)
            continue; // muted: it may be heard again, and must then be told anew
        o->targets[t].dropped += given_up;
        e->wanted = false;
        write_down(o, it, t, -1);
    }
}

void outbox_end(outbox *o, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        notice *const it = o->notices[i];
        if (!it->offered)
            shut(o, it, false, now_ms);
        retire(o, it, now_ms);
        if (is_finished(it, o))
            free(it);
        else
            o->notices[kept++] = it;
    }
    o->n = kept;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

/* When the entry is to be sent; OUTBOX_NEVER = it knows all there is to know. */
static int64_t due_of(const outbox_target *target, const notice *it, const entry *e)
{
    if (!e->wanted || e->under_way)
        return OUTBOX_NEVER;
    const outbox_told wanted = it->open ? OUTBOX_FIRING : OUTBOX_RESOLVED;
    if (e->told != wanted || e->maybe)
        return e->due_ms;
    if (!target->resends || (!it->open && !it->over))
        return OUTBOX_NEVER;
    return e->sent_ms == STORE_NEVER ? 0 : e->sent_ms + target->resend_ms;
}

size_t outbox_waiting(const outbox *o, size_t target)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        const notice *const it = o->notices[i];
        const entry *const e = &it->to[target];
        n += e->wanted && (e->told != (it->open ? OUTBOX_FIRING : OUTBOX_RESOLVED) || e->maybe);
    }
    return n;
}

/* When the target may be sent this entry. */
static int64_t turn_of(const outbox_target *target, const notice *it, const entry *e)
{
    const int64_t due = due_of(target, it, e);
    return due != OUTBOX_NEVER && due < target->blocked_until_ms ? target->blocked_until_ms : due;
}

/* The notice that is due for longest, or NULL; *soonest_ms: when the next one is. */
static const notice *longest_due(const outbox *o, size_t target, int64_t now_ms, int64_t *soonest_ms)
{
    const notice *first = NULL;
    int64_t first_ms = INT64_MAX;
    *soonest_ms = OUTBOX_NEVER;
    for (size_t i = 0; i < o->n; i++) {
        const notice *const it = o->notices[i];
        const entry *const e = &it->to[target];
        const int64_t turn = turn_of(&o->targets[target], it, e), due = due_of(&o->targets[target], it, e);
        if (turn > now_ms)
            *soonest_ms = turn < *soonest_ms ? turn : *soonest_ms;
        else if (first == NULL || due < first_ms) {
            first = it;
            first_ms = due;
        }
    }
    return first;
}

size_t outbox_take(outbox *o, size_t target, int64_t now_ms, outbox_item items[OUTBOX_BATCH], int64_t *wait_until_ms)
{
    const outbox_target *const t = &o->targets[target];
    const notice *const first = longest_due(o, target, now_ms, wait_until_ms);
    const bool alone = first != NULL && first->to[target].refusals > 0;
    size_t n = 0, room = OUTBOX_BATCH - 1; // a place is kept for the first
    for (size_t k = 0; k < 2 * o->n && first != NULL; k++) {
        notice *const it = o->notices[k % o->n];
        entry *const e = &it->to[target];
        if (it->open != (k >= o->n)) // ends first: who goes by labels hears last that it fires again
            continue;
        const bool together = !alone && e->refusals == 0 && turn_of(t, it, e) <= now_ms &&
                              (!t->one_server || strcmp(first->row.server, it->row.server) == 0);
        if (it != first && (!together || room == 0))
            continue;
        room -= it != first;
        e->under_way = true;
        e->maybe_before = e->maybe;
        if (e->told != (it->open ? OUTBOX_FIRING : OUTBOX_RESOLVED) || e->maybe) {
            write_down(o, it, target, OUTBOX_UNKNOWN);
            e->maybe = true;
        }
        items[n++] = (outbox_item){it->row, it->open, it->closed_ms};
    }
    return n;
}

static int64_t wait_after(outbox *o, unsigned failures)
{
    const unsigned doublings = failures > 16 ? 16 : failures - 1;
    const int64_t wait = (int64_t)FIRST_WAIT_MS << doublings;
    return (int64_t)((double)(wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait) *
                     (0.5 + 0.5 * tft_rng_uniform(&o->rng)));
}

/* Alertmanager knows an alert by its labels alone: the end of an earlier one, sent again, would close the one that was told of now. */
static void give_way(outbox *o, size_t target, const notice *to)
{
    for (size_t i = 0; i < o->n; i++) {
        notice *const ended = o->notices[i];
        entry *const e = &ended->to[target];
        if (ended == to || ended->fingerprint != to->fingerprint || !ended->over || !e->wanted)
            continue;
        e->wanted = false;
        write_down(o, ended, target, -1);
    }
}

/* One entry of a batch that was sent, or was not. */
static void settle(outbox *o, size_t target, const outbox_item *item, outbox_result result, int64_t now_ms)
{
    notice *const it = find(o, item->row.id);
    if (it == NULL)
        return;
    entry *const e = &it->to[target];
    e->under_way = false;
    if (result == OUTBOX_SENT) {
        const outbox_told told = item->firing ? OUTBOX_FIRING : OUTBOX_RESOLVED;
        e->sent_ms = now_ms;
        e->due_ms = 0;
        e->refusals = 0;
        if (e->maybe)
            write_down(o, it, target, (int)told);
        if (told == OUTBOX_FIRING && e->told != told && o->targets[target].resends)
            give_way(o, target, it);
        e->maybe = false;
        e->told = told;
    } else if (result == OUTBOX_REFUSED) { // it was heard, and not taken
        if (e->maybe && !e->maybe_before)
            write_down(o, it, target, (int)e->told);
        e->maybe = e->maybe_before;
        e->refusals++;
        e->due_ms = now_ms + wait_after(o, e->refusals);
    }
    if (!it->open)
        shut(o, it, it->over, now_ms);
}

static void note_post(outbox_target *t, const outbox_item *items, size_t n, outbox_result result, const char *why,
                      int64_t now_ms)
{
    outbox_post *const post = &t->posts[t->n_posts++ % OUTBOX_POSTS];
    *post = (outbox_post){.at_ms = now_ms, .result = result, .alerts = n};
    for (size_t i = 0; i < n; i++)
        post->firing += items[i].firing;
    if (result != OUTBOX_SENT)
        snprintf(post->why, sizeof post->why, "%s", why);
}

void outbox_done(outbox *o, size_t target, const outbox_item *items, size_t n, outbox_result result,
                 int64_t retry_after_ms, const char *why, int64_t now_ms)
{
    outbox_target *const t = &o->targets[target];
    for (size_t i = 0; i < n; i++)
        settle(o, target, &items[i], result, now_ms);
    t->last_attempt_ms = now_ms;
    note_post(t, items, n, result, why, now_ms);
    if (result == OUTBOX_SENT) {
        t->last_success_ms = now_ms;
        t->delivered += n;
        t->failures = 0;
        t->blocked_until_ms = 0;
        t->last_error[0] = '\0';
        return;
    }
    t->failed += n;
    snprintf(t->last_error, sizeof t->last_error, "%s", why);
    if (result == OUTBOX_FAILED) {
        const int64_t wait = wait_after(o, ++t->failures);
        t->blocked_until_ms = now_ms + (retry_after_ms > wait ? retry_after_ms : wait);
    }
}
