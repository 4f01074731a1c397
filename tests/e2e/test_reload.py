"""Every key that docs/CONFIGURATION.md marks with ↻ and that requests feel: the file changes, POST /-/reload (or SIGHUP), and the effect is
there without a restart. A file with a fault changes nothing at all. SIGUSR2 writes the state to the log."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from serving import TFTD, Daemon, record

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
OLD, NEW = "tft_model_20260101_000000", "tft_model_20260201_000000"


class Reloading(Daemon):
    """A daemon with a file of its own, which `reload` replaces."""

    def __init__(self, text="", *arguments, **options):
        super().__init__(*arguments, **options)
        self.config = os.path.join(self.data, "tftd.yaml")
        self.write(text)

    def write(self, text):
        with open(self.config, "w") as file:
            file.write(text)

    def reload(self, text, headers=None, code=200):
        self.write(text)
        status, _, body = self.request("POST", "/-/reload", headers=headers)
        assert status == code, (text, status, body)
        return body

    def status_of(self, path, method="GET", **headers):
        return self.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})[0]

    def codes(self, *records):
        """What became of each record: "" where it was taken."""
        body = self.post(list(records))[1]
        bad = {e["index"]: e["code"] for e in body["errors"]}
        return [bad.get(i, "") for i in range(len(records))]

    def setting(self, key):
        return next(k for k in self.get("/api/v1/config")[1]["items"] if k["key"] == key)


def other_sites():
    with Reloading("# nothing\n") as d:
        def allowed():
            return d.request("GET", "/api/v1/version", headers={"Origin": "https://a.example"})[1].get("access-control-allow-origin")
        assert allowed() is None and d.status_of("/status", Host="fleet.example") == 403
        assert d.status_of("/api/v1/records", "POST", Origin="https://a.example") == 403
        d.reload("http: {cors_origins: ['https://a.example'], allowed_hosts: [fleet.example]}\n")
        assert allowed() == "https://a.example" and d.status_of("/status", Host="fleet.example:80") == 200
        assert d.status_of("/api/v1/records", "POST", Origin="https://a.example") != 403
        d.reload("# nothing\n")
        assert allowed() is None and d.status_of("/status", Host="fleet.example") == 403


def key(folder, name, role):
    return subprocess.run([TFTD, "keys", "add", "--name", name, "--role", role, "--data-dir", folder, "-q"], check=True, capture_output=True,
                          text=True).stdout.strip()


def keys_and_rates():
    elsewhere = tempfile.mkdtemp(prefix="tftd-keys-")
    admin = {"X-API-Key": key(elsewhere, "boss", "admin")}
    reader = key(elsewhere, "eye", "read")
    with Reloading("# nothing\n") as d:
        assert d.status_of("/api/v1/servers") == 200
        named = "auth: {keys_file: %s/api-keys%%s}\n" % elsewhere
        d.reload(named % "")
        assert d.status_of("/api/v1/servers") == 401 and d.status_of("/api/v1/servers", X_API_Key=reader) == 200
        assert d.status_of("/status") == 200
        d.reload(named % ", protect_status: true", admin)
        assert d.status_of("/status") == 401 and d.status_of("/status", X_API_Key=reader) == 200
        d.reload(named % ", rate_limit: {read: 5}", admin)
        assert 429 in [d.status_of("/api/v1/servers", X_API_Key=reader) for _ in range(8)]
        d.reload(named % ", rate_limit: {write: 1}", admin, code=200)
        assert d.status_of("/api/v1/servers", X_API_Key=reader) == 200
        assert d.request("POST", "/-/reload", headers=admin)[0] == 429  # the reload before was a write, too
        d.write(named % ", enabled: false")
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("no keys asked for", lambda: d.status_of("/api/v1/servers") == 200)
        with open(os.path.join(elsewhere, "bad"), "w") as file:
            file.write("no key file\n")
        body = d.reload("auth: {keys_file: %s/bad}\n" % elsewhere, code=422)
        assert b"bad" in body, body
        assert d.status_of("/api/v1/servers") == 200 and d.setting("auth.enabled")["value"] == "false"
    shutil.rmtree(elsewhere)


def records_are_held_to_the_new_rules():
    now = time.time()
    with Reloading("# nothing\n") as d:
        assert d.codes(record("a", now + 3600), record("a", now - 86400), record("a", now, latency_ms=5000)) == ["in_future", "", ""]
        d.reload("ingest: {max_future: 2h, max_past: 1h, limits: {latency_ms: 1000, disk_io_mb_s: 50}}\n")
        assert d.codes(record("b", now + 3600, disk_io_mb_s=1), record("b", now - 86400, disk_io_mb_s=1),
                       record("b", now, latency_ms=5000, disk_io_mb_s=1), record("b", now)) == ["", "too_old", "out_of_range", "out_of_range"]
        bounds = {m["name"]: m["max"] for m in d.get("/api/v1/contract")[1]["metrics"]}
        assert (bounds["latency_ms"], bounds["disk_io_mb_s"]) == (1000, 50), bounds
        d.reload("ingest: {limits: {latency_ms: 6000}}\n")
        assert d.codes(record("c", now, latency_ms=5000)) == [""]


def places_and_profiles():
    now = time.time()
    with Reloading("servers: {max: 2}\n") as d:
        assert d.codes(*(record("zz%d" % i, now) for i in range(1, 4))) == ["", "", "too_many_servers"]
        d.reload("servers: {max: 60}\nprofiles: {prefixes: {zz: database}}\n")
        assert d.codes(*(record("zz%d" % i, now) for i in range(3, 61))) == [""] * 58
        assert d.codes(record("zz61", now)) == ["too_many_servers"]
        assert d.get("/api/v1/servers/zz1")[1]["profile"] == "database"
        d.reload("servers: {max: 1}\nprofiles: {prefixes: {zz: web_api}}\n")
        assert d.codes(record("zz62", now), record("zz5", now + 1)) == ["too_many_servers", ""]
        assert d.get("/api/v1/servers/zz60")[1]["profile"] == "web_api"
        body = d.reload("servers: {max: 70}\nprofiles: {prefixes: {zz: no_profile}}\n", code=422)
        assert b"no_profile" in body, body
        assert d.codes(record("zz63", now)) == ["too_many_servers"]


def sleepers():
    with Reloading("servers: {max: 1}\n") as d:
        assert d.codes(record("quiet", time.time() - 60), record("other", time.time())) == ["", "too_many_servers"]
        d.reload("servers: {max: 1, forget_after: 5s}\n")
        d.wait_for("the place of the silent one", lambda: d.codes(record("other", time.time())) == [""])
        assert d.codes(record("quiet", time.time())) == ["too_many_servers"]


def make_models():
    folder = tempfile.mkdtemp(prefix="tftd-models-")
    shipped = sorted(n for n in os.listdir(os.path.join(ROOT, "models")) if n.startswith("tft_model_"))[-1]
    for name in OLD, NEW:
        shutil.copytree(os.path.join(ROOT, "models", shipped), os.path.join(folder, name))
    return folder


def models():
    folder, other = make_models(), tempfile.mkdtemp(prefix="tftd-models-")
    os.rename(os.path.join(folder, OLD), os.path.join(other, OLD))
    try:
        with Reloading("model: {dir: %s, threads: 1}\n" % folder, model=True) as d:
            def served():
                return d.get("/status")[1]["model"]["name"]

            def threads():
                return len(os.listdir("/proc/%d/task" % d.process.pid))
            assert served() == NEW
            before = threads()
            d.reload("model: {dir: %s, threads: 4}\n" % folder)
            d.wait_for("three threads more", lambda: threads() == before + 3)
            d.reload("model: {dir: %s, threads: 1}\n" % folder)
            d.wait_for("as many as before", lambda: threads() == before)
            d.reload("model: {dir: %s, threads: 1}\n" % other)
            assert served() == OLD and [m["id"] for m in d.get("/api/v1/models")[1]["items"]] == [OLD]
            body = d.reload("model: {dir: %s, name: %s, threads: 1}\nservers: {max: 1}\n" % (other, NEW), code=422)
            assert NEW.encode() in body and b"model.name" in body, body
            assert served() == OLD and d.setting("servers.max")["value"] == 10000
            shutil.copytree(os.path.join(folder, NEW), os.path.join(other, NEW))
            d.wait_for("the newer one by watching", lambda: served() == NEW, timeout=15)
            d.reload("model: {dir: %s, name: %s, threads: 1, watch: false}\n" % (other, OLD))
            assert served() == OLD
            d.reload("model: {dir: %s/empty, threads: 1}\n" % other)  # nothing there: what serves goes on
            assert served() == OLD and "could serve" in d.log()
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(other)


def a_shorter_window():
    now = time.time()
    with Reloading("# nothing\n", "--models-dir", os.path.join(ROOT, "models"), model=True) as d:
        d.post([record("a", now - 30 * i, cpu_pct=20 + (i * 7) % 60) for i in range(240)])  # 24 steps

        def p50():
            found = d.predictions("?quantiles=p50").get("predictions", {}).get("a")
            return found["cpu_percent"]["p50"] if found and found["model_type"] == "TFT" else None
        first = d.wait_for("a forecast by the network", p50, timeout=20)
        d.reload("forecast: {window_steps: 3}\n")
        d.wait_for("another one, of three steps", lambda: p50() not in (None, first), timeout=20)
        with open("/proc/cpuinfo") as file:
            able = "avx512_bf16" in file.read()
        begin = os.path.getsize(d.log_path)
        d.reload("model: {precision: bf16}\n")
        if able:
            d.wait_for("a forecast in bfloat16", lambda: d.predictions()["metadata"]["device"].endswith("_bf16"), timeout=20)
        else:
            assert "model.precision is bf16, which this processor cannot do" in d.log(begin)
        d.reload("# nothing\n")
        d.wait_for("float32 again", lambda: not d.predictions()["metadata"]["device"].endswith("_bf16"), timeout=20)


def log_lines():
    with Reloading("# nothing\n") as d:
        begin = os.path.getsize(d.log_path)
        d.reload("log: {level: warning}\n")
        assert d.log(begin) == ""
        begin = os.path.getsize(d.log_path)
        d.reload("log: {level: info}\n")
        assert "Reloaded" in d.log(begin)
        begin = os.path.getsize(d.log_path)
        d.reload("log: {format: json}\n")
        line = json.loads(next(l for l in d.log(begin).splitlines() if "Reloaded" in l))
        assert line["tag"] == "INFO" and line["message"].startswith("Reloaded"), line
        begin = os.path.getsize(d.log_path)
        other = os.path.join(d.data, "other.log")
        d.reload("log: {file: %s, timestamps: never}\n" % other)
        with open(other) as file:
            assert file.read().startswith("[INFO] Reloaded"), "no stamp, in the other file"
        assert d.log(begin) == ""
        body = d.reload("log: {file: %s/none/x.log}\nservers: {max: 1}\n" % d.data, code=422)
        assert b"x.log" in body and d.setting("servers.max")["value"] == 10000, body
        d.reload("# nothing\n")
        assert "Reloaded" in d.log(begin) and d.log(begin)[0].isdigit(), "back to where it was, with a stamp"


def flags_stay_before_the_file():
    with Reloading("# nothing\n", "--log-level", "debug", "--threads", "1") as d:
        d.reload("log: {level: warning}\nmodel: {threads: 2}\nalerts: {for: 1m}\n")
        found = {k["key"]: (k["value"], k["source"]) for k in d.get("/api/v1/config")[1]["items"]}
        assert found["log.level"][0] == "debug" and found["model.threads"] == (1, "flag") and found["alerts.for"] == ("1m", "file"), found
        assert found["data.dir"][1] == "flag" and found["http.listen"][1] == "flag"


def the_state_on_request():
    with Reloading("# nothing\n") as d:
        d.post([record("a", time.time()), record("b", time.time())])
        begin = os.path.getsize(d.log_path)
        d.process.send_signal(signal.SIGUSR2)
        d.wait_for("the state", lambda: "engine holds" in d.log(begin))
        said = d.log(begin)
        for part in "servers 2 tracked", "records 2 ever, 2 held", "ticks 1", "store: ok", "model none", "memory", "0 asleep":
            assert part in said, (part, said)
        assert d.status_of("/health") == 200


for test in (other_sites, keys_and_rates, records_are_held_to_the_new_rules, places_and_profiles, sleepers, models, a_shorter_window, log_lines, flags_stay_before_the_file,
             the_state_on_request):
    test()
    print("ok", test.__name__)
