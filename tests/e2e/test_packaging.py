"""The service's sandbox and the program's hardening, looked at from outside: systemd-analyze and readelf."""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

from serving import TFTD, is_sanitized

UNIT = pathlib.Path(__file__).parents[2] / "packaging/systemd/tftd.service"
MOST_EXPOSURE = 1.5


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, (command, done.stdout[-1500:], done.stderr[-1500:])
    return done.stdout


def the_sandbox_is_tight():
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    exposure = float(re.search(r"Overall exposure level for .*: ([0-9.]+)", said).group(1))
    assert exposure <= MOST_EXPOSURE, said
    print("exposure", exposure)


def the_program_is_hardened():
    head, program, dynamic, symbols = (run("readelf", "-W", flag, TFTD) for flag in ("-h", "-l", "-d", "-s"))
    assert re.search(r"Type:\s+DYN", head), "not position independent"
    assert "GNU_RELRO" in program and re.search(r"FLAGS.*(BIND_NOW|NOW)", dynamic), "no full RELRO"
    assert re.search(r"GNU_STACK\s.*\sRW\s", program), "the stack is executable"
    assert not re.search(r"LOAD\s.*\sRWE\s", program), "memory both writable and executable"
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    if platform.machine() == "x86_64":  # CET: the mark of places that may be jumped to stands before functions
        assert pathlib.Path(TFTD).read_bytes().count(b"\xf3\x0f\x1e\xfa") > 1000, "no landing marks"
    assert "__stack_chk_fail" in symbols, "no stack protector"
    assert re.search(r"__(memcpy|snprintf|vsnprintf|fprintf|printf)_chk", symbols), "nothing fortified"


tried = 0
if shutil.which("systemd-analyze"):
    the_sandbox_is_tight()
    tried += 1
else:
    print("no systemd-analyze here: the sandbox is not looked at")
if shutil.which("readelf") and not is_sanitized():
    the_program_is_hardened()
    tried += 1
sys.exit(0 if tried else 77)
