/* parameters.c - see parameters.h. */
#include "tft/parameters.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tft/carve.h"

static size_t padded(size_t n)
{
    return (n + TFT_CARVE_ALIGN - 1) / TFT_CARVE_ALIGN * TFT_CARVE_ALIGN;
}

float *tft_builder_add(tft_builder *builder, tft_initial initial, double amount, bool no_decay, size_t rows,
                       size_t cols, const char *format, ...)
{
    const size_t n = rows * (cols == 0 ? 1 : cols);
    if (builder->entries != NULL) {
        tft_parameter_entry *const entry = &builder->entries[builder->n];
        va_list args;
        va_start(args, format);
        const int length = vsnprintf(entry->name, sizeof entry->name, format, args);
        va_end(args);
        assert(length > 0 && (size_t)length < sizeof entry->name); // names of variables are bounded by TFT_MAX_NAME
        (void)length;
        entry->n_dims = cols == 0 ? 1 : 2;
        entry->dims[0] = rows;
        entry->dims[1] = cols;
        entry->n = n;
        entry->offset = builder->floats;
        entry->no_decay = no_decay;
        entry->initial = initial;
        entry->amount = amount;
    }
    float *const at = builder->base == NULL ? NULL : builder->base + builder->floats;
    builder->n++;
    builder->floats += padded(n);
    return at;
}

void tft_builder_linear(tft_builder *builder, const char *name, size_t in, size_t out, tft_initial initial,
                        double amount, double bias_bound, float **w, float **b)
{
    *w = tft_builder_add(builder, initial, amount, false, out, in, "%s.weight", name);
    if (b != NULL)
        *b = tft_builder_add(builder, bias_bound > 0.0 ? TFT_INITIAL_UNIFORM : TFT_INITIAL_CONSTANT, bias_bound, true,
                             out, 0, "%s.bias", name);
}

void tft_builder_norm(tft_builder *builder, const char *name, size_t d, float **w, float **b)
{
    *w = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 1.0, true, d, 0, "%s.weight", name);
    *b = tft_builder_add(builder, TFT_INITIAL_CONSTANT, 0.0, true, d, 0, "%s.bias", name);
}

double tft_xavier_bound(size_t in, size_t out)
{
    return sqrt(6.0 / (double)(in + out));
}

double tft_he_std(size_t in)
{
    return sqrt(2.0 / (double)in);
}
