#!/usr/bin/env python3
"""What no client library would send: ambiguous requests, endless heads, bytes that trickle, crowds. Over bare sockets."""
import http.client
import json
import re
import resource
import select
import socket
import time
import unittest

from serving import SLOW, Daemon, record

HOST = b"Host: 127.0.0.1\r\n"
POST = b"POST /feed/data HTTP/1.1\r\n" + HOST
LIMITS = {"TFTD_HTTP_HEADER_TIMEOUT": "2s", "TFTD_HTTP_BODY_TIMEOUT": "2s", "TFTD_HTTP_IDLE_TIMEOUT": "20s",
          "TFTD_HTTP_MAX_CONNECTIONS_PER_IP": "40"}
MOST = 1024


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=15 * SLOW)


def until_the_end(s):
    """All that comes until the peer closes; what it says when it resets counts as an end."""
    answer = b""
    try:
        while piece := s.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def still_open(s):
    """Whether the peer keeps this idle connection."""
    poll = select.poll()
    poll.register(s, select.POLLIN)
    return not poll.poll(0)


def fill(daemon, n):
    """n connections that are held open. One may be refused while the daemon has yet to notice that an earlier one ended."""
    held = []
    deadline = time.monotonic() + 10 * SLOW
    while len(held) < n:
        if time.monotonic() > deadline:
            raise AssertionError("%d of %d connections were let in" % (len(held), n))
        held += [connect(daemon) for _ in range(n - len(held))]
        time.sleep(0.3)
        for refused in [s for s in held if not still_open(s)]:
            held.remove(refused)
            refused.close()
    return held


def has_room(daemon):
    try:
        return daemon.request("GET", "/health")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def status_of(answer):
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else None


