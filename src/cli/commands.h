/* commands.h - the sub-commands and what they share. One file per command: cmd_<name>.c.
 *
 * A command gets its own argv (argv[0] is its name), writes data to stdout and messages to stderr, and returns an exit
 * code. Only here are flags read and is the process ended.
 */
#ifndef TFTD_CLI_COMMANDS_H
#define TFTD_CLI_COMMANDS_H

#include "tft/error.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_CONFIG = 3,
    EXIT_DATA = 4,
    EXIT_ADDRESS = 5,
    EXIT_PEER = 6,
    EXIT_DATA_DIR = 7,
    EXIT_INTERRUPTED = 130
};

/* Of a command that works on files and models: wrong arguments 2, whatever is wrong with a file or a model 4, stopped 130. */
int command_exit_code(tft_status status);

typedef struct command {
    const char *name;
    const char *summary;               // one line for `tftd help`
    int (*run)(int argc, char **argv); // --help is the command's own (flags_parse does it)
} command;

int cmd_backup(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_check_config(int argc, char **argv);
int cmd_check_golden(int argc, char **argv);
int cmd_completion(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_evaluate(int argc, char **argv);
int cmd_forecast(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_models(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_validate(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_version(int argc, char **argv);

#endif
