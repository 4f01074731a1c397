#!/usr/bin/env python3
"""A short serve session under valgrind: no invalid access, nothing lost."""
import json
import os
import shutil
import sys
import tempfile
import time

if shutil.which("valgrind") is None:
    print("valgrind is not installed")
    sys.exit(77)
os.environ["TFTD_SLOW"] = "1"
os.environ["TFTD_ISA"] = "avx2"  # valgrind 3.19 does not know AVX-512
from serving import Daemon, is_sanitized, record, tick  # noqa: E402

if is_sanitized():
    print("the program is built with AddressSanitizer: valgrind cannot run it")
    sys.exit(77)

folder = tempfile.mkdtemp(prefix="tftd-valgrind-")
report = os.path.join(folder, "report")
valgrind = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
            "--error-exitcode=99", "--log-file=" + report]
try:
    for life in range(2):  # the second one loads what the first one stored
        d = Daemon(wrapper=valgrind, data=folder).start(timeout=30)
        now = int(time.time())
        for n in range(12):
            assert d.post(tick(now - 5 * n))[0] == 200
        assert d.post([record("x", now), {"cpu_pct": "1"}, record("y" * 300, now)])[1]["rejected"] == 2
        assert d.post(b"{")[0] == 400
        assert d.post(b'{"records": [NaN]}')[0] == 422
        for path in ("/", "/health", "/status", "/alerts/active", "/nope", "/predictions/current?metrics=cpu_pct", "/predictions/current?x=1"):
            d.get(path)
        forecast = d.wait_for("a forecast", lambda: d.predictions().get("metadata"))
        d.request("GET", "/predictions/current", headers={"Accept-Encoding": "gzip"})
        code = d.stop(timeout=60)
        with open(report) as f:
            found = f.read()
        print("life %d: exit code %d, valgrind said: %s" % (life, code, json.dumps(found)))
        if code != 0 or found.strip():
            print(found)
            print(d.log()[-3000:])
            sys.exit(1)
finally:
    shutil.rmtree(folder, ignore_errors=True)
