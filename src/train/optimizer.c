/* optimizer.c - see optimizer.h. */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

#include "tensor/tensor.h"

#define CHUNK ((size_t)4096)

static size_t offset_of(tft_workspace *workspace, size_t parameter)
{
    return (size_t)(tft_workspace_gradient(workspace, parameter) - tft_workspace_gradient(workspace, 0));
}

static void layout(tft_arena *arena, tft_optimizer *o)
{
    o->chunks = tft_arena_alloc(arena, o->n_chunks, sizeof *o->chunks);
    o->squares = tft_arena_alloc(arena, o->n_chunks, sizeof *o->squares);
    o->m = tft_arena_floats(arena, o->n);
    o->v = tft_arena_floats(arena, o->n);
    o->ema = tft_arena_floats(arena, o->n);
    o->best = tft_arena_floats(arena, o->n);
}

tft_status tft_optimizer_open(const tft_model *model, tft_workspace *workspace, tft_optimizer *o, tft_error *err)
{
    const size_t n_parameters = tft_model_n_parameters(model);
    *o = (tft_optimizer){0};
    for (size_t i = 0; i < n_parameters; i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        const size_t end = offset_of(workspace, i) + (p.n + 15) / 16 * 16;
        o->n_chunks += (p.n + CHUNK - 1) / CHUNK;
        o->n = end > o->n ? end : o->n;
    }
    tft_arena count = {0};
    layout(&count, o);
    const tft_status status = tft_arena_init(&o->arena, count.used, err);
    if (status != TFT_OK)
        return status;
    layout(&o->arena, o);
    size_t k = 0;
    for (size_t i = 0; i < n_parameters; i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        const size_t offset = offset_of(workspace, i);
        for (size_t at = 0; at < p.n; at += CHUNK)
            o->chunks[k++] = (tft_chunk){.weights = p.data + at,
                                         .offset = offset + at,
                                         .n = p.n - at < CHUNK ? p.n - at : CHUNK,
                                         .decays = !p.no_decay};
        memcpy(o->ema + offset, p.data, p.n * sizeof(float));
    }
    return TFT_OK;
}

void tft_optimizer_close(tft_optimizer *o)
{
    tft_arena_free(&o->arena);
    *o = (tft_optimizer){0};
}

typedef struct reduce_job {
    tft_optimizer *o;
    tft_workspace *const *workspaces;
    size_t n;
} reduce_job;

static void reduce_chunk(void *context, size_t i, size_t worker)
{
    const reduce_job *const job = context;
    const tft_chunk *const c = &job->o->chunks[i];
    float *const sum = tft_workspace_gradient(job->workspaces[0], 0) + c->offset;
    (void)worker;
    for (size_t w = 1; w < job->n; w++)
        tft_add(sum, tft_workspace_gradient(job->workspaces[w], 0) + c->offset, c->n);
    job->o->squares[i] = tft_sum_squares(sum, c->n);
}

double tft_optimizer_reduce(tft_optimizer *o, tft_pool *pool, tft_workspace *const *workspaces, size_t n)
{
    reduce_job job = {o, workspaces, n};
    double sum = 0;
    tft_pool_run(pool, o->n_chunks, reduce_chunk, &job);
    for (size_t i = 0; i < o->n_chunks; i++)
        sum += o->squares[i];
    return sqrt(sum);
}

typedef struct update_job {
    tft_optimizer *o;
    const float *gradient;
    const tft_adamw *adamw;
    double ema_decay;
} update_job;

static void update_chunk(void *context, size_t i, size_t worker)
{
    const update_job *const job = context;
    tft_optimizer *const o = job->o;
    const tft_chunk *const c = &o->chunks[i];
    (void)worker;
    tft_adamw_update(job->adamw, c->decays, c->n, job->gradient + c->offset, c->weights, o->m + c->offset,
                     o->v + c->offset);
    tft_ema_update(job->ema_decay, c->n, c->weights, o->ema + c->offset);
}

void tft_optimizer_update(tft_optimizer *o, tft_pool *pool, tft_workspace *first, const tft_adamw *adamw,
                          double ema_decay)
{
    update_job job = {o, tft_workspace_gradient(first, 0), adamw, ema_decay};
    tft_pool_run(pool, o->n_chunks, update_chunk, &job);
}

void tft_optimizer_put(const float *block, tft_model *model, tft_workspace *layout_of)
{
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        memcpy(p.data, block + offset_of(layout_of, i), p.n * sizeof(float));
    }
    tft_model_refresh(model);
}

void tft_optimizer_get(const tft_model *model, tft_workspace *layout_of, float *block)
{
    for (size_t i = 0; i < tft_model_n_parameters(model); i++) {
        const tft_parameter p = tft_model_parameter(model, i);
        memcpy(block + offset_of(layout_of, i), p.data, p.n * sizeof(float));
    }
}
