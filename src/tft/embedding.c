/* embedding.c - see embedding.h. */
#include "tft/embedding.h"

#include <stdio.h>
#include <string.h>

#include "tensor/tensor.h"

size_t tft_real_size(const tft_config *config, size_t real)
{
    const size_t own = config->reals[real].size;
    return own != 0 ? own : config->hidden_continuous_size;
}

static bool is_read(const tft_inputs *inputs, size_t real)
{
    for (size_t i = 0; i < inputs->n_reals; i++) {
        if (inputs->reals[i] == real)
            return true;
    }
    return false;
}

void tft_embeddings_define(tft_builder *builder, tft_embeddings *w, const tft_config *config)
{
    w->prescalers = tft_arena_alloc(builder->arena, config->n_reals, sizeof *w->prescalers);
    w->tables = tft_arena_alloc(builder->arena, config->n_embeddings, sizeof *w->tables);
    for (size_t i = 0; i < config->n_embeddings; i++) {
        const tft_embedding *const from = &config->embeddings[i];
        float *const rows = tft_builder_add(builder, TFT_INITIAL_NORMAL, 1.0, true, from->cardinality, from->dim,
                                            "input_embeddings.embeddings.%s.weight", from->name);
        if (w->tables != NULL)
            w->tables[i] =
                (tft_table){from->cardinality, from->dim, from->n_members, from->members, from->padding, rows};
    }
    for (size_t i = 0; i < config->n_reals; i++) {
        if (!is_read(&config->static_inputs, i) && !is_read(&config->encoder_inputs, i) &&
            !is_read(&config->decoder_inputs, i))
            continue;
        char name[TFT_PARAMETER_NAME];
        snprintf(name, sizeof name, "prescalers.%s", config->reals[i].name);
        tft_prescaler p = {tft_real_size(config, i), NULL, NULL};
        tft_builder_linear(builder, name, 1, p.size, TFT_INITIAL_UNIFORM, 1.0, 1.0, &p.w, &p.b);
        if (w->prescalers != NULL)
            w->prescalers[i] = p;
    }
}

void tft_prescaler_forward(const tft_prescaler *w, const float *x, size_t ldx, size_t n, float *y, size_t ldy)
{
    tft_linear(x, ldx, w->w, w->b, n, 1, w->size, y, ldy);
}

void tft_prescaler_backward(const tft_prescaler *w, const float *x, size_t ldx, const float *dy, size_t lddy, size_t n,
                            tft_prescaler *grad)
{
    tft_linear_backward(x, ldx, w->w, dy, lddy, n, 1, w->size, NULL, 0, grad->w, grad->b);
}

void tft_table_forward(const tft_table *w, const uint32_t *codes, size_t n_codes, size_t n, float *y, size_t ldy)
{
    for (size_t r = 0; r < n; r++) {
        float *const row = y + r * ldy;
        memcpy(row, w->rows + codes[r * n_codes + w->members[0]] * w->dim, w->dim * sizeof *row);
        for (size_t m = 1; m < w->n_members; m++)
            tft_add(row, w->rows + codes[r * n_codes + w->members[m]] * w->dim, w->dim);
    }
}

void tft_table_backward(const tft_table *w, const uint32_t *codes, size_t n_codes, const float *dy, size_t lddy,
                        size_t n, tft_table *grad)
{
    for (size_t r = 0; r < n; r++) {
        for (size_t m = 0; m < w->n_members; m++) {
            const uint32_t code = codes[r * n_codes + w->members[m]];
            if (code != 0 || !w->padding)
                tft_add(grad->rows + code * w->dim, dy + r * lddy, w->dim);
        }
    }
}
