#!/usr/bin/env python3
"""The OpenAPI document against the daemon: valid, every example executed, schemathesis finds nothing, docs say the same."""
import glob
import html.parser
import json
import os
import re
import subprocess
import tempfile
import unittest

from peers import ROOT, environment
from serving import Daemon, is_sanitized, tick

BIN = environment("api", ["schemathesis==4.32.5", "prometheus_client==0.26.0", "jsonschema==4.26.0", "openapi-spec-validator==0.9.0"])

# Valid by its schema and refused all the same, on purpose: words that only the served contract knows, a list with an empty
# item, a record without any value. 503 is an answer, not a defect: not now, with Retry-After. Everything else that schemathesis checks is on.
CONFIG = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503"]
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "422", "428", "429", "503"]
"""


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon(environment={"TFTD_TIME_CLOCK": "data"}).start()
        for n in range(160):
            cls.d.post(tick(1_760_371_200 + 5 * n))
        cls.d.wait_for("a forecast", lambda: cls.d.get("/api/v1/forecasts")[0] == 200)
        cls.url = "http://127.0.0.1:%d" % cls.d.port
        cls.document = cls.d.get("/openapi.json")[1]

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__()

    def test_1_every_example_works_and_every_answer_is_documented(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "api_document.py")
        done = subprocess.run([os.path.join(BIN, "python"), script, self.url], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr[-3000:])

    def test_2_schemathesis_finds_nothing(self):
        hooks = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemathesis_hooks.py")
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "schemathesis.toml"), "w") as f:
                f.write(CONFIG)
            done = subprocess.run(
                [os.path.join(BIN, "schemathesis"), "--config-file", f.name, "run", self.url + "/openapi.json", "--exclude-path", "/api/v1/events",
                 "--phases", "examples,coverage,fuzzing", "--max-examples", "8" if not is_sanitized() else "3", "--workers", "2",
                 "--max-time", "75", "--seed", "1", "--no-color", "--request-timeout", "20"],
                capture_output=True, text=True, cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": hooks, "PYTHONPATH": os.path.dirname(hooks)})
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertEqual(self.d.get("/health")[0], 200)

    def test_every_route_and_every_problem_is_documented(self):
        with open(os.path.join(ROOT, "docs/API.md")) as f:
            text = f.read()
        for path, item in self.document["paths"].items():
            for method in item:
                self.assertIn("| %s %s |" % (method.upper(), path), text, "docs/API.md: run tools/make_api_md.py")
        slugs = set()
        for name in glob.glob(os.path.join(ROOT, "src/server/*.c")):
            with open(name) as f:
                slugs |= set(re.findall(r'http_reply_(?:problem|refusal)\(\s*[^;"]*?,\s*\d+,\s*"([a-z-]+)"', f.read()))
        self.assertGreater(len(slugs), 15)
        for slug in slugs:
            status, fields, body = self.d.request("GET", "/docs/problems/" + slug)
            self.assertEqual(status, 200, slug + " has no row in problems.c")
        self.assertEqual(self.d.request("GET", "/docs/problems/none-such")[0], 404)

    def test_pages_need_nothing_from_elsewhere(self):
        class Resources(html.parser.HTMLParser):
            def __init__(self):
                super().__init__()
                self.found, self.scripts = [], 0

            def handle_starttag(self, tag, attributes):
                self.scripts += tag == "script" or any(name.startswith("on") or name == "style" for name, _ in attributes)
                self.found += [value for name, value in attributes if name in ("src", "href")]

        for path in ("/docs", "/docs/problems/", "/docs/problems/unknown-server"):
            status, fields, body = self.d.request("GET", path)
            self.assertEqual((status, fields["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertNotIn("unsafe", fields["content-security-policy"])
            page = Resources()
            page.feed(body.decode())
            self.assertEqual(page.scripts, 0)
            for link in page.found:
                self.assertTrue(link.startswith(("/", "#")), link)
                if link.startswith("/"):
                    self.assertEqual(self.d.request("GET", link)[0], 200, link)
        body = self.d.request("GET", "/docs")[2].decode()
        for path in self.document["paths"]:
            self.assertIn(path, body)
        status, fields, _ = self.d.request("GET", "/redoc")
        self.assertEqual((status, fields["location"]), (308, "/docs"))


if __name__ == "__main__":
    unittest.main()
