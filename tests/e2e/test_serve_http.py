#!/usr/bin/env python3
"""The compatible surface over HTTP: methods, tags, compression, filters, keep-alive, and memory that stays flat."""
import gzip
import json
import time
import unittest

from serving import FLEET, SLOW, Daemon, is_sanitized, record, tick


def resident_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # by the clock of the data nothing moves on: the tests below see one and the same forecast
        cls.d = Daemon(environment={"TFTD_TIME_CLOCK": "data"}).start()
        for n in range(20):
            cls.d.post(tick(1_760_371_200 + 5 * n))
        cls.d.wait_for("the last tick's forecast", lambda: cls.d.predictions().get("metadata", {}).get("input_points") == 400)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__()

    def test_get_paths_answer_head_and_options(self):
        for path in ("/", "/health", "/status", "/alerts/active", "/predictions/current"):
            status, headers, body = self.d.request("HEAD", path)
            self.assertEqual((status, body), (200, b""), path)
            self.assertGreater(int(headers["content-length"]), 2)
            status, headers, body = self.d.request("OPTIONS", path)
            self.assertEqual((status, headers["allow"], body), (204, "GET, HEAD, OPTIONS", b""), path)
            status, headers, body = self.d.request("DELETE", path)
            self.assertEqual((status, json.loads(body), headers["allow"]), (405, {"detail": "Method Not Allowed"}, "GET, HEAD, OPTIONS"))
        self.assertEqual(self.d.request("GET", "/feed/data")[0], 405)
        self.assertEqual(self.d.request("OPTIONS", "/feed/data")[1]["allow"], "POST, OPTIONS")
        status, _, body = self.d.request("GET", "/no/such/thing")
        self.assertEqual((status, json.loads(body)), (404, {"detail": "Not Found"}))

    def test_the_service_describes_itself(self):
        _, root = self.d.get("/")
        self.assertEqual((root["service"], root["status"]), ("TFT Inference Daemon", "running"))
        self.assertEqual(root["endpoints"]["feed"], "POST /feed/data")
        self.assertEqual(self.d.get("/health"), (200, {"status": "healthy", "service": "tft_inference_daemon", "running": True}))

    def test_a_forecast_has_a_tag_until_the_next_one(self):
        status, headers, _ = self.d.request("GET", "/predictions/current")
        tag = headers["etag"]
        self.assertEqual(self.d.request("GET", "/predictions/current", headers={"If-None-Match": tag})[0], 304)
        self.assertEqual(self.d.request("GET", "/predictions/current", headers={"If-None-Match": '"x", ' + tag})[0], 304)
        self.assertEqual(self.d.request("GET", "/predictions/current", headers={"If-None-Match": '"x"'})[0], 200)
        status, headers, body = self.d.request("GET", "/predictions/current", headers={"If-None-Match": tag, "Accept-Encoding": "gzip"})
        self.assertEqual((status, body), (304, b""))
        other = self.d.request("GET", "/predictions/current?servers=ppdb001")[1]["etag"]
        self.assertNotEqual(other, tag)
        self.assertEqual(self.d.request("GET", "/predictions/current?servers=ppdb001", headers={"If-None-Match": other})[0], 304)
        with_news = Daemon().start()
        try:
            now = int(time.time())
            with_news.post([record("a", now - n) for n in range(120)])
            first = with_news.request("GET", "/predictions/current")[1]["etag"]
            with_news.post([record("b", now - n) for n in range(10)])
            with_news.wait_for("a new forecast", lambda: with_news.request(
                "GET", "/predictions/current", headers={"If-None-Match": first})[0] == 200, timeout=5)
        finally:
            with_news.__exit__()

    def test_gzip_when_asked_for(self):
        def without_age(body):
            forecast = json.loads(body)
            forecast["metadata"].pop("forecast_age_s")
            return forecast
        plain = self.d.request("GET", "/predictions/current")
        self.assertNotIn("content-encoding", plain[1])
        for accept in ("gzip", "deflate, gzip;q=0.5", "*"):
            status, headers, body = self.d.request("GET", "/predictions/current", headers={"Accept-Encoding": accept})
            self.assertEqual((status, headers["content-encoding"]), (200, "gzip"))
            self.assertEqual(without_age(gzip.decompress(body)), without_age(plain[2]))
            self.assertLess(len(body), len(plain[2]) / 2)
            status, headers, body = self.d.request("GET", "/predictions/current?metrics=cpu_pct", headers={"Accept-Encoding": accept})
            self.assertEqual(headers["content-encoding"], "gzip")
            json.loads(gzip.decompress(body))
        for refuse in ("gzip;q=0", "br", "identity", "*;q=0"):
            self.assertNotIn("content-encoding", self.d.request("GET", "/predictions/current", headers={"Accept-Encoding": refuse})[1])
        self.assertNotIn("content-encoding", self.d.request("GET", "/health", headers={"Accept-Encoding": "gzip"})[1])  # below 1 KiB

    def test_filters(self):
        whole = self.d.predictions()
        some = self.d.predictions("?servers=ppdb001,ppweb003")
        self.assertEqual(sorted(some["predictions"]), ["ppdb001", "ppweb003"])
        self.assertEqual(some["predictions"]["ppdb001"], whole["predictions"]["ppdb001"])
        self.assertEqual(some["environment"]["total_servers"], 20)
        one = self.d.predictions("?servers=ppdb001&metrics=memory_percent&quantiles=p10,p90&horizon_steps=12")
        server = one["predictions"]["ppdb001"]
        self.assertNotIn("cpu_percent", server)
        metric, full = server["memory_percent"], whole["predictions"]["ppdb001"]["memory_percent"]
        self.assertNotIn("p50", metric)
        self.assertEqual((metric["p10"], metric["p90"], metric["timestamps"]), (full["p10"][:12], full["p90"][:12], full["timestamps"][:12]))
        self.assertEqual((one["metadata"]["horizon_steps"], one["metadata"]["quantiles"]), (12, [0.1, 0.9]))
        named = self.d.predictions("?names=contract&servers=ppdb001")["predictions"]["ppdb001"]
        self.assertEqual(named["disk_io_mb_s"], whole["predictions"]["ppdb001"]["disk_percent"])
        self.assertEqual(self.d.predictions("?servers=nobody")["predictions"], {})
        for bad in ("horizon_steps=0", "horizon_steps=97", "horizon_steps=x", "horizon_steps=", "horizon_steps=1.5", "metrics=cpu",
                    "metrics=", "quantiles=p99", "quantiles=p10,,p90", "names=both", "servers="):
            status, answer = self.d.get("/predictions/current?" + bad)
            self.assertEqual(status, 400, bad)
            self.assertIn(bad.split("=")[0], answer["detail"])

    def test_one_connection_serves_many_requests(self):
        connection = self.d.connect()
        for _ in range(50):
            self.assertEqual(self.d.request("GET", "/health", connection=connection)[0], 200)
            self.assertEqual(self.d.request("GET", "/nope", connection=connection)[0], 404)
            self.assertEqual(self.d.request("POST", "/feed/data", b"x", {"Content-Type": "application/json"}, connection)[0], 400)
        connection.close()

    def test_answers_come_quickly_and_memory_stays_flat(self):
        connection = self.d.connect()
        def requests(n):
            for i in range(n):
                self.d.request("GET", "/predictions/current", headers={"Accept-Encoding": "gzip"} if i % 2 else {}, connection=connection)
                self.d.request("GET", "/predictions/current?servers=ppdb001", connection=connection)
                self.d.request("GET", "/status", connection=connection)
                self.d.request("POST", "/feed/data", b'{"records": [1, 2, {"cpu_pct": 3}]}', {}, connection)
        requests(200)
        before = resident_kib(self.d.process.pid)
        began = time.monotonic()
        requests(400)
        took = time.monotonic() - began
        grown = resident_kib(self.d.process.pid) - before
        connection.close()
        self.assertLess(grown, 4096 if not is_sanitized() else 400000,  # a sanitizer keeps freed blocks for a while
                        "%d KiB more after 1600 requests" % grown)
        self.assertLess(took / 1600, 0.05 * SLOW)

    def test_the_fleet_is_complete(self):
        self.assertEqual(sorted(self.d.predictions()["predictions"]), sorted(FLEET))


if __name__ == "__main__":
    unittest.main()
