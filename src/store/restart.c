/* restart.c - store_load_newest(): what the fleet keeps, out of what was worked out already, so that a restart takes as long as the fleet is
 * large, and not as long as its servers send.
 *
 *     blocks      … | b−2 | b−1 |  b  |  b+1 (the newest)
 *     as              row   row   steps  steps counted …, the one that is on: raw records
 *
 * A step comes out of one of these, the first that has it:
 *
 *     due             its raw records are added up here, beside its sealed rows. The steps that got records since the maintainer was
 *                     there last: the one that is on, and the one before. After an import it may be all.
 *     in a fresh block    the block's row (step_blocks.h): no step of it is due, nor the block
 *     else            its row in step_log, or in steps
 *
 * All are walked over in the order of time, from the first block that a reporting server's memory reaches into on; where servers have
 * raw records, from there. A server that fell silent earlier has its older blocks looked up before. Every server also gets the last
 * block before its memory that has steps of it: whether there was anything before decides where its history begins (history.h).
 *
 * The block of a server's newest step always comes as steps: the fleet keeps the newest steps as they were counted, not rounded. A row
 * that is no block comes as steps, too.
 *
 * Which raw records are wanted besides: recent.h. Those of due steps are all given.
 *
 * Two things are not the same as with all that was ever stored: whether a server ever said what state it is in (tft_series.labelled) is
 * known from what is kept; and where a server's newest steps have become hours already, the block before them is rounded.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/database_blocks.h"
#include "store/read_ahead.h"
#include "store/recent.h"
#include "store/step_blocks.h"
#include "store/tally.h"

#define SLACK TFT_STEP_BLOCK // steps that a server may be behind the newest and still count as reporting
#define MOST_RAW_BLOCKS 80   // raw records further back than 17 days are not looked for
#define NO_STEP INT64_MIN

typedef struct restart {
    store *s;
    const store_reach *reach;
    const store_visitor *to;
    database_rows *rows;
    recent recent;
    tally sums;
    int64_t tally_step;  // the due step that `sums` holds; NO_STEP = none
    int64_t newest;      // step of the fleet
    int64_t start;       // first block of the walk
    int64_t next;        // the walk's next step
    int64_t block;       // that is being given
    int64_t *due_ms;     // [n_due] starts of due steps, ascending
    int64_t *due_blocks; // [n_due_blocks] ascending
    size_t n_due, n_due_blocks;
    bool found; // by a look
} restart;

/* ---- what there is -------------------------------------------------------------------------------------- */

static int64_t step_of(const restart *r, int64_t time_ms)
{
    return tft_floor_to(time_ms, r->s->step_ms) / r->s->step_ms;
}

