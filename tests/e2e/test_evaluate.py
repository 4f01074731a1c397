"""tftd evaluate as a user meets it: a model, forecasts in a file and the baselines score alike; exit codes; --json."""
import json
import math
import os
import random
import subprocess
import tempfile
import time
import unittest

TFTD = os.environ["TFTD"]
START = 1704067200  # 2024-01-01T00:00:00Z
STEP = 300
SMALL = ["--epochs", "2", "--steps-per-epoch", "6", "--batch", "8", "--hidden", "8", "--heads", "2", "--context", "36",
         "--horizon", "24", "--threads", "2"]
BASELINES = ["last_value", "yesterday", "quantiles_24h", "linear_trend", "holt_winters", "quantiles_7d", "hour_of_day"]


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_fleet(path, n_servers=6, n_steps=500):
    rng = random.Random(2)
    with open(path, "w") as out:
        out.write("timestamp,server_name,cpu_pct,mem_pct,state\n")
        for s in range(n_servers):
            for k in range(n_steps):
                cpu = min(100, max(0, 50 + 30 * math.sin(k * 6.2831853 / 288 + s) + rng.gauss(0, 3)))
                mem = "" if k % 50 == 7 else "%.3f" % (40 + rng.gauss(0, 5))
                state = "critical_issue" if cpu > 82 else "healthy"
                out.write("%s,vm%d,%.3f,%s,%s\n" % (stamp(START + k * STEP), s + 1, cpu, mem, state))


def run(*args, **more):
    return subprocess.run([TFTD, *map(str, args)], capture_output=True, text=True, timeout=300, **more)


