/* cmd_check_golden.c - tftd check-golden: does this build compute what pytorch-forecasting computes?
 *
 * Exit codes: 0 all within tolerance, 1 something outside, 4 a case is missing, incomplete or unreadable.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/precision.h"
#include "tensor/tensor.h"
#include "tft/golden.h"

#define MAX_CASES 256

static bool is_case(const char *folder)
{
    char path[4200];
    const int n = snprintf(path, sizeof path, "%s/config.json", folder);
    return n > 0 && (size_t)n < sizeof path && tft_file_exists(path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The cases below `folder`, by name; each is the caller's to free. */
static size_t list_cases(const char *folder, char **cases)
{
    size_t n = 0;
    DIR *const dir = opendir(folder);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry != NULL && n < MAX_CASES; entry = readdir(dir)) {
        char path[4096];
        const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length > 0 && (size_t)length < sizeof path && entry->d_name[0] != '.' && is_case(path) &&
            (cases[n] = strdup(path)) != NULL)
            n++;
    }
    if (dir != NULL)
        closedir(dir);
    qsort(cases, n, sizeof *cases, by_name);
    return n;
}

static const char *products(bool bf16)
{
    return !bf16 ? "" : tft_bf16_usable() ? ", products in bfloat16" : ", products in bfloat16, emulated";
}

static void print_lines(const char *folder, const tft_golden_report *report, bool bf16)
{
    printf("%s (%s kernels%s)\n", folder, tft_isa_name(tft_tensor_isa()), products(bf16));
    for (size_t i = 0; i < report->n; i++) {
        const tft_golden_line *const line = &report->lines[i];
        printf("  %-90s abs %.2e  rel %.2e  allowed %.2e  %s\n", line->name, line->max_abs, line->max_rel,
               line->allowed, line->ok ? "ok" : "FAIL");
    }
    printf("%s: %zu tensors, %zu outside\n", folder, report->n, report->n_failed);
}

static void print_json(const char *folder, const tft_golden_report *report, bool first)
{
    tft_text text = tft_text_new((size_t)64 << 20);
    tft_text_puts(&text, first ? "{\"case\": " : ",\n {\"case\": ");
    tft_text_json_string(&text, folder, strlen(folder));
    tft_text_printf(&text, ", \"kernels\": \"%s\", \"failed\": %zu, \"tensors\": [", tft_isa_name(tft_tensor_isa()),
                    report->n_failed);
    for (size_t i = 0; i < report->n; i++) {
        const tft_golden_line *const line = &report->lines[i];
        tft_text_puts(&text, i == 0 ? "\n  {\"name\": " : ",\n  {\"name\": ");
        tft_text_json_string(&text, line->name, strlen(line->name));
        tft_text_puts(&text, ", \"max_abs\": ");
        tft_text_json_number(&text, line->max_abs);
        tft_text_puts(&text, ", \"max_rel\": ");
        tft_text_json_number(&text, line->max_rel);
        tft_text_puts(&text, ", \"allowed\": ");
        tft_text_json_number(&text, line->allowed);
        tft_text_printf(&text, ", \"ok\": %s}", line->ok ? "true" : "false");
    }
    tft_text_puts(&text, "]}");
    fwrite(text.bytes, 1, text.n, stdout);
    tft_text_free(&text);
}

/* One case; returns an exit code. */
static int check_one(const char *folder, const tft_golden_options *options, bool json, bool first)
{
    tft_golden_report report = {0};
    tft_error err = {0};
    if (tft_golden_check(folder, options, &report, &err) != TFT_OK) {
        fprintf(stderr, "tftd: check-golden: %s\n", err.text);
        return EXIT_DATA;
    }
    if (json)
        print_json(folder, &report, first);
    else
        print_lines(folder, &report, options->bf16);
    const int code = report.n_failed > 0 ? EXIT_FAILED : EXIT_DONE;
    tft_golden_report_free(&report);
    return code;
}

int cmd_check_golden(int argc, char **argv)
{
    bool json = false;
    double atol = -1.0, rtol = -1.0;
    size_t threads = 1;
    const char *named = NULL;
    tft_precision precision;
    flag_list rest = {0};
    const flag flags[] = {
        {"--atol", "A", "absolute part of the tolerance (default: see below)", FLAG_NUMBER, &atol},
        {"--rtol", "R", "relative part, of the tensor's largest |reference|", FLAG_NUMBER, &rtol},
        {"--threads", "N", "cut the batch into N shards, a thread each (default 1)", FLAG_SIZE, &threads},
        {"--precision", "WORD", PRECISION_FLAG_HELP, FLAG_TEXT, &named},
        {"--json", NULL, "for machines", FLAG_SWITCH, &json},
        {0}};
    const flag_page page = {
        "tftd check-golden DIR [--atol A] [--rtol R] [--precision WORD] [--json]",
        "Runs reference cases of pytorch-forecasting and prints, for every output and gradient, the largest absolute\n"
        "and relative difference. DIR is one case (config.json, model, input, output, grad, grad_raw .safetensors) or "
        "a\n"
        "folder of them. Only valid positions are compared.\n\n"
        "Without --atol and --rtol: 1e-5 x max(1, largest |reference|) for raw outputs, weights and losses, 1e-5 x\n"
        "scale (and a float's rounding) for predictions, and for gradients 1e-4 x max(largest |reference| of the\n"
        "tensor, 1e-3 x largest of the whole model). With either: A + R x largest |reference| of the tensor (one not\n"
        "given is 0); for gradients \"largest\" keeps that floor of 1e-3 x the whole model's largest.\n\n"
        "With --precision bf16 the outputs alone, which are outside: bfloat16 has 8 bits of mantissa.\n\n"
        "Exit code 1 where a tensor is outside, 4 where a case is missing or unreadable.",
        "  tftd check-golden tests/golden\n  tftd check-golden tests/golden/multi --atol 1e-6 --rtol 1e-4 --json\n"};
    int code = flags_parse(argc, argv, &page, flags, &rest);
    if (code >= 0)
        return code;
    if (rest.n != 1) {
        fprintf(stderr, "tftd: check-golden wants one folder; see `tftd help check-golden`\n");
        return EXIT_USAGE;
    }
    if (!precision_read("check-golden", named, &precision))
        return EXIT_USAGE;
    tft_tensor_init(TFT_ISA_AUTO);
    const bool given = atol >= 0.0 || rtol >= 0.0;
    const tft_golden_options options = {given,   atol > 0.0 ? atol : 0.0,        rtol > 0.0 ? rtol : 0.0, false,
                                        threads, precision == TFT_PRECISION_BF16};

    char *cases[MAX_CASES] = {NULL};
    size_t n = 0;
    if (is_case(rest.items[0]) && (cases[0] = strdup(rest.items[0])) != NULL)
        n = 1;
    else
        n = list_cases(rest.items[0], cases);
    if (n == 0)
        fprintf(stderr, "tftd: check-golden: %s: no case here (a case is a folder with a config.json)\n",
                rest.items[0]);
    code = n == 0 ? EXIT_DATA : EXIT_DONE;
    if (json && n > 0)
        fputs("[", stdout);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        const int one = check_one(cases[i], &options, json, first);
        first = first && one == EXIT_DATA;
        code = one > code ? one : code; // unreadable outweighs outside
        free(cases[i]);
    }
    if (json && n > 0)
        fputs("]\n", stdout);
    return code;
}
