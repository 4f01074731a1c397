/* exit_code.c - how a command that works on files and models ends, by the status of its work. */
#include "cli/commands.h"

int command_exit_code(tft_status status)
{
    switch (status) {
    case TFT_OK:
        return EXIT_DONE;
    case TFT_ERR_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case TFT_ERR_ARGUMENT:
        return EXIT_USAGE;
    case TFT_ERR_FORMAT:
    case TFT_ERR_NOT_FOUND:
    case TFT_ERR_MISMATCH:
    case TFT_ERR_LIMIT:
    case TFT_ERR_STATE:
        return EXIT_DATA;
    default:
        return EXIT_FAILED;
    }
}
