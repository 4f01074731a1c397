"""make install: what is installed is complete. A C and a C++ program build against it by pkg-config, and run."""
import os
import pathlib
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["TFTD"]).parent
PROGRAM = """
#include <stdio.h>
#include <tft/config.h>
#include <tft/contract.h>
#include <tft/dataset.h>
#include <tft/forecaster.h>
#include <tft/model.h>
#include <tft/series.h>
#include <tft/train.h>
#include <tft/window.h>
int main(void)
{
    tft_contract contract = tft_contract_default();
    tft_error err = {};
    if (tft_contract_check(&contract, &err) != TFT_OK)
        return 1;
    printf("%s %zu\\n", contract.metrics[0].name, contract.horizon);
    return 0;
}
"""


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def main():
    if os.environ.get("TFTD_SANITIZE"):
        print("skipped: a plain program cannot load a libtft built with a sanitizer")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        run("cmake", "--install", BUILD, "--prefix", root / "usr")
        assert "tftd " in run(root / "usr/bin/tftd", "version")
        libdir = next(root.glob("usr/lib*/**/pkgconfig")).parent
        assert list((root / "usr/share/man/man1").glob("tftd*.1")), "no man pages"
        environment = {**os.environ, "PKG_CONFIG_PATH": str(libdir / "pkgconfig"), "LD_LIBRARY_PATH": str(libdir)}
        for compiler, name in (("cc", "p.c"), ("c++", "p.cc")):
            (root / name).write_text(PROGRAM if name == "p.cc" else PROGRAM.replace("= {}", "= {0}"))
            for kind in ("shared", "static"):
                static = kind == "static"
                flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []), "tft", env=environment).split()
                flags = [str(libdir / "libtft.a") if static and f == "-ltft" else f for f in flags]
                binary = root / f"{name}.{kind}"
                run(compiler, "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-o", binary, root / name, *flags, env=environment)
                out = run(binary, env=environment)
                assert out == "cpu_pct 96\n", out
                print(f"{compiler}, {kind}: {out.strip()}")
    print("install: complete")


if __name__ == "__main__":
    sys.exit(main())
