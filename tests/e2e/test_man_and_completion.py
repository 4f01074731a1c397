"""The man pages say what the program says, render without complaint, and shells complete from the program itself."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TFTD = os.environ["TFTD"]
ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **more)


COMMANDS = re.findall(r"^  ([a-z][a-z-]*) ", run(TFTD, "help").stdout, flags=re.MULTILINE)


class Man(unittest.TestCase):
    def test_pages_are_up_to_date(self):
        done = run(sys.executable, ROOT / "tools/make_man.py", "--check", TFTD)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_command_lists_its_options_for_programs(self):
        for command in COMMANDS:
            done = run(TFTD, command, "--list-flags")
            self.assertEqual(done.returncode, 0, command)
            for line in done.stdout.splitlines():
                self.assertRegex(line, r"^--?[a-zA-Z][a-z0-9-]*\t[^\t]*\t[^\t]+$")
            self.assertIn("--help\t\t", done.stdout)

    @unittest.skipUnless(shutil.which("groff"), "no groff")
    def test_pages_render_without_a_warning(self):
        pages = sorted((ROOT / "docs/man").glob("*.1"))
        self.assertEqual(len(pages), len(COMMANDS) + 1)
        for page in pages:
            done = run("groff", "-man", "-ww", "-Kutf8", "-Tutf8", page)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)
            self.assertIn("NAME", re.sub(".\x08", "", done.stdout))  # bold is overstrike


class Bash(unittest.TestCase):
    def complete(self, *words, folder=None):
        with tempfile.TemporaryDirectory() as bin_folder:
            (pathlib.Path(bin_folder) / "tftd").symlink_to(pathlib.Path(TFTD).resolve())
            script = 'source <(tftd completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tftd; printf "%s\\n" "${COMPREPLY[@]}"'
            path = f"{bin_folder}:{os.environ['PATH']}"
            done = run("bash", "-c", script, "bash", *words, env={**os.environ, "PATH": path}, cwd=folder)
        self.assertEqual(done.stderr, "")
        return [line for line in done.stdout.splitlines() if line]

    def test_commands(self):
        self.assertEqual(sorted(self.complete("tftd", "")), sorted([*COMMANDS, "help"]))
        self.assertEqual(self.complete("tftd", "gen"), ["generate"])
        self.assertEqual(self.complete("tftd", "help", "gener"), ["generate"])

    def test_options(self):
        self.assertEqual(self.complete("tftd", "generate", "--sce"), ["--scenario"])
        self.assertIn("--help", self.complete("tftd", "generate", "--"))
        self.assertEqual(self.complete("tftd", "nonsense", "--"), [])

    def test_values(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "a.csv").touch()
            (pathlib.Path(folder) / "dir").mkdir()
            self.assertEqual(sorted(self.complete("tftd", "generate", "-o", "", folder=folder)), ["a.csv", "dir"])
            self.assertEqual(self.complete("tftd", "serve", "--data-dir", "", folder=folder), ["dir"])
            self.assertEqual(self.complete("tftd", "generate", "--seed", "", folder=folder), [])
            self.assertEqual(self.complete("tftd", "generate", "-q", "a", folder=folder), ["a.csv"])


class Scripts(unittest.TestCase):
    def test_every_shell_has_one_and_other_words_are_refused(self):
        for shell in ("bash", "zsh", "fish"):
            done = run(TFTD, "completion", shell)
            self.assertEqual(done.returncode, 0)
            self.assertIn("--list-flags", done.stdout)
            if shutil.which(shell):
                self.assertEqual(run(shell, "-n", "/dev/stdin", input=done.stdout).stderr, "")
        for words in ([], ["tcsh"], ["bash", "zsh"]):
            self.assertEqual(run(TFTD, "completion", *words).returncode, 2)


if __name__ == "__main__":
    unittest.main()
