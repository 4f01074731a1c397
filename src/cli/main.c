/* main.c - tftd: picks the sub-command. Everything else is in cmd_<name>.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "tensor/tensor.h"

static const command commands[] = {
    {"serve", "take records, forecast, serve over HTTP", cmd_serve},
    {"train", "CSV files to a model directory", cmd_train},
    {"calibrate", "fit a model's calibration to data it was not trained on", cmd_calibrate},
    {"forecast", "a model and CSV files to a CSV of forecasts", cmd_forecast},
    {"evaluate", "score a model, or forecasts, beside the baselines", cmd_evaluate},
    {"generate", "make the synthetic fleet: a CSV, or live records", cmd_generate},
    {"validate", "hold a CSV file against the data contract", cmd_validate},
    {"check-golden", "compare this build with reference cases of pytorch-forecasting", cmd_check_golden},
    {"import", "weights exported from pytorch-forecasting to a model directory", cmd_import},
    {"completion", "completion of commands and options for bash, zsh, fish", cmd_completion},
    {"check-config", "the settings in force, and whether they are right", cmd_check_config},
    {"doctor", "whether everything the daemon needs is there and well", cmd_doctor},
    {"keys", "API keys: add, list, revoke", cmd_keys},
    {"models", "models: list, verify, choose the one that serves", cmd_models},
    {"backup", "copy the history, also while the daemon runs", cmd_backup},
    {"restore", "put a backup into an empty data directory", cmd_restore},
    {"version", "version, compiler, build", cmd_version},
};
static const size_t n_commands = sizeof commands / sizeof commands[0];

static void print_commands(FILE *out)
{
    fprintf(out, "tftd - forecasts what breaks tonight, from the metrics of your servers.\n\n"
                 "Usage: tftd COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < n_commands; i++)
        fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
    fprintf(out, "\n`tftd help COMMAND` shows a command's options with examples.\n");
}

static const command *find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

/* TFTD_ISA=portable|avx2|avx512 forces a set of kernels (the best one that the machine has, at most this). */
static int choose_kernels(void)
{
    const char *const name = getenv("TFTD_ISA");
    tft_isa isa = TFT_ISA_AUTO;
    if (name != NULL && name[0] != '\0') {
        for (isa = TFT_ISA_PORTABLE; isa <= TFT_ISA_AVX512 && strcmp(tft_isa_name(isa), name) != 0; isa++)
            ;
        if (isa > TFT_ISA_AVX512) {
            fprintf(stderr, "tftd: TFTD_ISA is \"%.30s\", must be portable, avx2 or avx512\n", name);
            return EXIT_USAGE;
        }
    }
    tft_tensor_init(isa);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    if (choose_kernels() != EXIT_DONE)
        return EXIT_USAGE;
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    const int is_help = strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0;
    if (is_help && argc < 3) {
        print_commands(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (is_help)
        name = argv[2];
    const command *const chosen = find(name);
    if (chosen == NULL) {
        fprintf(stderr, "tftd: no command \"%.100s\"; `tftd help` lists them\n", name);
        return EXIT_USAGE;
    }
    if (is_help) {
        char help[] = "--help";
        char *help_argv[] = {argv[2], help, NULL};
        return chosen->run(2, help_argv);
    }
    return chosen->run(argc - 1, argv + 1);
}
