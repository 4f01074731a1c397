"""tftd generate --stream and its control port, by real HTTP against a stand-in for the daemon.

Only the standard library. TFTD names the program.
"""
import datetime
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

TFTD = os.environ["TFTD"]
METRICS = ["cpu_pct", "mem_pct", "disk_io_mb_s", "latency_ms", "net_in_mb_s", "net_out_mb_s", "error_rate", "gc_pause_ms"]
STATES = {"critical_issue", "healthy", "heavy_load", "idle", "maintenance", "morning_spike", "recovery"}


class Daemon:
    """Keeps every batch it is sent; answers with the codes in `script` first (0: hangs up), then 200."""

    def __init__(self, port=0):
        self.batches, self.arrived, self.script = [], [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                code = outer.script.pop(0) if outer.script else 200
                if code == 0:
                    self.close_connection = True
                    return
                if code == 200:
                    assert self.path == "/feed/data", self.path
                    assert self.headers["Content-Type"] == "application/json"
                    outer.arrived.append(time.time())
                    outer.batches.append(json.loads(body)["records"])
                reply = b'{"status": "accepted"}' if code == 200 else b'{"detail": "no\\n\\u001b[31m"}'
                self.send_response(code)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Generator:
    def __init__(self, url, *flags, control="127.0.0.1:0"):
        self.process = subprocess.Popen([TFTD, "generate", "--stream", url, "--control", control, *flags],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline()
        self.port = int(self.ready.rsplit(" ", 1)[1]) if "control port" in self.ready else None
        self.lines, self.errors = [], []
        self.threads = [threading.Thread(target=self.read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for thread in self.threads:
            thread.start()

    def read(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response, json.loads(text) if text else None

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(10)
        for thread in self.threads:
            thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


def wait_for(what, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("waited %d s in vain" % seconds)


def stamp(record):
    return datetime.datetime.fromisoformat(record["timestamp"].replace("Z", "+00:00")).timestamp()


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.close)

    def generate(self, *flags, url=None, **more):
        generator = Generator(url or self.daemon.url, *flags, **more)
        self.addCleanup(generator.stop)
        return generator


class Control(Case):
    def test_the_scenario_is_switched_while_it_runs(self):
        g = self.generate("--speed", "20")
        wait_for(lambda: self.daemon.batches)
        response, body = g.ask("POST", "/scenario/set", '{"scenario": "degrading"}')
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        tick = body.pop("tick_count")
        self.assertGreaterEqual(tick, 1)
        self.assertEqual(body, {"status": "success", "old_scenario": "healthy", "new_scenario": "degrading", "affected_servers": 5})
        _, body = g.ask("GET", "/scenario/status")
        self.assertEqual(set(body), {"scenario", "affected_servers", "total_affected", "fleet_size", "tick_count"})
        self.assertEqual((body["scenario"], body["total_affected"], body["fleet_size"]), ("degrading", 5, 20))
        self.assertEqual(len(body["affected_servers"]), 5)
        self.assertTrue(set(body["affected_servers"]) <= {r["server_name"] for r in self.daemon.batches[0]})
        _, body = g.ask("GET", "/status")
        for key, value in {"running": True, "scenario": "degrading", "fleet_size": 20, "affected_servers": 5, "inference_url": self.daemon.url}.items():
            self.assertEqual(body[key], value)
        wait_for(lambda: any("DEGRADING" in line for line in g.lines))
        _, body = g.ask("POST", "/scenario/set", '{"scenario": "critical"}')
        self.assertEqual((body["old_scenario"], body["affected_servers"]), ("degrading", 10))
        _, body = g.ask("POST", "/scenario/set", '{"scenario": "healthy"}')
        self.assertEqual((body["new_scenario"], body["affected_servers"]), ("healthy", 0))
        _, body = g.ask("GET", "/scenario/status")
        self.assertEqual((body["affected_servers"], body["total_affected"]), ([], 0))

    def test_root_and_health(self):
        g = self.generate()
        _, body = g.ask("GET", "/")
        until = time.monotonic() + 20  # the port answers before the first batch has gone out
        while body["status"] != "streaming" and time.monotonic() < until:
            time.sleep(0.1)
            _, body = g.ask("GET", "/")
        self.assertEqual((body["status"], body["scenario"], body["fleet_size"]), ("streaming", "healthy", 20))
        self.assertTrue(body["version"].startswith("2.0"))
        self.assertIn("endpoints", body)
        self.assertEqual(g.ask("GET", "/health")[1], {"status": "healthy"})

    def test_another_word_is_a_422_that_says_so(self):
        g = self.generate()
        for body in ('{"scenario": "panic"}', '{"scenario": 1}', "{}", "[]", "null"):
            response, answer = g.ask("POST", "/scenario/set", body)
            self.assertEqual(response.status, 422, body)
            self.assertEqual(answer["status"], "error")
            self.assertTrue(answer["message"].startswith("Invalid scenario: "), answer)
        response, answer = g.ask("POST", "/scenario/set", "{")
        self.assertEqual(response.status, 400)
        self.assertIn("malformed JSON", answer["message"])
        self.assertEqual(g.ask("GET", "/status")[1]["scenario"], "healthy")

    def test_paths_and_methods(self):
        g = self.generate()
        self.assertEqual(g.ask("GET", "/nowhere")[0].status, 404)
        response, _ = g.ask("GET", "/scenario/set")
        self.assertEqual((response.status, response.headers["Allow"]), (405, "POST, OPTIONS"))
        response, _ = g.ask("POST", "/status", "{}")
        self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, HEAD, OPTIONS"))
        response, body = g.ask("HEAD", "/status")
        self.assertEqual((response.status, body), (200, None))
        self.assertEqual(g.ask("OPTIONS", "/status")[0].status, 204)

    def test_hostile_bytes_do_not_hurt(self):
        g = self.generate("--speed", "20")
        response, body = g.ask("POST", "/scenario/set", "x" * 5000)
        self.assertEqual(response.status, 413)
        self.assertEqual(g.ask("POST", "/scenario/set", " " * 4070 + '{"scenario": "critical"}')[0].status, 200)
        for raw in (b"\x00\xff\xfe" * 100, b"GET / HTTP/1.1\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
                    b"POST /scenario/set HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                    b"POST /scenario/set HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /" + b"%00" * 50 + b" HTTP/1.1\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", g.port), timeout=5) as s:
                s.settimeout(1)
                try:
                    s.sendall(raw)
                    s.recv(1000)
                except (socket.timeout, ConnectionError):
                    pass
        idle = [socket.create_connection(("127.0.0.1", g.port), timeout=5) for _ in range(20)]
        n = len(self.daemon.batches)
        wait_for(lambda: len(self.daemon.batches) > n + 3)
        self.assertEqual(g.ask("GET", "/health")[0].status, 200)
        for s in idle:
            s.close()

    def test_a_port_in_use_is_exit_5(self):
        g = self.generate()
        second = subprocess.run([TFTD, "generate", "--stream", self.daemon.url, "--control", "127.0.0.1:%d" % g.port],
                                capture_output=True, text=True, timeout=20)
        self.assertEqual(second.returncode, 5)
        self.assertIn("cannot listen on 127.0.0.1:%d" % g.port, second.stderr)
        self.assertEqual(subprocess.run([TFTD, "generate", "--stream", "nonsense"], capture_output=True, timeout=20).returncode, 2)


class Stream(Case):
    def test_records_are_those_of_the_contract(self):
        g = self.generate()
        wait_for(lambda: self.daemon.batches)
        batch = self.daemon.batches[0]
        self.assertEqual(len(batch), 20)
        self.assertEqual(len({r["server_name"] for r in batch}), 20)
        for r in batch:
            self.assertEqual(set(r), {"timestamp", "server_name", "profile", "state", "problem_child", "container_oom", "notes", *METRICS})
            self.assertIn(r["state"], STATES)
            self.assertTrue(0 <= r["cpu_pct"] <= 100 and 0 <= r["mem_pct"] <= 100)
            self.assertTrue(abs(stamp(r) - time.time()) < 30)
            self.assertTrue(r["timestamp"].endswith("Z"))
        wait_for(lambda: g.lines)
        self.assertRegex(g.lines[0], r"^\[\d\d:\d\d:\d\d\] Tick    1 \| HEALTHY \| 20 servers \| Elapsed: 5s$")
        self.assertEqual(g.stop(signal.SIGINT), 0)

    def test_faster_than_the_clock_it_never_stamps_the_future(self):
        g = self.generate("--speed", "200", "--hours", "0.05", "--servers", "7")
        self.assertEqual(g.process.wait(30), 0)
        stamps = [stamp(batch[0]) for batch in self.daemon.batches]
        self.assertEqual(len(stamps), 36)
        self.assertEqual(stamps, [stamps[0] + 5 * i for i in range(36)])
        for arrived, when in zip(self.daemon.arrived, stamps):
            self.assertLessEqual(when, arrived)
        self.assertLess(self.daemon.arrived[-1] - stamps[-1], 30)  # and ends about now

    def test_history_is_sent_first_in_batches_of_5000_at_most(self):
        g = self.generate("--backfill", "24h", "--backfill-step", "1m")
        wait_for(lambda: g.lines)
        bulk = self.daemon.batches[:-1]
        self.assertGreater(sum(len(b) for b in bulk), 20 * 1440 * 0.97)  # some servers are offline for a while
        self.assertTrue(all(len(b) <= 5000 for b in self.daemon.batches))
        stamps = sorted({stamp(r) for b in bulk for r in b})
        self.assertEqual(len(stamps), 1440)
        self.assertEqual(stamps[-1] - stamps[0], 1439 * 60)
        self.assertLess(stamps[-1], stamp(self.daemon.batches[-1][0]))
        keys = [(r["server_name"], r["timestamp"]) for b in self.daemon.batches for r in b]
        self.assertEqual(len(keys), len(set(keys)))

    def test_a_batch_that_failed_is_sent_again_and_a_refused_one_is_not(self):
        self.daemon.script = [0, 503, 429, 200, 400]
        g = self.generate("--speed", "10", "--servers", "7")
        wait_for(lambda: len(self.daemon.batches) >= 4)
        _, status = g.ask("GET", "/status")
        self.assertEqual(g.stop(), 0)
        sizes = [len(b) for b in self.daemon.batches]
        self.assertEqual(sizes[:3], [28, 7, 7])  # three failures and the tick that got through
        first = [stamp(b[0]) for b in self.daemon.batches]
        self.assertEqual(first[1] - first[0], 25)  # four ticks in the first, one refused
        self.assertEqual((status["failed_posts"], status["records_refused"], status["records_lost"]), (3, 7, 0))
        text = "\n".join(g.errors)
        self.assertIn("[WARNING]", text)
        self.assertIn("answered 400", text)
        self.assertIn("takes records again", text)
        self.assertNotIn("\x1b", text)

    def test_it_goes_on_while_the_daemon_is_down_and_recovers(self):
        port = self.daemon.port
        self.daemon.close()
        g = self.generate("--speed", "20", url="http://127.0.0.1:%d" % port)
        wait_for(lambda: len(g.lines) >= 10)
        self.assertGreater(g.ask("GET", "/status")[1]["failed_posts"], 5)
        self.daemon = Daemon(port)
        self.addCleanup(self.daemon.close)
        wait_for(lambda: len(self.daemon.batches) >= 3)
        stamps = sorted({stamp(r) for b in self.daemon.batches for r in b})
        self.assertEqual(stamps, [stamps[0] + 5 * i for i in range(len(stamps))])  # nothing is missing
        self.assertEqual(g.stop(), 0)

    def test_it_stops_at_once_while_nobody_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            g = self.generate("--backfill", "1h", url="http://127.0.0.1:%d" % silent.getsockname()[1])
            time.sleep(0.5)
            began = time.time()
            self.assertEqual(g.stop(), 0)
            self.assertLess(time.time() - began, 3)


class File(unittest.TestCase):
    def run_tftd(self, *flags):
        return subprocess.run([TFTD, "generate", *flags], capture_output=True, text=True, timeout=60)

    def test_the_same_options_give_the_same_bytes(self):
        a, b = (self.run_tftd("--hours", "1", "--seed", "4") for _ in range(2))
        self.assertEqual(a.stdout, b.stdout)
        self.assertEqual(len(a.stdout.splitlines()), 1 + 720 * 20)
        self.assertEqual(a.stdout.splitlines()[0], "timestamp,server_name,profile," + ",".join(METRICS) + ",problem_child,container_oom,state,notes")
        self.assertNotEqual(a.stdout, self.run_tftd("--hours", "1", "--seed", "5").stdout)

    def test_start_step_and_servers(self):
        done = self.run_tftd("--start", "2024-02-29T12:00:00+01:00", "--hours", "1", "--step", "15m", "--servers", "9")
        rows = [line.split(",") for line in done.stdout.splitlines()[1:]]
        self.assertEqual(sorted({r[0] for r in rows}), ["2024-02-29T11:%02d:00Z" % m for m in (0, 15, 30, 45)])
        self.assertEqual(len(rows), 36)

    def test_wrong_usage_is_exit_2_and_names_the_flag(self):
        for flags, word in ((["--servers", "6"], "servers is 6"), (["--scenario", "calm"], "--scenario"), (["--incident-mix", "leak=1,flood=2"], "--incident-mix"),
                            (["--step", "0s"], "--step"), (["--days", "-1"], "--days"), (["--seed", "x"], "--seed"), (["--stream", "ftp://x"], "ftp://x"),
                            (["--stream", "http://127.0.0.1:1", "--speed", "0"], "--speed"), (["--stream", "http://127.0.0.1:1", "--scenario", "mixed"], "--scenario"),
                            (["--stream", "http://127.0.0.1:1", "--start", "2999-01-01T00:00:00Z"], "--start")):
            done = self.run_tftd(*flags)
            self.assertEqual((done.returncode, done.stdout), (2, ""), flags)
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main()
