/* fuzz_model_card.c - config.json of a model directory: whatever the bytes, an error or a card that can be written. */
#include <stdint.h>
#include <stdlib.h>

#include "train/model_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    tft_error err = {0};
    tft_model_card *const card = calloc(1, sizeof *card);
    if (card != NULL && tft_model_card_from_json((const char *)data, n, card, &err) == TFT_OK) {
        tft_text text = tft_text_new((size_t)1 << 22);
        tft_model_card_to_json(card, &text);
        tft_model_card_check_features(card, &err);
        tft_text_free(&text);
    }
    free(card);
    return 0;
}