def scores(*args):
    done = run("evaluate", "--json", "-q", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def forecaster(result, metric, name):
    about = next(m for m in result["metrics"] if m["metric"] == metric)
    return next(f for f in about["forecasters"] if f["name"] == name)


class Evaluate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = cls.folder.name
        cls.data = os.path.join(cls.dir, "fleet.csv")
        write_fleet(cls.data)
        done = run("train", "--out", os.path.join(cls.dir, "m"), *SMALL, cls.data)
        assert done.returncode == 0, done.stderr
        cls.model = done.stdout.strip()
        cls.result = scores("--model", cls.model, "--from", "2024-01-01T12:00:00Z", "--every", 12, cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.dir, name)

    def test_model_and_baselines_are_scored_on_the_same_cells(self):
        r = self.result
        self.assertEqual([m["metric"] for m in r["metrics"]], ["cpu_pct", "mem_pct"])
        for metric in r["metrics"]:
            self.assertEqual([f["name"] for f in metric["forecasters"]], ["tft"] + BASELINES)
            self.assertEqual({f["n"] for f in metric["forecasters"]}, {metric["n"]})
            for f in metric["forecasters"]:
                self.assertEqual(sum(b["n"] for b in f["horizon"]), f["n"])
                self.assertGreater(f["crps"], 0)
            best = min(metric["forecasters"][1:], key=lambda f: f["crps"])
            self.assertEqual(metric["best_baseline"], best["name"])
            self.assertEqual(metric["beats_every_baseline"], metric["forecasters"][0]["crps"] < best["crps"])
        self.assertEqual(r["refused"], 0)
        self.assertEqual(r["windows"], r["origins"] * r["servers"])

    def test_an_independent_count_agrees(self):
        """MAE of the last value of cpu_pct, from the file alone."""
        cpu = {}
        with open(self.data) as file:
            next(file)
            for line in file:
                when, name, value, _ = line.split(",", 3)
                cpu.setdefault(name, []).append(float(value))
        errors = [abs(series[o + h] - series[o]) for series in cpu.values()
                  for o in range(144, len(series) - 24, 12) for h in range(1, 25)]
        found = forecaster(self.result, "cpu_pct", "last_value")
        self.assertEqual(found["n"], len(errors))
        self.assertAlmostEqual(found["mae"], sum(errors) / len(errors), places=5)

    def test_incidents_are_scored_beside_the_servers_own_frequency(self):
        horizons = self.result["incidents"]["horizons"]
        self.assertEqual([h["horizon"] for h in horizons], ["30m", "1h", "2h"])
        for h in horizons:
            self.assertEqual([f["name"] for f in h["forecasters"]], ["tft", "server_frequency_7d"])
            self.assertGreater(h["positives"], 0)
            self.assertEqual(sum(b["n"] for b in h["forecasters"][0]["bins"]), h["n"])

    def test_forecasts_in_a_file_score_like_the_model_that_made_them(self):
        forecasts, incidents = self.path("f.csv"), self.path("i.csv")
        done = run("forecast", "--model", self.model, "--from", "2024-01-01T12:00:00Z", "--to", "2024-01-02T14:00:00Z",
                   "--every", 12, "--out", forecasts, "--incidents-out", incidents, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        spec = self.path("spec.yaml")
        with open(spec, "w") as out:
            out.write("horizon: 24\ncontext: 36\ntargets: [cpu_pct, mem_pct]\n")
        # --to ends the targets of the last origin
        ends = ["--from", "2024-01-01T12:00:00Z", "--to", "2024-01-02T16:05:00Z", "--every", 12]
        model = scores("--model", self.model, *ends, self.data)
        from_file = scores("--forecasts", forecasts, "--incidents", incidents, "--spec", spec, *ends, self.data)
        by_itself = scores("--forecasts", forecasts, "--spec", spec, self.data)
        self.assertEqual(from_file["windows"], model["windows"])
        self.assertEqual(by_itself["windows"], model["windows"])
        for metric in ("cpu_pct", "mem_pct"):
            a = forecaster(model, metric, "tft")
            for other in (from_file, by_itself):
                b = forecaster(other, metric, "forecasts")
                for key in ("mae", "crps", "q_risk_p90", "coverage_p10_p90", "gm"):
                    self.assertAlmostEqual(a[key], b[key], delta=1e-4 * max(1, a[key]))
        for a, b in zip(model["incidents"]["horizons"], from_file["incidents"]["horizons"]):
            self.assertAlmostEqual(a["forecasters"][0]["brier"], b["forecasters"][0]["brier"], places=5)

    def test_tables_end_with_a_verdict_for_every_metric(self):
        done = run("evaluate", "--model", self.model, "--every", 48, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        last = done.stdout.strip().splitlines()[-2:]
        for line, metric in zip(last, ("cpu_pct", "mem_pct")):
            self.assertRegex(line, r"^%s: TFT (beats every baseline|does NOT beat .*), CRPS 0\.\d{4} against" % metric)

    def test_baselines_alone_and_tables_by_choice(self):
        r = scores("--baselines", "--by", "metric", "--servers", "vm1,vm3", self.data)
        self.assertEqual(r["servers"], 2)
        self.assertEqual([f["name"] for f in r["metrics"][0]["forecasters"]], BASELINES)
        self.assertNotIn("horizon", r["metrics"][0]["forecasters"][0])
        r = scores("--baselines=only", "--by", "server", self.data)
        self.assertEqual([s["server_name"] for s in r["metrics"][0]["servers"]], ["vm%d" % k for k in range(1, 7)])

    def test_one_thread_and_two_say_the_same_bytes(self):
        one = run("evaluate", "--baselines", "--json", "--threads", 1, self.data)
        two = run("evaluate", "--baselines", "--json", "--threads", 2, self.data)
        self.assertEqual(one.stdout, two.stdout)

    def test_a_report_in_bfloat16_says_so_and_one_in_float32_nothing(self):
        args = ["--json", "--model", self.model, "--threads", "1", self.data]
        exact, half = (json.loads(run("evaluate", "-q", "--precision", p, *args).stdout) for p in ("float32", "bf16"))
        self.assertNotIn("precision", exact)
        if half.pop("precision", None) == "bf16":  # this machine has it
            for a, b in zip(exact["metrics"], half["metrics"]):
                a, b = (x["forecasters"][0]["crps"] for x in (a, b))
                self.assertNotEqual(a, b)
                self.assertAlmostEqual(a, b, delta=0.01 * a)
        else:
            self.assertEqual(exact, half)

    def test_wrong_usage_is_2_and_wrong_data_is_4(self):
        for args in (["--baselines"], [self.data], ["--model", self.model, "--baselines", self.data],
                     ["--baselines", "--split", "x", self.data], ["--baselines", "--by", "day", self.data],
                     ["--baselines", "--incident-rule", "cpu", self.data], ["--baselines", "--precision", "half", self.data]):
            self.assertEqual(run("evaluate", *args).returncode, 2, args)
        for args in (["--baselines", self.path("none.csv")], ["--model", self.path("none"), self.data],
                     ["--forecasts", self.data, self.data],
                     ["--baselines", "--from", "2030-01-01T00:00:00Z", self.data],
                     ["--baselines", "--split", "dev-unseen", self.data]):
            done = run("evaluate", *args)
            self.assertEqual(done.returncode, 4, (args, done.stderr))
            self.assertTrue(done.stderr.startswith("tftd evaluate: "), done.stderr)


if __name__ == "__main__":
    unittest.main()
