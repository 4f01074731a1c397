#!/usr/bin/env python3
"""Counts the instructions of one window, one forecast and one training step, and compares with bench/instructions.json.

    tools/instructions.py PROGRAM             prints the change; exit 1 where one grew by more than 5 %
    tools/instructions.py PROGRAM --accept    writes the counts of now into bench/instructions.json

PROGRAM is build/release/bench/instructions. Counting (valgrind --tool=callgrind) does not depend on what else the machine does,
so it can stand in continuous integration, where times cannot. It does depend on the compiler: with another one than the stored
counts were made with, the comparison is skipped (exit 77). "Instructions" are those of the AVX2 kernels, per window.
"""
import json
import os
import re
import shutil
import subprocess
import sys

STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench", "instructions.json")
WINDOWS = {"window": 8, "forecast": 8, "training": 4}  # as in bench/instructions.c
ALLOWED = 0.05


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def compiler():
    """The compiler that made the program, from the cache of the build that it stands in, and its version."""
    cache = os.path.join(os.path.dirname(os.path.abspath(sys.argv[1])), "..", "CMakeCache.txt")
    command = "cc"
    if os.path.exists(cache):
        with open(cache, encoding="utf-8") as lines:
            found = re.search(r"^CMAKE_C_COMPILER:[A-Z]+=(.+)$", lines.read(), re.M)
            command = found.group(1) if found else command
    name = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return re.sub(r"^\S+ ", "", name)


def count(program, what):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          f"--toggle-collect=counted_{what}", program, what], capture_output=True, text=True, check=False)
    if run.returncode == 77:
        skip(run.stderr.strip().splitlines()[-1])
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or found is None or int(found.group(1)) == 0:
        sys.exit(f"{program} {what}: nothing counted\n{run.stderr}")
    return int(found.group(1)) // WINDOWS[what]


def main():
    if len(sys.argv) < 2 or len(sys.argv) > 3 or sys.argv[2:] not in ([], ["--accept"]):
        sys.exit(__doc__)
    if shutil.which("valgrind") is None:
        skip("valgrind is not installed")
    now = {"compiler": compiler(), "kernels": "avx2",
           "per_window": {what: count(sys.argv[1], what) for what in WINDOWS}}
    if sys.argv[2:] == ["--accept"]:
        with open(STORED, "w", encoding="utf-8") as out:
            json.dump(now, out, indent=2)
            out.write("\n")
        print(f"accepted: {now['per_window']}")
        return
    with open(STORED, encoding="utf-8") as stored:
        before = json.load(stored)
    grown = False
    for what, n in now["per_window"].items():
        old = before["per_window"].get(what, n)
        change = n / old - 1.0
        grown = grown or change > ALLOWED
        print(f"{what:10s} {n:12,d} instructions a window, stored {old:12,d}: {change:+.2%}")
    if before["compiler"] != now["compiler"]:
        skip(f"the stored counts are of {before['compiler']}, this is {now['compiler']}")
    if grown:
        sys.exit(f"more than {ALLOWED:.0%} more; where that is meant: make accept-instructions, and say why in the commit")


main()
