"""A model that runs as a shadow is scored on the same forecasts as the one that serves: with the same weights under another name,
to the same figures. It is kept over a restart, shown to nobody, and ends when it is promoted."""
import json
import math
import os
import random
import shutil
import tempfile
import time

from serving import Daemon, record, stamp

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
OLD, NEW, BROKEN = "tft_model_20260101_000000", "tft_model_20260201_000000", "tft_model_20251201_000000"
STEP = 300
BASE = int(time.time()) // 21600 * 21600 - 10 * 86400
SETTINGS = {"TFTD_TIME_CLOCK": "data", "TFTD_FORECAST_MIN_INTERVAL": "100ms"}
NAMES = ["ppdb001", "web-1"]


def steps(first, last):
    out = []
    for step in range(first, last):
        for k, name in enumerate(NAMES):
            rng = random.Random(step * 10 + k)
            level = 40 + 25 * math.sin(2 * math.pi * step / 288 + k) + rng.uniform(-8, 8)
            out += [record(name, BASE + step * STEP + s, cpu_pct=level, mem_pct=50 + k) for s in (5, 200)]
    return out


def post(d, first, last):
    for at in range(first, last, 200):
        status, body = d.post(steps(at, min(at + 200, last)))
        assert status == 200 and body["rejected"] == 0, body


def ask(d, method, path):
    status, _, body = d.request(method, path)
    return status, json.loads(body)


def kept(d, name):
    found = d.get("/api/v1/history/forecasts?server=%s&limit=1000&from=%s" % (name, stamp(BASE)))[1]["items"]
    return [(i["origin"], i["model"]) for i in found]


def main(folder):
    shipped = sorted(n for n in os.listdir(os.path.join(ROOT, "models")) if n.startswith("tft_model_"))[-1]
    for name in OLD, NEW, BROKEN:
        shutil.copytree(os.path.join(ROOT, "models", shipped), os.path.join(folder, name))
    with open(os.path.join(folder, BROKEN, "model.safetensors"), "r+b") as file:
        file.truncate(1000)
    data = tempfile.mkdtemp(prefix="tftd-e2e-")
    try:
        with Daemon("--models-dir", folder, data=data, model=True, environment=SETTINGS) as d:
            for name, status in (BROKEN, 409), (NEW, 409), ("tft_model_20200101_000000", 404):  # damaged; serves; is not there
                assert ask(d, "POST", "/api/v1/models/%s/load" % name)[0] == status, name
            assert ask(d, "DELETE", "/api/v1/models/%s/load" % OLD)[0] == 409
            status, body = ask(d, "POST", "/api/v1/models/%s/load" % OLD)
            assert (status, body["role"]) == (200, "shadow"), body
        with Daemon("--models-dir", folder, data=data, model=True, environment=SETTINGS) as d:
            assert d.get("/api/v1/models/" + OLD)[1]["role"] == "shadow"
            post(d, 0, 300)
            end = 300
            for k in range(3):
                post(d, end, end + 6)
                end += 6
                d.wait_for("both models' forecasts", lambda: len(kept(d, "web-1")) >= 2 * (k + 1), timeout=30)
            origins = {}
            for origin, model in kept(d, "web-1"):
                origins.setdefault(origin, set()).add(model)
            assert len([o for o in origins if origins[o] == {OLD, NEW}]) >= 2, origins
            assert d.get("/api/v1/forecasts")[1]["model"] == NEW
            post(d, end, end + 100)
            span = "from=%s&to=%s&group_by=model" % (stamp(BASE), stamp(BASE + 20 * 86400))

            def figures():
                return {i["model"]: i for i in d.get("/api/v1/quality?" + span)[1]["items"] if i["metric"] == "cpu_pct"}

            def complete():
                found = figures()
                return found if {OLD, NEW} <= set(found) and found[OLD]["n"] == found[NEW]["n"] > 300 else None

            found = d.wait_for("scores of both", complete, timeout=30)
            for key in "mae", "crps", "q_risk_p90", "coverage_p10_p90", "skill":
                assert abs(found[OLD][key] - found[NEW][key]) < 1e-3, (key, found)
            status, body = ask(d, "POST", "/api/v1/models/%s/promote" % OLD)
            assert (status, body["role"]) == (200, "served"), body
            assert d.get("/api/v1/models/" + NEW)[1]["role"] == "previous"
            assert ask(d, "POST", "/api/v1/models/%s/load" % NEW)[0] == 200
            status, body = ask(d, "DELETE", "/api/v1/models/%s/load" % NEW)
            assert (status, body["role"]) == (200, "previous"), body
    finally:
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
    print("ran beside, scored alike, promoted")
