/* incident_past.h - what a window's past says about incidents to come, beyond how many there were: the optional inputs
 * of a model that is to foresee them (contract.incident.inputs).
 *
 * Each step of the past is marked by the contract's rule:
 *     high    by metric: value ≥ level; by state: critical_issue, or offline that is not planned
 *     near    by metric: value ≥ 7/9 of the level (70 where it is 90); by state: also heavy_load
 *     start   an incident starts in it
 *     in      one is on
 * and the marks are counted: runs, shares and distances for the statics; for each step of the horizon, what was at the
 * same time of the last seven days (jobs that come back daily) and at the same minute of the last 24 hours (hourly ones).
 * And what followed the moments most like now (analogs.h): in how many of them an incident had begun by then, and how many
 * began around then, both as logarithms.
 * "The same time" has a tolerance of one step, or of half an hour, because jobs drift.
 *
 * Shapes:  marks [n] of the past, oldest first; decoder columns [horizon].
 * Memory:  in the scratch's arena. Threads: as the scratch.
 */
#ifndef TFT_SERIES_INCIDENT_PAST_H
#define TFT_SERIES_INCIDENT_PAST_H

#include "series/analogs.h"
#include "series/features.h"
#include "series/marks.h"
#include "series/past.h"

typedef struct tft_incident_past {
    const tft_past *past;
    const tft_contract *contract;
    tft_pace pace;
    uint8_t *high, *near, *start, *in;   // [past.n] 0 or 1; in: an incident is on
    tft_marks highs, nears, starts, ins; // the same as bits
    size_t n_followed;                   // moments most like now, by the rule's metric (the first one, by state)
    uint16_t followed[TFT_MOST_SAMPLES]; // step of the first start after each of them, horizon + 1 = none
} tft_incident_past;

void tft_incident_past_layout(tft_incident_past *p, size_t n, tft_arena *arena);
/* Marks the steps of a past that was just taken. No moments have been followed then. */
void tft_incident_past_make(tft_incident_past *p, const tft_past *past, const tft_contract *contract, tft_pace pace);
/* Looks up when the first incident began after each moment like now. */
void tft_incident_past_follow(tft_incident_past *p, const tft_analogs *analogs);

/* One optional input of each place; out has `stride` floats between two steps. */
float tft_incident_past_static(const tft_incident_past *p, tft_feature feature);
void tft_incident_past_encoder(const tft_incident_past *p, size_t first, size_t length, size_t stride, float *out);
void tft_incident_past_decoder(const tft_incident_past *p, tft_feature feature, size_t stride, float *out);

#endif
