/* silence.h - one silence or maintenance window: what it says, its JSON, and when it holds.
 *
 *     {"kind": "silence" | "maintenance",
 *      "matchers": {"server": "ppdb*", "profile": …, "kind": …, "metric": …, "severity": …},      at least one of them
 *      "starts_at": "2026-11-29T02:00:00Z", "ends_at": "2026-11-29T04:00:00Z",                     the (first) window
 *      "rrule": "FREQ=WEEKLY;BYDAY=SU", "timezone": "Europe/Berlin",                                 repeated, in local time
 *      "created_by": "…", "comment": "…"}
 *
 * A silence keeps people from being told of alerts. A maintenance does too, and says of its servers that they are away on purpose: their
 * absence is no incident, and their steps are marked so that training may leave them out. It is about servers and profiles, so it
 * names neither metric, kind nor severity.
 *
 * The same JSON is what is stored, with id, created_at and updated_at.
 *
 * Memory:  a struct that owns its zone; silence_free(). Threads: one at a time (silence_window keeps the window it found).
 */
#ifndef TFTD_NOTIFY_SILENCE_H
#define TFTD_NOTIFY_SILENCE_H

#include "forecast/alerts.h"
#include "notify/matcher.h"
#include "notify/recurrence.h"

#define SILENCE_MAX_BYTES 8192
#define SILENCE_NEVER INT64_MIN

typedef enum silence_status { SILENCE_PENDING, SILENCE_ACTIVE, SILENCE_EXPIRED } silence_status;
const char *silence_status_name(silence_status status);

typedef struct silence {
    char id[ALERT_SILENCE_BYTES];
    int64_t version;
    bool maintenance;
    notify_matcher matcher;
    int64_t starts_ms, ends_ms; // the first window
    bool repeats;
    recurrence rule;
    char rrule[256], timezone[ZONE_NAME_BYTES];
    zone *zone; // owned; NULL = UTC
    char created_by[128], comment[512];
    int64_t created_ms, updated_ms;
    int64_t window_from_ms, window_to_ms, known_from_ms; // private: the window for every now in [known_from, window_to)
} silence;

/* What is wrong with a body: the key, and a sentence that goes on behind it. */
typedef struct silence_fault {
    char field[24], why[200];
} silence_fault;

/* Reads bytes[n]. TFT_ERR_FORMAT: not JSON (err). TFT_ERR_ARGUMENT: well-formed, but *fault. Else *out is to be freed. id, version and
 * stamps are left 0. */
tft_status silence_decode(const char *bytes, size_t n, int64_t now_ms, silence *out, silence_fault *fault,
                          tft_error *err);
/* The same for a stored body: takes created_at and updated_at from it, and does not mind that it is over. */
tft_status silence_restore(const char *bytes, size_t n, silence *out, tft_error *err);
void silence_free(silence *s); // accepts a zeroed struct

/* The members of the JSON object above, with created_at and updated_at, without braces. */
void silence_write(const silence *s, tft_text *out);

/* The window that holds now, or the next one; false where there is none any more. */
bool silence_window(silence *s, int64_t now_ms, int64_t *from_ms, int64_t *to_ms);
/* The first window that ends behind `at`, worked out anew: a walk over all of a span goes on with at = to. */
bool silence_window_behind(const silence *s, int64_t at_ms, int64_t *from_ms, int64_t *to_ms);
silence_status silence_status_at(silence *s, int64_t now_ms);

#endif
