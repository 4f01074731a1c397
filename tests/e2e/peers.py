"""Python programs from PyPI that tests hold the daemon against, in a virtual environment below build/, pinned."""
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def environment(name, requirements):
    """Path of the bin folder; exits with 77 (skipped) where the network is missing."""
    folder = os.path.join(ROOT, "build", "venv-" + name)
    done = os.path.join(folder, "installed")
    wanted = "\n".join(requirements)
    if os.path.exists(done) and open(done).read() == wanted:
        return os.path.join(folder, "bin")
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
        subprocess.run([os.path.join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", *requirements],
                       check=True, capture_output=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as why:
        print("skipped: %s cannot be installed: %s" % (", ".join(requirements), getattr(why, "stderr", b"") or why))
        sys.exit(77)
    with open(done, "w") as f:
        f.write(wanted)
    return os.path.join(folder, "bin")
