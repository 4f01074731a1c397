/* cmd_models.c - tftd models: what the models directory holds, whether each can serve, and which one does.
 *
 * Works on the directories: DATA_DIR/served-model says which model was chosen (server/model_pin.h). A running daemon that watches its
 * models follows within five seconds, and puts back what holds where the model does not fit its records; its log says which.
 *
 * Exit codes: 0 done, 1 no such model or nothing to roll back to, 2 usage, 3 settings invalid, 4 the model is damaged, 7 the data
 * directory cannot be written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "server/model_entry.h"
#include "server/model_pin.h"
#include "train/model_dir.h"

static const flag_page page = {
    "tftd models list | show NAME | verify NAME | promote NAME|latest | rollback",
    "Models of the models directory: list, show, or verify them (all files are read and checked), choose the one that\n"
    "serves, or go back to the one before. The choice stays over restarts; `promote latest` follows the newest again.\n"
    "A running daemon follows within five seconds.",
    "  tftd models list\n"
    "  tftd models verify tft_model_20251101_090000 --json\n"
    "  tftd models promote tft_model_20251101_090000 --data-dir /var/lib/tftd --models-dir /var/lib/tftd/models\n"
    "  tftd models rollback\n"};

typedef struct models_args {
    const char *config, *data_dir, *models_dir;
    bool json, quiet;
} models_args;

typedef struct models_state {
    model_names names;
    model_entry entries[MODEL_MOST]; // of names
    model_pin pin;
    const char *data_dir, *models_dir;
} models_state;

/* The one that serves, or would: the chosen one if it can, else the newest that can; "" = none. */
static const char *served(const models_state *m)
{
    const char *newest = "";
    for (size_t i = m->names.n; i-- > 0;) {
        if (m->entries[i].valid && strcmp(m->entries[i].name, m->pin.pinned) == 0)
            return m->entries[i].name;
        newest = m->entries[i].valid ? m->entries[i].name : newest;
    }
    return newest;
}

static const char *role_of(const models_state *m, const model_entry *e)
{
    return strcmp(e->name, served(m)) == 0       ? "served"
           : !e->valid                           ? "invalid"
           : strcmp(e->name, m->pin.before) == 0 ? "previous"
                                                 : "available";
}

static tft_status read_models(const char *data_dir, const char *models_dir, models_state *m, tft_error *err)
{
    m->data_dir = data_dir;
    m->models_dir = models_dir;
    model_names_list(models_dir, &m->names);
    for (size_t i = 0; i < m->names.n; i++)
        model_entry_read(models_dir, m->names.names[i], &m->entries[i]);
    return model_pin_read(data_dir, &m->pin, err);
}

static const model_entry *find(const models_state *m, const char *name)
{
    for (size_t i = 0; i < m->names.n; i++) {
        if (strcmp(m->entries[i].name, name) == 0)
            return &m->entries[i];
    }
    fprintf(stderr, "tftd models: %s holds no model %.60s; `tftd models list` shows those there are\n", m->models_dir,
            name);
    return NULL;
}

static void put(const models_state *m, const model_entry *e, tft_text *out)
{
    model_entry_json(e, role_of(m, e), strcmp(e->name, m->pin.pinned) == 0, out);
}

