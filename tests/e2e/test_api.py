#!/usr/bin/env python3
"""/api/v1 over HTTP: reading servers, forecasts, incidents and risks; problems, paging, formats, tags."""
import csv
import gzip
import io
import json
import os
import time
import unittest
import urllib.parse

from serving import FLEET, Daemon, record, stamp, tick

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models")


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # by the clock of the data nothing moves on: the tests below see one and the same forecast
        cls.d = Daemon(model=True, environment={"TFTD_TIME_CLOCK": "data", "TFTD_MODEL_DIR": MODELS,
                                                "TFTD_HTTP_CORS_ORIGINS": "https://grafana.example"}).start()
        cls.newest = 1_760_371_200 + 5 * 199
        for n in range(200):
            cls.d.post(tick(1_760_371_200 + 5 * n))
        cls.d.wait_for("the last tick's forecast", lambda: cls.d.predictions().get("metadata", {}).get("input_points") == 4000, 60)

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__()

    def ok(self, path, headers=None):
        status, answer = self.d.get(path, headers)
        self.assertEqual(status, 200, (path, answer))
        return answer

    def problem(self, path, status, slug, method="GET", headers=None, body=None):
        got, fields, answer = self.d.request(method, path, body, headers)
        self.assertEqual((got, fields["content-type"]), (status, "application/problem+json"), (path, answer))
        answer = json.loads(answer)
        self.assertEqual(answer["type"], "/docs/problems/" + slug)
        self.assertEqual(answer["status"], status)
        for member in ("title", "detail", "instance"):
            self.assertIsInstance(answer[member], str)
        return fields, answer

    def pages(self, path):
        """All items of a list, page by page."""
        items, cursor, sep = [], None, "&" if "?" in path else "?"
        for _ in range(100):
            page = self.ok(path + (sep + "cursor=" + cursor if cursor else ""))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items
        self.fail("pages without end")

    def test_problems_name_what_is_wrong(self):
        self.problem("/api/v1/nothing", 404, "not-found")
        self.problem("/api/v1", 404, "not-found")
        fields, _ = self.problem("/api/v1/servers", 405, "method-not-allowed", "DELETE")
        self.assertIn("GET, HEAD", fields["allow"])
        _, answer = self.problem("/api/v1/servers?colour=red", 400, "unknown-parameter")
        self.assertIn("colour", answer["detail"])
        self.problem("/api/v1/servers?limit=1&limit=2", 400, "bad-parameter")
        self.problem("/api/v1/servers?q=%ff", 400, "bad-parameter")
        self.problem("/api/v1/servers?q=a%00b", 400, "bad-parameter")
        self.problem("/api/v1/servers/%ff", 400, "bad-path")
        self.problem("/api/v1/servers/a%00", 400, "bad-path")
        self.problem("/api/v1/servers", 406, "not-acceptable", headers={"Accept": "image/png"})
        self.problem("/api/v1/servers/nobody", 404, "unknown-server")
        _, answer = self.problem("/api/v1/servers/caf%C3%A9%2Fx", 404, "unknown-server")
        self.assertEqual(answer["detail"], "No server named 'café/x'")
        for bad in ("limit=0", "limit=10001", "limit=x", "cursor=%21", "sort=colour", "profile=toaster", "state=tired",
                    "priority=P5", "stale=maybe"):
            self.problem("/api/v1/servers?" + bad, 400, "bad-parameter")

    def test_head_and_options(self):
        for path in ("/api/v1/servers", "/api/v1/forecasts/ppdb001", "/api/v1/contract"):
            status, fields, body = self.d.request("HEAD", path)
            self.assertEqual((status, body), (200, b""))
            self.assertGreater(int(fields["content-length"]), 100)
            status, fields, body = self.d.request("OPTIONS", path)
            self.assertEqual((status, body), (204, b""))
            self.assertIn("GET, HEAD", fields["allow"])

    def test_servers_are_listed_in_pages(self):
        whole = self.ok("/api/v1/servers?limit=10000")
        self.assertEqual([s["server_name"] for s in whole["items"]], sorted(FLEET))
        self.assertEqual((whole["total"], whole["next_cursor"]), (20, None))
        for sort in ("name", "risk", "incident_8h", "last_seen"):
            expected = self.ok("/api/v1/servers?limit=10000&sort=" + sort)["items"]
            self.assertEqual(self.pages("/api/v1/servers?limit=3&sort=" + sort), expected)
        risks = [s["risk"]["score"] for s in self.ok("/api/v1/servers?sort=risk")["items"]]
        self.assertEqual(risks, sorted(risks, reverse=True))
        self.problem("/api/v1/servers?sort=risk&cursor=" + self.ok("/api/v1/servers?limit=3")["next_cursor"], 400, "bad-parameter")

    def test_servers_are_filtered(self):
        def names(query):
            return [s["server_name"] for s in self.ok("/api/v1/servers?" + query)["items"]]
        self.assertEqual(names("q=db"), ["ppdb001", "ppdb002", "ppdb003"])
        self.assertEqual(names("profile=database,risk_analytics"), ["ppdb001", "ppdb002", "ppdb003", "pprisk001"])
        self.assertEqual(names("stale=true"), [])
        self.assertEqual(len(names("stale=false")), 20)
        self.assertEqual(names("state=offline"), [])
        by_priority = sum((names("priority=P%d" % p) for p in range(1, 5)), [])
        self.assertEqual(sorted(by_priority), sorted(FLEET))

    def test_one_server(self):
        one = self.ok("/api/v1/servers/ppdb001")
        self.assertEqual((one["server_name"], one["server_id"], one["profile"]), ("ppdb001", "215733", "database"))
        self.assertEqual((one["records"], one["ready"], one["model_type"], one["stale"]), (200, True, "TFT", False))
        self.assertEqual((one["first_seen"], one["last_seen"]), ("2025-10-13T16:00:00Z", "2025-10-13T16:16:35Z"))
        newest = next(r for r in tick(self.newest) if r["server_name"] == "ppdb001")
        self.assertEqual(one["current"], {m: newest[m] for m in ("cpu_pct", "mem_pct", "disk_io_mb_s", "latency_ms")})
        self.assertEqual(one["risk"]["score"], max(one["risk"]["now"], one["risk"]["soon"]))
        parts = [d["part"] for d in one["risk"]["drivers"]]
        self.assertEqual(parts, sorted(parts, reverse=True))
        self.assertEqual(list(one["incident_probability"]), ["30m", "1h", "2h", "4h", "8h"])

    def test_the_contract(self):
        contract = self.ok("/api/v1/contract")
        self.assertEqual([m["name"] for m in contract["metrics"]], ["cpu_pct", "mem_pct", "disk_io_mb_s", "latency_ms"])
        self.assertEqual((contract["step_seconds"], contract["horizon_steps"]), (300, 96))

    def test_forecasts_agree_with_the_old_surface(self):
        old = self.d.predictions("?servers=ppdb001")["predictions"]["ppdb001"]
        new = self.ok("/api/v1/forecasts/ppdb001")
        self.assertRegex(new["forecast_id"], r"^f-\d{8}T\d{6}Z-\d{6}$")
        item, = new["items"]
        for metric, key in (("cpu_pct", "cpu_percent"), ("latency_ms", "load_average")):
            self.assertEqual(item["metrics"][metric]["values"]["0.5"], old[key]["p50"])
            self.assertEqual(new["timestamps"], old[key]["timestamps"])
        self.assertEqual([i["server_name"] for i in self.pages("/api/v1/forecasts?limit=7&metrics=cpu_pct&steps=1")], FLEET)
        few = self.ok("/api/v1/forecasts?servers=ppdb001,nobody&metrics=cpu_pct&quantiles=0.1,0.9&horizon=1h")
        self.assertEqual(few["quantiles"], [0.1, 0.9])
        self.assertEqual(len(few["timestamps"]), 12)
        self.assertEqual(few["items"][0]["metrics"]["cpu_pct"]["values"]["0.9"], old["cpu_percent"]["p90"][:12])
        for bad in ("metrics=colour", "quantiles=0.3", "horizon=1m", "horizon=9h", "horizon=1h&steps=3", "steps=0", "steps=97",
                    "layout=cubes", "format=xml", "profile=toaster", "servers=,"):
            self.problem("/api/v1/forecasts?" + bad, 400, "bad-parameter")

    def test_forecasts_as_rows_and_csv_say_the_same(self):
        query = "/api/v1/forecasts?servers=ppdb001,ppweb003&steps=3&quantiles=0.02,0.5"
        rows = self.ok(query + "&layout=rows")["items"]
        self.assertEqual(len(rows), 2 * 4 * 3)
        status, fields, body = self.d.request("GET", query, headers={"Accept": "text/csv"})
        self.assertEqual((status, fields["content-type"]), (200, "text/csv; charset=utf-8"))
        self.assertEqual(body, self.d.request("GET", query + "&format=csv")[2])
        self.assertTrue(body.startswith(b"origin,server_name,metric,timestamp,q0.02,q0.5\r\n"))
        table = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        self.assertEqual([(t["server_name"], t["metric"], t["timestamp"], float(t["q0.5"])) for t in table],
                         [(r["server_name"], r["metric"], r["timestamp"], r["values"]["0.5"]) for r in rows])
        _, fields, _ = self.d.request("GET", "/api/v1/forecasts?format=csv&limit=2&steps=1")
        cursor = fields["next-cursor"]
        self.assertTrue(self.d.request("GET", "/api/v1/forecasts?format=csv&limit=2&steps=1&cursor=" + cursor)[2].count(b"ppml0003"))

    def test_a_tag_saves_a_forecast_that_is_known(self):
        status, fields, _ = self.d.request("GET", "/api/v1/forecasts?steps=2")
        self.assertEqual(self.d.request("GET", "/api/v1/forecasts?steps=2", headers={"If-None-Match": fields["etag"]})[0], 304)
        self.assertEqual(self.d.request("GET", "/api/v1/forecasts?steps=3", headers={"If-None-Match": fields["etag"]})[0], 200)

    def test_incidents_and_risks(self):
        all_of_them = self.ok("/api/v1/incidents?limit=1000")
        p8h = [i["incident_probability"]["8h"] for i in all_of_them["items"]]
        self.assertEqual(p8h, sorted(p8h, reverse=True))
        self.assertEqual(self.pages("/api/v1/incidents?limit=3"), all_of_them["items"])
        self.assertGreaterEqual(all_of_them["fleet"]["any"]["8h"], max(p8h))
        self.assertAlmostEqual(all_of_them["fleet"]["expected"]["8h"], sum(p8h), 4)
        with open(os.path.join(MODELS, all_of_them["model"], "config.json")) as f:
            self.assertEqual(all_of_them["calibration"]["incident"], json.load(f)["calibration"]["incident"])
        one = self.ok("/api/v1/incidents/ppdb001?curve=true")
        self.assertEqual(one["calibration"], all_of_them["calibration"])
        curve = one["item"]["curve"]
        self.assertEqual((len(curve), len(one["timestamps"])), (96, 96))
        self.assertEqual(curve, sorted(curve))
        self.assertAlmostEqual(curve[95], one["item"]["incident_probability"]["8h"], 5)
        risks = self.ok("/api/v1/risk?limit=1000")["items"]
        self.assertEqual(self.pages("/api/v1/risk?limit=6"), risks)
        self.assertEqual(risks[0], {**risks[0], "score": max(r["score"] for r in risks)})
        self.problem("/api/v1/incidents/nobody", 404, "unknown-server")

    def test_a_server_is_changed_and_the_change_survives(self):
        with Daemon() as d:
            def change(name, body, kind="application/json"):
                status, fields, answer = d.request("PATCH", "/api/v1/servers/" + name, json.dumps(body), {"Content-Type": kind})
                return status, json.loads(answer)
            now = time.time() - 300
            for i in range(60):
                d.post([record("a", now + i), record("b", now + i)])
            status, a = change("a", {"profile": "database", "labels": {"team": "payments", "rack": "b7"}})
            self.assertEqual((status, a["profile"], a["labels"]), (200, "database", {"team": "payments", "rack": "b7"}))
            self.assertEqual(change("b", {"decommissioned": True})[1]["state"], "maintenance")
            self.assertEqual(change("nobody", {"profile": "database"})[1]["type"], "/docs/problems/unknown-server")
            for bad in ({}, {"profile": "toaster"}, {"profile": 3}, {"labels": 3}, {"labels": {"x": 1}}, {"labels": {"1x": "y"}},
                        {"labels": {"x": "y" * 257}}, {"labels": {"k%d" % i: "v" for i in range(33)}}, {"decommissioned": False}, []):
                status, answer = change("a", bad)
                self.assertEqual((status, answer["type"]), (422, "/docs/problems/invalid"), bad)
            self.assertEqual(change("a", {"profile": "database"}, "text/plain")[0], 415)
            d.kill()
            d.start()
            a = d.get("/api/v1/servers/a")[1]
            self.assertEqual((a["profile"], a["labels"]), ("database", {"team": "payments", "rack": "b7"}))
            self.assertEqual(d.get("/api/v1/servers/b")[1]["state"], "maintenance")
            d.post([record("b", time.time() - 1)])
            d.wait_for("b to be back", lambda: d.get("/api/v1/servers/b")[1]["state"] == "healthy")
            self.assertEqual(change("a", {"labels": None})[1]["labels"], {})

    def test_a_forgotten_server_is_gone_for_good_and_may_come_back_anew(self):
        with Daemon() as d:
            now = time.time() - 600
            for i in range(60):
                d.post([record(name, now + i) for name in ("a", "b", "c")])
            d.wait_for("a forecast of three", lambda: len(d.get("/api/v1/forecasts?steps=1")[1].get("items", [])) == 3)
            self.assertEqual(d.request("DELETE", "/api/v1/servers/nobody")[0], 404)
            self.assertEqual(d.request("DELETE", "/api/v1/servers/b")[::2], (204, b""))
            self.assertEqual(d.request("DELETE", "/api/v1/servers/b")[0], 404)

            def check():
                self.assertEqual(d.get("/api/v1/servers/b")[0], 404)
                status = d.get("/status")[1]
                self.assertEqual((status["records_total"], status["window_size"], status["servers_tracked"]), (180, 120, 2))
                d.wait_for("a forecast of two", lambda: [i["server_name"] for i in d.get("/api/v1/forecasts?steps=1")[1].get("items", [])] == ["a", "c"])
                self.assertEqual([s["server_name"] for s in d.get("/api/v1/servers")[1]["items"]], ["a", "c"])
                old = d.predictions()
                self.assertEqual((sorted(old["predictions"]), old["environment"]["total_servers"]), (["a", "c"], 2))
                self.assertEqual([i["server_name"] for i in d.get("/api/v1/risk")[1]["items"] if i["server_name"] == "b"], [])
            check()
            d.kill()
            d.start()
            check()
            d.post([record("b", now + 30), record("b", now + 31)])  # a record of before is new again
            self.assertEqual(d.get("/api/v1/servers/b")[1]["records"], 2)
            d.stop()
            d.start()
            self.assertEqual((d.get("/api/v1/servers/b")[1]["records"], d.get("/api/v1/servers/c")[1]["records"]), (2, 60))
            self.assertEqual(d.get("/status")[1]["records_total"], 182)

    def test_an_explanation(self):
        for metric, step in (("cpu_pct", 12), ("latency_ms", 96)):
            e = self.ok("/api/v1/explain/ppdb001?metric=%s&step=%d" % (metric, step))
            forecast = self.ok("/api/v1/forecasts/ppdb001?metrics=" + metric)
            self.assertEqual((e["forecast_id"], e["origin"], e["timestamp"]),
                             (forecast["forecast_id"], forecast["origin"], forecast["timestamps"][step - 1]))
            self.assertTrue(e["same_records"])
            p50 = forecast["items"][0]["metrics"][metric]["values"]["0.5"][step - 1]
            self.assertAlmostEqual(e["p50"], p50, 2)
            for part, n in (("static", 10), ("encoder", 5), ("decoder", 5)):
                weights = [w["weight"] for w in e["selection"][part]]
                self.assertGreater(len(weights), n)
                self.assertAlmostEqual(sum(weights), 1, 4)
                self.assertEqual(weights, sorted(weights, reverse=True))
            self.assertAlmostEqual(sum(a["weight"] for a in e["attention"]), 1, 4)
            self.assertEqual(e["attention"][-1]["timestamp"], e["origin"])
            self.assertEqual(e["attention"][0]["timestamp"], "2025-10-13T16:00:00Z")
            hidden = {o["hidden"]: o for o in e["occlusion"]}
            self.assertLessEqual({"cpu_pct", "mem_pct", "disk_io_mb_s", "latency_ms", "the last hour"}, set(hidden))
            for o in hidden.values():  # the copy's own median, as the engine's
                if o["p50"] is not None:
                    self.assertAlmostEqual(o["p50"] - o["change"], p50, 1)
            self.assertTrue(all(s.endswith(".") for s in e["drivers"]))
            self.assertEqual(e, self.ok("/api/v1/explain/ppdb001?metric=%s&step=%d" % (metric, step)))
        for bad in ("metric=colour", "metric=", "step=0", "step=97", "step=x"):
            self.problem("/api/v1/explain/ppdb001?" + bad, 400, "bad-parameter")
        self.problem("/api/v1/explain/nobody", 404, "unknown-server")

    def test_what_the_network_did_not_forecast_is_not_explained(self):
        with Daemon() as d:
            for n in range(10):
                d.post(tick(time.time() - 50 + 5 * n))
            d.wait_for("a forecast", lambda: d.get("/api/v1/forecasts")[0] == 200)
            status, answer = d.get("/api/v1/explain/ppdb001")
            self.assertEqual((status, answer["type"]), (409, "/docs/problems/not-explainable"))

    def test_records_in_every_form(self):
        with Daemon() as d:
            now = time.time() - 60

            def post(body, kind=None, query="", encoding=None):
                fields = {k: v for k, v in (("Content-Type", kind), ("Content-Encoding", encoding)) if v}
                status, fields, answer = d.request("POST", "/api/v1/records" + query, body, fields)
                return status, json.loads(answer), fields["content-type"]
            one, two = record("a", now), record("b", now + 1)
            self.assertEqual(post(json.dumps({"records": [one]}))[1]["accepted"], 1)
            status, answer, _ = post(json.dumps([one, two]), "application/json")
            self.assertEqual((status, answer["received"], answer["accepted"], answer["duplicates"]), (200, 2, 1, 1))
            lines = "\n".join(json.dumps(record("a", now + i)) for i in range(10, 20))
            self.assertEqual(post(gzip.compress(lines.encode()), "application/x-ndjson", encoding="gzip")[1]["accepted"], 10)
            table = "timestamp,server_name,cpu_pct\r\n" + "".join("%s,a,%d\r\n" % (stamp(now + i), i) for i in range(20, 30))
            self.assertEqual(post(table, "text/csv; charset=utf-8")[1]["accepted"], 10)
            bad = [record("a", now + 40), record("a", now + 41, cpu_pct=200)]
            status, answer, kind = post(json.dumps(bad), query="?atomic=true")
            self.assertEqual((status, kind, answer["type"]), (422, "application/problem+json", "/docs/problems/rejected"))
            self.assertEqual((answer["errors"][0]["index"], answer["errors"][0]["field"]), (1, "cpu_pct"))
            self.assertEqual(d.get("/status")[1]["records_total"], 22)
            self.assertEqual(post(json.dumps(bad))[1]["accepted"], 1)
            self.assertEqual(post(json.dumps([record("a", now + 42)]), query="?atomic=true")[1]["accepted"], 1)
            self.assertEqual(post(json.dumps([record("a", now, cpu_pct=-1)]))[0], 422)
            self.assertEqual(post("{")[:2][0], 400)
            self.assertEqual(post("[1]")[0], 422)
            self.assertEqual(post("7")[0], 422)
            self.assertEqual(post("a", "text/plain")[0], 415)
            self.assertEqual(post("[]", encoding="br")[0], 415)
            self.assertEqual(post(b"\x1f\x8bnonsense", encoding="gzip")[0], 400)
            self.assertEqual(post("server_name\na\n", "text/csv")[1]["type"], "/docs/problems/invalid")
            self.assertEqual(post("[]", query="?atomic=perhaps")[0], 400)
            self.assertEqual(post("[]")[1]["received"], 0)

    def test_a_whole_batch_is_given_up_where_the_store_refuses_a_part(self):
        with Daemon(environment={"TFTD_SERVERS_MAX": "2"}) as d:
            now = time.time() - 60
            batch = json.dumps([record(name, now) for name in ("a", "b", "c")])
            status, _, answer = d.request("POST", "/api/v1/records?atomic=true", batch)
            answer = json.loads(answer)
            self.assertEqual((status, answer["errors"][0]["code"]), (422, "too_many_servers"))
            self.assertEqual(d.get("/api/v1/servers")[1]["total"], 0)
            self.assertEqual(json.loads(d.request("POST", "/api/v1/records", batch)[2])["accepted"], 2)

    def test_zstd_and_gzip(self):
        for accept, encoding in (("zstd", "zstd"), ("gzip", "gzip"), ("br", None), ("gzip;q=0.5, zstd", "zstd")):
            _, fields, _ = self.d.request("GET", "/api/v1/forecasts", headers={"Accept-Encoding": accept})
            self.assertEqual(fields.get("content-encoding"), encoding)
            self.assertIn("Accept-Encoding", fields["vary"])

    def test_names_of_any_kind(self):
        with Daemon() as d:
            for name in ("a/b", "ä ö", "=1+1", "100%", "?&#"):
                d.post([record(name, time.time() - 30 - i) for i in range(30)])
                status, answer = d.get("/api/v1/servers/" + urllib.parse.quote(name, safe=""))
                self.assertEqual((status, answer["server_name"]), (200, name))
            d.wait_for("a forecast", lambda: d.get("/api/v1/forecasts")[0] == 200)
            d.wait_for("all five", lambda: len(d.get("/api/v1/forecasts?steps=1")[1]["items"]) == 5)
            table = d.request("GET", "/api/v1/forecasts?format=csv&steps=1&metrics=cpu_pct")[2].decode()
            self.assertIn(",'=1+1,cpu_pct,", table)

    def test_before_the_first_forecast(self):
        with Daemon() as d:
            self.assertEqual(d.get("/api/v1/servers"), (200, {"total": 0, "items": [], "next_cursor": None}))
            for path in ("/api/v1/forecasts", "/api/v1/incidents", "/api/v1/risk"):
                status, fields, answer = d.request("GET", path)
                self.assertEqual((status, json.loads(answer)["type"]), (503, "/docs/problems/no-forecast"))
                self.assertIn("retry-after", fields)
            d.post([record("a", time.time())])
            one = d.get("/api/v1/servers/a")[1]
            self.assertEqual((one["records"], one["ready"], one["risk"], one["model_type"]), (1, False, None, None))

    def test_other_origins_are_named_in_the_configuration(self):
        status, fields, _ = self.d.request("GET", "/api/v1/contract", headers={"Origin": "https://evil.example"})
        self.assertNotIn("access-control-allow-origin", fields)


if __name__ == "__main__":
    unittest.main()
