/* glob.c - see glob.h. Greedy with one step back: only the last star can ever have to take more, for an earlier one that took more
 * would leave the same rest to match, later in the text. */
#include "notify/glob.h"

/* Bytes of the UTF-8 character that begins at text[0]; a stray byte counts as one. */
static size_t character(const char *text, size_t n)
{
    size_t length = 1;
    while (length < n && length < 4 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length++;
    return length;
}

bool glob_match(const char *pattern, const char *text, size_t n)
{
    const char *star = NULL; // behind the last star
    size_t at = 0, star_at = 0;
    while (at < n) {
        if (*pattern == '*') {
            star = ++pattern;
            star_at = at;
        } else if (*pattern == '?') {
            pattern++;
            at += character(text + at, n - at);
        } else if (*pattern != '\0' && *pattern == text[at]) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}
