"""What happened to the fleet is kept and told: incidents with their warning, the environment step by step; as JSON, as CSV, by
pages, over kill -9, and mended by late records."""
import csv
import io
import math
import random
import unittest

from serving import Daemon, record, stamp

STEP = 300
BASE = 1_760_400_000 // STEP * STEP
SETTINGS = {"TFTD_TIME_CLOCK": "data", "TFTD_FORECAST_MIN_INTERVAL": "50ms", "TFTD_ALERTS_KEEP_FOR": "0s"}
FLEET = ["ppdb001", "web-1", "quiet"]
BAD = {100, 101, 102}  # of web-1
SILENT = range(60, 66)  # of quiet


def label(step):
    return stamp(BASE + step * STEP).replace(".000Z", "Z")


def step_of(step, names=FLEET):
    out = []
    for name in names:
        if name == "quiet" and step in SILENT:
            continue
        rng = random.Random("%s%d" % (name, step))
        rising = name == "web-1" and 85 <= step < 104
        for second in (10, 200):
            cpu = 92.0 if rising else 40 + 10 * math.sin(step / 20) + rng.uniform(-3, 3)
            state = "critical_issue" if name == "web-1" and step in BAD else "healthy"
            out.append(record(name, BASE + step * STEP + second, cpu_pct=cpu, mem_pct=50, latency_ms=20, state=state))
    return out


class PastFleet(unittest.TestCase):
    def test_the_whole_story(self):
        with Daemon(environment=SETTINGS) as d:
            for step in range(120):
                self.assertEqual(d.post(step_of(step))[0], 200)
                if 80 <= step < 110:  # the warning must have been heard before the incident
                    d.wait_for("a forecast of step %d" % step, lambda: d.get("/api/v1/risk")[1].get("origin") == label(step), timeout=20)
            span = "from=%s&to=%s" % (stamp(BASE), stamp(BASE + 200 * STEP))
            def items(more=""):
                status, body = d.get("/api/v1/history/incidents?%s%s" % (span, more))
                self.assertEqual(status, 200, body)
                return body["items"]
            # the keeper looks once a second, with the lowest priority: what it finds first may be an incident that goes on
            silent, crash = d.wait_for("both incidents, over", lambda: (lambda found: found if [i["end"] for i in found] == [label(66), label(103)]
                                                                        else None)(items()), timeout=60)
            self.assertEqual((silent["server_name"], silent["state"], silent["planned"]), ("quiet", "offline", False))
            self.assertEqual((silent["start"], silent["end"]), (label(60), label(66)))
            self.assertIsNone(silent["first_warning"])
            self.assertEqual((crash["server_name"], crash["state"]), ("web-1", "critical_issue"))
            self.assertEqual((crash["start"], crash["end"]), (label(100), label(103)))
            warning = crash["first_warning"]
            self.assertIn(warning["kind"], ("threshold", "incident"))
            self.assertGreater(crash["lead_time_s"], 600)
            alert = d.get("/api/v1/alerts/" + warning["id"])[1]
            self.assertEqual((alert["server"], alert["since"]), ("web-1", warning["since"]))
            self.assertEqual([i["server_name"] for i in items("&server=quiet")], ["quiet"])
            self.assertEqual(d.get("/api/v1/history/incidents?server=nobody")[0], 404)

            first = d.get("/api/v1/history/incidents?%s&limit=1" % span)[1]
            second = d.get("/api/v1/history/incidents?%s&limit=1&cursor=%s" % (span, first["next_cursor"]))[1]
            self.assertEqual(first["items"] + second["items"], items())
            self.assertIsNone(second["next_cursor"])
            rows = list(csv.DictReader(io.StringIO(d.request("GET", "/api/v1/history/incidents?%s&format=csv" % span)[2].decode())))
            self.assertEqual([r["start"] for r in rows], [i["start"] for i in items()])
            self.assertEqual(float(rows[1]["lead_time_s"]), crash["lead_time_s"])

            status, page = d.get("/api/v1/history/environment?%s&limit=1000" % span)
            self.assertEqual(status, 200)
            steps = {i["start"]: i for i in page["items"]}
            at = steps[label(101)]
            self.assertEqual((at["servers"], at["in_incident"], at["states"]["critical_issue"]), (3, 1, 1))
            self.assertEqual(sum(at["states"].values()), 3)
            self.assertGreaterEqual(at["any"]["8h"], at["any"]["30m"])
            self.assertEqual(steps[label(90)]["in_incident"], 0)
            table = list(csv.DictReader(io.StringIO(d.request("GET", "/api/v1/history/environment?%s&format=csv&limit=1000" % span)[2].decode())))
            self.assertEqual([r["start"] for r in table], [i["start"] for i in page["items"]])
            self.assertEqual(d.get("/api/v1/history/alerts?server=web-1&" + span)[1]["items"][0]["server"], "web-1")

            d.kill()
            d.start()
            d.wait_for("incidents after kill -9", lambda: d.get("/api/v1/history/incidents?%s" % span)[0] == 200)
            self.assertEqual([i["start"] for i in items()], [silent["start"], crash["start"]])
            late = [record("quiet", BASE + step * STEP + 10, cpu_pct=40, mem_pct=50, state="healthy") for step in SILENT]
            self.assertEqual(d.post(late)[0], 200)
            self.assertEqual(d.post(step_of(121))[0], 200)  # the next step: history is looked at again
            d.wait_for("the silence to be mended", lambda: [i["server_name"] for i in items()] == ["web-1"], timeout=20)


if __name__ == "__main__":
    unittest.main()
