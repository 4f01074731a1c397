#!/usr/bin/env python3
"""make_config_md.py TFTD [--check]: writes docs/CONFIGURATION.md's table of keys from the program's own; --check only compares."""
import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
PATH = os.path.join(ROOT, "docs/CONFIGURATION.md")
BEGIN, END = "<!-- keys: made by tools/make_config_md.py -->", "<!-- end of keys -->"


def shown(value):
    if value == "" or value == []:
        return "–"
    return "`%s`" % (value if isinstance(value, str) else json.dumps(value))


def table(program):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TFTD_")}
    keys = json.loads(subprocess.run([program, "check-config", "--json"], stdout=subprocess.PIPE, check=True, env=environment, cwd="/").stdout)["items"]
    lines = ["| key | default | what it is | ↻ |", "|---|---|---|---|"]
    for k in keys:
        lines.append("| %s | %s | %s | %s |" % (k["key"], shown(k["default"]), k["help"].replace("|", "\\|"), "↻" if k["reloads"] else ""))
    return "\n".join(lines) + "\n"


with open(PATH) as file:
    text = file.read()
head, rest = text.split(BEGIN)
made = head + BEGIN + "\n" + table(os.path.abspath(sys.argv[1])) + END + rest.split(END)[1]
if "--check" in sys.argv:
    sys.exit(0 if made == text else "docs/CONFIGURATION.md is not what the program says: run tools/make_config_md.py")
with open(PATH, "w") as file:
    file.write(made)
