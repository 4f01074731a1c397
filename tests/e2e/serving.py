"""A tftd of its own for a test: fresh data directory, free port, ended by its own pid. Standard library only."""
import datetime
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

TFTD = os.path.abspath(os.environ.get("TFTD", os.path.join(os.path.dirname(__file__), "../../build/release/tftd")))
SLOW = 10 if os.environ.get("TFTD_SLOW") else 1  # under valgrind or a sanitizer everything takes longer


def is_sanitized():
    with open(TFTD, "rb") as program:
        return b"__asan_init" in program.read()


class Daemon:
    """with Daemon() as d: d.post(records); d.get("/status")"""

    def __init__(self, *arguments, data=None, wrapper=(), environment=None, model=False):
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="tftd-e2e-")
        self.arguments = list(arguments) + ([] if model else ["--no-model"])
        self.wrapper = list(wrapper)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.log_path = os.path.join(self.data, "serve.log")

    def start(self, timeout=20):
        with open(self.log_path, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(
                self.wrapper + [TFTD, "serve", "--port", "0", "--data-dir", os.path.join(self.data, "db")] + self.arguments,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={"TFTD_DASHBOARD_LISTEN": "", "TFTD_DASHBOARD_GENERATOR_URL": "", **self.environment}, cwd=self.data)
        until = time.monotonic() + timeout * SLOW
        while time.monotonic() < until:
            found = re.search(r"\[READY\] Daemon started - waiting for data feed.*url=http://127\.0\.0\.1:(\d+)", self.log(begin))
            if found:
                self.port = int(found.group(1))
                return self
            if self.process.poll() is not None:
                raise AssertionError("tftd ended with %d: %s" % (self.process.returncode, self.log(begin)))
            time.sleep(0.01)
        raise AssertionError("not ready: " + self.log(begin))

    def log(self, begin=0):
        with open(self.log_path, "rb") as log:
            log.seek(begin)
            return log.read().decode("utf-8", "replace")

    def connect(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)

    def request(self, method, path, body=None, headers=None, connection=None):
        """(status, headers in lower case, body as bytes)"""
        c = connection or self.connect()
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        fields = {}
        for name, value in r.getheaders():  # a field that stands twice is one list (RFC 9110 §5.3)
            fields[name.lower()] = fields[name.lower()] + ", " + value if name.lower() in fields else value
        answer = r.status, fields, r.read()
        if connection is None:
            c.close()
        return answer

    def get(self, path, headers=None):
        status, _, body = self.request("GET", path, headers=headers)
        return status, json.loads(body)

    def post(self, records, connection=None, headers=None):
        body = records if isinstance(records, bytes) else json.dumps({"records": records}).encode()
        status, _, answer = self.request("POST", "/feed/data", body, {"Content-Type": "application/json", **(headers or {})}, connection)
        return status, json.loads(answer)

    def wait_for(self, what, check, timeout=10):
        until = time.monotonic() + timeout * SLOW
        while time.monotonic() < until:
            value = check()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError("waited in vain for " + what + "\n" + self.log()[-2000:])

    def predictions(self, query=""):
        return self.get("/predictions/current" + query)[1]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, number=signal.SIGTERM, timeout=20):
        self.process.send_signal(number)
        return self.process.wait(timeout * SLOW)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        code = 0
        if self.process and self.process.poll() is None:
            try:
                code = self.stop()  # a clean end: a sanitizer looks for leaks there
            except subprocess.TimeoutExpired:
                self.kill()
                code = "none: it did not stop"
        said = self.log()[-3000:] if code != 0 else ""
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)
        if code != 0 and not any(exc):
            raise AssertionError("tftd ended with %s: %s" % (code, said))


def stamp(seconds):
    """RFC 3339 of Unix seconds, to the millisecond."""
    t = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (t.microsecond // 1000)


def record(server, seconds, **fields):
    return {"timestamp": stamp(seconds), "server_name": server, "cpu_pct": 37.5, "mem_pct": 61.25, "disk_io_mb_s": 142.8,
            "latency_ms": 9.1, "state": "healthy", **fields}


FLEET = (["ppml%04d" % i for i in range(1, 5)] + ["ppdb%03d" % i for i in range(1, 4)] + ["ppweb%03d" % i for i in range(1, 9)]
         + ["ppcon01", "ppetl001", "ppetl002", "pprisk001", "ppgen001"])


def tick(seconds, fleet=FLEET):
    """One record per server; values differ by server and time, and are always the same for the same two."""
    out = []
    for i, name in enumerate(fleet):
        wave = (int(seconds) // 5 * 7 + i * 13) % 20
        out.append(record(name, seconds, cpu_pct=20.0 + i + wave / 4, mem_pct=30.0 + i + wave / 8, disk_io_mb_s=100.0 + wave,
                          latency_ms=5.0 + wave / 10))
    return out
