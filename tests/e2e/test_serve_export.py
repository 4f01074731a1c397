"""Steps and alerts exported as they are read, packed or not; and what is beyond the retention of steps answers as hours, over kill -9."""
import csv
import gzip
import io
import json
import socket
import time
import unittest

from serving import Daemon, record, stamp

HOUR = 3600
BASE = int(time.time()) // HOUR * HOUR - 6 * HOUR  # a full hour, six hours ago
FLEET = ["a", "b", "c"]


def readings(begin, steps, names=FLEET):
    """Three records a step and server: cpu 10 + k, 20 + k, 60 + k in step k."""
    return [record(name, begin + 300 * k + 60 * i, cpu_pct=cpu + k % 12, **({} if name != "b" else {"state": "heavy_load"}))
            for name in names for k in range(steps) for i, cpu in enumerate((10.0, 20.0, 60.0))]


def table(d, query, headers=None):
    status, fields, body = d.request("GET", "/api/v1/history/export?from=%s&%s" % (stamp(BASE), query), headers=headers)
    assert status == 200, body
    if fields.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return list(csv.DictReader(io.StringIO(body.decode(), newline=""))), fields


def steps_of(d, server, more=""):
    status, body = d.get("/api/v1/history/steps?server=%s&from=%s%s" % (server, stamp(BASE), more))
    assert status == 200, body
    return body


