/* config_json.h - a network's shape as JSON: the `network` object of a model's config.json, and pytorch-forecasting's.
 *
 * Reading is defensive: every list is bounded, every name looked up, and tft_config_check() has the last word.
 */
#ifndef TFT_TFT_CONFIG_JSON_H
#define TFT_TFT_CONFIG_JSON_H

#include "base/json.h"
#include "base/text.h"
#include "tft/config.h"

/* Writes the object, without a line end. */
void tft_config_to_json(const tft_config *config, tft_text *out);
tft_status tft_config_from_json(const tft_json *network, tft_config *config, tft_error *err);

/* The config.json of a reference case or an exported model (tests/golden/README.md). */
tft_status tft_config_from_pytorch_forecasting(const tft_json *root, tft_config *config, tft_error *err);

#endif
