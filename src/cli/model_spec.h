/* model_spec.h - the YAML file of `tftd train --config`: what is forecast from which columns, by what network, trained how.
 *
 *     time: timestamp                    # columns; without them the names that every file of ours has
 *     server: server_name
 *     state: state
 *     profile: profile
 *     step: 5m
 *     context: 288                       # steps the network reads, at most
 *     horizon: 96                        # steps it forecasts
 *     memory: 2304                       # steps behind lags and statistics (8 days)
 *     quantiles: [0.1, 0.5, 0.9]
 *     targets:                           # a name, or a name with what is known about it
 *       - cpu_pct
 *       - {name: queue_ms, unit: ms, min: 0, max: 60000, scale_floor: 1, legacy_name: queue}
 *     observed: [net_mb_s]               # read by the network, not forecast
 *     incident: {by: metric, metric: cpu_pct, level: 90, steps: 3, inputs: true}   # or {by: state}
 *     network: {hidden: 64, heads: 4, lstm_layers: 1, continuous: 8, dropout: 0.3, mixture: true, hazard: true, causal: true}
 *     training: {epochs: 20, steps_per_epoch: 200, batch: 64, lr: 0.002, …}
 *
 * Every key is optional; an unknown one is an error, with its line. Flags of the command win over the file. This is the
 * one place that knows libyaml.
 *
 * Memory:  a spec is one plain struct; the texts that its options point at are in it, so it must not be copied.
 * Threads: any.
 */
#ifndef TFTD_CLI_MODEL_SPEC_H
#define TFTD_CLI_MODEL_SPEC_H

#include "tft/train.h"

#define SPEC_TEXT 1024

typedef struct model_spec {
    tft_contract contract;
    bool metrics_given; // else the default contract's, as far as the files have them
    bool memory_given, hazard_given;
    bool floor_given[TFT_MAX_METRICS];
    char time[256], server[256], state[256], profile[256]; // columns; "" = as dataset.h says
    char holdout_servers[SPEC_TEXT], validation_servers[SPEC_TEXT];
    tft_train_options train;
} model_spec;

void model_spec_init(model_spec *spec);

/* TFT_ERR_FORMAT with file, line and key where the file is wrong; *spec is then half filled. */
tft_status model_spec_read(const char *path, model_spec *spec, tft_error *err);
tft_status model_spec_parse(const char *bytes, size_t n, model_spec *spec, tft_error *err);

/* Adds a metric; what the default contract knows about its name (unit, range …) is taken over. All targets must be
 * added before the first observed one. */
tft_status model_spec_add_metric(model_spec *spec, const char *name, bool target, tft_error *err);

#endif
