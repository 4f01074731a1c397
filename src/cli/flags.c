/* flags.c - see flags.h. */
#include "cli/flags.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/commands.h"

bool flags_duration(const char *text, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"", 1}};
    char *end;
    const double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value < 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *seconds = value * units[i].seconds;
            return true;
        }
    }
    return false;
}

bool flags_bytes(const char *text, size_t *bytes)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
    char *end;
    const double value = strtod(text, &end);
    if (end == text || !isfinite(value) || value < 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].unit) == 0 && value * units[i].bytes < 9e15) {
            *bytes = (size_t)(value * units[i].bytes);
            return true;
        }
    }
    return false;
}

static void print_help(const flag_page *page, const flag *flags)
{
    printf("Usage: %s\n\n%s\n\nOptions:\n", page->usage, page->about);
    for (const flag *f = flags; f->name != NULL; f++) {
        char left[64];
        const bool optional = f->kind == FLAG_OPTIONAL_TEXT;
        snprintf(left, sizeof left, "%s%s%s%s", f->name,
                 f->value == NULL ? ""
                 : optional       ? "[="
                                  : " ",
                 f->value == NULL ? "" : f->value, optional ? "]" : "");
        printf("  %-28s %s\n", left, f->help);
    }
    printf("  %-28s %s\n", "--help", "this text");
    if (page->examples != NULL)
        printf("\nExamples:\n%s", page->examples);
}

/* For programs: shell completion and tools/make_man.py read this, so it stays as it is. */
static void list_flags(const flag *flags)
{
    for (const flag *f = flags; f->name != NULL; f++)
        printf("%s\t%s%s%s\t%s\n", f->name, f->kind == FLAG_OPTIONAL_TEXT ? "[=" : "", f->value == NULL ? "" : f->value,
               f->kind == FLAG_OPTIONAL_TEXT ? "]" : "", f->help);
    printf("--help\t\tthis text\n");
}

static int wrong(const flag *f, const char *value)
{
    static const char *const wanted[] = {[FLAG_SIZE] = "a whole number",
                                         [FLAG_NUMBER] = "a number",
                                         [FLAG_DURATION] = "a duration such as 250ms, 5s, 30m, 8h, 90d",
                                         [FLAG_TIME] = "a time such as 2025-10-13T16:00:00Z",
                                         [FLAG_LIST] = "at most 64 values",
                                         [FLAG_TEXT] = "a text",
                                         [FLAG_SWITCH] = "no value",
                                         [FLAG_OPTIONAL_TEXT] = "a text"};
    fprintf(stderr, "tftd: %s: \"%.100s\" is not %s\n", f->name, value, wanted[f->kind]);
    return EXIT_USAGE;
}

static int store(const flag *f, const char *value)
{
    char *end;
    switch (f->kind) {
    case FLAG_SWITCH:
        *(bool *)f->target = true;
        return -1;
    case FLAG_TEXT:
    case FLAG_OPTIONAL_TEXT:
        *(const char **)f->target = value;
        return -1;
    case FLAG_LIST: {
        flag_list *const list = f->target;
        if (list->n == FLAG_LIST_MAX)
            return wrong(f, value);
        list->items[list->n++] = value;
        return -1;
    }
    case FLAG_SIZE: {
        errno = 0;
        const unsigned long long n = strtoull(value, &end, 10);
        if (end == value || *end != '\0' || errno != 0 || strchr(value, '-') != NULL)
            return wrong(f, value);
        *(size_t *)f->target = (size_t)n;
        return -1;
    }
    case FLAG_NUMBER: {
        const double x = strtod(value, &end);
        if (end == value || *end != '\0' || !isfinite(x))
            return wrong(f, value);
        *(double *)f->target = x;
        return -1;
    }
    case FLAG_DURATION:
        return flags_duration(value, f->target) ? -1 : wrong(f, value);
    case FLAG_TIME:
        return tft_time_parse(value, strlen(value), f->target) ? -1 : wrong(f, value);
    }
    return EXIT_USAGE;
}

int flags_parse(int argc, char **argv, const flag_page *page, const flag *flags, flag_list *rest)
{
    bool only_rest = false;
    for (int i = 1; i < argc; i++) {
        const char *const arg = argv[i];
        if (!only_rest && strcmp(arg, "--") == 0) {
            only_rest = true;
            continue;
        }
        if (only_rest || arg[0] != '-' || strcmp(arg, "-") == 0) {
            if (rest == NULL || rest->n == FLAG_LIST_MAX) {
                fprintf(stderr, "tftd %s: unexpected argument \"%.100s\"\n", argv[0], arg);
                return EXIT_USAGE;
            }
            rest->items[rest->n++] = arg;
            continue;
        }
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            print_help(page, flags);
            return EXIT_DONE;
        }
        if (strcmp(arg, "--list-flags") == 0) {
            list_flags(flags);
            return EXIT_DONE;
        }
        const char *const equals = strchr(arg, '=');
        const size_t n = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
        const flag *f = flags;
        while (f->name != NULL && (strlen(f->name) != n || strncmp(f->name, arg, n) != 0))
            f++;
        if (f->name == NULL) {
            fprintf(stderr, "tftd %s: unknown option \"%.100s\"; `tftd help %s` lists them\n", argv[0], arg, argv[0]);
            return EXIT_USAGE;
        }
        const char *value = equals != NULL ? equals + 1 : NULL;
        if (f->kind == FLAG_SWITCH && value != NULL)
            return wrong(f, value);
        if (f->kind == FLAG_OPTIONAL_TEXT && value == NULL)
            value = "";
        if (f->kind != FLAG_SWITCH && value == NULL) {
            if (i + 1 >= argc) {
                fprintf(stderr, "tftd %s: %s needs a value\n", argv[0], f->name);
                return EXIT_USAGE;
            }
            value = argv[++i];
        }
        const int code = store(f, value);
        if (code >= 0)
            return code;
    }
    return -1;
}
