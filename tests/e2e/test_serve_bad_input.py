#!/usr/bin/env python3
"""Bad input is answered with what is wrong and where; good records beside it are kept."""
import gzip
import json
import socket
import time
import unittest

from serving import SLOW, Daemon, record


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon().start()
        cls.now = int(time.time())
        cls.used = 0

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__()

    def fresh(self):
        """A stamp that no other test uses."""
        type(self).used += 1
        return self.now - 86400 + self.used

    def total(self):
        return self.d.get("/status")[1]["records_total"]

    def rejected_alone(self, bad, field, code, part):
        """`bad` between two good neighbours: they are kept, it is named."""
        before = self.total()
        if not isinstance(bad, bytes):
            bad = json.dumps(bad).encode()
        good = [json.dumps(record("good", self.fresh())).encode() for _ in range(2)]
        status, answer = self.d.post(b'{"records": [' + good[0] + b"," + bad + b"," + good[1] + b"]}")
        self.assertEqual(status, 200, answer)
        self.assertEqual((answer["received"], answer["accepted"], answer["rejected"]), (3, 2, 1))
        error = answer["errors"][0]
        self.assertEqual((error["index"], error["field"], error["code"]), (1, field, code), error)
        self.assertIn(part, error["reason"])
        self.assertEqual(self.total(), before + 2)
        # alone it makes the whole request 422, in the shape that clients of the original know
        status, answer = self.d.post(b'{"records": [' + bad + b"]}")
        self.assertEqual((status, answer["status"], answer["rejected"]), (422, "rejected", 1))
        self.assertEqual(answer["detail"][0]["loc"], ["body", "records", 0] + ([field] if field else []))
        return error

    def test_values(self):
        r = record("bad", self.fresh())
        self.rejected_alone({**r, "cpu_pct": "45.2"}, "cpu_pct", "wrong_type", '"45.2"')
        self.rejected_alone({**r, "cpu_pct": True}, "cpu_pct", "wrong_type", "true")
        self.rejected_alone({**r, "cpu_pct": [1]}, "cpu_pct", "wrong_type", "list")
        self.rejected_alone({**r, "mem_pct": 140.2}, "mem_pct", "out_of_range", "mem_pct is 140.2, must be 0 to 100")
        self.rejected_alone({**r, "latency_ms": -1}, "latency_ms", "out_of_range", "-1")
        for token in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
            self.rejected_alone(json.dumps({**r, "cpu_pct": 777.75}).replace("777.75", token).encode(), "cpu_pct", "not_finite", "cpu_pct is")
        self.rejected_alone({k: v for k, v in r.items() if k in ("timestamp", "server_name", "state")}, None, "no_metrics", "no metric")

    def test_names(self):
        r = record("bad", self.fresh())
        error = self.rejected_alone({**r, "server_name": "x" * 10000}, "server_name", "bad_name", "10000")
        self.assertLess(len(error["server_name"]), 100)  # quoted, but cut
        self.rejected_alone({**r, "server_name": "a\x1b[2Jb"}, "server_name", "bad_name", "")
        self.rejected_alone({**r, "server_name": ""}, "server_name", "bad_name", "")
        self.rejected_alone({**r, "server_name": 5}, "server_name", "wrong_type", "5")
        self.rejected_alone({k: v for k, v in r.items() if k != "server_name"}, "server_name", "missing_field", "missing")

    def test_states_and_stamps(self):
        r = record("bad", self.fresh())
        self.rejected_alone({**r, "state": "on_fire"}, "state", "unknown_state", "on_fire")
        self.rejected_alone({**r, "state": "Healthy"}, "state", "unknown_state", "Healthy")
        next_year = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now + 366 * 86400))
        self.rejected_alone({**r, "timestamp": next_year}, "timestamp", "in_future", next_year[:19])
        self.rejected_alone({**r, "timestamp": "2025-02-30T00:00:00Z"}, "timestamp", "bad_timestamp", "2025-02-30")
        self.rejected_alone({**r, "timestamp": "2025-10-13"}, "timestamp", "bad_timestamp", "2025-10-13")
        self.rejected_alone({**r, "timestamp": 1760371200}, "timestamp", "wrong_type", "1760371200")
        self.rejected_alone({**r, "timestamp": "2025-10-13T16:00:00+00:00Z"}, "timestamp", "bad_timestamp", "+00:00Z")
        self.rejected_alone(7, None, "not_an_object", "not an object")

    def test_bodies_that_are_no_json(self):
        before = self.total()
        for body in (b"", b"{", b'{"records": [', b'{"records": []} x', b"\xff\xfe", b'{"records": [{"server_name": "\\ud800"}]}',
                     b"[" * 100 + b"]" * 100, b"not json", b'{"records": [' + b"[" * 40 + b"]" * 40 + b"]}"):
            status, answer = self.d.post(body)
            self.assertEqual(status, 400, body)
            self.assertRegex(answer["detail"], r"^malformed JSON at byte \d+: .", body)
        for body, kind in ((b"[]", "dict_type"), (b"7", "dict_type"), (b"null", "dict_type"), (b"{}", "missing"),
                           (b'{"records": {}}', "list_type"), (b'{"records": null}', "list_type")):
            status, answer = self.d.post(body)
            self.assertEqual((status, answer["detail"][0]["type"]), (422, kind), body)
        self.assertEqual(self.d.post([]), (200, {**self.d.post([])[1], "status": "ignored", "reason": "empty batch"}))
        self.assertEqual(self.total(), before)

    def test_a_body_of_100_mb_is_refused_by_its_declared_length(self):
        with socket.create_connection(("127.0.0.1", self.d.port), timeout=10 * SLOW) as s:
            s.sendall(b"POST /feed/data HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
            answer = s.recv(65536)  # without a byte of the body
            self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:80])
            while piece := s.recv(65536):  # and the connection closes
                answer += piece
            self.assertIn(b"at most 16777216 bytes", answer)

    def test_a_client_that_sends_100_mb_regardless_sees_the_413(self):
        connection = self.d.connect()
        status, _, body = self.d.request("POST", "/feed/data", b"[" * 100_000_000, {"Content-Type": "application/json"}, connection)
        connection.close()
        self.assertEqual((status, json.loads(body)["detail"][:14]), (413, "body too large"))

    def test_a_chunked_body_that_grows_too_large_is_refused(self):
        connection = self.d.connect()
        connection.request("POST", "/feed/data", body=iter([b" " * 65536] * 300), headers={"Content-Type": "application/json"}, encode_chunked=True)
        response = connection.getresponse()
        self.assertEqual(response.status, 413)
        response.read()
        connection.close()

    def test_a_chunked_body_that_fits_is_taken(self):
        connection = self.d.connect()
        body = json.dumps({"records": [record("chunked", self.fresh())]}).encode()
        connection.request("POST", "/feed/data", body=iter([body[:30], body[30:]]), headers={"Content-Type": "application/json"}, encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def test_too_many_records_are_413(self):
        status, answer = self.d.post(b'{"records": [' + b"1," * 50000 + b"1]}")
        self.assertEqual(status, 413)
        self.assertIn("50001 records", answer["detail"])

    def test_compressed_bodies(self):
        plain = json.dumps({"records": [record("packed", self.fresh())]}).encode()
        packed = gzip.compress(plain)
        self.assertEqual(self.d.post(packed, headers={"Content-Encoding": "gzip"})[1]["accepted"], 1)
        self.assertEqual(self.d.post(packed[:-9], headers={"Content-Encoding": "gzip"})[0], 400)
        self.assertEqual(self.d.post(plain, headers={"Content-Encoding": "gzip"})[0], 400)
        self.assertEqual(self.d.post(plain, headers={"Content-Encoding": "br"})[0], 415)
        bomb = gzip.compress(b" " * 50_000_000)
        self.assertLess(len(bomb), 100_000)
        self.assertEqual(self.d.post(bomb, headers={"Content-Encoding": "gzip"})[0], 413)

    def test_content_types(self):
        body = json.dumps({"records": [record("typed", self.fresh())]}).encode()
        for kind, expected in (("application/json", 200), ("application/json; charset=utf-8", 200), ("application/vnd.x+json", 200),
                               ("APPLICATION/JSON;charset=\"UTF-8\"", 200), ("application/json; charset=latin-1", 415), ("text/plain", 415),
                               ("application/x-www-form-urlencoded", 415)):
            self.assertEqual(self.d.request("POST", "/feed/data", body, {"Content-Type": kind})[0], expected, kind)
        self.assertEqual(self.d.request("POST", "/feed/data", body)[0], 200)  # none at all counts as JSON

    def test_no_client_text_reaches_the_log_unescaped(self):
        self.d.post([{**record("a", self.fresh()), "state": "x\x1b[31m\n[READY] forged"}])
        self.assertNotIn("\x1b", self.d.log())
        self.assertEqual(self.d.log().count("[READY]"), 1)
        self.assertRegex(self.d.log(), r"\[WARNING\] Rejected \d+ of \d+ records from 127\.0\.0\.1: first: index \d+ \w+ \w+")

    def test_identity(self):
        at = self.fresh()
        first = {"timestamp": record("x", at)["timestamp"], "server_name": "ident", "cpu_pct": 10.0}
        total = self.total()
        self.assertEqual(self.d.post([first])[1]["accepted"], 1)
        again = self.d.post([first])[1]
        self.assertEqual((again["accepted"], again["duplicates"], again["conflicts"]), (0, 1, 0))
        filled = self.d.post([{**first, "mem_pct": 20.0}])[1]
        self.assertEqual((filled["accepted"], filled["filled"], filled["duplicates"]), (1, 1, 0))
        conflict = self.d.post([{**first, "cpu_pct": 11.0}])[1]
        self.assertEqual((conflict["accepted"], conflict["duplicates"], conflict["conflicts"]), (0, 1, 1))
        late = self.d.post([{**first, "timestamp": record("x", at - 100)["timestamp"]}])[1]
        self.assertEqual((late["accepted"], late["late"]), (1, 1))
        zone = record("x", at)["timestamp"].replace("Z", "+00:00")
        self.assertEqual(self.d.post([{**first, "timestamp": zone}])[1]["duplicates"], 1)
        self.assertEqual(self.d.post([{**first, "timestamp": first["timestamp"].replace(".000Z", "")}])[1]["duplicates"], 1)
        self.assertEqual(self.total(), total + 2)


if __name__ == "__main__":
    unittest.main()
