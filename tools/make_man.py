#!/usr/bin/env python3
"""Writes the man pages from the program itself: docs/man/tftd.1 and docs/man/tftd-COMMAND.1.

    tools/make_man.py build/release/tftd            writes what changed, and removes pages of commands that are gone
    tools/make_man.py --check build/release/tftd    writes nothing; exit 1 where a page is not up to date

A page holds what `tftd help COMMAND` says, option by option (`tftd COMMAND --list-flags`), so the two cannot tell different
stories. No dates and no versions in it: the same program gives the same bytes.
"""
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "man"
EXITS = [
    ("0", "done; clean stop by signal"),
    ("1", "failed while running, or problems found"),
    ("2", "wrong usage"),
    ("3", "configuration invalid or refused"),
    ("4", "data or model file invalid"),
    ("5", "address in use or not allowed"),
    ("6", "peer unreachable"),
    ("7", "data directory locked, unwritable or damaged"),
    ("130", "interrupted where work was left undone"),
]


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def roff(text):
    """Text as troff shows it: hyphens that can be copied, nothing that begins a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("’", "\\(cq")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def section(title, *lines):
    return [f".SH {title}", *lines]


def commands_of(program):
    return re.findall(r"^  ([a-z][a-z-]*) +(.+)$", run(program, "help"), flags=re.MULTILINE)


def title(name):
    return [".\\\" Written by tools/make_man.py from the program's own help: change it there.",
            f".TH {name.upper().replace('-', chr(92) + '-')} 1 \"\" tftd \"tftd manual\""]


def see_also(names):
    return section("SEE ALSO", *[f".BR {roff(n)} (1){',' if n != names[-1] else ''}" for n in names])


def command_page(program, name, summary):
    text = run(program, "help", name)
    usage = " ".join(text.removeprefix("Usage: ").split("\n\n", 1)[0].split())
    about = text.split("\n\n", 1)[1].split("\n\nOptions:\n")[0]
    examples = text.split("\nExamples:\n")[1] if "\nExamples:\n" in text else ""
    lines = title(f"tftd-{name}")
    lines += section("NAME", f"tftd\\-{roff(name)} \\- {roff(summary)}")
    lines += section("SYNOPSIS", ".B " + roff(usage))
    lines += section("DESCRIPTION", roff(about).replace("\n\n", "\n.PP\n"))
    lines += [".SH OPTIONS"]
    for option in run(program, name, "--list-flags").splitlines():
        flag, value, words = option.split("\t")
        shown = f"\\fB{roff(flag)}\\fR"
        if value.startswith("[="):
            shown += f"[=\\fI{roff(value[2:-1])}\\fR]"
        elif value:
            shown += f" \\fI{roff(value)}\\fR"
        lines += [".TP", shown, roff(words)]
    if examples:
        lines += section("EXAMPLES", ".nf", roff(examples.rstrip("\n")), ".fi")
    lines += ["", *see_also(["tftd"])]
    return "\n".join(line for line in lines if line) + "\n"


def program_page(commands):
    lines = title("tftd")
    lines += section("NAME", "tftd \\- forecasts of server metrics and incidents, by Temporal Fusion Transformers on a CPU")
    lines += section("SYNOPSIS", ".B tftd", ".I COMMAND", "[options]")
    lines += section("DESCRIPTION", "A daemon that takes server metrics, forecasts them 8 hours ahead as quantiles, and turns the forecasts into "
                     "calibrated incident probabilities, risk scores and alerts; and the tools around it.")
    lines += [".SH COMMANDS"]
    for name, summary in commands:
        lines += [".TP", f".BR tftd\\-{roff(name)} (1)", roff(summary)]
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXITS:
        lines += [".TP", f".B {code}", roff(meaning)]
    return "\n".join([*lines, *see_also([f"tftd-{name}" for name, _ in commands])]) + "\n"


def main():
    check = sys.argv[1:2] == ["--check"]
    if len(sys.argv) != (3 if check else 2):
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[-1]).resolve())
    commands = commands_of(program)
    pages = {f"tftd-{name}.1": command_page(program, name, summary) for name, summary in commands}
    pages["tftd.1"] = program_page(commands)
    stale = [name for name, page in pages.items() if not (FOLDER / name).is_file() or (FOLDER / name).read_text() != page]
    gone = [path.name for path in FOLDER.glob("*.1") if path.name not in pages]
    if check:
        for name in stale + gone:
            print(f"docs/man/{name} is not up to date: run tools/make_man.py {sys.argv[-1]}")
        return 1 if stale or gone else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(pages[name])
    for name in gone:
        (FOLDER / name).unlink()
    print(f"docs/man: {len(pages)} pages, {len(stale)} written, {len(gone)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
