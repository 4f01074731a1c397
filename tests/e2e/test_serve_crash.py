#!/usr/bin/env python3
"""kill -9 at any moment loses no acknowledged record, and the same batch may be sent again."""
import http.client
import json
import random
import threading
import time
import unittest

from serving import SLOW, Daemon, record, tick


class Crash(unittest.TestCase):
    def test_no_acknowledged_record_is_lost_whenever_the_daemon_is_killed(self):
        rng = random.Random(7)
        start = int(time.time()) - 50000 * 5  # far back: a fast machine sends thousands of ticks
        with Daemon() as d:
            acknowledged, sent, round_number = 0, 0, 0
            while round_number < 8 or sent <= 20:  # a busy machine sends a batch or two in a round
                round_number += 1
                self.assertLess(round_number, 200)
                stop_after = rng.uniform(0.02, 0.25) * SLOW
                killer = threading.Timer(stop_after, d.kill)
                killer.start()
                connection = d.connect()
                try:
                    while True:
                        status, answer = d.post(tick(start + 5 * sent), connection)
                        self.assertEqual(status, 200, answer)
                        # a batch whose answer was lost in the last crash may be there already: then it is a duplicate
                        self.assertIn(answer["accepted"] + answer["duplicates"], (20,))
                        sent += 1
                        acknowledged = answer["tick"]
                except (ConnectionError, http.client.HTTPException, json.JSONDecodeError, OSError):
                    pass
                killer.join()
                d.process.wait()
                d.start()
                status = d.get("/status")[1]
                self.assertIn(status["records_total"] - 20 * sent, (0, 20), "round %d" % round_number)
                self.assertEqual(status["window_size"], status["records_total"])
                self.assertEqual(status["tick_count"], status["records_total"] // 20)
                self.assertGreaterEqual(status["tick_count"], acknowledged)

    def test_a_restart_comes_back_warm(self):
        start = int(time.time()) - 150 * 5
        with Daemon() as d:
            for n in range(150):
                d.post(tick(start + 5 * n))
            before = d.get("/status")[1]
            d.kill()
            d.start()
            after = d.get("/status")[1]
            for key in ("tick_count", "window_size", "records_total", "servers_tracked", "servers_ready", "servers_active", "warmup"):
                self.assertEqual(before[key], after[key])
            self.assertIn("[OK] Loaded 3000 records from disk", d.log())
            self.assertIn("[OK] Warmup status: 20/20 servers ready", d.log())
            self.assertIn("[SUCCESS] Model is WARMED UP - ready for predictions immediately!", d.log())
            forecast = d.predictions()
            self.assertEqual(len(forecast["predictions"]), 20)
            self.assertEqual(forecast["predictions"]["ppdb002"]["cpu_percent"]["current"], tick(start + 5 * 149)[5]["cpu_pct"])
            status, answer = d.post(tick(start + 5 * 77))  # a retry after the crash changes nothing
            self.assertEqual((status, answer["duplicates"], answer["accepted"], answer["conflicts"]), (200, 20, 0, 0))
            self.assertEqual(answer["tick"], 150)
            self.assertEqual(d.get("/status")[1]["records_total"], 3000)

    def test_retention_seals_old_steps_and_counters_never_fall(self):
        with Daemon(environment={"TFTD_STORE_RETENTION_RECORDS": "1s"}) as d:
            old = (int(time.time()) - 3600) // 300 * 300  # inside one step
            d.post([record("a", old + i) for i in range(120)])
            d.wait_for("the records to be sealed", lambda: d.get("/status")[1]["window_size"] == 0)
            status, answer = d.post([record("a", old + 5)])
            self.assertEqual((status, answer["errors"][0]["code"]), (422, "too_old"))
            self.assertEqual(d.get("/status")[1]["records_total"], 120)
            d.kill()
            d.start()
            status = d.get("/status")[1]
            self.assertEqual((status["records_total"], status["window_size"], status["rejected_total"]), (120, 0, 1))
            self.assertEqual(d.post([record("a", old + 7)])[1]["errors"][0]["code"], "too_old")
            self.assertEqual(d.predictions()["predictions"]["a"]["history_steps"], 1)


if __name__ == "__main__":
    unittest.main()
