/* cmd_keys.c - tftd keys: makes, lists and revokes API keys. A running daemon notices within a second.
 *
 * Exit codes: 0 done, 1 no such key or the name is taken, 2 usage, 3 settings invalid, 4 the key file is damaged.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "server/keys.h"

static const flag_page page = {
    "tftd keys add --name NAME [--role read|write|admin] | list | revoke NAME",
    "API keys of the daemon: who may read (GET), write (send records, acknowledge, silence) or administer (models,\n"
    "deletion, reload). A new key is printed once, on stdout; the file keeps only its SHA-256. A running daemon takes\n"
    "changes within a second. With a key in the file the daemon asks for one (auth.enabled: auto).",
    "  tftd keys add --name telegraf-rack-4 --role write\n"
    "  tftd keys list --json\n"
    "  tftd keys revoke telegraf-rack-4\n"};

typedef struct keys_args {
    const char *name, *role, *config, *data_dir, *keys_file;
    bool json, quiet;
} keys_args;

/* --keys-file, else the settings' auth.keys_file, else DATA_DIR/api-keys. */
static tft_status find_file(const keys_args *args, char path[PATH_MAX], tft_error *err)
{
    settings s;
    if (args->keys_file != NULL) {
        snprintf(path, PATH_MAX, "%s", args->keys_file);
        return TFT_OK;
    }
    const tft_status status = settings_read(args->config, &s, err);
    if (status == TFT_OK) {
        if (args->data_dir != NULL)
            s.data.dir = args->data_dir;
        if (s.auth.keys_file[0] != '\0')
            snprintf(path, PATH_MAX, "%s", s.auth.keys_file);
        else
            snprintf(path, PATH_MAX, "%s/api-keys", s.data.dir);
    }
    settings_free(&s);
    return status;
}

static int fail(const tft_error *err, tft_status status)
{
    fprintf(stderr, "tftd keys: %s\n", err->text);
    return status == TFT_ERR_FORMAT || status == TFT_ERR_LIMIT ? EXIT_DATA : EXIT_FAILED;
}

static int add(const keys_args *args, const char *path)
{
    http_role role = ROLE_READ;
    char text[KEY_TEXT_SIZE], folder[PATH_MAX];
    tft_error err = {0};
    if (args->name == NULL || (args->role != NULL && !key_role_find(args->role, &role))) {
        fprintf(stderr, "tftd keys add: %s\n",
                args->name == NULL ? "--name is missing" : "--role is read, write or admin");
        return EXIT_USAGE;
    }
    snprintf(folder, sizeof folder, "%s", path);
    char *const slash = strrchr(folder, '/');
    tft_status status = TFT_OK;
    if (slash != NULL && slash != folder) {
        *slash = '\0';
        status = tft_make_folders(folder, 0700, &err);
    }
    if (status == TFT_OK)
        status = keys_add(path, args->name, role, text, &err);
    if (status != TFT_OK)
        return fail(&err, status);
    if (!args->quiet)
        fprintf(stderr, "Key %s (%s) added to %s. It is shown this once:\n", args->name, key_role_name(role), path);
    printf("%s\n", text);
    return EXIT_DONE;
}

static void print_json(const key_set *set)
{
    printf("[");
    for (size_t i = 0; i < set->n; i++)
        printf("%s{\"name\": \"%s\", \"role\": \"%s\", \"created\": \"%s\"}", i > 0 ? ", " : "", set->keys[i].name,
               key_role_name(set->keys[i].role), set->keys[i].created);
    printf("]\n");
}

static int list(const keys_args *args, const char *path)
{
    key_set set;
    tft_error err = {0};
    const tft_status status = keys_load(path, &set, &err);
    if (status != TFT_OK)
        return fail(&err, status);
    if (args->json) {
        print_json(&set);
    } else {
        for (size_t i = 0; i < set.n; i++)
            printf("%-24s %-6s %s\n", set.keys[i].name, key_role_name(set.keys[i].role), set.keys[i].created);
        if (set.n == 0 && !args->quiet)
            fprintf(stderr, "%s holds no key: `tftd keys add --name NAME --role write` makes one\n", path);
    }
    keys_free(&set);
    return EXIT_DONE;
}

static int revoke(const keys_args *args, const char *name, const char *path)
{
    tft_error err = {0};
    const tft_status status = keys_revoke(path, name, &err);
    if (status != TFT_OK)
        return fail(&err, status);
    if (!args->quiet)
        fprintf(stderr, "Key %s revoked\n", name);
    return EXIT_DONE;
}

int cmd_keys(int argc, char **argv)
{
    keys_args args = {0};
    const flag flags[] = {
        {"--name", "NAME", "of the new key: letters, digits, . _ -", FLAG_TEXT, &args.name},
        {"--role", "ROLE", "read, write or admin (default read)", FLAG_TEXT, &args.role},
        {"--keys-file", "FILE", "the key file (default: auth.keys_file, or DATA_DIR/api-keys)", FLAG_TEXT,
         &args.keys_file},
        {"--data-dir", "DIR", "the daemon's data directory (default: data.dir)", FLAG_TEXT, &args.data_dir},
        {"--config", "FILE", "settings (YAML)", FLAG_TEXT, &args.config},
        {"--json", NULL, "list: for machines", FLAG_SWITCH, &args.json},
        {"--quiet", NULL, "no messages", FLAG_SWITCH, &args.quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, &args.quiet},
        {0}};
    flag_list rest = {0};
    char path[PATH_MAX];
    tft_error err = {0};
    const int code = flags_parse(argc, argv, &page, flags, &rest);
    if (code >= 0)
        return code;
    const char *const what = rest.n > 0 ? rest.items[0] : "";
    const size_t wanted = strcmp(what, "revoke") == 0 ? 2 : 1;
    if (rest.n != wanted || (strcmp(what, "add") != 0 && strcmp(what, "list") != 0 && wanted == 1)) {
        fprintf(stderr, "tftd keys: say add, list or revoke NAME; `tftd help keys` shows how\n");
        return EXIT_USAGE;
    }
    if (find_file(&args, path, &err) != TFT_OK) {
        fprintf(stderr, "tftd keys: %s\n", err.text);
        return EXIT_CONFIG;
    }
    return what[0] == 'a' ? add(&args, path) : what[0] == 'l' ? list(&args, path) : revoke(&args, rest.items[1], path);
}
