/* contract_json.h - a contract as the "contract" object of a model's config.json, and back.
 *
 *     {"version": "1.0.0", "step_ms": 300000, "context": 288, "horizon": 96, "memory": 2304,
 *      "has_state": true, "has_profile": true,
 *      "metrics": [{"name": "cpu_pct", "legacy_name": "cpu_percent", "unit": "%", "min": 0, "max": 100,
 *                   "scale_floor": 0.1, "target": true}, …],
 *      "incident": {"by": "state"}   or   {"by": "metric", "metric": "cpu_pct", "level": 90, "steps": 3}}
 *
 * A bound that is null is no bound. Reading trusts nothing: every number, name and count has its range.
 *
 * Threads: any.
 */
#ifndef TFT_TRAIN_CONTRACT_JSON_H
#define TFT_TRAIN_CONTRACT_JSON_H

#include "base/json.h"
#include "base/text.h"
#include "tft/contract.h"

void tft_contract_to_json(const tft_contract *contract, tft_text *text);

/* TFT_ERR_FORMAT names the key at fault; *contract is then untouched. */
tft_status tft_contract_from_json(const tft_json *object, tft_contract *contract, tft_error *err);

#endif
