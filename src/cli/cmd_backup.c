/* cmd_backup.c - tftd backup and tftd restore: a consistent copy of the data directory's database, and back.
 *
 * Exit codes: 0 done, 1 the file is there already or cannot be written, 2 usage, 3 settings invalid, 4 the backup is damaged or
 * of a newer tftd, 7 the data directory has no database, or one already (restore).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "store/reader.h"

static const flag_page backup_page = {"tftd backup FILE [--data-dir DIR]",
                                      "Copies the history, also while the daemon runs: senders are not held up. The "
                                      "copy is checked and synced before it gets\n"
                                      "its name, and never replaces a file.",
                                      "  tftd backup /backup/tftd-$(date +%F).db --data-dir /var/lib/tftd\n"};

static const flag_page restore_page = {
    "tftd restore FILE --data-dir DIR",
    "Checks a backup and puts it into an empty or new data directory. The daemon must not be running there.",
    "  tftd restore /backup/tftd-2026-11-24.db --data-dir /var/lib/tftd\n"};

static void show_progress(void *context, double share)
{
    if (*(const bool *)context)
        fprintf(stderr, "\rtftd backup: %3.0f %%", 100 * share);
}

/* Reads flags: the file and the data directory. Returns −1 to go on. */
static int read_args(int argc, char **argv, const flag_page *page, const char **file, char *dir, size_t n_dir,
                     bool *quiet)
{
    const char *config = NULL, *data_dir = NULL;
    const flag flags[] = {
        {"--data-dir", "DIR", "the daemon's data directory (default: data.dir)", FLAG_TEXT, &data_dir},
        {"--config", "FILE", "settings (YAML)", FLAG_TEXT, &config},
        {"--quiet", NULL, "no messages", FLAG_SWITCH, quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, quiet},
        {0}};
    flag_list rest = {0};
    const int code = flags_parse(argc, argv, page, flags, &rest);
    if (code >= 0)
        return code;
    if (rest.n != 1) {
        fprintf(stderr, "tftd %s: say one FILE; `tftd help %s` shows how\n", argv[0], argv[0]);
        return EXIT_USAGE;
    }
    *file = rest.items[0];
    settings s;
    tft_error err = {0};
    const tft_status status = settings_read(config, &s, &err);
    if (status == TFT_OK)
        snprintf(dir, n_dir, "%s", data_dir != NULL ? data_dir : s.data.dir);
    settings_free(&s);
    if (status == TFT_OK)
        return -1;
    fprintf(stderr, "tftd %s: %s\n", argv[0], err.text);
    return EXIT_CONFIG;
}

int cmd_backup(int argc, char **argv)
{
    const char *file = NULL;
    char dir[4096];
    bool quiet = false;
    tft_error err = {0};
    const int code = read_args(argc, argv, &backup_page, &file, dir, sizeof dir, &quiet);
    if (code >= 0)
        return code;
    bool shows = !quiet && isatty(STDERR_FILENO) != 0;
    const tft_status status = store_backup(dir, file, show_progress, &shows, &err);
    if (shows)
        fprintf(stderr, "\n");
    if (status == TFT_OK) {
        if (!quiet)
            fprintf(stderr, "tftd backup: %s is checked and complete\n", file);
        return EXIT_DONE;
    }
    fprintf(stderr, "tftd backup: %s\n", err.text);
    return status == TFT_ERR_NOT_FOUND ? EXIT_DATA_DIR : status == TFT_ERR_FORMAT ? EXIT_DATA_DIR : EXIT_FAILED;
}

int cmd_restore(int argc, char **argv)
{
    const char *file = NULL;
    char dir[4096];
    bool quiet = false;
    tft_error err = {0};
    const int code = read_args(argc, argv, &restore_page, &file, dir, sizeof dir, &quiet);
    if (code >= 0)
        return code;
    const tft_status status = store_restore(file, dir, &err);
    if (status == TFT_OK) {
        if (!quiet)
            fprintf(stderr, "tftd restore: %s holds the history of %s\n", dir, file);
        return EXIT_DONE;
    }
    fprintf(stderr, "tftd restore: %s\n", err.text);
    return status == TFT_ERR_BUSY                                   ? EXIT_DATA_DIR
           : status == TFT_ERR_FORMAT || status == TFT_ERR_MISMATCH ? EXIT_DATA
                                                                    : EXIT_FAILED;
}
