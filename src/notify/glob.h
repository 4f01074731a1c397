/* glob.h - names with wildcards: * any bytes, ? one character, everything else itself; case counts.
 *
 * No brackets and no escapes: a server's name that holds * or ? is matched by writing ? there.
 *
 * Threads: pure functions.
 */
#ifndef TFTD_NOTIFY_GLOB_H
#define TFTD_NOTIFY_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text[0 … n−1] as a whole matches the pattern. Time: at most n · strlen(pattern). */
bool glob_match(const char *pattern, const char *text, size_t n);

#endif
