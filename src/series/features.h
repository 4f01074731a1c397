/* features.h - the one table of everything the network reads, shared by the configuration and by the windows.
 *
 * A row is one kind of input: where it is read (static, encoder, decoder), whether there is one of it per window, per
 * metric or per target, and its name. tft_features_config() walks the table to name the network's variables;
 * tft_window_build() walks the same rows in the same order to fill them. docs/DATA.md tells what each one means.
 */
#ifndef TFT_SERIES_FEATURES_H
#define TFT_SERIES_FEATURES_H

#include <stddef.h>

#include "tft/contract.h"

typedef enum tft_feature {
    /* encoder */
    TFT_FEATURE_VALUE,
    TFT_FEATURE_GAP,
    /* encoder and decoder: the order of tft_calendar_inputs() */
    TFT_FEATURE_TIME_OF_DAY_SIN,
    TFT_FEATURE_TIME_OF_DAY_COS,
    TFT_FEATURE_DAY_OF_WEEK_SIN,
    TFT_FEATURE_DAY_OF_WEEK_COS,
    TFT_FEATURE_MINUTE_OF_HOUR_SIN,
    TFT_FEATURE_MINUTE_OF_HOUR_COS,
    /* decoder */
    TFT_FEATURE_HORIZON,
    TFT_FEATURE_LOG_HORIZON,
    TFT_FEATURE_LAG_1D,
    TFT_FEATURE_LAG_2D,
    TFT_FEATURE_LAG_7D,
    TFT_FEATURE_SAME_HOUR,
    TFT_FEATURE_SAME_MINUTE,
    TFT_FEATURE_HAS_LAG_1D,
    TFT_FEATURE_HAS_LAG_2D,
    TFT_FEATURE_HAS_LAG_7D,
    /* static */
    TFT_FEATURE_LAST,
    TFT_FEATURE_MEAN_1H,
    TFT_FEATURE_MEAN_24H,
    TFT_FEATURE_MEAN_7D,
    TFT_FEATURE_P10_24H,
    TFT_FEATURE_P90_24H,
    TFT_FEATURE_MAX_24H,
    TFT_FEATURE_CHANGE_24H,
    TFT_FEATURE_LOG_SCALE,
    TFT_FEATURE_MISSING,
    TFT_FEATURE_HISTORY,
    TFT_FEATURE_ENCODER_LENGTH,
    TFT_FEATURE_NEWEST_FILL,
    TFT_FEATURE_INCIDENT_SHARE_24H,
    TFT_FEATURE_INCIDENT_SHARE_7D,
    TFT_FEATURE_SINCE_INCIDENT,
    TFT_FEATURE_INCIDENTS_24H,
    TFT_FEATURE_INCIDENTS_7D,
    /* only where contract.incident.inputs is set; incident_past.h */
    TFT_FEATURE_INCIDENT_LEVEL, // the first of them
    TFT_FEATURE_INCIDENT_START_1D,
    TFT_FEATURE_INCIDENT_START_7D,
    TFT_FEATURE_INCIDENT_START_AROUND_7D,
    TFT_FEATURE_INCIDENT_HIGH_SAME_TIME,
    TFT_FEATURE_INCIDENT_START_SAME_MINUTE,
    TFT_FEATURE_INCIDENT_ANALOGS,
    TFT_FEATURE_INCIDENT_ANALOGS_RATE,
    TFT_FEATURE_INCIDENT_RUN,
    TFT_FEATURE_INCIDENT_RUN_LOG,
    TFT_FEATURE_INCIDENT_SINCE_HIGH,
    TFT_FEATURE_INCIDENT_HEADROOM,
    TFT_FEATURE_INCIDENT_HEADROOM_1H,
    TFT_FEATURE_INCIDENT_HIGH_1H,
    TFT_FEATURE_INCIDENT_HIGH_6H,
    TFT_FEATURE_INCIDENT_HIGH_24H,
    TFT_FEATURE_INCIDENT_HIGH_7D,
    TFT_FEATURE_INCIDENT_NEAR_1H,
    TFT_FEATURE_INCIDENT_NEAR_6H,
    TFT_FEATURE_INCIDENT_NEAR_24H,
    TFT_FEATURE_INCIDENT_NEAR_7D,
    TFT_FEATURE_INCIDENTS_1H,
    TFT_FEATURE_INCIDENTS_6H
} tft_feature;

typedef enum tft_place { TFT_STATIC = 1, TFT_ENCODER = 2, TFT_DECODER = 4 } tft_place;
typedef enum tft_scope { TFT_PER_WINDOW, TFT_PER_METRIC, TFT_PER_TARGET } tft_scope;

typedef struct tft_feature_row {
    tft_feature feature;
    unsigned places; // of tft_place, or-ed
    tft_scope scope;
    const char *name; // per metric: "<metric>_<name>", or the metric's own name where this is ""
} tft_feature_row;

/* The table; *n rows, static storage. */
const tft_feature_row *tft_feature_rows(size_t *n);
/* How many inputs a row makes: 1, all metrics, or the targets; 0 for an optional row that the contract does not ask for. */
size_t tft_feature_width(const tft_feature_row *row, const tft_contract *contract);
/* Σ widths of the rows read at a place. */
size_t tft_feature_count(const tft_contract *contract, tft_place place);

/* Flat categorical columns: state (if the contract has it), then profile (likewise); −1 where there is none. */
int tft_feature_state_column(const tft_contract *contract);
int tft_feature_profile_column(const tft_contract *contract);

#endif