class Raw(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon(environment=LIMITS).start()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__()

    def refused(self, request, status):
        """The connection is closed after this status, and the daemon lives on."""
        with connect(self.d) as s:
            s.sendall(request)
            answer = until_the_end(s)
        self.assertEqual(status_of(answer), status, (request[:80], answer[:200]))
        # libmicrohttpd 0.9.75 repeats the head of its own refusals in their body; another status would be another request's answer
        self.assertEqual({int(code) for code in re.findall(rb"HTTP/1\.1 (\d\d\d) ", answer)}, {status}, answer)
        return answer

    def counted(self, reason):
        return float(re.search(r'tftd_http_refused_total\{reason="%s"\} (\S+)' % reason, self.d.request("GET", "/metrics")[2].decode()).group(1))

    def test_a_request_that_can_be_read_in_two_ways_is_400_and_the_connection_ends(self):
        before = self.counted("malformed")
        chunks = b"5\r\nabcde\r\n0\r\n\r\n"
        for request in (b"GET /health HTTP/1.1\r\n\r\n",  # no Host
                        b"GET /health HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
                        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
                        POST + b"Content-Length: 5, 6\r\n\r\nabcdef",
                        POST + b"Content-Length: -5\r\n\r\nabcde",
                        POST + b"Content-Length: +5\r\n\r\nabcde",
                        POST + b"Content-Length: 0x5\r\n\r\nabcde",
                        POST + b"Content-Length : 5\r\n\r\nabcde",
                        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
                        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + chunks,
                        POST + b"Transfer-Encoding: identity, chunked\r\n\r\n" + chunks,
                        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks,
                        POST + b"Transfer-Encoding: xchunked\r\n\r\n" + chunks,
                        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
                        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabcde\r\n0\r\n\r\n",
                        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n",
                        POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabcde\r\n0\r\n\r\n",
                        b"GET /health HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n"):
            self.refused(request, 400)
        self.assertGreaterEqual(self.counted("malformed"), before + 10)
        self.refused(POST + b"Content-Length: 99999999999999999999999\r\n\r\nabcde", 413)
        self.refused(POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\nabcde\r\n0\r\n\r\n", 413)
        strict = self.refused(b"GET /api/v1/version HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400)
        self.assertEqual(json.loads(strict.split(b"\r\n\r\n", 1)[1])["type"], "/docs/problems/bad-framing")

    def test_nothing_smuggled_behind_a_refusal_is_answered(self):
        inner = b"GET /status HTTP/1.1\r\n" + HOST + b"\r\n"
        self.refused(POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(inner)) + inner, 400)

    def test_targets_and_headers_have_a_length(self):
        line = b"GET /%s HTTP/1.1\r\n" + HOST
        with connect(self.d) as s:
            s.sendall(line % (b"a" * 8000) + b"Connection: close\r\n\r\n")
            self.assertEqual(status_of(until_the_end(s)), 404)
        for n in (8300, 20000, 60000):
            self.refused(line % (b"a" * n) + b"\r\n", 414)
        with connect(self.d) as s:
            s.sendall(line % b"health" + b"Connection: close\r\nX-Padding: " + b"a" * 30000 + b"\r\n\r\n")
            self.assertEqual(status_of(until_the_end(s)), 200)
        for headers in (b"X-Padding: " + b"a" * 33000 + b"\r\n", b"X-A: b\r\n" * 4000, b"X-Padding: " + b"a" * 60000 + b"\r\n"):
            self.refused(line % b"health" + headers + b"\r\n", 431)

    def test_requests_in_a_row_are_answered_in_order(self):
        body = json.dumps({"records": [record("piped", time.time() - 60)]}).encode()
        with connect(self.d) as s:
            s.sendall((b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n") * 2 + POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
                      + b"GET /nope HTTP/1.1\r\n" + HOST + b"\r\nGET /health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            answer = until_the_end(s)
        self.assertEqual([int(code) for code in re.findall(rb"HTTP/1\.1 (\d\d\d) ", answer)], [200, 200, 200, 404, 200])

    def test_a_head_that_trickles_does_not_buy_time(self):
        before = self.counted("slow_header")
        for start in (b"", b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"):  # on a new connection, and after a reply
            with connect(self.d) as s:
                if start:
                    s.sendall(start)
                    self.assertEqual(status_of(s.recv(65536)), 200)
                    time.sleep(0.5)  # between requests nothing runs out
                began = time.monotonic()
                s.settimeout(0.2)
                answer = b""
                for byte in b"GET /health HTTP/1.1\r\n" + HOST + b"X-Slow: " + b"a" * 1000:
                    try:
                        s.sendall(bytes([byte]))
                        answer += s.recv(65536)
                        break
                    except TimeoutError:
                        continue
                    except (BrokenPipeError, ConnectionResetError):
                        break
                took = time.monotonic() - began
            self.assertEqual(status_of(answer), 408, answer)
            self.assertTrue(1.5 < took < 6 * SLOW, took)
        self.assertGreaterEqual(self.counted("slow_header"), before + 2)

    def test_a_connection_may_rest_between_requests(self):
        with connect(self.d) as s:
            for _ in range(2):
                s.sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertEqual(status_of(s.recv(65536)), 200)
                time.sleep(4)  # longer than header_timeout

    def test_a_body_that_stands_still_is_408(self):
        before = self.counted("slow_body")
        with connect(self.d) as s:
            began = time.monotonic()
            s.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
            answer = until_the_end(s)
            self.assertTrue(1.5 < time.monotonic() - began < 6 * SLOW)
        self.assertEqual(status_of(answer), 408)
        self.assertIn("http.body_timeout", json.loads(answer.split(b"\r\n\r\n", 1)[1])["detail"])
        self.assertGreaterEqual(self.counted("slow_body"), before + 1)

    def test_a_body_that_trickles_for_ever_is_408_too(self):
        with connect(self.d) as s:
            s.sendall(POST + b"Content-Length: 100000\r\n\r\n")
            s.settimeout(0.25)
            answer, began = b"", time.monotonic()
            while time.monotonic() - began < 12 * SLOW and not answer:
                try:
                    s.sendall(b" ")
                    answer = s.recv(65536)
                except TimeoutError:
                    continue
                except (BrokenPipeError, ConnectionResetError):
                    break
        self.assertEqual(status_of(answer), 408)

    def test_a_slow_body_that_keeps_coming_is_taken(self):
        body = json.dumps({"records": [record("slow", time.time() - 60)]}).encode() + b" " * 8000
        with connect(self.d) as s:
            s.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(body))
            for at in range(0, len(body), 600):  # 3 s in all
                s.sendall(body[at:at + 600])
                time.sleep(0.2)
            self.assertEqual(status_of(s.recv(65536)), 200)

    def test_one_address_may_have_so_many_connections(self):
        before = self.counted("connections")
        held = fill(self.d, 40)
        with connect(self.d) as one_more:
            try:
                one_more.sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
                self.assertEqual(until_the_end(one_more), b"")
            except (BrokenPipeError, ConnectionResetError):
                pass
        for s in held:
            s.close()
        self.d.wait_for("room again", lambda: has_room(self.d))
        self.assertGreaterEqual(self.counted("connections"), before + 1)


class Crowd(unittest.TestCase):
    def test_a_thousand_connections_are_served(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST + 200
        if soft < wanted:
            if hard != resource.RLIM_INFINITY and hard < wanted:
                self.skipTest("only %d descriptors" % hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        with Daemon(environment={"TFTD_HTTP_MAX_CONNECTIONS_PER_IP": "5000"}) as d:
            held = fill(d, MOST)
            for s in held:
                s.sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
            served = sum(status_of(s.recv(65536)) == 200 for s in held)
            self.assertEqual(served, MOST)
            with connect(d) as one_more:  # is closed at once
                try:
                    one_more.sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")
                    self.assertEqual(until_the_end(one_more), b"")
                except (BrokenPipeError, ConnectionResetError):
                    pass
            held[0].sendall(b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n")  # who is in is served on
            self.assertEqual(status_of(held[0].recv(65536)), 200)
            for s in held:
                s.close()
            d.wait_for("room again", lambda: has_room(d))


if __name__ == "__main__":
    unittest.main()
