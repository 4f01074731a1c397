/* fuzz_config_json.c - a network's configuration as JSON, in our words and in pytorch-forecasting's: what is accepted has
 * passed tft_config_check(), and writing and reading it again gives the same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tft/config_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must_survive(const tft_config *config)
{
    static tft_config again;
    tft_text first = tft_text_new((size_t)4 << 20), second = tft_text_new((size_t)4 << 20);
    tft_json_document document = {0};
    if (tft_config_check(config, NULL) != TFT_OK)
        abort();
    tft_config_to_json(config, &first);
    if (tft_json_parse(first.bytes, first.n, 16, &document, NULL) != TFT_OK ||
        tft_config_from_json(document.root, &again, NULL) != TFT_OK)
        abort();
    tft_config_to_json(&again, &second);
    if (first.n != second.n || memcmp(first.bytes, second.bytes, first.n) != 0)
        abort();
    tft_json_free(&document);
    tft_text_free(&first);
    tft_text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static tft_config config;
    tft_json_document document = {0};
    if (tft_json_parse((const char *)data, n, 16, &document, NULL) != TFT_OK)
        return 0;
    tft_error err = {0};
    if (tft_config_from_pytorch_forecasting(document.root, &config, &err) == TFT_OK)
        must_survive(&config);
    else if (err.text[0] == '\0')
        abort();
    err = (tft_error){0};
    if (tft_config_from_json(document.root, &config, &err) == TFT_OK)
        must_survive(&config);
    else if (err.text[0] == '\0')
        abort();
    tft_json_free(&document);
    return 0;
}
