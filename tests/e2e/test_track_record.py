"""What the daemon said is kept, scored once when its time has come, and the scores are what the kept forecasts and values give:
worked out again here from GET /history/forecasts. A kill -9 in the middle counts nothing twice."""
import csv
import io
import math
import os
import random
import time

from serving import Daemon, record, stamp

STEP = 300
BASE = int(time.time()) // 21600 * 21600 - 10 * 86400  # data of days ago: the clock follows it
SERVERS = ["ppdb001", "web-1", "x"]
SETTINGS = {"TFTD_TIME_CLOCK": "data", "TFTD_FORECAST_MIN_INTERVAL": "100ms"}


def history(first, last):
    """Steps first … last−1 of all servers, two records a step; an incident of x now and then."""
    out = []
    for step in range(first, last):
        for k, name in enumerate(SERVERS):
            rng = random.Random(step * 10 + k)
            level = 40 + 25 * math.sin(2 * math.pi * step / 288 + k) + rng.uniform(-8, 8)
            state = "critical_issue" if name == "x" and step % 50 in (0, 1) else "healthy"
            out += [record(name, BASE + step * STEP + s, cpu_pct=level + rng.uniform(-2, 2), mem_pct=50 + k, state=state)
                    for s in (5, 200)]
    return out


def post(d, first, last):
    for at in range(first, last, 200):
        status, body = d.post(history(at, min(at + 200, last)))
        assert status == 200 and body["accepted"] == body["received"], body


def kept(d, server="x"):
    items, cursor = [], ""
    while cursor is not None:
        status, body = d.get("/api/v1/history/forecasts?server=%s&from=%s&limit=2%s" % (
            server, stamp(BASE), "&cursor=" + cursor if cursor else ""))
        assert status == 200, body
        items += body["items"]
        cursor = body["next_cursor"]
    return items


def quality(d, query=""):
    status, body = d.get("/api/v1/quality?from=%s&to=%s%s" % (stamp(BASE), stamp(BASE + 20 * 86400), query))
    assert status == 200, body
    return body


def close(a, b):
    return abs(a - b) <= 2e-4 * max(1.0, abs(b))


def figures_are_those_of_what_was_kept(d):
    n = errors = inside = size = 0
    for name in SERVERS:
        for item in kept(d, name):
            said = item["metrics"]["cpu_pct"]
            if None in said["actual"]:
                continue  # its time has not come
            for i, y in enumerate(said["actual"]):
                q = {level: values[i] for level, values in said["quantiles"].items()}
                n += 1
                errors += abs(y - q["0.5"])
                inside += q["0.1"] <= y <= q["0.9"]
                size += abs(y)
    found = [i for i in quality(d)["items"] if i["metric"] == "cpu_pct"]
    assert len(found) == 1 and found[0]["n"] == n and n > 0, (found, n)
    cpu = found[0]
    assert close(cpu["mae"], errors / n), (cpu["mae"], errors / n)
    assert close(cpu["q_risk_p50"], errors / size), cpu
    assert abs(cpu["coverage_p10_p90"] - inside / n) < 0.01, (cpu, inside / n)  # kept to 16 bits: an edge may fall either way
    assert cpu["baselines"]["last_value"]["n"] == n and cpu["skill"] is not None and cpu["unit"] == "%"
    return cpu


def groups_add_up(d, cpu):
    for by in "horizon", "server", "profile", "model":
        parts = [i for i in quality(d, "&group_by=" + by)["items"] if i["metric"] == "cpu_pct"]
        assert sum(p["n"] for p in parts) == cpu["n"], (by, parts)
        assert close(sum(p["mae"] * p["n"] for p in parts) / cpu["n"], cpu["mae"]), by
    one = quality(d, "&server=x&metric=cpu_pct&group_by=horizon,server")["items"]
    assert [i["horizon"]["last_step"] for i in one] == [6, 24, 96] and {i["server_name"] for i in one} == {"x"}
    assert d.get("/api/v1/quality?server=nobody")[0] == 404
    assert d.get("/api/v1/quality?metric=nothing")[0] == 400
    assert d.get("/api/v1/quality?group_by=colour")[0] == 400


def incidents_are_scored(d):
    found = {i["horizon"]: i for i in quality(d, "&server=x")["incidents"]}
    assert set(found) == {"30m", "1h", "2h", "4h", "8h"}, found
    assert found["8h"]["positives"] == found["8h"]["n"] > 0  # one every 50 steps: within 8 hours always
    assert found["30m"]["positives"] < found["30m"]["n"]
    assert sum(b["n"] for b in found["2h"]["reliability"]) == found["2h"]["n"]
    calm = [i for i in quality(d, "&server=web-1")["incidents"] if i["horizon"] == "8h"]
    assert calm[0]["positives"] == 0 and calm[0]["brier_skill"] is None


