"""The Debian package: built, unpacked into an empty root, and what is in it works: program, model, units, scripts."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import serving

BUILD = pathlib.Path(serving.TFTD).parent
if os.environ.get("TFTD_SANITIZE") or not all(map(shutil.which, ("cpack", "dpkg-deb", "dpkg-shlibdeps"))):
    print("skipped: no cpack, dpkg-deb or dpkg-shlibdeps, or a sanitizer's build")
    sys.exit(77)


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **more)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder) / "root"
    run("cpack", "-G", "DEB", "-B", folder, "--config", BUILD / "CPackConfig.cmake", cwd=folder)
    package, = pathlib.Path(folder).glob("tftd_*.deb")
    fields = run("dpkg-deb", "--field", package)
    version = run(serving.TFTD, "version").split()[1]
    assert re.search(r"^Version: %s$" % re.escape(version), fields, re.M) and re.search(r"^Architecture: \w+$", fields, re.M), fields
    depends = re.search(r"^Depends: (.*)$", fields, re.M).group(1)
    for library in "libmicrohttpd", "libsqlite3", "libjson-c", "libyaml", "libgnutls", "libcurl", "libc6":
        assert library in depends, depends
    owners = {line.split()[1] for line in run("dpkg-deb", "--contents", package).splitlines()}
    assert owners == {"root/root"}, owners
    run("dpkg-deb", "--extract", package, root)
    run("dpkg-deb", "--control", package, root / "DEBIAN")
    for script in "postinst", "prerm", "postrm":
        file = root / "DEBIAN" / script
        assert os.access(file, os.X_OK), script
        run("sh", "-n", file)
    for file in ("usr/bin/tftd", "usr/lib/systemd/system/tftd.service", "usr/lib/systemd/system/tftd.socket", "usr/lib/sysusers.d/tftd.conf",
                 "usr/lib/tmpfiles.d/tftd.conf", "usr/share/tftd/prometheus/tftd.rules.yml", "usr/share/tftd/grafana/tftd.json",
                 "usr/share/man/man1/tftd-serve.1", "usr/share/bash-completion/completions/tftd", "usr/include/tft/model.h"):
        assert list(root.glob(file + "*")), file
    assert "ExecStart=/usr/bin/tftd serve" in (root / "usr/lib/systemd/system/tftd.service").read_text()
    assert " /usr/share/tftd/models\n" in (root / "usr/lib/tmpfiles.d/tftd.conf").read_text()
    strange = [str(p) for p in root.rglob("*") if p.is_file() and not str(p.relative_to(root)).startswith(("usr/", "DEBIAN/"))]
    assert not strange, strange
    assert str(BUILD.parents[1]).encode() not in (root / "usr/lib/systemd/system/tftd.service").read_bytes()

    # the program out of the package, with the model out of the package
    serving.TFTD = str(root / "usr/bin/tftd")
    with serving.Daemon("--models-dir", str(root / "usr/share/tftd/models"), model=True) as d:
        assert "[SUCCESS] TFT model loaded!" in d.log(), d.log()
        assert d.get("/health")[0] == 200
    print("%s: %d KiB" % (package.name, package.stat().st_size // 1024))
