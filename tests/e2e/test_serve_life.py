#!/usr/bin/env python3
"""Starting and stopping: log lines, exit codes, settings, signals, models."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from serving import SLOW, TFTD, Daemon, record, tick

PLAIN = {k: v for k, v in os.environ.items() if not k.startswith("TFTD_")}


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tftd-life-")

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def refused(self, *arguments, environment=None, config=None):
        """Runs tftd serve, which must end by itself; (exit code, stderr)."""
        arguments = list(arguments)
        if config is not None:
            path = os.path.join(self.folder, "t.yaml")
            with open(path, "w") as f:
                f.write(config)
            arguments += ["--config", path]
        done = subprocess.run([TFTD, "serve", "--no-model"] + arguments, cwd=self.folder, capture_output=True, text=True,
                              timeout=20 * SLOW, env={**PLAIN, **(environment or {})})
        self.assertNotIn("[READY]", done.stdout)
        return done.returncode, done.stderr

    def test_a_fresh_start_without_a_model_says_so(self):
        with Daemon() as d:
            lines = d.log().splitlines()
            self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[WARNING\] Running in HEURISTIC mode \(no TFT model loaded\)$")
            self.assertIn("[INFO] No persisted state found - starting fresh", lines[1])
            self.assertIn("[READY] Daemon started - waiting for data feed url=http://127.0.0.1:%d" % d.port, lines[2])
            status = d.get("/status")[1]
            self.assertEqual(status["model"], {"name": "none", "type": "heuristic", "contract_version": "1.0.0"})
            now = int(time.time())
            for n in range(150):
                d.post(tick(now - 750 + 5 * n, ["a"]))
            self.assertEqual(d.get("/status")[1]["warmup"]["message"], "No model loaded - using heuristic predictions")
            self.assertEqual(d.predictions()["metadata"]["model_type"], "heuristic")

    def test_sigterm_drains_and_exits_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon() as d:
                now = int(time.time())
                d.post([record("a", now - n) for n in range(10)])
                self.assertEqual(d.stop(number), 0)
                self.assertIn("[SHUTDOWN] Received signal %d, saving state..." % number, d.log())
                self.assertTrue(d.log().rstrip().endswith("[SHUTDOWN] State saved, exiting"))

    def test_a_request_under_way_ends_before_the_daemon_does(self):
        with Daemon() as d:
            body = json.dumps({"records": [record("slow", int(time.time()))]}).encode()
            with socket.create_connection(("127.0.0.1", d.port), timeout=15 * SLOW) as s:
                s.sendall(b"POST /feed/data HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:20])
                time.sleep(0.3)
                d.process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                self.assertIsNone(d.process.poll())  # it waits for the rest of the body
                self.assertRaises(OSError, d.request, "GET", "/health")  # and takes nobody else
                s.sendall(body[20:])
                answer = b""
                while piece := s.recv(65536):
                    answer += piece
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer[:60])  # draining: nothing was stored
            self.assertIn(b"Retry-After", answer)
            self.assertEqual(d.process.wait(15 * SLOW), 0)

    def test_a_second_signal_ends_it_at_once(self):
        with Daemon() as d:
            with socket.create_connection(("127.0.0.1", d.port), timeout=15 * SLOW) as s:
                s.sendall(b"POST /feed/data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
                time.sleep(0.3)
                d.process.send_signal(signal.SIGTERM)
                time.sleep(0.5 * SLOW)
                began = time.monotonic()
                self.assertEqual(d.stop(), 0)
                self.assertLess(time.monotonic() - began, 3 * SLOW)

    def test_one_process_per_data_directory(self):
        with Daemon() as d:
            code, why = self.refused("--port", "0", "--data-dir", os.path.join(d.data, "db"))
            self.assertEqual(code, 7)
            self.assertIn("used by another tftd", why)
            self.assertEqual(os.stat(os.path.join(d.data, "db")).st_mode & 0o777, 0o700)

    def test_a_damaged_or_unwritable_data_directory_is_7(self):
        os.mkdir(os.path.join(self.folder, "db"))
        with open(os.path.join(self.folder, "db", "tftd.db"), "wb") as f:
            f.write(b"no database " * 1000)
        code, why = self.refused("--port", "0", "--data-dir", "db")
        self.assertEqual(code, 7)
        self.assertIn("tftd.db", why)
        with open(os.path.join(self.folder, "file"), "w"):
            pass
        self.assertEqual(self.refused("--port", "0", "--data-dir", "file/db")[0], 7)

    def test_a_port_in_use_is_5(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, why = self.refused("--port", str(taken.getsockname()[1]))
            self.assertEqual(code, 5)
            self.assertIn("in use", why)

    def test_other_addresses_need_permission(self):
        code, why = self.refused("--listen", "0.0.0.0:0")
        self.assertEqual(code, 3)
        self.assertIn("--allow-unauthenticated", why)
        self.assertEqual(self.refused("--listen", "nowhere")[0], 3)

    def test_a_model_that_cannot_be_opened_is_4(self):
        done = subprocess.run([TFTD, "serve", "--port", "0", "--model", "nothing-here"], cwd=self.folder, capture_output=True, text=True,
                              timeout=20 * SLOW, env=PLAIN)
        self.assertEqual(done.returncode, 4)
        self.assertIn("nothing-here", done.stderr)

    def test_what_the_settings_add_up_to_is_said_and_held_to_the_limit(self):
        with Daemon(environment={"TFTD_SERVERS_MAX": "100", "TFTD_LIMITS_MEMORY": "1GiB"}) as d:
            d.wait_for("the bound", lambda: "[INFO] Memory: at most" in d.log())
            bound = int(d.log().split("Memory: at most ")[1].split()[0])
            self.assertTrue(500 < bound < 1024, bound)  # 512 are bodies
            self.assertRegex(d.log(), r"for 100 servers, \d+ for those asleep, 0 for a shadow, \d+ for pages, 512 for bodies, 48 for connections, 16 for the store")
        code, why = self.refused("--port", "0", environment={"TFTD_LIMITS_MEMORY": "64MiB", "TFTD_DASHBOARD_LISTEN": ""})
        self.assertEqual(code, 3)
        self.assertRegex(why, r"limits\.memory: the settings add up to \d+ MiB, more than 64: lower servers\.max")

    def test_wrong_usage_is_2(self):
        for arguments in (["--no-such-flag"], ["surplus"], ["--port", "99999"], ["--demo=calm"]):
            done = subprocess.run([TFTD, "serve"] + arguments, cwd=self.folder, capture_output=True, text=True, timeout=20, env=PLAIN)
            self.assertEqual(done.returncode, 2, arguments)
        self.assertEqual(subprocess.run([TFTD, "serve", "--help"], capture_output=True, timeout=20).returncode, 0)

    def test_mistakes_in_settings_are_3_with_line_and_column(self):
        for config, place in (("http:\n  max_bodyy: 16MiB\n", "t.yaml:2:14: http.max_bodyy: unknown key"),
                              ("http:\n  max_body: much\n", 't.yaml:2:13: http.max_body: "much" is not a size'),
                              ("store: {sync: maybe}\n", "t.yaml:1:15: store.sync"),
                              ("log:\n  level: info\n  level: debug\n", "t.yaml:3:10: log.level: is given twice"),
                              ("servers: {max: [1, 2]}\n", "t.yaml:1:16: servers.max"),
                              ("http: [1]\n", "t.yaml:1:7: http"),
                              ("a: [b\n", "not YAML")):
            code, why = self.refused("--port", "0", config=config)
            self.assertEqual(code, 3, config)
            self.assertIn(place, why)
        self.assertEqual(self.refused("--config", "missing.yaml")[0], 3)
        code, why = self.refused(environment={"TFTD_HTTP_THREADS": "many"})
        self.assertEqual(code, 3)
        self.assertIn("TFTD_HTTP_THREADS", why)

    def test_flags_win_over_the_environment_and_that_over_the_file(self):
        config = os.path.join(self.folder, "t.yaml")
        with open(config, "w") as f:
            f.write("forecast: {warmup_records: 3, min_records: 2}\nlog: {level: error}\n"
                    "http: {max_records: 4}\nprofiles: {prefixes: {box: database}}\n")
        with Daemon("--config", config, "--log-level", "info", environment={"TFTD_FORECAST_WARMUP_RECORDS": "5"}) as d:
            self.assertIn("[READY]", d.log())
            now = int(time.time())
            self.assertEqual(d.post([record("box1", now - n) for n in range(5)])[0], 413)
            answer = d.post([record("box1", now - n) for n in range(4)])[1]
            self.assertFalse(answer["warmup_complete"])
            self.assertTrue(d.post([record("box1", now - 60)])[1]["warmup_complete"])
            self.assertEqual(d.predictions()["predictions"]["box1"]["profile"], "database")

    def test_servers_beyond_the_cap_are_named(self):
        with Daemon(environment={"TFTD_SERVERS_MAX": "2"}) as d:
            now = int(time.time())
            status, answer = d.post([record("a", now), record("b", now), record("c", now), record("a", now - 1)])
            self.assertEqual((status, answer["accepted"], answer["rejected"], answer["servers_tracked"]), (200, 3, 1, 2))
            self.assertEqual((answer["errors"][0]["index"], answer["errors"][0]["code"]), (2, "too_many_servers"))

    def test_a_full_store_answers_503_and_says_so_in_health(self):
        with Daemon(environment={"TFTD_STORE_MAX_SIZE": "1MiB"}) as d:
            now = int(time.time())
            total, status = 0, 200
            for n in range(40):
                # the newest steps only: there is nothing older that could be sealed to make room
                status, answer = d.post([record("s%d" % i, now - n / 100) for i in range(1000)])
                if status != 200:
                    break
                total += answer["accepted"]
            self.assertEqual(status, 503, answer)
            self.assertIn("disk full", answer["detail"])
            def unwell():  # housekeeping may find in between that a small write still fits: then a batch fails again
                status, answer = d.get("/health")
                if status == 200:
                    self.assertEqual(d.post([record("t%d" % i, now - 1) for i in range(1000)])[0], 503)
                return answer if status == 503 else None
            health = d.wait_for("the store's trouble", unwell)
            self.assertEqual((health["status"], health["reason"]), ("unhealthy", "disk full"))
            self.assertEqual(d.get("/status")[1]["records_total"], total)
            self.assertIn("[ERROR] Records refused", d.log())
            d.kill()
            d.start()
            self.assertEqual(d.get("/status")[1]["records_total"], total)

    def test_several_clients_at_once_count_once(self):
        with Daemon() as d:
            now = int(time.time())
            answers = []

            def send(number):
                connection = d.connect()
                for n in range(30):
                    answers.append(d.post([record("own%d" % number, now - n), record("shared", now - n)], connection)[1])
                connection.close()

            threads = [threading.Thread(target=send, args=(i,)) for i in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
            status = d.get("/status")[1]
            self.assertEqual(status["records_total"], 8 * 30 + 30)
            self.assertEqual(status["duplicates_total"], 7 * 30)
            self.assertEqual(sum(a["accepted"] for a in answers), 8 * 30 + 30)
            self.assertEqual(status["tick_count"], 8 * 30)

    def test_the_demo_fills_itself_and_never_stamps_the_future(self):
        with Daemon("--demo", "critical") as d:
            d.wait_for("the history", lambda: "records of history" in d.log(), timeout=60)
            forecast = d.wait_for("20 servers", lambda: (lambda f: f if len(f["predictions"]) == 20 else None)(d.predictions()))
            status = d.get("/status")[1]
            self.assertTrue(status["warmup"]["is_warmed_up"])
            self.assertEqual(status["rejected_total"], 0)
            self.assertGreater(status["records_total"], 20 * (8 * 288 + 300))
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            for server in forecast["predictions"].values():
                self.assertGreaterEqual(server["history_steps"], 250)
                self.assertLessEqual(server["last_seen"], now)
                self.assertGreaterEqual(server["records"], 150)
            self.assertIn("Demo: look at http://127.0.0.1:%d/status" % d.port, d.log())
            total = status["records_total"]
            d.wait_for("live batches", lambda: d.get("/status")[1]["records_total"] > total, timeout=15)
            self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
    unittest.main()
