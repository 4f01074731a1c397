#!/usr/bin/env python3
"""The files of the dashboard over HTTP, without a browser: kinds, caching, strong tags, packing, the policy, port 8501, /heatmap, /demo."""
import gzip
import re
import socket
import sys
import time
import unittest

from serving import Daemon, tick


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.own = free_port()
        cls.d = Daemon(environment={"TFTD_DASHBOARD_LISTEN": "127.0.0.1:%d" % cls.own}).start()
        if cls.d.request("GET", "/ui/")[0] == 404:
            cls.d.__exit__(None)
            print("skipped: built without the dashboard")
            sys.exit(77)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None)

    def page(self, **headers):
        return self.d.request("GET", "/ui/", headers=headers)

    def assets(self):
        return re.findall(r'"/ui/([^"]+)"', self.page()[2].decode())

    def test_the_page_is_asked_for_anew_and_answers_304_while_it_is_the_same(self):
        status, fields, body = self.page()
        self.assertEqual((status, fields["content-type"], fields["cache-control"]), (200, "text/html; charset=utf-8", "no-cache"))
        self.assertRegex(fields["etag"], r'^"[0-9a-f]{12}"$')
        self.assertNotIn(b"<script>", body)
        self.assertNotIn(b"style=", body)
        status, _, body = self.page(**{"If-None-Match": fields["etag"]})
        self.assertEqual((status, body), (304, b""))

    def test_the_policy_has_no_unsafe_word(self):
        policy = self.page()[1]["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("require-trusted-types-for 'script'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("http", policy)

    def test_what_the_page_loads_is_kept_for_good_and_the_same_packed_or_not(self):
        names = self.assets()
        self.assertEqual(len(names), 3)
        total = 0
        for name in names:
            self.assertRegex(name, r"\.[0-9a-f]{12}\.(js|css|svg)$")
            status, fields, plain = self.d.request("GET", "/ui/" + name)
            self.assertEqual((status, fields["cache-control"]), (200, "public, max-age=31536000, immutable"))
            self.assertNotIn("content-encoding", fields)
            status, fields, packed = self.d.request("GET", "/ui/" + name, headers={"Accept-Encoding": "gzip"})
            self.assertEqual((status, fields["content-encoding"]), (200, "gzip"))
            self.assertEqual(gzip.decompress(packed), plain)
            total += len(packed)
        self.assertLess(total, 150 * 1024)

    def test_other_names_are_not_there(self):
        for path in ("/ui/nothing.js", "/ui/..%2fetc%2fpasswd", "/ui/app.js"):
            self.assertEqual(self.d.request("GET", path)[0], 404, path)
        status, fields, _ = self.d.request("GET", "/ui")
        self.assertEqual((status, fields["location"]), (308, "/ui/"))

    def test_a_browser_is_sent_to_the_page_and_a_program_is_not(self):
        status, fields, _ = self.d.request("GET", "/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
        self.assertEqual((status, fields["location"]), (303, "/ui/"))
        self.assertEqual(self.d.get("/")[1]["dashboard"], "/ui/")

    def test_the_page_has_a_port_of_its_own_and_does_without_where_it_is_taken(self):
        with Daemon(environment={"TFTD_DASHBOARD_LISTEN": "127.0.0.1:%d" % self.own}) as second:
            self.assertIn("[WARNING] The dashboard is at http://127.0.0.1:%d/ui/ only" % second.port, second.log())
            self.assertEqual(second.request("GET", "/ui/")[0], 200)
        with socket.create_connection(("127.0.0.1", self.own), 5) as s:
            s.sendall(b"GET /ui/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            self.assertTrue(s.recv(15).startswith(b"HTTP/1.1 200"))

    def test_no_generator_is_no_error_but_cannot_be_switched(self):
        self.assertEqual(self.d.get("/api/v1/demo")[1], {"available": False, "scenario": None, "total_affected": 0})
        status, _, _ = self.d.request("POST", "/api/v1/demo", b'{"scenario": "critical"}', {"Content-Type": "application/json"})
        self.assertEqual(status, 503)
        status, _, _ = self.d.request("POST", "/api/v1/demo", b'{"scenario": "on fire"}', {"Content-Type": "application/json"})
        self.assertEqual(status, 422)

    def test_heatmap_and_steps_say_the_same_of_the_past(self):
        with Daemon() as d:
            now = int(time.time()) // 300 * 300
            for n in range(6, 0, -1):
                d.post(tick(now - 300 * n))
            d.wait_for("a forecast", lambda: d.predictions().get("predictions"))
            heat = d.get("/api/v1/heatmap?metric=cpu_pct&quantile=0.9")[1]
            steps = {s["start"]: s for s in d.get("/api/v1/history/steps?server=ppdb001")[1]["items"]}
            row = next(i for i in heat["items"] if i["server_name"] == "ppdb001")["values"]
            self.assertEqual(len(row), heat["past"] + heat["future"])
            self.assertEqual(len([v for v in row[:heat["past"]] if v is not None]), len(steps))
            for s in steps.values():
                self.assertTrue(any(v is not None and abs(v - s["metrics"]["cpu_pct"]["mean"]) < 0.06 for v in row[:heat["past"]]))
            p90 = d.predictions("?servers=ppdb001&names=contract")["predictions"]["ppdb001"]["cpu_pct"]["p90"]
            self.assertTrue(all(abs(a - b) < 0.06 for a, b in zip(row[heat["past"]:], p90)))
            self.assertEqual(d.get("/api/v1/heatmap?metric=nothing")[0], 400)
            self.assertEqual(d.get("/api/v1/history/steps?server=nobody")[0], 404)


if __name__ == "__main__":
    unittest.main()