def metrics_tell_it(d):
    _, _, body = d.request("GET", "/metrics")
    text = body.decode()
    for name in ("tftd_quality_coverage{metric=\"cpu_pct\",horizon=\"30m\"}", "tftd_quality_q_risk{metric=\"cpu_pct\",horizon=\"8h\",quantile=\"0.9\"}",
                 "tftd_quality_skill{metric=\"cpu_pct\"}", "tftd_quality_brier_skill{horizon=\"30m\"}"):
        assert name in text, name


def every_forecast_says_how_good_the_last_ones_were(d):
    week = [i for i in d.get("/api/v1/quality")[1]["items"] if i["metric"] == "cpu_pct"]
    for path in "/api/v1/forecasts", "/api/v1/forecasts/x", "/api/v1/incidents", "/api/v1/risk":
        track = d.get(path)[1]["track"]
        if "cpu_pct" not in track["metrics"]:
            return False  # summed up after the last score
        cpu = track["metrics"]["cpu_pct"]
        assert track["days"] == 7 and 0 <= cpu["coverage_p10_p90"] <= 1 and cpu["skill"] <= 1, track
        assert set(track["incidents"]) == {"30m", "1h", "2h", "4h", "8h"}, track
        assert not week or cpu["n"] >= week[0]["n"] > 0
    return True


def main():
    end = 2 * 288
    with Daemon(environment=SETTINGS) as d:
        post(d, 0, end)
        for _ in range(4):  # four half hours, each of them kept once
            post(d, end, end + 6)
            d.wait_for("a kept forecast", lambda: [i for i in kept(d) if i["origin"][:19] >= stamp(BASE + end * STEP)[:19]], timeout=60)
            end += 6
        before = kept(d)
        assert all(len(i["metrics"]["cpu_pct"]["actual"]) == 96 for i in before)
        origins = [i["origin"] for i in before]
        assert len(set(o[:16] for o in origins)) == len(origins)
        assert len(kept(d, "web-1")) == len(before)
        # a busy machine keeps one more while the history comes, and its time has come
        early = [o for o in origins if o[:19] <= stamp(BASE + (end - 97) * STEP)[:19]]
        assert quality(d)["scored_to"] in [None] + early and (early or quality(d)["items"] == [])
        post(d, end, end + 100)  # more than eight hours on: their time has come
        d.wait_for("scores", lambda: quality(d)["scored_to"] == before[-1]["origin"])
        cpu = figures_are_those_of_what_was_kept(d)
        groups_add_up(d, cpu)
        incidents_are_scored(d)
        d.wait_for("metrics", lambda: metrics_tell_it(d) or True)
        d.wait_for("the track in forecasts", lambda: every_forecast_says_how_good_the_last_ones_were(d))
        d.kill()
        d.start()
        again = [i for i in quality(d)["items"] if i["metric"] == "cpu_pct"][0]
        assert again["n"] == cpu["n"] and again["mae"] == cpu["mae"], (cpu, again)
        time.sleep(2.5)  # two rounds of the keeper
        assert [i for i in quality(d)["items"] if i["metric"] == "cpu_pct"][0]["n"] == cpu["n"]
        assert [i["origin"] for i in kept(d)][: len(origins)] == origins
        said = kept(d)
        table, cursor = [], ""
        while cursor is not None:  # the same as CSV, page by page
            status, fields, body = d.request("GET", "/api/v1/history/forecasts?server=x&format=csv&limit=3&from=%s%s" % (stamp(BASE), cursor))
            assert (status, fields["content-type"]) == (200, "text/csv; charset=utf-8"), (status, fields)
            table += csv.DictReader(io.StringIO(body.decode(), newline=""))
            cursor = "&cursor=" + fields["next-cursor"] if "next-cursor" in fields else None
        assert list(table[0]) == ["origin", "server_name", "metric", "timestamp", "q0.02", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9", "q0.98", "model", "actual"]
        numbers = lambda v: None if v is None or v == "" else float(v)
        assert [(r["origin"], r["metric"], numbers(r["q0.9"]), numbers(r["actual"])) for r in table] == [
            (f["origin"], m, v, a) for f in said for m, of in f["metrics"].items() for v, a in zip(of["quantiles"]["0.9"], of["actual"])]
        status, body = d.get("/api/v1/history/forecasts?server=x&origin=" + origins[0])
        assert status == 200 and len(body["items"]) == 1, body
        assert d.get("/api/v1/history/forecasts")[0] == 400
        assert d.get("/api/v1/history/forecasts?server=nobody")[0] == 404
        with open(os.path.join(d.data, "tftd.yaml"), "w") as file:  # a shorter retention takes what is older, by the fleet's clock
            file.write("store: {retention: {forecasts: 7h}}\n")
        assert d.request("POST", "/-/reload")[0] == 200
        now = BASE + (end + 100) * STEP
        d.wait_for("old forecasts to go", lambda: all(i["origin"][:19] >= stamp(now - 8 * 3600)[:19] for i in kept(d)))
        assert d.get("/api/v1/history/forecasts?server=x&origin=" + origins[0])[1]["items"] == []


if __name__ == "__main__":
    main()
    print("kept, scored once, and right")
