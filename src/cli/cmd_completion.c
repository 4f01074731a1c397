/* cmd_completion.c - tftd completion bash|zsh|fish: a script that the shell evaluates.
 *
 * The script holds no list of its own: when a key is pressed it asks the program, `tftd help` for the commands and
 * `tftd COMMAND --list-flags` for the options (flags.h). So it is never out of date, and an option's help is shown where
 * the shell can. Values: names of files after an option that takes FILE, folders after DIR; otherwise files.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/flags.h"

static const char bash[] =
    "# bash completion of tftd; in ~/.bashrc:  source <(tftd completion bash)\n"
    "_tftd() {\n"
    "    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local command=${COMP_WORDS[1]} value\n"
    "    COMPREPLY=()\n"
    "    if [[ $COMP_CWORD -eq 1 || ( $COMP_CWORD -eq 2 && $command == help ) ]]; then\n"
    "        COMPREPLY=($(compgen -W \"help $(\"$program\" help 2>/dev/null | sed -n 's/^  \\([a-z][a-z-]*\\) "
    ".*/\\1/p')\" -- \"$current\"))\n"
    "        return\n"
    "    fi\n"
    "    if [[ $current == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$(\"$program\" \"$command\" --list-flags 2>/dev/null | cut -f1)\" -- "
    "\"$current\"))\n"
    "        return\n"
    "    fi\n"
    "    if [[ $previous == -* ]]; then\n"
    "        value=$(\"$program\" \"$command\" --list-flags 2>/dev/null | awk -F '\\t' -v name=\"$previous\" '$1 == "
    "name {print $2}')\n"
    "        case $value in\n"
    "        *DIR*) COMPREPLY=($(compgen -d -- \"$current\")); return ;;\n"
    "        *FILE* | '' | '['*) ;;\n"
    "        *) return ;;\n"
    "        esac\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
    "}\n"
    "complete -o filenames -F _tftd tftd\n";

static const char zsh[] = "#compdef tftd\n"
                          "# zsh completion of tftd; in ~/.zshrc, after compinit:  source <(tftd completion zsh)\n"
                          "_tftd() {\n"
                          "    local program=${words[1]} command=${words[2]} name value text\n"
                          "    local -a choices\n"
                          "    if (( CURRENT == 2 )) || [[ CURRENT -eq 3 && $command == help ]]; then\n"
                          "        choices=('help:show a command'\\''s options')\n"
                          "        \"$program\" help 2>/dev/null | sed -n 's/^  \\([a-z][a-z-]*\\)  "
                          "*\\(.*\\)/\\1\t\\2/p' | while IFS=$'\\t' read -r name text; do\n"
                          "            choices+=(\"$name:$text\")\n"
                          "        done\n"
                          "        _describe command choices\n"
                          "        return\n"
                          "    fi\n"
                          "    if [[ ${words[CURRENT]} == -* ]]; then\n"
                          "        \"$program\" \"$command\" --list-flags 2>/dev/null | while IFS= read -r text; do\n"
                          "            choices+=(\"${text%%$'\\t'*}:${text##*$'\\t'}\")\n"
                          "        done\n"
                          "        _describe option choices\n"
                          "        return\n"
                          "    fi\n"
                          "    if [[ ${words[CURRENT-1]} == -* ]]; then\n"
                          "        value=$(\"$program\" \"$command\" --list-flags 2>/dev/null | awk -F '\\t' -v "
                          "name=\"${words[CURRENT-1]}\" '$1 == name {print $2}')\n"
                          "        case $value in\n"
                          "        *DIR*) _files -/; return ;;\n"
                          "        *FILE* | '' | '['*) ;;\n"
                          "        *) _message \"$value\"; return ;;\n"
                          "        esac\n"
                          "    fi\n"
                          "    _files\n"
                          "}\n"
                          "compdef _tftd tftd\n";

static const char fish[] =
    "# fish completion of tftd:  tftd completion fish > ~/.config/fish/completions/tftd.fish\n"
    "function __tftd_commands\n"
    "    tftd help 2>/dev/null | string match -rg '^  ([a-z][a-z-]*) +(.*)' | paste - -\n"
    "end\n"
    "function __tftd_options\n"
    "    set -l words (commandline -opc)\n"
    "    tftd $words[2] --list-flags 2>/dev/null | awk -F '\\t' '{print $1 \"\\t\" $3}'\n"
    "end\n"
    "function __tftd_first\n"
    "    set -l words (commandline -opc)\n"
    "    test (count $words) -eq 1; or test (count $words) -eq 2 -a \"$words[2]\" = help\n"
    "end\n"
    "complete -c tftd -f -n __tftd_first -a '(__tftd_commands)'\n"
    "complete -c tftd -n 'not __tftd_first; and string match -q -- \"-*\" (commandline -ct)' -a '(__tftd_options)'\n";

int cmd_completion(int argc, char **argv)
{
    static const struct {
        const char *shell, *script;
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    const flag flags[] = {{0}};
    const flag_page page = {"tftd completion bash|zsh|fish",
                            "Prints a script that completes commands and options in your shell.",
                            "  source <(tftd completion bash)\n"
                            "  tftd completion fish > ~/.config/fish/completions/tftd.fish\n"};
    flag_list rest = {0};
    const int code = flags_parse(argc, argv, &page, flags, &rest);
    if (code >= 0)
        return code;
    for (size_t i = 0; rest.n == 1 && i < sizeof shells / sizeof shells[0]; i++) {
        if (strcmp(rest.items[0], shells[i].shell) == 0) {
            fputs(shells[i].script, stdout);
            return EXIT_DONE;
        }
    }
    fprintf(stderr, "tftd completion: name one shell: bash, zsh or fish\n");
    return EXIT_USAGE;
}
