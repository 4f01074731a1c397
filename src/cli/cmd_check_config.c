/* cmd_check_config.c - tftd check-config: would the daemon start with these settings, and which are they.
 *
 * Exit codes: 0 they are right, 2 usage, 3 they are not (one line: file, line, column, key, what it must be).
 */
#include <stdio.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings_show.h"

static const flag_page page = {
    "tftd check-config [--config FILE] [--json | --schema]",
    "Reads the settings as `tftd serve` would (the file, then TFTD_* variables) and prints those in force, each with "
    "where it\n"
    "came from; nothing is opened or written. Addresses, files and models are looked at by `tftd doctor`.",
    "  tftd check-config --config /etc/tftd/tftd.yaml\n"
    "  tftd check-config --json | jq '.items[] | select(.source != \"default\")'\n"
    "  tftd check-config --schema > tftd.schema.json      # for an editor\n"};

int cmd_check_config(int argc, char **argv)
{
    const char *config = NULL;
    bool json = false, schema = false, quiet = false;
    const flag flags[] = {{"--config", "FILE", "settings (YAML)", FLAG_TEXT, &config},
                          {"--json", NULL, "for machines: as GET /api/v1/config", FLAG_SWITCH, &json},
                          {"--schema", NULL, "the JSON Schema of the file instead", FLAG_SWITCH, &schema},
                          {"--quiet", NULL, "only say what is wrong", FLAG_SWITCH, &quiet},
                          {"-q", NULL, "the same", FLAG_SWITCH, &quiet},
                          {0}};
    const int code = flags_parse(argc, argv, &page, flags, NULL);
    if (code >= 0)
        return code;
    settings s;
    tft_error err = {0};
    tft_text out = tft_text_new((size_t)1 << 20);
    const tft_status status = settings_read(config, &s, &err);
    if (status != TFT_OK)
        fprintf(stderr, "tftd check-config: %s\n", err.text);
    else if (schema)
        settings_put_schema(&out);
    else if (json)
        settings_put_json(&s, &s, &out);
    else if (!quiet)
        settings_put_yaml(&s, &out);
    if (out.n > 0 && !out.failed)
        printf("%s%s", out.bytes, json || schema ? "\n" : "");
    tft_text_free(&out);
    settings_free(&s);
    return status == TFT_OK ? EXIT_DONE : EXIT_CONFIG;
}
