"""tftd train and tftd forecast as a user meets them: files in, a model and tables out, exit codes, Ctrl-C, --resume."""
import csv
import gzip
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TFTD = os.environ["TFTD"]
START = 1704067200  # 2024-01-01T00:00:00Z
STEP = 300
SMALL = ["--epochs", "2", "--steps-per-epoch", "6", "--batch", "8", "--hidden", "8", "--heads", "2", "--context", "36",
         "--horizon", "24", "--threads", "2"]


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def write_fleet(path, n_servers=12, n_steps=700, opener=open, names=None):
    rng = random.Random(1)
    with opener(path, "wt") as out:
        out.write("timestamp,server_name,cpu_pct,mem_pct,notes,state\n")
        for s in range(n_servers):
            name = names[s] if names else "vm%d" % (s + 1)
            for k in range(n_steps):
                cpu = min(100, max(0, 50 + 30 * math.sin(k * 6.2831853 / 288 + s) + rng.gauss(0, 3)))
                state = "offline" if s == 1 and k >= n_steps - 3 else "critical_issue" if cpu > 85 else "healthy"
                if s == 2 and k == n_steps - 1:
                    continue  # its last step is missing
                cells = ["", ""] if state == "offline" else ["%.3f" % cpu, "" if k % 50 == 7 else "%.3f" % (40 + rng.gauss(0, 5))]
                out.write("%s,%s,%s,,%s\n" % (stamp(START + k * STEP), name, ",".join(cells), state))


def run(*args, **more):
    return subprocess.run([TFTD, *map(str, args)], capture_output=True, text=True, timeout=300, **more)


