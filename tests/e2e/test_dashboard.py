#!/usr/bin/env python3
"""The dashboard in Chromium: every view and control, live updates, restarts, fleets of 0, 1, 20 and 1,000 servers, hostile
names, a key that may only read, a slow network; axe-core, the console, the policy. TFTD_LONG=1: the heap over 30 minutes at 60 times the speed."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from receivers import Hook
from serving import FLEET, SLOW, TFTD, Daemon, record, stamp, tick

HERE = os.path.dirname(os.path.abspath(__file__))
BROWSER = os.path.join(HERE, "../browser")
MODELS = os.path.join(HERE, "../../models")
LONG = bool(os.environ.get("TFTD_LONG"))
DATA_ONLY = "--jitless --no-flush-bytecode"  # of V8: its heap holds data, and no code that comes and goes with what is hot


def need_browser():
    """Installs what package-lock.json names, once; leaves with 77 where there is no browser or no network."""
    if not (shutil.which("chromium") and shutil.which("npm")):
        print("skipped: chromium and npm are needed (tools/install-deps.sh test)")
        sys.exit(77)
    if not os.path.exists(os.path.join(BROWSER, "node_modules/axe-core/axe.min.js")):
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=BROWSER)
        if done.returncode != 0:
            print("skipped: the packages of tests/browser cannot be fetched")
            sys.exit(77)


def feed(d, ticks=170, fleet=FLEET, until=None):
    """`ticks` records per server, 5 s apart, up to now; the first server is in trouble."""
    end = until or int(time.time())
    for n in range(ticks, 0, -1):
        d.post(sick(tick(end - 5 * n, fleet), n))


def sick(records, n):
    records[0].update(cpu_pct=min(99.0, 70 + 30 / (1 + n / 40)), latency_ms=260.0, state="critical_issue" if n < 20 else "heavy_load")
    return records


class Dashboard(unittest.TestCase):
    def run_scenario(self, d, name, answers=None, timeout=180, **given):
        # playwright leads its own process group, and its answers come line by line
        p = subprocess.Popen(["node", "scenarios.mjs", name, "http://127.0.0.1:%d" % d.port, json.dumps(given)], cwd=BROWSER,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            for line in p.stdout:
                if line.startswith(">> "):
                    (answers or {})[line[3:].strip()]()
                    p.stdin.write("\n")
                    p.stdin.flush()
                else:
                    print(name + ":", line.strip(), flush=True)
            self.assertEqual(p.wait(timeout * SLOW), 0, name)
        finally:
            if p.poll() is None:
                p.kill()
            p.stdin.close()
            p.stdout.close()

    def daemon(self, *arguments, environment=None):
        return Daemon(*arguments, model=True, environment={"TFTD_MODEL_DIR": MODELS, **(environment or {})})

    def test_the_types_of_the_page_hold(self):
        done = subprocess.run([os.path.join(BROWSER, "node_modules/.bin/tsc"), "--noEmit", "-p", os.path.join(HERE, "../../dashboard")],
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_twenty_servers(self):
        with self.daemon() as d:
            feed(d)
            d.wait_for("a forecast with alerts", lambda: d.get("/alerts/active")[1].get("alerts"), 60)
            more = {"tick": lambda: d.post(sick(tick(time.time()), 1))}
            self.run_scenario(d, "views", server="ppweb003")
            self.run_scenario(d, "speed", more, slow=4 * SLOW)
            self.run_scenario(d, "controls", more, server="ppweb003", servers=20)
            self.run_scenario(d, "states", server="ppweb003")
            self.run_scenario(d, "habits", more, server="ppweb003")
            self.run_scenario(d, "heap", more, server="ppweb003")

    def test_a_visit_of_a_view_leaves_nothing_behind(self):
        with self.daemon() as d:
            feed(d)
            d.wait_for("a forecast with alerts", lambda: d.get("/alerts/active")[1].get("alerts"), 60)
            self.run_scenario(d, "visits", timeout=900, server="ppweb003", flags=DATA_ONLY)

    def test_data_that_stop_are_said_and_greyed(self):
        with self.daemon() as d:
            feed(d, until=int(time.time()) - 680)
            self.run_scenario(d, "quiet", {"tick": lambda: d.post(tick(time.time()))})
        with self.daemon() as d:
            feed(d, until=int(time.time()) - 7200)
            self.run_scenario(d, "replay")

    def test_every_window_of_a_maintenance_that_repeats_is_shaded(self):
        with self.daemon() as d:
            now = int(time.time())
            for ago in range(7 * 288, 0, -48):  # a week, a record a step
                d.post([record("ppweb003", now - 300 * (ago - n), cpu_pct=30.0 + n % 7) for n in range(48)])
            begin = (now - 7 * 86400 + 7200) // 60 * 60  # two hours after the week's begin, so all of its windows lie on the chart
            body = {"kind": "maintenance", "matchers": {"server": "ppweb*"}, "starts_at": stamp(begin), "ends_at": stamp(begin + 3 * 3600), "rrule": "FREQ=DAILY"}
            status, _, answer = d.request("POST", "/api/v1/silences", json.dumps(body), {"Content-Type": "application/json"})
            self.assertEqual(status, 201, answer)
            d.wait_for("a forecast", lambda: d.predictions().get("predictions"), 60)
            self.run_scenario(d, "recurring", server="ppweb003", spans=[[168, 8], [24, 2]])

    @unittest.skipUnless(LONG, "TFTD_LONG=1: half an hour")
    def test_the_heap_stays_flat_over_half_an_hour_at_sixty_times_the_speed(self):
        minutes = float(os.environ.get("TFTD_HEAP_MINUTES", "30"))
        with self.daemon() as d:
            stream = subprocess.Popen([TFTD, "generate", "--stream", "http://127.0.0.1:%d" % d.port, "--servers", "20", "--days", "0", "--hours",
                                       str(minutes + 10), "--speed", "60", "--backfill", "48h", "--control", "off", "--scenario", "degrading", "-q"])
            try:
                d.wait_for("a forecast", lambda: d.predictions().get("predictions"), 120)
                self.run_scenario(d, "heap", timeout=60 * minutes + 900, server="ppweb003", minutes=minutes)
                self.assertIsNone(stream.poll(), "the stream ended before the page was done")
            finally:
                stream.kill()
                stream.wait()

    def test_a_daemon_that_restarts_and_a_slow_network(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        with self.daemon("--port", str(port)) as d:
            feed(d)
            self.run_scenario(d, "life", {"tick": lambda: d.post(tick(time.time())), "stop": d.stop, "start": d.start})

    def test_the_switch_of_the_demo(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            control = "http://127.0.0.1:%d" % s.getsockname()[1]
        with self.daemon("--demo", environment={"TFTD_DASHBOARD_GENERATOR_URL": control}) as d:
            d.wait_for("the generator", lambda: d.get("/api/v1/demo")[1].get("available"), 60)
            d.wait_for("a forecast", lambda: d.predictions().get("predictions"), 120)
            became = lambda name: lambda: d.wait_for(name, lambda: d.get("/api/v1/demo")[1]["scenario"] == name, 20)
            self.run_scenario(d, "demo", {name: became(name) for name in ("healthy", "degrading", "critical")})

    def test_no_server_then_one(self):
        with self.daemon() as d:
            self.run_scenario(d, "empty", {"one": lambda: [d.post([record("only", time.time() - 5 * n)]) for n in range(40)]})

    def test_hostile_names(self):
        names = ["<img src=x onerror=alert(1)>", "\u202egpj.exe", "x" * 200, "a,b;c", "../%2e%2e/%2F", "'\"`${7*7}{{7*7}}", "=HYPERLINK(\"http://x\")",
                 "#/settings?x=1&y", "\u05e9\u05e8\u05ea-1", "__proto__", "constructor"]
        with self.daemon() as d:
            feed(d, 30, names + FLEET[:3])
            d.wait_for("a forecast", lambda: d.predictions().get("predictions"), 60)
            self.run_scenario(d, "hostile", names=names)

    def test_a_thousand_servers(self):
        fleet = ["web%04d" % i for i in range(1000)]
        with self.daemon() as d:
            now = int(time.time())
            batch = lambda at: d.post([record(name, at, cpu_pct=10.0 + i % 85, mem_pct=20.0 + i * 7 % 70) for i, name in enumerate(fleet)])
            for n in range(12, 0, -1):  # an hour, in steps
                self.assertEqual(batch(now - 300 * n)[1]["accepted"], 1000)
            d.wait_for("a forecast of all", lambda: len(d.predictions("?metrics=cpu_pct&quantiles=p50&horizon_steps=1").get("predictions", {})) == 1000, 120)
            self.run_scenario(d, "many", {"tick": lambda: batch(time.time())}, servers=1000, slow=4 * SLOW)

    def key(self, d, role):
        made = subprocess.run([TFTD, "keys", "add", "--role", role, "--name", "the-" + role, "--data-dir", os.path.join(d.data, "db")], capture_output=True, text=True, check=True)
        return made.stdout.split()[-1]

    def test_models_are_promoted_rolled_back_and_run_as_shadows_by_who_may(self):
        first, second, broken = "tft_model_20260101_000000", "tft_model_20260201_000000", "tft_model_20251201_000000"
        with tempfile.TemporaryDirectory() as folder:
            shipped = sorted(n for n in os.listdir(MODELS) if n.startswith("tft_model_"))[-1]
            for name in first, second, broken:
                shutil.copytree(os.path.join(MODELS, shipped), os.path.join(folder, name))
            with open(os.path.join(folder, broken, "model.safetensors"), "r+b") as file:
                file.truncate(1000)
            with self.daemon("--models-dir", folder) as d:
                feed(d, 30)
                d.stop()
                admin, reader = self.key(d, "admin"), self.key(d, "read")
                d.environment["TFTD_AUTH_ENABLED"] = "true"
                d.start()
                roles = lambda: {m["id"]: m["role"] for m in d.get("/api/v1/models", {"X-API-Key": reader})[1]["items"]}
                is_so = lambda model, role: lambda: self.assertEqual(roles()[model], role)
                self.run_scenario(d, "models", {"shadow": is_so(first, "shadow"), "no-shadow": lambda: self.assertNotIn("shadow", roles().values()), "served-first": is_so(second, "served"),
                                                "served-other": is_so(first, "served")}, models=[second, first], broken=broken, admin=admin, reader=reader)

    def test_a_receiver_is_tested_and_its_posts_are_listed(self):
        hook = Hook()
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
            config.write('alerts: {receivers: [{name: chat, kind: webhook, url: "%s"}]}\n' % hook.url)
            config.flush()
            try:
                with self.daemon("--config", config.name) as d:
                    feed(d)
                    d.wait_for("alerts", lambda: d.get("/alerts/active")[1].get("alerts"), 60)
                    self.run_scenario(d, "told", {"hook": lambda: d.wait_for("the post", lambda: hook.messages, 20)})
            finally:
                hook.close()

    def test_quality_shows_figures_of_forecasts_whose_time_has_come(self):
        fleet = FLEET[:6]
        with self.daemon(environment={"TFTD_TIME_CLOCK": "data", "TFTD_FORECAST_MIN_INTERVAL": "100ms"}) as d:
            end = int(time.time()) // 1800 * 1800
            post = lambda begin, to: [d.post([r for s in range(30, 3600, 60) if at + s < to for r in tick(at + s, fleet)]) for at in range(begin, to, 3600)]
            kept = lambda: len(d.get("/api/v1/history/forecasts?limit=1000&from=-7d&server=" + fleet[3])[1]["items"])
            post(end - 36 * 3600, end - 15 * 3600)
            for k in range(12):  # a forecast of each half hour is kept, and scored when its eight hours are over
                post(end - 15 * 3600 + 1800 * k, end - 15 * 3600 + 1800 * (k + 1))
                d.wait_for("the forecast of that half hour", lambda: kept() > k, 30)
            post(end - 9 * 3600, end)
            d.wait_for("scores", lambda: any(i["n"] > 500 for i in d.get("/api/v1/quality?from=-7d&group_by=server")[1].get("items", [])), 120)
            self.run_scenario(d, "judged", server=fleet[3])

    def test_a_key_that_may_only_read(self):
        with self.daemon() as d:
            feed(d)
            d.wait_for("alerts", lambda: d.get("/alerts/active")[1].get("alerts"), 60)
            d.stop()
            key = self.key(d, "read")
            d.environment["TFTD_AUTH_ENABLED"] = "true"
            d.start()
            self.run_scenario(d, "reader", key=key)


if __name__ == "__main__":
    need_browser()
    unittest.main()