/* The first of n ascending numbers that is at least `least`; n where there is none. */
static size_t first_from(const int64_t *numbers, size_t n, int64_t least)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (numbers[middle] < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_due(const restart *r, int64_t step)
{
    const size_t at = first_from(r->due_ms, r->n_due, step * r->s->step_ms);
    return at < r->n_due && r->due_ms[at] == step * r->s->step_ms;
}

/* Its rows are what its steps are. */
static bool is_fresh(const restart *r, int64_t block)
{
    const int64_t from_ms = block * TFT_STEP_BLOCK * r->s->step_ms, end_ms = from_ms + TFT_STEP_BLOCK * r->s->step_ms;
    const size_t mark = first_from(r->due_blocks, r->n_due_blocks, block),
                 step = first_from(r->due_ms, r->n_due, from_ms);
    return !(mark < r->n_due_blocks && r->due_blocks[mark] == block) && !(step < r->n_due && r->due_ms[step] < end_ms);
}

static const name_facts *facts_of(const restart *r, uint32_t server)
{
    return &r->s->names.servers[server].committed;
}

static bool has_records(const restart *r, uint32_t server)
{
    return facts_of(r, server)->newest_ms != INT64_MIN;
}

static bool is_kept(const restart *r, uint32_t server)
{
    return has_records(r, server) && (r->reach->keeps == NULL || r->reach->keeps(r->to->context, server));
}

/* ---- giving --------------------------------------------------------------------------------------------- */

static tft_status give_step(void *context, const database_logged_step *row, tft_error *err)
{
    restart *const r = context;
    float means[TFT_MAX_METRICS];
    uint16_t counts[TFT_MAX_METRICS];
    if (row->server < 1 || (uint64_t)row->server > r->s->names.n)
        return tft_fail(err, TFT_ERR_FORMAT, "a step of server number %lld, which is not in table servers",
                        (long long)row->server);
    if (row->n_values == 0) // its values are gone
        return TFT_OK;
    const uint32_t server = (uint32_t)(row->server - 1);
    const int64_t step = row->time_ms / r->s->step_ms;
    const uint16_t records = store_step_records(row);
    store_step_values(r->s, row, means, counts);
    recent_note(&r->recent, server, step, records, counts);
    return r->to->step(r->to->context, server, step, means, counts, records, (tft_state)row->state, err);
}

/* The counted steps of a block of one server. */
static tft_status give_steps(restart *r, int64_t block, int64_t server, tft_error *err)
{
    tft_status status = TFT_OK;
    for (int64_t i = 0; i < TFT_STEP_BLOCK && status == TFT_OK; i++)
        status = database_rows_counted(r->rows, (block * TFT_STEP_BLOCK + i) * r->s->step_ms, server, server + 1,
                                       give_step, r, err);
    return status;
}

/* A block's steps on the stack. */
typedef struct open_block {
    unsigned char bytes[TFT_STEP_BLOCK_MOST + TFT_BITS_SLACK];
    float values[TFT_STEP_BLOCK * TFT_MAX_METRICS];
    uint16_t value_counts[TFT_STEP_BLOCK * TFT_MAX_METRICS], counts[TFT_STEP_BLOCK];
    uint8_t states[TFT_STEP_BLOCK];
    tft_step_block steps;
} open_block;

/* False where the bytes are no block. */
static bool unpack(const restart *r, const database_block *row, open_block *open)
{
    const size_t m = r->s->n_metrics;
    if (row->bytes == NULL || row->n > TFT_STEP_BLOCK_MOST)
        return false;
    memcpy(open->bytes, row->bytes, row->n);
    memset(open->bytes + row->n, 0, TFT_BITS_SLACK);
    open->steps = (tft_step_block){
        .values = open->values, .value_counts = open->value_counts, .counts = open->counts, .states = open->states};
    if (!tft_step_block_unpack(open->bytes, row->n, m, &open->steps))
        return false;
    bool finite = true;
    for (size_t i = open->steps.first * m; i < (open->steps.first + open->steps.n) * m; i++)
        finite = finite && (open->value_counts[i] == 0 || isfinite(open->values[i]));
    return finite;
}

static tft_status give_block(void *context, const database_block *row, tft_error *err)
{
    restart *const r = context;
    const size_t m = r->s->n_metrics;
    open_block open;
    if (row->server < 1 || (uint64_t)row->server > r->s->names.n)
        return tft_fail(err, TFT_ERR_FORMAT, "a block of steps of server number %lld, which is not in table servers",
                        (long long)row->server);
    const uint32_t server = (uint32_t)(row->server - 1);
    const bool newest =
        has_records(r, server) && tft_step_block_of(step_of(r, facts_of(r, server)->newest_ms)) <= r->block;
    if (newest || !unpack(r, row, &open))
        return give_steps(r, r->block, row->server, err);
    const tft_step_block *const steps = &open.steps;
    for (size_t i = steps->first; i < steps->first + steps->n; i++) {
        if (steps->counts[i] > 0)
            recent_note(&r->recent, server, r->block * TFT_STEP_BLOCK + (int64_t)i, steps->counts[i],
                        steps->value_counts + i * m);
    }
    return r->reach->block(r->to->context, server, r->block, open.bytes, row->n, steps, err);
}

/* Everything up to the start of step `end`; of due steps what is sealed. */
static tft_status walk_to(restart *r, int64_t end, tft_error *err)
{
    tft_status status = TFT_OK;
    while (r->next < end && status == TFT_OK) {
        const int64_t block = tft_step_block_of(r->next), begin = block * TFT_STEP_BLOCK;
        if (r->next == begin && begin + TFT_STEP_BLOCK <= end && is_fresh(r, block)) {
            r->block = block;
            status = database_rows_blocks(r->rows, block, 0, give_block, r, err);
            r->next += TFT_STEP_BLOCK;
            continue;
        }
        const int64_t time_ms = r->next * r->s->step_ms;
        status = is_due(r, r->next) ? database_rows_sealed(r->rows, time_ms, give_step, r, err)
                                    : database_rows_counted(r->rows, time_ms, 1, INT64_MAX, give_step, r, err);
        r->next++;
    }
    return status;
}

/* ---- due steps ------------------------------------------------------------------------------------------ */

static tft_status give_tally(restart *r, tft_error *err)
{
    if (r->sums.n_seen == 0)
        return TFT_OK; // before the first step there is no time either
    const int64_t time_ms = r->tally_step * r->s->step_ms;
    tft_status status = TFT_OK;
    for (size_t i = 0; i < r->sums.n_seen && status == TFT_OK; i++) {
        database_logged_step row;
        bool sealed = false;
        tally_logged(&r->sums, i, time_ms, &row);
        if (time_ms < r->s->sealed_end_ms)
            status = database_is_sealed(r->s->db, time_ms, row.server, &sealed, err);
        if (status == TFT_OK && !sealed)
            status = give_step(r, &row, err);
    }
    tally_clear(&r->sums);
    return status;
}

static tft_status visit_due(void *context, const database_record *row, tft_error *err)
{
    restart *const r = context;
    const int64_t step = step_of(r, row->time_ms);
    tft_status status = TFT_OK;
    if (step != r->tally_step) {
        status = give_tally(r, err);
        r->tally_step = step;
        if (status == TFT_OK)
            status = walk_to(r, step + 1, err);
    }
    if (status == TFT_OK)
        status = tally_add(&r->sums, row, false, err);
    return status == TFT_OK ? store_give_record(r->s, r->to, row, err) : status;
}

/* Due steps as spans of time, neighbours as one. */
static tft_status find_spans(const restart *r, read_ahead_span **out, size_t *n, tft_error *err)
{
    read_ahead_span *const spans = calloc(r->n_due + 1, sizeof *spans);
    *n = 0;
    *out = spans;
    if (spans == NULL)
        return tft_fail(err, TFT_ERR_MEMORY, "no memory for %zu due steps", r->n_due);
    for (size_t i = 0; i < r->n_due; i++) {
        if (*n > 0 && spans[*n - 1].to_ms == r->due_ms[i])
            spans[*n - 1].to_ms += r->s->step_ms;
        else
            spans[(*n)++] = (read_ahead_span){r->due_ms[i], r->due_ms[i] + r->s->step_ms};
    }
    return TFT_OK;
}

static tft_status walk(restart *r, size_t n_metrics, tft_error *err)
{
    read_ahead_span *spans = NULL;
    size_t n = 0;
    r->next = r->start * TFT_STEP_BLOCK;
    tft_status status = find_spans(r, &spans, &n, err);
    if (status == TFT_OK && n > 0)
        status = read_ahead_each_record(r->s->beside, spans, n, n_metrics, visit_due, r, err);
    if (status == TFT_OK)
        status = give_tally(r, err);
    if (status == TFT_OK)
        status = walk_to(r, (tft_step_block_of(r->newest) + 1) * TFT_STEP_BLOCK, err);
    free(spans);
    return status;
}

/* ---- blocks before the walk ----------------------------------------------------------------------------- */

static tft_status see_step(void *context, const database_logged_step *row, tft_error *err)
{
    restart *const r = context;
    (void)err;
    r->found = r->found || row->n_values > 0;
    return TFT_OK;
}

static tft_status see_block(void *context, const database_block *row, tft_error *err)
{
    restart *const r = context;
    (void)row, (void)err;
    r->found = true;
    return TFT_OK;
}

/* Whether a block before the walk has steps of the server: r->found. */
static tft_status look(restart *r, int64_t block, int64_t server, tft_error *err)
{
    r->found = false;
    if (is_fresh(r, block))
        return database_rows_blocks(r->rows, block, server, see_block, r, err);
    tft_status status = TFT_OK;
    for (int64_t i = TFT_STEP_BLOCK - 1; i >= 0 && status == TFT_OK && !r->found; i--)
        status = database_rows_counted(r->rows, (block * TFT_STEP_BLOCK + i) * r->s->step_ms, server, server + 1,
                                       see_step, r, err);
    return status;
}

static tft_status give_older(restart *r, uint32_t server, tft_error *err)
{
    const name_facts *const facts = facts_of(r, server);
    const int64_t memory = (int64_t)r->reach->memory_steps, id = (int64_t)server + 1;
    const int64_t first = step_of(r, facts->first_ms), kept = step_of(r, facts->newest_ms) - memory + 1;
    const int64_t kept_block = tft_step_block_of(kept);
    const int64_t least = tft_step_block_of(first > kept - memory ? first : kept - memory);
    int64_t lowest = r->start;
    tft_status status = TFT_OK;
    for (int64_t block = r->start - 1; block >= least && status == TFT_OK; block--) {
        status = look(r, block, id, err);
        lowest = r->found ? block : lowest;
        if (r->found && block < kept_block)
            break;
    }
    for (r->block = lowest; r->block < r->start && status == TFT_OK; r->block++)
        status = is_fresh(r, r->block) ? database_rows_blocks(r->rows, r->block, id, give_block, r, err)
                                       : give_steps(r, r->block, id, err);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

/* Where the walk begins, what is due from there on, and the fleet's newest step (NO_STEP: there is nothing). */
static tft_status survey(restart *r, tft_error *err)
{
    const int64_t memory = (int64_t)r->reach->memory_steps, step_ms = r->s->step_ms;
    int64_t oldest_ms = INT64_MAX, silent = INT64_MAX;
    r->newest = NO_STEP;
    for (uint32_t i = 0; i < r->s->names.n; i++) {
        const int64_t newest = has_records(r, i) ? step_of(r, facts_of(r, i)->newest_ms) : NO_STEP;
        r->newest = newest > r->newest ? newest : r->newest;
        silent = newest != NO_STEP && newest < silent && is_kept(r, i) ? newest : silent;
    }
    if (r->newest == NO_STEP)
        return TFT_OK;
    const int64_t newest_block = tft_step_block_of(r->newest);
    r->start = tft_step_block_of(r->newest - SLACK - memory + 1);
    tft_status status = database_oldest_record(r->s->db, INT64_MIN, &oldest_ms, err);
    if (status == TFT_OK && oldest_ms != INT64_MAX) { // behind what is sealed, all records are there
        int64_t raw = oldest_ms > r->s->sealed_end_ms ? oldest_ms : r->s->sealed_end_ms;
        raw = tft_step_block_of(step_of(r, raw));
        raw = raw > newest_block - MOST_RAW_BLOCKS ? raw : newest_block - MOST_RAW_BLOCKS;
        r->start = raw < r->start ? raw : r->start;
    }
    // nobody needs anything from before; and steps that are due are added up in the walk alone
    const int64_t least = silent == INT64_MAX ? r->start : tft_step_block_of(silent - 2 * memory);
    const int64_t from = least < r->start ? least : r->start;
    if (status == TFT_OK)
        status = database_due_steps_from(r->s->db, from * TFT_STEP_BLOCK * step_ms, &r->due_ms, &r->n_due, err);
    if (status == TFT_OK)
        status = database_due_blocks_from(r->s->db, from, &r->due_blocks, &r->n_due_blocks, err);
    if (status == TFT_OK && r->n_due > 0) {
        const int64_t block = tft_step_block_of(step_of(r, r->due_ms[0]));
        r->start = block < r->start ? block : r->start;
    }
    return status;
}

static tft_status load(restart *r, tft_error *err)
{
    size_t n_metrics = 0;
    tft_status status = database_rows_open(r->s->db, &r->rows, err);
    if (status == TFT_OK)
        status = survey(r, err);
    if (status != TFT_OK || r->newest == NO_STEP)
        return status;
    status = database_count_metrics(r->s->db, &n_metrics, err);
    if (status == TFT_OK)
        status = tally_init(&r->sums, r->s->names.n, n_metrics, err);
    if (status == TFT_OK)
        status = recent_init(&r->recent, r->s, r->reach->n_recent, err);
    for (uint32_t i = 0; i < r->s->names.n && status == TFT_OK; i++) {
        if (is_kept(r, i))
            status = give_older(r, i, err);
    }
    if (status == TFT_OK)
        status = walk(r, n_metrics, err);
    return status == TFT_OK ? recent_give(&r->recent, r->due_ms, r->n_due, r->to, err) : status;
}

tft_status store_load_newest(store *s, const store_reach *reach, const store_visitor *visitor, tft_error *err)
{
    restart r = {.s = s, .reach = reach, .to = visitor, .tally_step = NO_STEP};
    if (reach->memory_steps < 1 || reach->memory_steps > INT32_MAX || reach->n_recent < 1 ||
        reach->n_recent > STORE_MOST_RECENT)
        return tft_fail(err, TFT_ERR_ARGUMENT, "memory of %zu steps and %zu records cannot be loaded",
                        reach->memory_steps, reach->n_recent);
    store_begin_writing(s);
    tft_status status = visitor->server != NULL ? store_give_servers(s, visitor, err) : TFT_OK;
    if (status == TFT_OK)
        status = load(&r, err);
    if (status == TFT_OK)
        status = database_checked(s->db, err);
    store_end_writing(s);
    database_rows_close(r.rows);
    recent_free(&r.recent);
    tally_free(&r.sums);
    free(r.due_ms);
    free(r.due_blocks);
    return status;
}