class Export(unittest.TestCase):
    def test_steps(self):
        with Daemon() as d:
            self.assertEqual(d.post(readings(BASE, 24))[0], 200)
            d.wait_for("the steps to be counted", lambda: len(table(d, "what=steps")[0]) == 24 * 3, 60)
            rows, fields = table(d, "what=steps")
            self.assertEqual(fields["content-disposition"], 'attachment; filename="tftd-steps.csv"')
            self.assertEqual([(r["start"], r["server_name"]) for r in rows], sorted((r["start"], r["server_name"]) for r in rows))
            self.assertEqual({(r["resolution_s"], r["records"]) for r in rows}, {("300", "3")})
            self.assertEqual([r["partial"] for r in rows], ["false"] * 69 + ["true"] * 3)  # by the fleet's clock, which stands at the newest
            for k, r in enumerate(rows[::3]):
                self.assertEqual([float(r["cpu_pct_" + f]) for f in ("mean", "min", "max")], [30 + k % 12, 10 + k % 12, 60 + k % 12])
            self.assertEqual({r["server_name"]: r["state"] for r in rows}, {"a": "healthy", "b": "heavy_load", "c": "healthy"})
            self.assertEqual([r for r in table(d, "what=steps&server=b")[0]], [r for r in rows if r["server_name"] == "b"])
            packed, fields = table(d, "what=steps", {"Accept-Encoding": "gzip"})
            self.assertEqual((packed, fields["content-encoding"]), (rows, "gzip"))
            self.assertIn("Accept-Encoding", fields["vary"])
            status, fields, body = d.request("GET", "/api/v1/history/export?what=steps&server=a&format=ndjson&from=" + stamp(BASE))
            lines = [json.loads(line) for line in body.decode().splitlines()]
            shown = steps_of(d, "a", "&limit=100")["items"]
            self.assertEqual([{k: v for k, v in line.items() if k != "server_name"} for line in lines], shown)
            self.assertEqual({line["server_name"] for line in lines}, {"a"})
            self.assertEqual(d.get("/api/v1/history/export?what=colours")[0], 400)
            self.assertEqual(d.get("/api/v1/history/export?what=steps&server=nobody")[0], 404)

    def test_many_steps_come_in_pieces_and_none_twice(self):
        fleet = ["s%03d" % i for i in range(250)]
        with Daemon() as d:
            for begin in range(0, 24, 2):
                self.assertEqual(d.post([record(n, BASE + 300 * k, cpu_pct=50) for n in fleet for k in range(begin, begin + 2)])[0], 200)
            d.wait_for("the steps to be counted", lambda: len(table(d, "what=steps")[0]) == 24 * 250, 90)
            rows = table(d, "what=steps", {"Accept-Encoding": "gzip"})[0]
            self.assertEqual(len({(r["start"], r["server_name"]) for r in rows}), 24 * 250)

    def test_eight_exports_at_a_time_and_one_more_is_told_to_wait(self):
        with Daemon() as d:
            for i in range(50):
                self.assertEqual(d.post([record("s%03d" % k, BASE + i) for k in range(1000)])[0], 200)
            path = "/api/v1/history/export?format=ndjson&from=" + stamp(BASE)  # 12 MB: more than the sockets hold
            readers = []
            try:
                for _ in range(8):
                    readers.append(socket.create_connection(("127.0.0.1", d.port)))
                    readers[-1].sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path).encode())
                    self.assertTrue(readers[-1].recv(1000).startswith(b"HTTP/1.1 200"))
                status, fields, _ = d.request("GET", path)
                self.assertEqual((status, fields["retry-after"]), (503, "5"))
            finally:
                for r in readers:
                    r.close()
            d.wait_for("room again", lambda: d.request("GET", path)[0] == 200, 30)

    def test_alerts(self):
        with Daemon(environment={"TFTD_TIME_CLOCK": "data", "TFTD_FORECAST_MIN_INTERVAL": "50ms", "TFTD_ALERTS_FOR": "0s"}) as d:
            for k in range(20):
                self.assertEqual(d.post([record(n, BASE + 300 * k + 60 * i, cpu_pct=97.0) for n in FLEET for i in range(5)])[0], 200)
            d.wait_for("alerts", lambda: len(d.get("/api/v1/alerts?from=" + stamp(BASE - HOUR))[1]["items"]) >= 3, 30)
            def both():
                listed = d.get("/api/v1/alerts?limit=1000&from=" + stamp(BASE - HOUR))[1]["items"]
                return [a["id"] for a in listed], [r["id"] for r in table(d, "what=alerts")[0]]
            d.wait_for("the same alerts in both", lambda: len(set(map(tuple, both()))) == 1, 30)
            status, fields, body = d.request("GET", "/api/v1/history/export?what=alerts&format=ndjson&server=b&from=" + stamp(BASE))
            lines = [json.loads(line) for line in body.decode().splitlines()]
            self.assertTrue(lines and {a["server"] for a in lines} == {"b"}, lines)
            self.assertIn("silenced_by", lines[0])

    def test_beyond_retention_hours_answer(self):
        settings = {"TFTD_STORE_RETENTION_RECORDS": "2s", "TFTD_STORE_RETENTION_STEPS": "3h"}
        with Daemon(environment=settings) as d:
            self.assertEqual(d.post(readings(BASE, 12))[0], 200)                                # six hours ago
            self.assertEqual(d.post(readings(int(time.time()) // 300 * 300 - 3600, 2))[0], 200)  # an hour ago
            def hours():
                return [i for i in steps_of(d, "a", "&limit=100")["items"] if i["resolution_s"] == HOUR]
            d.wait_for("the hour", hours, 90)
            items = steps_of(d, "a", "&limit=100")["items"]
            self.assertEqual([i["resolution_s"] for i in items], [HOUR, 300, 300])
            self.assertEqual(items[0]["start"], stamp(BASE)[:19] + "Z")
            self.assertEqual((items[0]["records"], items[0]["partial"], items[0]["state"]), (36, False, "healthy"))
            self.assertEqual(items[0]["metrics"]["cpu_pct"], {"mean": 35.5, "min": 10, "max": 71, "count": 36})
            pages, cursor = [], ""
            while cursor is not None:
                page = steps_of(d, "a", "&limit=1" + cursor)
                pages += page["items"]
                cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
            self.assertEqual(pages, items)
            rows = table(d, "what=steps")[0]
            self.assertEqual([r["resolution_s"] for r in rows], ["3600"] * 3 + ["300"] * 6)
            self.assertEqual([r["state"] for r in rows[:3]], ["healthy", "heavy_load", "healthy"])
            answer = d.post(readings(BASE, 12))[1]  # sent once more, after all of it is gone: nothing counts twice
            self.assertEqual(answer["accepted"], 0, answer)
            d.kill()
            d.start()
            self.assertEqual(steps_of(d, "a", "&limit=100")["items"][0], items[0])
            self.assertEqual(d.post(readings(BASE, 12))[1]["accepted"], 0)
            self.assertEqual(d.request("DELETE", "/api/v1/servers/a")[0], 204)
            self.assertEqual([r["server_name"] for r in table(d, "what=steps")[0][:2]], ["b", "c"])


if __name__ == "__main__":
    unittest.main()
