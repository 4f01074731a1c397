#!/usr/bin/env python3
"""Warm-up by the letter: 100 records open the forecasts, the 150th record of every server makes it warm, not the 149th."""
import json
import time
import unittest

from serving import FLEET, Daemon, record, tick


class WarmUp(unittest.TestCase):
    def test_a_fresh_daemon_is_warm_at_tick_150_and_not_at_149(self):
        with Daemon() as d:
            start = int(time.time()) - 150 * 5
            self.assertEqual(d.get("/status")[1]["warmup"]["message"], "Waiting for data...")
            connection = d.connect()
            for n in range(1, 151):
                status, answer = d.post(tick(start + 5 * (n - 1)), connection)
                self.assertEqual(status, 200)
                self.assertEqual(answer["tick"], n)
                self.assertEqual(answer["window_size"], 20 * n)
                self.assertEqual(answer["servers_tracked"], 20)
                self.assertEqual(answer["servers_ready"], 20 if n == 150 else 0)
                self.assertEqual(answer["warmup_complete"], n == 150)
                if n == 4:
                    self.assertEqual(d.predictions(), {"error": "insufficient_data", "message": "Need at least 100 records, have 80",
                                                       "predictions": {}})
                    self.assertEqual(d.get("/alerts/active")[1]["count"], 0)
                if n == 5:
                    forecast = d.predictions()
                    self.assertEqual(sorted(forecast["predictions"]), sorted(FLEET))
                    self.assertEqual(forecast["predictions"]["ppdb001"]["model_type"], "heuristic")
                if n == 149:
                    warmup = d.get("/status")[1]["warmup"]
                    self.assertFalse(warmup["is_warmed_up"])
                    self.assertEqual(warmup["progress_percent"], 99)
                    self.assertEqual(warmup["current_size"], 149)
                    self.assertEqual(warmup["required_size"], 150)
                    self.assertEqual(warmup["threshold"], 150)
                    self.assertEqual(warmup["message"], "Warming up: 0/20 servers ready")
            status = d.get("/status")[1]
            self.assertTrue(status["warmup"]["is_warmed_up"])
            self.assertEqual(status["warmup"]["progress_percent"], 100)
            self.assertEqual(status["tick_count"], 150)
            self.assertEqual(status["records_total"], 3000)

    def test_a_forecast_has_its_shape(self):
        with Daemon() as d:
            start = int(time.time()) - 150 * 5
            for n in range(150):
                d.post(tick(start + 5 * n))
            last = tick(start + 5 * 149)[4]
            forecast = d.wait_for("the last tick's forecast", lambda: (
                lambda f: f if f["metadata"]["input_points"] >= 3000 else None)(d.predictions()))
            server = forecast["predictions"][last["server_name"]]
            self.assertEqual(server["profile"], "database")
            self.assertEqual(server["records"], 150)
            self.assertFalse(server["stale"])
            for key, name, unit in (("cpu_percent", "cpu_pct", "%"), ("memory_percent", "mem_pct", "%"),
                                    ("disk_percent", "disk_io_mb_s", "MB/s"), ("load_average", "latency_ms", "ms")):
                metric = server[key]
                self.assertEqual((metric["metric"], metric["unit"], metric["current"]), (name, unit, last[name]))
                self.assertEqual(len(metric["timestamps"]), 96)
                rows = [metric[q] for q in ("p02", "p10", "p25", "p50", "p75", "p90", "p98")]
                for step in zip(*rows, strict=True):
                    self.assertEqual(list(step), sorted(step))
                    self.assertTrue(all(0 <= v <= (100 if unit == "%" else 1e9) for v in step))
                self.assertEqual([len(row) for row in rows], [96] * 7)
                self.assertAlmostEqual(metric["trend"], (metric["p50"][95] - metric["current"]) / 96, places=3)
            chances = list(server["incident_probability"].values())
            self.assertEqual(list(server["incident_probability"]), ["30m", "1h", "2h", "4h", "8h"])
            self.assertEqual(chances, sorted(chances))
            meta = forecast["metadata"]
            self.assertEqual(server["cpu_percent"]["timestamps"][0], meta["first_timestamp"])
            self.assertEqual((meta["horizon_steps"], meta["step_seconds"], meta["clock"]), (96, 300, "wall"))
            self.assertEqual(meta["heuristic_servers"], 20)
            environment = forecast["environment"]
            for h in ("30m", "1h", "2h", "4h", "8h"):
                self.assertGreaterEqual(environment["prob_" + h], max(s["incident_probability"][h] for s in forecast["predictions"].values()) - 1e-6)
            self.assertEqual(environment["total_servers"], 20)
            self.assertNotIn("NaN", json.dumps(forecast))

    def test_a_replay_runs_by_the_clock_of_its_data(self):
        with Daemon() as d:
            for n in range(10):
                d.post(tick(1_760_371_200 + 5 * n))
            meta = d.predictions()["metadata"]
            self.assertEqual(meta["clock"], "data")
            self.assertEqual(meta["forecast_origin"], "2025-10-13T16:00:00Z")
            self.assertGreater(meta["data_lag_s"], 1800)

    def test_a_newcomer_does_not_take_the_fleet_out_of_warm_up_when_it_has_gone(self):
        with Daemon() as d:
            now = int(time.time())
            d.post([record("gone", now - 7200)])  # silent for two hours: not active
            d.post([record("here", now - 5 * n) for n in range(150)])
            status = d.get("/status")[1]
            self.assertTrue(status["warmup"]["is_warmed_up"])
            self.assertEqual((status["servers_tracked"], status["servers_ready"], status["servers_active"]), (2, 1, 1))


if __name__ == "__main__":
    unittest.main()
