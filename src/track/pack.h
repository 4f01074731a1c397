/* pack.h - what was forecast for one server, as the bytes that are kept of it.
 *
 *     u8 version (1) | u8 flags (1 TFT, 2 in an incident) | u16 horizon | 5 × binary32 P(incident) for 30m … 8h
 *     per metric:  u8 n | n bytes of its name | binary32 least, binary32 step | 7 × horizon × u16
 *
 * All little-endian. A value is least + step · u: an error of at most a 131,070th of the metric's span in this forecast,
 * far below what a forecast can mean. Four metrics, 96 steps: 5.4 kB.
 *
 * Memory:  the caller's. Threads: pure functions.
 */
#ifndef TFTD_TRACK_PACK_H
#define TFTD_TRACK_PACK_H

#include "forecast/snapshot.h"

#define TRACK_MAX_HORIZON 4096

typedef struct track_said {
    bool tft, in_incident;
    size_t horizon;
    double incident[SNAPSHOT_N_HORIZONS];
    const float *rows[TFT_MAX_METRICS]; // by the contract's metrics: [7, horizon] inside `values`; NULL = none
    float *values;                      // [n_values] of the caller
    size_t n_values;
} track_said;

/* Bytes that packing a server of this snapshot takes at most. */
size_t track_pack_most(const forecast_snapshot *s);
/* Packs server i; returns the bytes written, 0 where there is nothing to say about it (no forecast at all).
 * scratch: [7, horizon]. */
size_t track_pack(const forecast_snapshot *s, size_t server, float *scratch, unsigned char *out);
/* False where the bytes are no forecast, or `values` has no room for it. Metrics that the contract lacks are passed over. */
bool track_unpack(const tft_contract *contract, const unsigned char *body, size_t n, track_said *out);

#endif