class TrainAndForecast(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.dir = cls.folder.name
        cls.data = os.path.join(cls.dir, "fleet.csv.gz")
        write_fleet(cls.data, opener=gzip.open)
        done = run("train", "--out", os.path.join(cls.dir, "m"), *SMALL, cls.data)
        assert done.returncode == 0, done.stderr
        cls.model = done.stdout.strip()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def calibration(self, model):
        with open(os.path.join(model, "config.json")) as file:
            return json.load(file)["calibration"]

    def test_training_calibrates_on_its_validation_data(self):
        quantiles = self.calibration(self.model)["quantiles"]
        self.assertEqual(quantiles["kind"], "stretch")
        self.assertEqual(len(quantiles["metrics"]), 2)

    def test_calibrate_replaces_the_calibration_and_nothing_else(self):
        model = self.path("tft_model_20240101_000000")
        shutil.copytree(self.model, model)
        with open(os.path.join(model, "config.json")) as file:
            before = json.load(file)
        done = run("calibrate", "--model", model, "--servers", "vm3,vm4,vm5,vm6", "--windows", 400, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "calibrated on 4[0-9][0-9] windows at 1[0-9][0-9] origins, [0-9]+ cells; [0-9]+ of")
        with open(os.path.join(model, "config.json")) as file:
            after = json.load(file)
        self.assertEqual(after["calibration"]["incident"]["kind"], "platt")
        self.assertEqual(after["calibration"]["fleet"]["kind"], "exponent")
        self.assertNotEqual(before.pop("calibration"), after.pop("calibration"))
        self.assertEqual(before, after)
        out = self.path("calibrated.csv")
        done = run("forecast", "--model", model, "--out", out, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out) as file:
            rows = list(csv.reader(file))[1:]
        self.assertTrue(rows)
        for row in rows:
            if row[4] != "":
                values = [float(x) for x in row[4:]]
                self.assertEqual(values, sorted(values))
                self.assertTrue(0 <= values[0] and values[-1] <= 100)

    def forecast_rows(self, name, *args, **more):
        out = self.path(name)
        done = run("forecast", "--model", self.model, "--out", out, *args, self.data, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(out) as file:
            return [[float(x) for x in row[4:] if x != ""] for row in list(csv.reader(file))[1:]], done.stderr

    def test_bfloat16_is_near_or_said_to_be_impossible(self):
        exact, _ = self.forecast_rows("exact.csv")
        half, said = self.forecast_rows("half.csv", "--precision", "bf16")
        by_variable, _ = self.forecast_rows("variable.csv", env={**os.environ, "TFTD_PRECISION": "bf16"})
        overruled, _ = self.forecast_rows("overruled.csv", "--precision", "float32", env={**os.environ, "TFTD_PRECISION": "bf16"})
        self.assertEqual(half, by_variable)
        self.assertEqual(exact, overruled)
        off = max(abs(a - b) for x, y in zip(exact, half) for a, b in zip(x, y))
        if "no instructions for bfloat16" in said:
            self.assertEqual(off, 0)
        else:
            self.assertTrue(0 < off < 1, off)  # of 100 %
        without, said = self.forecast_rows("without.csv", "--precision", "bf16", env={**os.environ, "TFTD_ISA": "avx2"})
        self.assertIn("working in float32", said)

    def test_a_precision_that_there_is_not_is_2(self):
        for more, args in (({}, ["--precision", "bf17"]), ({"env": {**os.environ, "TFTD_PRECISION": "half"}}, [])):
            done = run("forecast", "--model", self.model, "--out", self.path("no.csv"), *args, self.data, **more)
            self.assertEqual(done.returncode, 2)
            self.assertIn("must be float32 or bf16", done.stderr)
            self.assertFalse(os.path.exists(self.path("no.csv")))

    def test_parts_of_a_calibration_are_fitted_alone(self):
        model = self.path("tft_model_20240102_000000")
        shutil.copytree(self.model, model)
        before = self.calibration(model)
        done = run("calibrate", "--model", model, "--incidents-only", "--windows", 400, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        incidents = self.calibration(model)
        self.assertEqual(incidents["quantiles"], before["quantiles"])
        self.assertNotEqual(incidents["incident"], before["incident"])
        done = run("calibrate", "--model", model, "--fleet-only", "--windows", 300, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        fleet = self.calibration(model)
        self.assertEqual(fleet["incident"], incidents["incident"])
        self.assertEqual(fleet["quantiles"], before["quantiles"])
        done = run("calibrate", "--model", model, "--fleet-only", "--alerts", self.data)
        self.assertEqual(done.returncode, 2)
        self.assertIn("only one of", done.stderr)

    def test_alerts_are_counted_and_kept_until_the_curves_change(self):
        model = self.path("tft_model_20240103_000000")
        shutil.copytree(self.model, model)
        self.assertEqual(run("calibrate", "--model", model, "--incidents-only", "--windows", 400, self.data).returncode, 0)
        curves = self.calibration(model)
        self.assertNotIn("alerts", curves)
        done = run("calibrate", "--model", model, "--alerts", "--windows", 600, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, "an incident followed [0-9]+ of [0-9]+\n")
        counted = self.calibration(model)
        alerts = counted.pop("alerts")
        self.assertEqual(counted, curves)
        self.assertEqual((alerts["within"], alerts["steps"]), (24, [6, 12, 24]))
        self.assertGreater(alerts["cases"], 300)
        self.assertGreater(alerts["came"], 0)
        for raised, followed in zip(alerts["raised"], alerts["followed"]):
            self.assertEqual(raised, sorted(raised, reverse=True))
            self.assertTrue(all(f <= r for r, f in zip(raised, followed)))
        self.assertEqual(run("calibrate", "--model", model, "--quantiles-only", "--windows", 200, self.data).returncode, 0)
        self.assertIn("alerts", self.calibration(model))  # the curves are the same
        self.assertEqual(run("calibrate", "--model", model, "--incidents-only", "--windows", 200, self.data).returncode, 0)
        self.assertNotIn("alerts", self.calibration(model))

    def test_calibrate_says_what_it_lacks(self):
        done = run("calibrate", "--model", self.model, "--dry-run", "--servers", "nobody", self.data)
        self.assertEqual(done.returncode, 4)
        self.assertIn("nobody", done.stderr)
        self.assertEqual(run("calibrate", self.data).returncode, 2)

    def path(self, name):
        return os.path.join(self.dir, name)

    def bytes_of(self, model):
        with open(os.path.join(model, "model.safetensors"), "rb") as file:
            return file.read()

    def table(self, path):
        with open(path, newline="") as file:
            return list(csv.reader(file))

    def test_the_model_directory_has_its_four_files_and_the_contract_of_the_data(self):
        self.assertEqual(sorted(os.listdir(self.model)),
                         ["config.json", "model.safetensors", "server_mapping.json", "training_info.json"])
        with open(os.path.join(self.model, "config.json")) as file:
            config = json.load(file)
        self.assertEqual([m["name"] for m in config["contract"]["metrics"]], ["cpu_pct", "mem_pct"])
        self.assertEqual(config["contract"]["horizon"], 24)
        self.assertEqual(config["quantiles"], [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
        with open(os.path.join(self.model, "training_info.json")) as file:
            info = json.load(file)
        self.assertEqual(info["num_servers"], 12)
        self.assertTrue(info["training_completed"])
        self.assertIn("--hidden 8", info["command_line"])

    def test_the_table_has_every_step_of_every_server_that_is_on(self):
        out, incidents = self.path("f.csv"), self.path("i.csv")
        done = run("forecast", "--model", self.model, "--out", out, "--incidents-out", incidents, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = self.table(out)
        self.assertEqual(",".join(rows[0]),
                         "origin,server_name,metric,timestamp,q0.02,q0.1,q0.25,q0.5,q0.75,q0.9,q0.98")
        origin = START + 699 * STEP
        self.assertEqual({r[0] for r in rows[1:]}, {stamp(origin)})
        servers = {r[1] for r in rows[1:]}
        self.assertNotIn("vm2", servers)  # switched off at the origin
        self.assertIn("vm3", servers)     # its last step is missing, and yet
        self.assertEqual(len(servers), 11)
        self.assertEqual(len(rows) - 1, 11 * 2 * 24)
        self.assertEqual([r[3] for r in rows[1:25]], [stamp(origin + (k + 1) * STEP) for k in range(24)])
        for row in rows[1:]:
            values = [float(x) for x in row[4:]]
            self.assertEqual(values, sorted(values))
            self.assertTrue(all(0 <= x <= 100 for x in values))
        rows = self.table(incidents)
        self.assertEqual(",".join(rows[0]), "origin,server_name,p_30m,p_1h,p_2h,p_4h,p_8h")
        self.assertEqual(len(rows) - 1, 11)
        for row in rows[1:]:
            self.assertEqual(row[5:], ["", ""])  # 24 steps are 2 hours
            values = [float(x) for x in row[2:5]]
            self.assertEqual(values, sorted(values))

    def test_origins_come_from_a_list_or_a_range(self):
        listed, ranged = self.path("listed.csv"), self.path("ranged.csv")
        times = [START + k * STEP for k in (400, 412, 424)]
        ats = [x for t in times for x in ("--at", stamp(t))]
        self.assertEqual(run("forecast", "--model", self.model, *ats, "--out", listed, self.data).returncode, 0)
        self.assertEqual(run("forecast", "--model", self.model, "--from", stamp(times[0]), "--to", stamp(times[2] + 100),
                             "--every", 12, "--out", ranged, self.data).returncode, 0)
        with open(listed) as a, open(ranged) as b:
            self.assertEqual(a.read(), b.read())
        self.assertEqual(sorted({r[0] for r in self.table(ranged)[1:]}), [stamp(t) for t in times])

    def test_a_forecast_reads_nothing_after_its_origin(self):
        short, a, b = self.path("short.csv"), self.path("a.csv"), self.path("b.csv")
        with gzip.open(self.data, "rt") as full, open(short, "w") as cut:
            for line in full:
                if not line[0].isdigit() or line.split(",")[0] <= stamp(START + 400 * STEP):
                    cut.write(line)
        for data, out in ((self.data, a), (short, b)):
            self.assertEqual(run("forecast", "--model", self.model, "--at", stamp(START + 400 * STEP), "--out", out,
                                 data).returncode, 0)
        with open(a) as x, open(b) as y:
            self.assertEqual(x.read(), y.read())

    def test_history_adds_the_past_of_the_servers_that_are_named(self):
        head, tail, whole, parts = (self.path(x) for x in ("head.csv", "tail.csv", "whole.csv", "parts.csv"))
        with gzip.open(self.data, "rt") as full, open(head, "w") as h, open(tail, "w") as t:
            header = next(full)
            h.write(header)
            t.write(header)
            for line in full:
                if line.split(",")[0] < stamp(START + 650 * STEP):
                    h.write(line)
                elif line.split(",")[1] != "vm5":
                    t.write(line)
        at = ["--at", stamp(START + 690 * STEP)]
        self.assertEqual(run("forecast", "--model", self.model, *at, "--out", whole, self.data).returncode, 0)
        self.assertEqual(run("forecast", "--model", self.model, *at, "--history", head, "--out", parts, tail).returncode, 0)
        want = [r for r in self.table(whole) if r[1] != "vm5"]
        self.assertEqual(self.table(parts), want)

    def test_names_are_quoted_and_packed_files_are_readable(self):
        data, out = self.path("odd.csv"), self.path("odd_out.csv.gz")
        odd = ['"a,b"', '"say ""hi"""', "plain"]
        write_fleet(data, n_servers=3, n_steps=60, names=odd)
        self.assertEqual(run("forecast", "--model", self.model, "--at", stamp(START + 50 * STEP), "--horizon", 2, "--out", out,
                             data).returncode, 0)
        with gzip.open(out, "rt", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual({r[1] for r in rows[1:]}, {"a,b", 'say "hi"', "plain"})
        self.assertEqual(len(rows) - 1, 3 * 2 * 2)

    def test_standard_output_takes_the_table(self):
        done = run("forecast", "--model", self.model, "--horizon", 1, "--out", "-", self.data)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 1 + 11 * 2)

    def test_an_interrupted_training_leaves_a_model_and_goes_on_to_the_same_bytes(self):
        whole, cut = self.path("whole"), self.path("cut")
        long = [*SMALL, "--epochs", "3", "--steps-per-epoch", "40"]
        done = run("train", "--out", whole, *long, self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        process = subprocess.Popen([TFTD, "train", "--out", cut, *long, self.data], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("epoch 1"):
                break
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130)
        stopped = stdout.strip()
        self.assertEqual(run("forecast", "--model", stopped, "--out", "-", self.data).returncode, 0)
        with open(os.path.join(stopped, "training_info.json")) as file:
            self.assertFalse(json.load(file)["training_completed"])
        resumed = run("train", "--resume", "--out", cut, *long, self.data)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(self.bytes_of(resumed.stdout.strip()), self.bytes_of(done.stdout.strip()))
        self.assertNotEqual(self.bytes_of(stopped), self.bytes_of(done.stdout.strip()))

    def test_held_out_servers_leave_no_trace(self):
        done = run("train", "--out", self.path("held"), *SMALL, "--epochs", 1, "--holdout-servers", "vm1,vm4", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(done.stdout.strip(), "server_mapping.json")) as file:
            names = json.load(file)["name_to_id"]
        self.assertEqual(len(names), 10)
        self.assertNotIn("vm1", names)

    def test_groups_with_equal_names_are_different_servers(self):
        other = self.path("other.csv")
        write_fleet(other)
        done = run("train", "--out", self.path("groups"), *SMALL, "--epochs", 1, self.data, other + "@0.3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("24 servers", done.stderr)
        self.assertNotIn("WARNING", done.stderr)

    def test_a_file_that_adds_nothing_is_named(self):
        other = self.path("again.csv")
        write_fleet(other)
        done = run("train", "--out", self.path("again"), *SMALL, "--epochs", 1, self.data, other)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("[WARNING] " + other, done.stderr)
        self.assertIn("12 servers", done.stderr)

    def test_any_columns_and_step_train(self):
        data, spec = self.path("ett.csv"), self.path("ett.yaml")
        with open(data, "w") as out:
            out.write("date,LOAD,TEMP,ignored\n")
            for k in range(600):
                out.write("%s,%.3f,%.3f,x\n" % (time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START + k * 900)),
                                                 -5 + math.sin(k / 10), 20 + 5 * math.cos(k / 15)))
        with open(spec, "w") as out:
            out.write("time: date\nstep: 15m\ncontext: 32\nhorizon: 16\nquantiles: [0.1, 0.5, 0.9]\ntargets: [LOAD]\n"
                      "observed: [TEMP]\nnetwork: {hidden: 8, heads: 2, hazard: false}\n"
                      "training: {epochs: 1, steps_per_epoch: 5, batch: 8}\n")
        done = run("train", "--config", spec, "--out", self.path("ett"), data)
        self.assertEqual(done.returncode, 0, done.stderr)
        out = run("forecast", "--model", done.stdout.strip(), "--out", "-", data)
        self.assertEqual(out.returncode, 0, out.stderr)
        rows = list(csv.reader(out.stdout.splitlines()))
        self.assertEqual(rows[0][4:], ["q0.1", "q0.5", "q0.9"])
        self.assertEqual({r[2] for r in rows[1:]}, {"LOAD"})
        self.assertEqual(len(rows) - 1, 16)
        self.assertLess(float(rows[1][5]), 0)  # nothing is cut at zero where no range is known

    def test_mistakes_end_with_their_exit_code_and_a_sentence(self):
        nothing = self.path("nothing.csv")
        with open(nothing, "w") as out:
            out.write("timestamp,server_name,colour\n2024-01-01T00:00:00Z,a,red\n")
        bad = self.path("bad.yaml")
        with open(bad, "w") as out:
            out.write("horzon: 3\n")
        cases = [
            (["train", self.data], 2, "--out"),
            (["train", "--out", self.path("x")], 2, "FILE"),
            (["train", "--out", self.path("x"), "--epochs", "many", self.data], 2, "--epochs"),
            (["train", "--out", self.path("x"), "--quantiles", "0.5,0.1", self.data], 2, "--quantiles"),
            (["train", "--config", bad, "--out", self.path("x"), self.data], 3, "line 1"),
            (["train", "--out", self.path("x"), nothing], 4, "--targets"),
            (["train", "--out", self.path("x"), "--targets", "cpu_pct,speed", self.data], 4, "\"speed\""),
            (["train", "--out", self.path("x"), self.path("missing.csv")], 4, "missing.csv"),
            (["train", "--out", self.path("x"), "--holdout-servers", "nobody", self.data], 4, "\"nobody\""),
            (["train", "--out", self.path("empty"), "--resume", self.data], 4, "checkpoint"),
            (["forecast", "--out", "-", self.data], 2, "--model"),
            (["forecast", "--model", self.dir, "--out", "-", self.data], 4, "config.json"),
            (["forecast", "--model", self.model, "--out", "-", "--at", "noon", self.data], 2, "noon"),
            (["forecast", "--model", self.model, "--out", "-", "--horizon", "25", self.data], 2, "--horizon"),
            (["forecast", "--model", self.model, "--out", self.path("no/such/folder.csv"), self.data], 1, "folder.csv"),
        ]
        for args, code, text in cases:
            done = run(*args)
            self.assertEqual(done.returncode, code, (args, done.stderr))
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False, verbosity=2).result.wasSuccessful() else 1)
