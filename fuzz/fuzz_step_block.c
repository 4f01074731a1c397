/* fuzz_step_block.c - tft_step_block_unpack() on any bytes, as a database may hold them; the first one chooses how many metrics. What is
 * taken for a block is one: its counts and states are in range, and packing it again gives a block. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "series/step_block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const tft_step_block *block)
{
    if (block->first + block->n > TFT_STEP_BLOCK || block->n == 0)
        abort();
    for (size_t i = block->first; i < block->first + block->n; i++) {
        if (block->states[i] >= TFT_N_STATES)
            abort();
    }
}

static void pack_again(const tft_step_block *block, size_t m)
{
    unsigned char *const out = malloc(tft_step_block_most(m) + TFT_BITS_SLACK);
    tft_series s;
    tft_series_init(&s, m, 0);
    for (size_t i = block->first; out != NULL && i < block->first + block->n; i++)
        tft_series_set(&s, (int64_t)i, block->values + i * m, block->value_counts + i * m, block->counts[i],
                       (tft_state)block->states[i], NULL);
    if (out != NULL && s.n_steps > 0 && tft_step_block_pack(&s, out) > tft_step_block_most(m))
        abort();
    tft_series_free(&s);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static float values[TFT_STEP_BLOCK * TFT_MAX_METRICS];
    static uint16_t value_counts[TFT_STEP_BLOCK * TFT_MAX_METRICS], counts[TFT_STEP_BLOCK];
    static uint8_t states[TFT_STEP_BLOCK];
    if (n == 0)
        return 0;
    const size_t m = 1 + data[0] % TFT_MAX_METRICS;
    unsigned char *const bytes = malloc(n - 1 + TFT_BITS_SLACK); // exactly: sanitizers see what goes beyond
    if (bytes == NULL)
        return 0;
    memcpy(bytes, data + 1, n - 1);
    memset(bytes + n - 1, 0, TFT_BITS_SLACK);
    tft_step_block block = {.values = values, .value_counts = value_counts, .counts = counts, .states = states};
    if (tft_step_block_unpack(bytes, n - 1, m, &block)) {
        check(&block);
        pack_again(&block, m);
    }
    free(bytes);
    return 0;
}
