/* zone.h - time zones by their IANA names: local time to UTC and back, for any year, from any thread.
 *
 * The C library knows one zone per process (TZ), so this reads the machine's own database: TZif files (RFC 8536) with their 64-bit
 * transitions, and behind the last one the POSIX rule of the footer ("CET-1CEST,M3.5.0,M10.5.0/3").
 *
 * A name comes from a client. It is looked up in the list of names that the database itself carries (tzdata.zi), and what is opened
 * is the entry of that list: no path from outside ever reaches open().
 *
 * Memory:  a zone is at most ZONE_MAX_TRANSITIONS · 12 bytes, its owner's. Threads: a zone is only read once it is open.
 */
#ifndef TFTD_NOTIFY_ZONE_H
#define TFTD_NOTIFY_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tft/error.h"

#define ZONE_MAX_TRANSITIONS 2048
#define ZONE_NAME_BYTES 64

typedef struct zone zone;

/* "Europe/Berlin", "UTC". folder NULL = /usr/share/zoneinfo. TFT_ERR_NOT_FOUND: no such name (or no database on this machine). */
tft_status zone_open(const char *folder, const char *name, zone **out, tft_error *err);
void zone_close(zone *z); // accepts NULL
/* The same from the bytes of a TZif file: what zone_open() does behind the name, and what is fuzzed. */
tft_status zone_decode(const unsigned char *bytes, size_t n, zone **out, tft_error *err);

/* Seconds east of UTC at an instant. Times are those of years 0 to 9999: |s| < 2^40. */
int32_t zone_offset_s(const zone *z, int64_t utc_s);

/* The instant of a local time, given as seconds since 1970 as if it were UTC. A time that comes twice (clocks go back) is the first
 * of the two; one that does not exist (clocks go forward) is read with the offset before the gap (RFC 5545, 3.3.5). */
int64_t zone_to_utc_s(const zone *z, int64_t local_s);

#endif
