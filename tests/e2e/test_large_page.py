#!/usr/bin/env python3
"""The page of a large fleet, which is kept in pieces: the same JSON packed and plain, whole at every reading, new when something is new."""
import gzip
import json
import threading
import time
import unittest

from serving import Daemon, record

SERVERS = 300  # more than are kept as one text


def fleet(seconds, servers=range(SERVERS), **fields):
    return [record("large%03d" % i, seconds, cpu_pct=10.0 + i % 80, **fields) for i in servers]


class LargePage(unittest.TestCase):
    def page(self, d, **headers):
        status, fields, body = d.request("GET", "/predictions/current", headers=headers)
        self.assertEqual(status, 200)
        if "etag" in fields:  # not so the very first one, which was made while it was asked for
            self.assertEqual(int(fields["content-length"]), len(body))
        return fields, body

    def newest(self, d, check):
        """The page as soon as it says what is waited for: it is made behind the forecast."""
        return d.wait_for("the new page", lambda: (lambda p: p if check(p) else None)(json.loads(self.page(d)[1])), timeout=30)

    def test_packed_and_plain_are_the_same_and_follow_the_records(self):
        with Daemon() as d:
            now = int(time.time()) - 60
            self.assertEqual(d.post(fleet(now))[0], 200)
            first = self.newest(d, lambda p: len(p["predictions"]) == SERVERS)
            self.assertIn("etag", self.page(d)[0])
            fields, body = self.page(d, **{"Accept-Encoding": "gzip"})
            self.assertEqual(fields["content-encoding"], "gzip")
            packed = json.loads(gzip.decompress(body))
            if packed["metadata"]["forecast_origin"] == first["metadata"]["forecast_origin"]:
                self.assertEqual(packed["predictions"], first["predictions"])
            self.assertEqual(sorted(packed["predictions"]), sorted(first["predictions"]))
            # one of them reports: it is new on the page, the others are as they were
            self.assertEqual(d.post(fleet(now + 5, [7], latency_ms=77.0))[0], 200)
            second = self.newest(d, lambda p: p["predictions"]["large007"]["records"] == 2)
            self.assertEqual(second["predictions"]["large007"]["load_average"]["current"], 77.0)
            if second["metadata"]["forecast_origin"] == first["metadata"]["forecast_origin"]:  # else a step has ended meanwhile
                for name in first["predictions"]:
                    if name != "large007":
                        self.assertEqual(second["predictions"][name], first["predictions"][name])
            # what a filter says of a server is what the page says of it
            one = d.predictions("?servers=large007")
            if one["metadata"]["forecast_origin"] == second["metadata"]["forecast_origin"]:
                self.assertEqual(one["predictions"]["large007"], second["predictions"]["large007"])

    def test_those_who_ask_first_get_it_as_soon_as_it_is_made(self):
        with Daemon() as d:
            d.post(fleet(int(time.time()) - 60))
            d.wait_for("a forecast", lambda: len(d.predictions("?servers=large007&horizon_steps=1")["predictions"]) == 1)
            pages = []
            readers = [threading.Thread(target=lambda i=i: pages.append(self.page(d, **{"Accept-Encoding": ("gzip", "identity")[i % 2]})))
                       for i in range(6)]
            for r in readers:
                r.start()
            for r in readers:
                r.join()
            self.assertEqual(len(pages), 6)
            for fields, body in pages:
                page = json.loads(gzip.decompress(body) if fields.get("content-encoding") == "gzip" else body)
                self.assertEqual(len(page["predictions"]), SERVERS)
            self.assertTrue(all(fields["cache-control"] == "no-cache" for fields, _ in pages))

    def test_head_tags_and_those_who_hang_up(self):
        with Daemon() as d:
            d.post(fleet(int(time.time()) - 60))
            self.newest(d, lambda p: len(p["predictions"]) == SERVERS)
            status, fields, body = d.request("HEAD", "/predictions/current")
            self.assertEqual((status, body), (200, b""))
            self.assertGreater(int(fields["content-length"]), 1000000)

            def is_unchanged():  # a step that ends in between brings another forecast
                tag = d.request("HEAD", "/predictions/current")[1]["etag"]
                status, _, body = d.request("GET", "/predictions/current", headers={"If-None-Match": tag})
                return (status, body) == (304, b"")

            d.wait_for("304", is_unchanged)
            for packed in ("gzip", "identity"):
                for _ in range(10):  # hangs up in the middle
                    c = d.connect()
                    c.request("GET", "/predictions/current", headers={"Accept-Encoding": packed})
                    c.getresponse().read(10000)
                    c.close()
            self.assertEqual(len(json.loads(self.page(d)[1])["predictions"]), SERVERS)

    def test_readers_beside_senders_see_whole_pages(self):
        wrong, done = [], threading.Event()

        def read(d, packed):
            records = {}
            while not done.is_set():
                try:
                    _, body = self.page(d, **({"Accept-Encoding": "gzip"} if packed else {}))
                    page = json.loads(gzip.decompress(body) if packed else body)
                    for name, server in page["predictions"].items():
                        if server["records"] < records.get(name, 0):
                            wrong.append("%s went back" % name)
                        records[name] = server["records"]
                except Exception as e:  # pylint: disable=broad-except
                    wrong.append(repr(e))
                    return

        with Daemon() as d:
            now = int(time.time()) - 600
            d.post(fleet(now))
            self.newest(d, lambda p: len(p["predictions"]) == SERVERS)
            readers = [threading.Thread(target=read, args=(d, i % 2 == 0)) for i in range(2)]
            for r in readers:
                r.start()
            for i in range(1, 30):
                d.post(fleet(now + 5 * i, range(i % 3, SERVERS, 3)))
                time.sleep(0.1)
            done.set()
            for r in readers:
                r.join()
            self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