static int print_json(tft_text *text)
{
    const bool ok = !text->failed && fwrite(text->bytes, 1, text->n, stdout) == text->n && putchar('\n') != EOF;
    tft_text_free(text);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static int list(const models_args *args, const models_state *m)
{
    if (args->json) {
        tft_text text = tft_text_new((size_t)1 << 20);
        tft_text_puts(&text, "[");
        for (size_t i = 0; i < m->names.n; i++) {
            tft_text_puts(&text, i > 0 ? ",\n " : "");
            put(m, &m->entries[i], &text);
        }
        tft_text_puts(&text, "]");
        return print_json(&text);
    }
    for (size_t i = 0; i < m->names.n; i++) {
        const model_entry *const e = &m->entries[i];
        printf("%-26s %-9s %s%s%s\n", e->name, role_of(m, e), e->valid ? e->contract : e->fault, e->valid ? "  " : "",
               strcmp(e->name, m->pin.pinned) == 0 ? "pinned" : "");
    }
    if (m->names.n == 0 && !args->quiet)
        fprintf(stderr, "%s holds no model: `tftd train --out %s/… FILE` makes one\n", m->models_dir, m->models_dir);
    return EXIT_DONE;
}

static int show(const models_args *args, const models_state *m, const char *name, bool verify)
{
    const model_entry *const e = find(m, name);
    if (e == NULL)
        return EXIT_FAILED;
    const int code = verify && !e->valid ? EXIT_DATA : EXIT_DONE;
    if (args->json) {
        tft_text text = tft_text_new((size_t)1 << 16);
        put(m, e, &text);
        const int printed = print_json(&text);
        return printed == EXIT_DONE ? code : printed;
    }
    printf("%s: %s\n", e->name, e->valid ? "complete and valid" : e->fault);
    if (e->valid && !verify)
        printf("role        %s\ncontract    %s\nmetrics     %s\nparameters  %zu\nsha256      %s\n", role_of(m, e),
               e->contract, e->metrics, e->parameters, e->sha256);
    return code;
}

/* Writes the pin: `name` ("" = the newest) serves from here on. */
static int choose(const models_args *args, const models_state *m, const char *name)
{
    model_pin pin;
    tft_error err = {0};
    const char *const now = served(m);
    snprintf(pin.pinned, sizeof pin.pinned, "%s", name);
    snprintf(pin.before, sizeof pin.before, "%s", strcmp(now, name) != 0 ? now : m->pin.before);
    tft_status status = tft_make_folders(m->data_dir, 0700, &err);
    if (status == TFT_OK)
        status = model_pin_write(m->data_dir, &pin, &err);
    if (status != TFT_OK) {
        fprintf(stderr, "tftd models: %s\n", err.text);
        return EXIT_DATA_DIR;
    }
    if (!args->quiet)
        fprintf(stderr, "%s serves; a running daemon follows within five seconds, and its log says so\n",
                name[0] != '\0' ? name : "The newest model");
    return EXIT_DONE;
}

static int promote(const models_args *args, const models_state *m, const char *name)
{
    if (strcmp(name, "latest") == 0)
        return choose(args, m, "");
    const model_entry *const e = find(m, name);
    if (e == NULL)
        return EXIT_FAILED;
    if (!e->valid) {
        fprintf(stderr, "tftd models: %s cannot serve: %s\n", e->name, e->fault);
        return EXIT_DATA;
    }
    return choose(args, m, e->name);
}

static int rollback(const models_args *args, const models_state *m)
{
    if (m->pin.before[0] == '\0') {
        fprintf(stderr, "tftd models: no other model has served before\n");
        return EXIT_FAILED;
    }
    return promote(args, m, m->pin.before);
}

static int run(const models_args *args, const models_state *m, const flag_list *rest)
{
    const char *const what = rest->items[0];
    switch (what[0]) {
    case 'l':
        return list(args, m);
    case 's':
        return show(args, m, rest->items[1], false);
    case 'v':
        return show(args, m, rest->items[1], true);
    case 'p':
        return promote(args, m, rest->items[1]);
    default:
        return rollback(args, m);
    }
}

static bool understood(const flag_list *rest)
{
    static const struct {
        const char *word;
        size_t n;
    } verbs[] = {{"list", 1}, {"show", 2}, {"verify", 2}, {"promote", 2}, {"rollback", 1}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (rest->n == verbs[i].n && strcmp(rest->items[0], verbs[i].word) == 0)
            return true;
    }
    return false;
}

int cmd_models(int argc, char **argv)
{
    models_args args = {0};
    const flag flags[] = {
        {"--models-dir", "DIR", "the models directory (default: model.dir)", FLAG_TEXT, &args.models_dir},
        {"--data-dir", "DIR", "the daemon's data directory (default: data.dir)", FLAG_TEXT, &args.data_dir},
        {"--config", "FILE", "settings (YAML)", FLAG_TEXT, &args.config},
        {"--json", NULL, "for machines", FLAG_SWITCH, &args.json},
        {"--quiet", NULL, "no messages", FLAG_SWITCH, &args.quiet},
        {"-q", NULL, "the same", FLAG_SWITCH, &args.quiet},
        {0}};
    flag_list rest = {0};
    settings s;
    tft_error err = {0};
    int code = flags_parse(argc, argv, &page, flags, &rest);
    if (code >= 0)
        return code;
    if (!understood(&rest)) {
        fprintf(stderr, "tftd models: say list, show NAME, verify NAME, promote NAME or rollback; `tftd help models` "
                        "shows how\n");
        return EXIT_USAGE;
    }
    if (settings_read(args.config, &s, &err) != TFT_OK) {
        fprintf(stderr, "tftd models: %s\n", err.text);
        settings_free(&s);
        return EXIT_CONFIG;
    }
    models_state *const m = calloc(1, sizeof *m);
    if (m == NULL) {
        fprintf(stderr, "tftd models: no memory\n");
        code = EXIT_FAILED;
    } else {
        const char *const data_dir = args.data_dir != NULL ? args.data_dir : s.data.dir;
        const char *const models_dir = args.models_dir != NULL ? args.models_dir : s.model.dir;
        const bool readable = read_models(data_dir, models_dir, m, &err) == TFT_OK;
        if (!readable)
            fprintf(stderr, "tftd models: which model was chosen cannot be read: %s\n", err.text);
        code = readable ? run(&args, m, &rest) : EXIT_DATA_DIR;
    }
    free(m);
    settings_free(&s);
    return code;
}
