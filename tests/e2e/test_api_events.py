#!/usr/bin/env python3
"""News as they happen, probes, and /metrics: what listeners hear, what operators and Prometheus read."""
import json
import re
import signal
import socket
import threading
import time
import unittest

from serving import FLEET, SLOW, Daemon, tick


class Listener:
    """Reads an event stream on a thread; events are (id, kind, data)."""

    def __init__(self, daemon, query="", headers=""):
        self.socket = socket.create_connection(("127.0.0.1", daemon.port), 10)
        self.socket.sendall(("GET /api/v1/events%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (query, headers)).encode())
        self.text, self.ended = b"", False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        self.socket.settimeout(60 * SLOW)
        try:
            while piece := self.socket.recv(65536):
                self.text += piece
        except OSError:
            pass
        self.ended = True

    def head(self):
        return self.text.split(b"\r\n\r\n")[0].decode()

    def events(self):
        body = self.text.split(b"\r\n\r\n", 1)[-1]
        plain = re.sub(rb"(?:^|\r\n)[0-9A-Fa-f]+\r\n", b"", body).decode()
        found = re.findall(r"(?:id: (\S+)\n)?event: (\w+)\ndata: (.*)\n\n", plain)
        return [(number, kind, json.loads(data)) for number, kind, data in found]

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was first
        self.thread.join(10)
        self.socket.close()


def feed(d, n, start=None):
    start = start or int(time.time()) - 1000
    for i in range(n):
        d.post(tick(start + 5 * i))


class Events(unittest.TestCase):
    def test_news_are_heard_in_order_and_by_kind(self):
        with Daemon() as d:
            everything, servers = Listener(d), Listener(d, "?types=server&servers=ppnew001")
            d.wait_for("both listeners", lambda: everything.head() and servers.head())
            self.assertIn("Content-Type: text/event-stream", everything.head())
            feed(d, 160)
            d.wait_for("a forecast and the end of warm-up", lambda: {"forecast", "warmup"} <= {k for _, k, _ in everything.events()})
            d.post(tick(time.time(), ["ppnew001", "ppnew002"]))
            d.wait_for("a new server", lambda: servers.events())
            (_, kind, data), = servers.events()
            self.assertEqual((kind, data["server_name"], data["change"]), ("server", "ppnew001", "new"))
            numbers = [int(i.split("-")[1]) for i, _, _ in everything.events() if i]
            self.assertEqual(numbers, sorted(set(numbers)))
            forecast = next(data for _, kind, data in everything.events() if kind == "forecast")
            self.assertEqual(forecast["servers"], 20)
            everything.close()
            servers.close()

    def test_a_listener_that_comes_back_hears_what_it_missed(self):
        with Daemon() as d:
            feed(d, 10)
            first = Listener(d)
            d.wait_for("a forecast", lambda: first.events())
            last = first.events()[-1][0]
            first.close()
            newer = d.get("/api/v1/forecasts?steps=1")[1]["forecast_id"]
            d.post(tick(time.time()))
            d.wait_for("another forecast", lambda: d.get("/api/v1/forecasts?steps=1")[1]["forecast_id"] != newer)
            again = Listener(d, headers="Last-Event-ID: %s\r\n" % last)
            d.wait_for("what was missed", lambda: again.events())
            self.assertEqual(int(again.events()[0][0].split("-")[1]), int(last.split("-")[1]) + 1)
            lost = Listener(d, headers="Last-Event-ID: 123abc-77\r\n")
            d.wait_for("a reset", lambda: lost.events())
            self.assertEqual(lost.events()[0][1], "reset")
            again.close()
            lost.close()

    def test_silence_is_broken_by_a_heartbeat(self):
        with Daemon() as d:
            quiet = Listener(d, "?types=heartbeat")
            began = time.monotonic()
            d.wait_for("a heartbeat", lambda: quiet.events(), 25)
            self.assertEqual(quiet.events()[0][1], "heartbeat")
            self.assertGreater(time.monotonic() - began, 13)
            quiet.close()

    def test_bad_parameters_are_named_and_streams_end_with_the_daemon(self):
        with Daemon() as d:
            self.assertEqual(d.get("/api/v1/events?types=gossip")[0], 400)
            self.assertEqual(d.get("/api/v1/events?colour=red")[0], 400)
            listener = Listener(d)
            d.wait_for("the listener", lambda: listener.head())
            began = time.monotonic()
            self.assertEqual(d.stop(signal.SIGTERM), 0)
            self.assertLess(time.monotonic() - began, 5 * SLOW)
            listener.thread.join(5 * SLOW)
            self.assertTrue(listener.ended)
            self.assertTrue(listener.text.endswith(b"0\r\n\r\n"))  # a clean end, not a cut
            listener.close()

    def test_listeners_are_bounded(self):
        with Daemon() as d:
            listeners = [Listener(d) for _ in range(210)]
            d.wait_for("answers to all", lambda: all(l.head() for l in listeners), 30)
            self.assertEqual(sum(" 503 " in l.head().split("\r\n")[0] for l in listeners), 10)
            self.assertEqual(d.get("/health")[0], 200)
            for l in listeners:
                l.close()
            d.wait_for("room again", lambda: self.is_heard(d), 40)

    def is_heard(self, d):
        one_more = Listener(d)
        d.wait_for("an answer", one_more.head)
        one_more.close()
        return " 200 " in one_more.head()

    def test_probes(self):
        with Daemon() as d:
            for path in ("/healthz", "/livez", "/readyz", "/-/healthy", "/-/ready"):
                self.assertEqual(d.request("GET", path)[::2], (200, b"ok\n"), path)
            self.assertEqual(d.request("GET", "/readyz?verbose")[2], b"[+]serving ok\n[+]store ok\n[+]model ok\nok\n")
            version = d.get("/api/v1/version")[1]
            self.assertEqual(version["version"], d.get("/status")[1]["version"])
            self.assertIn("sqlite3", version["libraries"])


LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')


def parse(text):
    """{family: (kind, [(name, labels, value)])}; refuses what the format does not allow."""
    families, name = {}, None
    for line in text.splitlines():
        if line == "# EOF":
            continue
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in families, name + " twice"
        elif line.startswith("# TYPE "):
            _, _, of, kind = line.split(" ")
            assert of == name, line
            families[name] = (kind, [])
        else:
            found = LINE.match(line)
            assert found, line
            kind, samples = families[name]
            suffixes = {"counter": ("", "_total"), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[kind]
            assert found.group(1) in [name + s for s in suffixes], line
            samples.append((found.group(1), dict(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', found.group(2) or "")), float(found.group(3))))
    return families


class Metrics(unittest.TestCase):
    def setUp(self):
        self.d = Daemon().start()

    def tearDown(self):
        self.d.__exit__()

    def read(self, accept=None):
        status, fields, body = self.d.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        self.assertEqual(status, 200)
        return fields["content-type"], body.decode()

    def test_what_happened_is_counted(self):
        feed(self.d, 10)
        self.d.post(tick(time.time() + 900))  # all in the future
        self.d.request("GET", "/no/such/path")
        c = self.d.connect()
        c.putrequest("POST", "/feed/data")
        c.putheader("Content-Length", str(1 << 40))
        c.endheaders()
        self.assertEqual(c.getresponse().status, 413)
        c.close()
        self.d.wait_for("a forecast", lambda: "tftd_forecast_age_seconds" in self.read()[1])
        kind, text = self.read()
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"))
        families = parse(text)

        def value(name, **labels):
            return next(v for n, l, v in families[name][1] if l == labels)
        self.assertEqual(value("tftd_records_accepted_total", source="feed"), 200)
        self.assertEqual(value("tftd_records_received_total", source="feed"), 220)
        self.assertEqual(value("tftd_records_rejected_total", code="in_future"), 20)
        self.assertEqual(value("tftd_http_requests_total", method="POST", route="/feed/data", code="200"), 10)
        self.assertEqual(value("tftd_http_requests_total", method="POST", route="/feed/data", code="422"), 1)
        self.assertEqual(value("tftd_http_requests_total", method="other", route="other", code="404"), 1)
        self.assertEqual(value("tftd_http_refused_total", reason="too_large"), 1)
        self.assertEqual(value("tftd_auth_failures_total", reason="missing"), 0)
        self.assertEqual(value("tftd_servers_tracked"), len(FLEET))
        self.assertEqual(value("tftd_servers", state="healthy"), 20)
        self.assertEqual(value("tftd_ready"), 1)
        self.assertGreater(value("process_resident_memory_bytes"), 1e6)
        self.assertNotIn("tftd_server_risk_score", families)  # only with metrics.per_server

    def test_histograms_add_up(self):
        feed(self.d, 3)
        for name, (kind, samples) in parse(self.read()[1]).items():
            if kind != "histogram":
                continue
            series = {}
            for n, labels, value in samples:
                key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
                series.setdefault(key, []).append((n, labels.get("le"), value))
            for rows in series.values():
                counts = [v for n, _, v in rows if n.endswith("_bucket")]
                self.assertEqual(counts, sorted(counts), name)
                self.assertEqual([le for n, le, _ in rows if n.endswith("_bucket")][-1], "+Inf")
                self.assertEqual(counts[-1], next(v for n, _, v in rows if n.endswith("_count")))

    def test_openmetrics_when_preferred(self):
        for accept, is_open in (("application/openmetrics-text; version=1.0.0", True), ("text/plain", False), ("*/*", False),
                                ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", True)):
            kind, text = self.read(accept)
            self.assertEqual((kind.startswith("application/openmetrics-text"), text.endswith("# EOF\n")), (is_open, is_open), accept)
            parse(text)
            self.assertEqual("# TYPE tftd_ticks counter\n" in text, is_open)


if __name__ == "__main__":
    unittest.main()
