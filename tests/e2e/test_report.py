"""tftd evaluate --report: one page, nothing from outside, and every figure of its tables as the JSON has it."""
import html.parser
import json
import math
import os
import random
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


def write_fleet(path, n_servers=5, n_steps=500):
    rng = random.Random(3)
    with open(path, "w") as out:
        out.write("timestamp,server_name,cpu_pct,mem_pct,state\n")
        for s in range(n_servers):
            for k in range(n_steps):
                cpu = min(100, max(0, 50 + 30 * math.sin(k * 6.2831853 / 288 + s) + rng.gauss(0, 3)))
                state = "critical_issue" if cpu > 82 else "healthy"
                at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + k * STEP))
                out.write("%s,</script>%d,%.3f,%.3f,%s\n" % (at, s + 1, cpu, 40 + rng.gauss(0, 5), state))


class Page(html.parser.HTMLParser):
    """Tables by id, as lists of rows of texts; what is loaded; the JSON inside."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.loaded, self.tags, self.json = {}, [], [], ""
        self.table = self.cell = None
        self.in_json = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.loaded += [attributes[k] for k in ("src", "href", "srcset") if k in attributes]
        if tag == "table":
            self.table = self.tables.setdefault(attributes["id"], [])
        elif tag == "tr" and self.table is not None:
            self.table.append([])
        elif tag in ("td", "th") and self.table is not None:
            self.cell = ""
        elif tag == "script":
            self.in_json = attributes == {"type": "application/json", "id": "report"}

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            self.table[-1].append(self.cell)
            self.cell = None
        elif tag == "script":
            self.in_json = False

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data
        if self.in_json:
            self.json += data


def shown(value, decimals):
    return "–" if value is None else "%.*f" % (decimals, value)


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.data = os.path.join(cls.folder.name, "fleet.csv")
        write_fleet(cls.data)
        done = subprocess.run([TFTD, "train", "--out", os.path.join(cls.folder.name, "m"), *SMALL, cls.data],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        cls.out = os.path.join(cls.folder.name, "report.html")
        done = subprocess.run([TFTD, "evaluate", "-q", "--json", "--model", done.stdout.strip(), "--every", "12", "--from",
                               "2024-01-01T12:00:00Z", "--report", cls.out, cls.data], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        cls.result = json.loads(done.stdout)
        with open(cls.out, encoding="utf-8") as file:
            cls.text = file.read()
        cls.page = Page(cls.text)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def row(self, table, k):
        return self.page.tables[table][1 + k]

    def test_nothing_is_loaded_from_outside_and_nothing_runs(self):
        self.assertTrue(all(link.startswith("#") for link in self.page.loaded), self.page.loaded)
        self.assertEqual(self.page.tags.count("script"), 1)
        self.assertNotIn("@import", self.text)
        self.assertNotIn("url(", self.text)
        self.assertIn("prefers-color-scheme:dark", self.text)

    def test_the_json_inside_is_that_of_the_command(self):
        self.assertEqual(json.loads(self.page.json), self.result)

    def test_scores_are_those_of_the_json(self):
        for metric in self.result["metrics"]:
            for k, f in enumerate(metric["forecasters"]):
                bands = [shown(b["crps"], 4) for b in f["horizon"]]
                wanted = [shown(f["mae"], 4), shown(f["q_risk_p50"], 4), shown(f["q_risk_p90"], 4), shown(f["crps"], 4), *bands,
                          shown(100 * f["coverage_p10_p90"], 1), shown(100 * f["coverage_p02_p98"], 1), shown(f["gm"], 3)]
                self.assertEqual(self.row("scores-" + metric["metric"], k)[1:], wanted)

    def test_charts_have_tables_and_these_say_what_the_json_says(self):
        labels = {f["name"]: self.row("scores-cpu_pct", k)[0] for k, f in enumerate(self.result["metrics"][0]["forecasters"])}
        for about in self.result["details"]:
            for table, part in (("horizon", "steps"), ("hours", "hours")):
                rows = self.page.tables["%s-%s" % (table, about["metric"])]
                for column, label in enumerate(rows[0][1:], 1):
                    crps = next(f["crps"] for f in about[part] if labels[f["name"]] == label)
                    self.assertEqual([r[column] for r in rows[1:]], [shown(x, 4) for x in crps])
            own = about["steps"][0]
            rows = self.page.tables["coverage-" + about["metric"]][1:]
            self.assertEqual([r[1] for r in rows], [shown(100 * x, 1) for x in own["coverage_p10_p90"]])
            self.assertEqual([r[2] for r in rows], [shown(100 * x, 1) for x in own["coverage_p02_p98"]])
            rows = self.page.tables["pit-" + about["metric"]][1:]
            total = sum(about["pit"])
            self.assertEqual([r[1] for r in rows], [shown(100 * x / total, 2) for x in about["pit"]])
            self.assertAlmostEqual(total, next(m["n"] for m in self.result["metrics"] if m["metric"] == about["metric"]), 3)

    def test_steps_and_hours_add_up_to_the_whole(self):
        for about, metric in zip(self.result["details"], self.result["metrics"]):
            mean = sum(about["steps"][0]["coverage_p10_p90"]) / len(about["steps"][0]["coverage_p10_p90"])
            self.assertAlmostEqual(mean, metric["forecasters"][0]["coverage_p10_p90"], 1)

    def test_histories_are_those_of_the_json(self):
        ages = [h["age"] for h in self.result["history"]]
        self.assertEqual(ages, ["15 min", "1 h", "4 h", "24 h", "8 d"])
        for k, h in enumerate(self.result["history"]):
            for about in h["metrics"]:
                wanted = [shown(x, 4) for x in about["crps"].values()] + [shown(100 * about["coverage_p10_p90"], 1)]
                self.assertEqual(self.row("history-" + about["metric"], k)[1:], wanted)

    def check_incident_row(self, row, f):
        self.assertEqual(row[3:], [shown(f["brier"], 5), shown(f["brier_skill"], 3), shown(f["log_loss"], 4),
                                   shown(f["log_loss_skill"], 3), shown(f["ece"], 4), shown(f["auc"], 3),
                                   shown(f["auc_within_server"], 3), shown(f["precision_at_recall_50"], 3)])

    def test_incidents_are_those_of_the_json(self):
        k = fleet_k = 0
        for horizon in self.result["incidents"]["horizons"]:
            for f in horizon["forecasters"]:
                row = self.row("incidents-all", k)
                self.assertEqual(row[1:3], [str(horizon["positives"]), str(horizon["n"])])
                self.check_incident_row(row, f)
                k += 1
            for f in horizon["fleet"]["forecasters"]:
                self.check_incident_row(self.row("fleet", fleet_k), f)
                fleet_k += 1
            bins = horizon["forecasters"][0]["bins"]
            rows = self.page.tables["bins-" + horizon["horizon"]][1:]
            self.assertEqual([r[1:] for r in rows],
                             [[str(b["n"]), shown(b["mean_p"], 4), shown(b["observed"], 4)] for b in bins])
        self.assertEqual(len(self.page.tables["incidents-all"]), 1 + k)

    def test_alerts_are_those_of_the_json(self):
        rows = self.page.tables["alerts-all"][1:]
        self.assertEqual(len(rows), len(self.result["alerts"]["rows"]))
        for row, a in zip(rows, self.result["alerts"]["rows"]):
            percent = lambda x: shown(None if x is None else 100 * x, 1)
            self.assertEqual(row[1:], [str(a["raised"]), percent(a["precision"]), percent(a["recall"]),
                                       shown(a["false_per_server_day"], 3), shown(a["median_lead_minutes"], 0)])

    def test_inputs_weigh_one_in_each_place(self):
        for place in ("static", "encoder", "decoder"):
            weights = [w["weight"] for w in self.result["importance"] if w["place"] == place]
            self.assertAlmostEqual(sum(weights), 1, 4)
            self.assertIn("weights-" + place, self.text)

    def test_make_quality_writes_the_same_figures_into_its_tables(self):
        sys.dont_write_bytecode = True
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
        import quality
        results = {"here": self.result}
        text = quality.forecast_tables(results)
        for metric in self.result["metrics"]:
            self.assertIn("| %s | **%s** |" % (metric["metric"], quality.number(metric["forecasters"][0]["crps"], 4)), text)
        text = quality.history_table(results)
        for h in self.result["history"]:
            self.assertIn("| %s | %s (" % (h["age"], quality.number(h["metrics"][0]["crps"]["tft"], 4)), text)
        text = quality.incident_tables(results, "incidents")
        for h in self.result["incidents"]["horizons"]:
            self.assertIn("| %s | %d / %d | **%s** |" % (h["horizon"], h["positives"], h["n"],
                                                        quality.number(h["forecasters"][0]["brier_skill"])), text)
        self.assertIn("P(incident within 8 h)" if self.result["horizon"] == 96 else "P(incident", quality.alert_table(self.result, "here"))
        with open(os.path.join(quality.ROOT, "docs/QUALITY.md"), encoding="utf-8") as file:
            page = file.read()
        self.assertLess(page.index(quality.BEGIN), page.index(quality.END))


if __name__ == "__main__":
    unittest.main(verbosity=2)
