/* flags.h - reading a command's flags from one table, which is also its --help.
 *
 * Long options take --x=y or --x y; a switch takes no value; "--" ends the options; everything else is a positional
 * argument and is collected in order. --help prints usage, the table and the examples, and ends with exit code 0;
 * a mistake is one line on stderr naming the flag and exit code 2. --list-flags prints the table for programs, a line each:
 * name, tab, value (empty for a switch, "[=X]" for an optional one), tab, help.
 *
 *     static const flag flags[] = {
 *         {"--out", "DIR", "where the model goes", FLAG_TEXT, &out},
 *         {"--epochs", "N", "passes over the data (default 20)", FLAG_SIZE, &epochs},
 *         {"--json", NULL, "for machines", FLAG_SWITCH, &json},
 *         {0}};
 */
#ifndef TFTD_CLI_FLAGS_H
#define TFTD_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum flag_kind {
    FLAG_SWITCH,       // bool
    FLAG_TEXT,         // const char *
    FLAG_LIST,         // flag_list: may be repeated
    FLAG_SIZE,         // size_t
    FLAG_NUMBER,       // double
    FLAG_DURATION,     // double, seconds: 250ms 5s 30m 8h 90d, a bare number is seconds
    FLAG_TIME,         // int64_t, UTC ms
    FLAG_OPTIONAL_TEXT // const char *: "" when given without =value
} flag_kind;

#define FLAG_LIST_MAX 64
typedef struct flag_list {
    size_t n;
    const char *items[FLAG_LIST_MAX];
} flag_list;

typedef struct flag {
    const char *name, *value, *help;
    flag_kind kind;
    void *target;
} flag;

typedef struct flag_page {
    const char *usage;    // "tftd train [--config MODEL.yaml] --out DIR FILE…"
    const char *about;    // a paragraph
    const char *examples; // lines, or NULL
} flag_page;

/* Reads argv[1 …]. Positional arguments go to `rest` (NULL where none are taken). Returns −1 to go on, or the exit code
 * with which the command should return at once (0 after --help, 2 after a mistake). --log-level, -q/--quiet are taken by
 * every command (see flags_quiet). */
int flags_parse(int argc, char **argv, const flag_page *page, const flag *flags, flag_list *rest);

bool flags_duration(const char *text, double *seconds);
bool flags_bytes(const char *text, size_t *bytes); // 64KiB 16MiB 4GiB, a bare number is bytes

#endif
