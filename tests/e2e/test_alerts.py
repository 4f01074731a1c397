"""Alerts from records to receivers: a webhook that is read field by field, silences, maintenance, acknowledgements, restarts."""
import json
import os
import re
import tempfile
import time
import unittest
import uuid

from receivers import Hook, free_port
from serving import SLOW, Daemon, record

RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def with_config(folder_of, text):
    path = os.path.join("/tmp", "tftd-e2e-%s.yaml" % uuid.uuid4().hex)
    with open(path, "w") as out:
        out.write(text)
    folder_of.addCleanup(os.remove, path)
    return path


def feed(d, cpu, servers=("ppweb001",), n=60, end=None, every=1.0):
    """n records of each server, the last one now."""
    end = end or time.time()
    records = [record(s, end - i * every, cpu_pct=cpu) for i in range(n - 1, -1, -1) for s in servers]
    status, answer = d.post(records)
    assert status == 200, answer


class AlertsTest(unittest.TestCase):
    def serve(self, config="", **more):
        base = "forecast: {min_interval: 100ms}\nalerts: {keep_for: 0s%s}\n" % (", " + config if config else "")
        return Daemon("--config", with_config(self, base), **more)

    def alerts(self, d, query=""):
        status, body = d.get("/api/v1/alerts" + query)
        self.assertEqual(status, 200, body)
        return body["items"]

    def wait_alert(self, d, query, count=1):
        return d.wait_for("%d alerts of %s" % (count, query), lambda: (lambda found: found if len(found) == count else None)(self.alerts(d, query)))

    def test_a_life_from_firing_to_resolved(self):
        with self.serve() as d:
            feed(d, 50, n=200, end=time.time() - 90)
            feed(d, 97)
            found = self.wait_alert(d, "?status=firing&kind=threshold", 2)
            by = {a["severity"]: a for a in found}
            critical, warning = by["critical"], by["warning"]
            self.assertEqual(warning["inhibited_by"], critical["id"])
            self.assertIsNone(critical["inhibited_by"])
            self.assertEqual((critical["server"], critical["metric"], critical["metric_name"], critical["unit"]),
                             ("ppweb001", "cpu_percent", "cpu_pct", "%"))
            self.assertEqual(critical["threshold"], 90)
            self.assertGreaterEqual(critical["predicted_value"], 90)
            for key in ("starts_at", "since"):
                self.assertRegex(critical[key], RFC3339)
            self.assertIsNone(critical["ends_at"])
            self.assertEqual(set(critical["crossing"]), {"p10", "p50", "p90"})
            self.assertGreaterEqual(critical["crossing_probability"], 0.5)
            active = d.get("/alerts/active")[1]
            self.assertEqual([a["id"] for a in active["alerts"]], [critical["id"]])
            status, one = d.get("/api/v1/alerts/" + critical["id"])
            self.assertEqual((status, one["id"], one["status"]), (200, critical["id"], "firing"))
            feed(d, 20, n=80, every=0.02)
            d.wait_for("the end", lambda: not self.alerts(d, "?status=firing&kind=threshold"))
            over = self.alerts(d, "?status=resolved&kind=threshold")
            self.assertEqual({a["id"] for a in over}, {critical["id"], warning["id"]})
            self.assertRegex(over[0]["ends_at"], RFC3339)
            self.assertEqual(d.get("/alerts/active")[1]["count"], 0)

    def test_events_tell_of_each_change(self):
        from test_api_events import Listener
        with self.serve() as d:
            listener = Listener(d, "?types=alert")
            feed(d, 50, n=200, end=time.time() - 90)
            feed(d, 97)
            alert = self.wait_alert(d, "?status=firing&severity=critical&kind=threshold")[0]
            heard = lambda: [data for _, kind, data in listener.events() if kind == "alert" and data["id"] == alert["id"]]  # noqa: E731
            d.wait_for("it to be told", heard)
            first = heard()[0]
            self.assertEqual((first["status"], first["server"], first["severity"], first["starts_at"]), ("firing", "ppweb001", "critical", alert["starts_at"]))
            feed(d, 20, n=80, every=0.02)
            d.wait_for("its end to be told", lambda: heard()[-1]["status"] == "resolved")
            listener.close()

    def test_filters_pages_and_csv(self):
        with self.serve() as d:
            feed(d, 50, servers=["s%d" % i for i in range(4)], n=60, end=time.time() - 90)
            feed(d, 97, servers=["s%d" % i for i in range(4)])
            self.wait_alert(d, "?kind=threshold", 8)
            self.assertEqual(len(self.alerts(d, "?kind=threshold&severity=critical")), 4)
            self.assertEqual(len(self.alerts(d, "?kind=threshold&server=s2")), 2)
            self.assertEqual(self.alerts(d, "?kind=silent"), [])
            self.assertEqual(self.alerts(d, "?status=pending"), [])
            self.assertEqual(self.alerts(d, "?kind=threshold&to=-1h"), [])
            seen, cursor = [], ""
            while cursor is not None:
                status, page = d.get("/api/v1/alerts?kind=threshold&limit=3" + ("&cursor=" + cursor if cursor else ""))
                self.assertEqual(status, 200)
                self.assertLessEqual(len(page["items"]), 3)
                seen += [a["id"] for a in page["items"]]
                cursor = page["next_cursor"]
            self.assertEqual((len(seen), len(set(seen))), (8, 8))
            status, headers, body = d.request("GET", "/api/v1/alerts?kind=threshold&format=csv")
            self.assertEqual((status, headers["content-type"].split(";")[0]), (200, "text/csv"))
            lines = body.decode().split("\r\n")
            self.assertTrue(lines[0].startswith("id,kind,status,severity,server,"))
            self.assertEqual(len(lines), 10)
            for bad in ("?status=open", "?severity=fatal", "?kind=cascade", "?limit=0", "?cursor=zzz", "?nonsense=1"):
                self.assertEqual(d.get("/api/v1/alerts" + bad)[0], 400, bad)
            self.assertEqual(d.get("/api/v1/alerts/a-0")[0], 404)

    def test_the_webhook_gets_alertmanagers_version_4_message(self):
        with Hook() as hook:
            config = "receivers: [{name: chat, kind: webhook, url: \"%s\", authorization: \"Bearer s3cret\"}]" % hook.url
            with self.serve(config) as d:
                feed(d, 50, n=200, end=time.time() - 90)
                feed(d, 97)
                d.wait_for("a message", lambda: hook.messages)
                message = hook.messages[0]
                critical = [a for a in self.alerts(d, "?severity=critical&kind=threshold")][0]
                self.assertEqual(message["version"], "4")
                self.assertEqual(message["groupKey"], '{}:{server="ppweb001"}')
                self.assertEqual(message["truncatedAlerts"], 0)
                self.assertEqual(message["status"], "firing")
                self.assertEqual(message["receiver"], "chat")
                self.assertEqual(message["groupLabels"], {"server": "ppweb001"})
                self.assertEqual(message["externalURL"], "http://127.0.0.1:%d" % d.port)
                self.assertEqual(set(message), {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels",
                                                "commonLabels", "commonAnnotations", "externalURL", "alerts"})
                for key, value in message["commonLabels"].items():
                    self.assertTrue(all(a["labels"][key] == value for a in message["alerts"]))
                threshold = [a for a in hook.alerts() if a["labels"]["kind"] == "threshold"]
                self.assertEqual(len(threshold), 1)  # the warning is inhibited
                alert = threshold[0]
                self.assertEqual(set(alert), {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"})
                self.assertEqual(alert["labels"], {"alertname": "TftdThreshold", "kind": "threshold", "metric": "cpu_pct",
                                                   "profile": "web_api", "server": "ppweb001", "severity": "critical", "source": "tftd"})
                self.assertEqual(alert["annotations"]["alert_id"], critical["id"])
                self.assertIn("cpu_pct is expected to reach", alert["annotations"]["summary"])
                self.assertEqual(alert["annotations"]["threshold"], "90")
                self.assertTrue(all(isinstance(v, str) for v in alert["annotations"].values()))
                self.assertEqual((alert["startsAt"], alert["endsAt"]), (critical["since"], "0001-01-01T00:00:00Z"))
                self.assertEqual(alert["generatorURL"], "http://127.0.0.1:%d/api/v1/alerts/%s" % (d.port, critical["id"]))
                self.assertRegex(alert["fingerprint"], "^[0-9a-f]{16}$")
                self.assertEqual(hook.headers[0]["Authorization"], "Bearer s3cret")
                self.assertEqual(hook.headers[0]["Content-Type"], "application/json")
                feed(d, 20, n=80, every=0.02)
                d.wait_for("resolved", lambda: [a for a in hook.alerts() if a["status"] == "resolved" and a["labels"]["kind"] == "threshold"])
                over = [a for a in hook.alerts() if a["status"] == "resolved" and a["labels"]["kind"] == "threshold"]
                self.assertEqual([a["labels"] for a in over], [alert["labels"]])
                self.assertEqual((over[0]["startsAt"], over[0]["fingerprint"]), (alert["startsAt"], alert["fingerprint"]))
                self.assertRegex(over[0]["endsAt"], RFC3339)
                status, receivers = d.get("/api/v1/receivers")
                self.assertEqual(status, 200)
                shown = receivers["items"][0]
                self.assertEqual((shown["name"], shown["kind"], shown["targets"][0]["waiting"]), ("chat", "webhook", 0))
                self.assertNotIn("s3cret", json.dumps(receivers))
                posts = shown["targets"][0]["deliveries"]
                self.assertEqual([p["at"] for p in posts], sorted((p["at"] for p in posts), reverse=True))
                self.assertEqual({(p["result"], p["error"]) for p in posts}, {("delivered", None)})
                self.assertEqual(sum(p["alerts"] for p in posts), shown["targets"][0]["delivered"])
                self.assertEqual((posts[-1]["firing"], posts[0]["firing"]), (posts[-1]["alerts"], 0))

    def test_a_receiver_that_was_down_hears_of_everything(self):
        port = free_port()
        config = "receivers: [{name: chat, kind: webhook, url: \"http://127.0.0.1:%d/hook\"}]" % port
        with self.serve(config) as d:
            feed(d, 50, servers=["gone", "stays"], n=200, end=time.time() - 90)
            feed(d, 97, servers=["gone", "stays"])
            self.wait_alert(d, "?status=firing&severity=critical&kind=threshold", 2)
            feed(d, 20, servers=["gone"], n=80, every=0.02)
            self.wait_alert(d, "?status=firing&severity=critical&kind=threshold", 1)
            target = d.wait_for("a failure", lambda: (lambda t: t if t["failed"] else None)(d.get("/api/v1/receivers")[1]["items"][0]["targets"][0]))
            self.assertIsNone(target["last_success_at"])
            self.assertTrue(target["last_error"])
            self.assertGreater(target["waiting"], 0)
            with Hook(port) as hook:
                hook.answer = 503
                d.wait_for("a refused try", lambda: len(hook.tries) >= 2, timeout=30)
                gap = hook.tries[1] - hook.tries[0]
                self.assertGreater(gap, 0.5)  # it waits between tries
                hook.answer = 200
                d.wait_for("both", lambda: {a["labels"]["server"] for a in hook.alerts() if a["labels"]["kind"] == "threshold"} == {"gone", "stays"}, timeout=60)
                d.wait_for("an empty queue", lambda: d.get("/api/v1/receivers")[1]["items"][0]["targets"][0]["waiting"] == 0, timeout=30)
                heard = {a["labels"]["server"]: a for a in hook.alerts() if a["labels"]["kind"] == "threshold" and a["labels"]["severity"] == "critical"}
                self.assertEqual(heard["gone"]["status"], "resolved")
                self.assertEqual(heard["stays"]["status"], "firing")
            self.assertIn("cannot be told of alerts", d.log())
            self.assertIn("answers again", d.log())

    def test_a_command_gets_the_message_on_its_input_and_is_tried_again_until_it_ends_with_0(self):
        with tempfile.TemporaryDirectory() as folder:
            program, told, broken = (os.path.join(folder, name) for name in ("page", "told", "broken"))
            with open(program, "w") as file:
                file.write("#!/bin/sh\n[ -e '%s' ] && { echo 'the pager is off'; exit 7; }\ncat >>'%s'; echo \"$1\" >>'%s.words'\n" % (broken, told, told))
            os.chmod(program, 0o700)
            open(broken, "w").close()
            config = "receivers: [{name: pager, kind: command, command: [\"%s\", \"$(touch %s.no)\"]}]" % (program, told)
            with self.serve(config) as d:
                feed(d, 50, n=200, end=time.time() - 90)
                feed(d, 97)
                target = lambda: d.get("/api/v1/receivers")[1]["items"][0]["targets"][0]  # noqa: E731
                failed = d.wait_for("a failure", lambda: (lambda t: t if t["failed"] else None)(target()))
                self.assertIn("ended with 7: the pager is off", failed["last_error"])
                self.assertFalse(os.path.exists(told))
                os.unlink(broken)
                d.wait_for("it to be told", lambda: target()["waiting"] == 0 and os.path.exists(told), timeout=60)
                with open(told) as file:
                    message = json.JSONDecoder().raw_decode(file.read())[0]
                self.assertEqual((message["version"], message["receiver"], message["groupLabels"]), ("4", "pager", {"server": "ppweb001"}))
                with open(told + ".words") as file:
                    self.assertEqual(file.readline(), "$(touch %s.no)\n" % told)
                self.assertFalse(os.path.exists(told + ".no"))
                self.assertEqual(d.get("/api/v1/receivers")[1]["items"][0]["kind"], "command")

    def test_kill_9_leaves_ids_and_one_open_alert(self):
        with Hook() as hook:
            d = self.serve("receivers: [{name: chat, kind: webhook, url: \"%s\"}]" % hook.url)
            with d:
                feed(d, 50, n=200, end=time.time() - 90)
                hook.answer = None  # the post is cut off: nobody knows whether it was heard
                feed(d, 97)
                before = self.wait_alert(d, "?status=firing&kind=threshold", 2)
                d.wait_for("a try", lambda: hook.tries)
                d.kill()
                hook.answer = 200
                d.start()
                after = self.wait_alert(d, "?status=firing&kind=threshold", 2)
                self.assertEqual({a["id"] for a in before}, {a["id"] for a in after})
                self.assertEqual({a["since"] for a in before}, {a["since"] for a in after})
                d.wait_for("a message", lambda: hook.messages)
                d.kill()
                d.start()
                self.wait_alert(d, "?status=firing&kind=threshold", 2)
                feed(d, 97, n=3)
                time.sleep(1)
                firing = [a for a in hook.alerts() if a["labels"]["kind"] == "threshold"]
                self.assertEqual(len({(a["fingerprint"], a["startsAt"]) for a in firing}), 1)
                self.assertLessEqual(len(firing), 2)  # twice at most: where the kill came between the answer and the commit

    def test_a_silence_keeps_it_from_everybody_until_it_ends(self):
        with Hook() as hook:
            with self.serve("receivers: [{name: chat, kind: webhook, url: \"%s\"}]" % hook.url) as d:
                body = json.dumps({"matchers": {"server": "ppweb*", "kind": "threshold"}, "ends_at": "2099-01-01T00:00:00Z", "created_by": "ops"})
                status, headers, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
                self.assertEqual(status, 201, answer)
                silence = json.loads(answer)
                self.assertEqual((silence["status"], silence["version"], headers["etag"]), ("active", 1, 'W/"1"'))
                self.assertEqual(headers["location"], "/api/v1/silences/" + silence["id"])
                feed(d, 50, servers=["ppweb001", "other"], n=200, end=time.time() - 90)
                feed(d, 97, servers=["ppweb001", "other"])
                self.wait_alert(d, "?status=firing&kind=threshold", 4)
                silent = [a for a in self.alerts(d, "?server=ppweb001&kind=threshold&severity=critical")][0]
                self.assertEqual((silent["silenced"], silent["silenced_by"], silent["maintenance"]), (True, [silence["id"]], False))
                self.assertEqual([a["server"] for a in d.get("/alerts/active")[1]["alerts"]], ["other"])
                d.wait_for("the other", lambda: [a for a in hook.alerts() if a["labels"]["server"] == "other"])
                self.assertFalse([a for a in hook.alerts() if a["labels"]["server"] == "ppweb001" and a["labels"]["kind"] == "threshold"])
                path = "/api/v1/silences/" + silence["id"]
                self.assertEqual(d.request("DELETE", path)[0], 428)
                self.assertEqual(d.request("DELETE", path, headers={"If-Match": '"9"'})[0], 412)
                changed = json.dumps({**json.loads(body), "comment": "longer"})
                status, headers, _ = d.request("PUT", path, changed, {"Content-Type": "application/json", "If-Match": headers["etag"]})
                self.assertEqual((status, headers["etag"]), (200, 'W/"2"'))
                self.assertEqual(d.request("DELETE", path, headers={"If-Match": 'W/"1"'})[0], 412)
                self.assertEqual(d.request("DELETE", path, headers={"If-Match": 'W/"2"'})[0], 204)
                d.wait_for("it to be heard", lambda: [a for a in hook.alerts() if a["labels"]["server"] == "ppweb001" and a["labels"]["kind"] == "threshold"])
                self.assertEqual(d.get(path)[0], 404)

    def test_maintenance_suppresses_marks_and_is_planned(self):
        with Hook() as hook:
            d = self.serve("receivers: [{name: chat, kind: webhook, url: \"%s\"}]" % hook.url)
            with d:
                feed(d, 50, servers=["ppdb001", "other"], n=200, end=time.time() - 90)
                feed(d, 97, servers=["ppdb001", "other"])
                d.wait_for("both", lambda: {a["labels"]["server"] for a in hook.alerts()} >= {"ppdb001", "other"})
                start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
                body = json.dumps({"kind": "maintenance", "matchers": {"server": "ppdb*"}, "starts_at": start, "ends_at": "2099-01-01T00:00:00Z"})
                status, _, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
                self.assertEqual(status, 201, answer)
                d.wait_for("it to be closed at the receiver", lambda: [a for a in hook.alerts() if a["status"] == "resolved" and a["labels"]["server"] == "ppdb001"])
                self.assertEqual({a["server"] for a in d.get("/alerts/active")[1]["alerts"]}, {"other"})
                shown = self.alerts(d, "?server=ppdb001&severity=critical&kind=threshold")[0]
                self.assertEqual((shown["status"], shown["silenced"], shown["maintenance"]), ("firing", True, True))
                self.assertEqual(shown["silenced_by"], [json.loads(answer)["id"]])
                import sqlite3
                def spans():
                    with sqlite3.connect("file:%s?mode=ro" % os.path.join(d.data, "db", "tftd.db"), uri=True) as db:
                        return db.execute("SELECT s.name, m.to_ms - m.from_ms FROM maintenance m JOIN servers s ON s.id = m.server").fetchall()
                marked = d.wait_for("the steps to be marked", spans, timeout=40)
                self.assertEqual([name for name, _ in marked], ["ppdb001"])
                self.assertGreater(marked[0][1], 3500e3)

    def test_a_silence_that_is_sent_again_with_its_key_is_the_same_one(self):
        with self.serve("receivers: []") as d:
            body = {"matchers": {"server": "a*"}, "ends_at": "2099-01-01T00:00:00Z", "created_by": "ops"}

            def post(body, key):
                status, fields, answer = d.request("POST", "/api/v1/silences", json.dumps(body), {"Content-Type": "application/json", "Idempotency-Key": key})
                return status, fields, json.loads(answer)
            status, fields, first = post(body, "8e03978e-40d5")
            self.assertEqual((status, fields["location"]), (201, "/api/v1/silences/" + first["id"]))
            self.assertEqual(post(body, "8e03978e-40d5")[::2], (201, first))
            d.kill()
            d.start()
            self.assertEqual(post(body, "8e03978e-40d5")[::2], (201, first))
            self.assertNotEqual(post(body, "another")[2]["id"], first["id"])
            status, _, answer = post({**body, "comment": "other"}, "8e03978e-40d5")
            self.assertEqual((status, answer["type"]), (422, "/docs/problems/idempotency-key-reused"))
            for key in ("", "k" * 256):
                self.assertEqual(post(body, key)[2]["type"], "/docs/problems/bad-header")
            self.assertEqual(len(d.get("/api/v1/silences")[1]["items"]), 2)
            self.assertEqual(d.request("DELETE", fields["location"], headers={"If-Match": 'W/"7"'})[0], 412)
            self.assertEqual(d.request("DELETE", fields["location"], headers={"If-Match": fields["etag"]})[0], 204)

    def test_receivers_come_in_pages(self):
        one = "{name: %s, kind: webhook, url: \"http://127.0.0.1:9/\"}"
        with self.serve("receivers: [%s]" % ", ".join(one % n for n in ("c", "a", "b"))) as d:
            names, cursor = [], ""
            while cursor is not None:
                page = d.get("/api/v1/receivers?limit=2" + cursor)[1]
                self.assertLessEqual(len(page["items"]), 2)
                names += [r["name"] for r in page["items"]]
                cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
            self.assertEqual(names, ["c", "a", "b"])

    def test_every_window_of_a_span_is_told_where_it_is_asked_for(self):
        with self.serve() as d:
            def create(**fields):
                status, _, answer = d.request("POST", "/api/v1/silences", json.dumps({"kind": "maintenance", "matchers": {"server": "a"}, **fields}), {"Content-Type": "application/json"})
                self.assertEqual(status, 201, answer)
                return json.loads(answer)["id"]
            daily = create(starts_at="2036-11-01T01:00:00Z", ends_at="2036-11-01T03:00:00Z", rrule="FREQ=DAILY")
            once = create(starts_at="2036-11-03T23:00:00Z", ends_at="2036-11-04T02:00:00Z")
            self.assertNotIn("windows", d.get("/api/v1/silences")[1]["items"][0])
            windows = lambda query: {s["id"]: [(w["starts_at"][:16], w["ends_at"][:16]) for w in s["windows"]] for s in d.get("/api/v1/silences?" + query)[1]["items"]}
            found = windows("from=2036-11-02T02:00:00Z&to=2036-11-04T01:30:00Z")
            self.assertEqual(found[daily], [("2036-11-%02dT01:00" % day, "2036-11-%02dT03:00" % day) for day in (2, 3, 4)])  # the first and last are cut by the span
            self.assertEqual(found[once], [("2036-11-03T23:00", "2036-11-04T02:00")])
            self.assertEqual(windows("from=2036-11-04T02:00:00Z&to=2036-11-04T02:00:01Z")[once], [])  # its end is exclusive
            self.assertEqual(len(windows("from=2036-12-01T00:00:00Z&to=2037-01-01T00:00:00Z")[daily]), 31)
            for query in "from=2036-12-01T00:00:00Z&to=2037-01-01T00:00:01Z", "from=yesterday", "from=-1h&to=-2h":
                self.assertEqual(d.get("/api/v1/silences?" + query)[0], 400, query)
            for k in range(40):  # a page ends where it tells a thousand windows; the next one goes on
                create(starts_at="2036-11-01T05:00:00Z", ends_at="2036-11-01T06:00:00Z", rrule="FREQ=DAILY", comment=str(k))
            query, seen, pages, cursor = "limit=500&from=2036-12-01T00:00:00Z&to=2037-01-01T00:00:00Z", [], 0, ""
            while cursor is not None:
                page = d.get("/api/v1/silences?" + query + cursor)[1]
                seen += [len(s["windows"]) for s in page["items"]]
                pages += 1
                cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
            self.assertEqual((sorted(seen), pages), ([0] + [31] * 41, 2))

    def test_what_is_wrong_with_a_silence_is_named(self):
        good = {"matchers": {"server": "a"}, "ends_at": "2099-01-01T00:00:00Z"}
        cases = [({"matchers": None}, "matchers"), ({"matchers": {}}, "matchers"), ({"matchers": {"colour": "red"}}, "matchers"),
                 ({"matchers": {"server": 5}}, "server"), ({"matchers": {"profile": "toaster"}}, "profile"), ({"ends_at": None}, "ends_at"),
                 ({"ends_at": "tomorrow"}, "ends_at"), ({"ends_at": "2020-01-01T00:00:00Z", "starts_at": "2019-01-01T00:00:00Z"}, "ends_at"),
                 ({"starts_at": "2099-01-01T00:00:00Z"}, "ends_at"), ({"timezone": "../../etc/passwd"}, "timezone"),
                 ({"timezone": "Mars/Olympus"}, "timezone"), ({"kind": "nap"}, "kind"), ({"rrule": "FREQ=YEARLY"}, "rrule"),
                 ({"rrule": "FREQ=DAILY"}, "ends_at"), ({"kind": "maintenance", "matchers": {"metric": "cpu_pct"}}, "matchers"),
                 ({"comment": "x" * 600}, "comment")]
        with self.serve() as d:
            for change, field in cases:
                body = json.dumps({**good, **change})
                status, headers, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
                self.assertEqual(status, 422, (change, answer))
                self.assertEqual(headers["content-type"].split(";")[0], "application/problem+json")
                self.assertIn(field, answer.decode(), change)
            self.assertEqual(d.request("POST", "/api/v1/silences", b"{", {"Content-Type": "application/json"})[0], 400)
            self.assertEqual(d.get("/api/v1/silences")[1], {"items": [], "next_cursor": None})

    def test_an_acknowledgement_stays_with_the_alert(self):
        d = self.serve()
        with d:
            feed(d, 50, n=200, end=time.time() - 90)
            feed(d, 97)
            alert = self.wait_alert(d, "?status=firing&severity=critical&kind=threshold")[0]
            path = "/api/v1/alerts/%s/ack" % alert["id"]
            post = lambda body: d.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            self.assertEqual(post({})[0], 422)
            self.assertEqual(post({"by": "ops", "until": "2020-01-01T00:00:00Z"})[0], 422)
            status, _, answer = post({"by": "ops", "comment": "looking", "until": "2099-01-01T00:00:00Z"})
            self.assertEqual(status, 200, answer)
            ack = json.loads(answer)["ack"]
            self.assertEqual((ack["by"], ack["comment"], ack["until"]), ("ops", "looking", "2099-01-01T00:00:00.000Z"))
            d.wait_for("it to show", lambda: d.get("/alerts/active")[1]["alerts"][0]["acknowledged"])
            d.kill()
            d.start()
            feed(d, 97, n=3)
            d.wait_for("it to be there again", lambda: d.get("/alerts/active")[1]["count"])
            self.assertTrue(d.get("/alerts/active")[1]["alerts"][0]["acknowledged"])
            self.assertEqual(d.get("/api/v1/alerts/" + alert["id"])[1]["ack"]["by"], "ops")
            self.assertEqual(d.request("DELETE", path)[0], 200)
            self.assertIsNone(d.get("/api/v1/alerts/" + alert["id"])[1]["ack"])
            self.assertEqual(d.request("POST", "/api/v1/alerts/a-0/ack", "{}", {"Content-Type": "application/json"})[0], 404)

    def test_a_receiver_can_be_tried(self):
        with Hook() as hook:
            config = ("receivers: [{name: chat, kind: webhook, url: \"%s\"}, {name: dead, kind: webhook, url: \"http://127.0.0.1:%d/\"}], "
                      "routes: [{match: {severity: critical}, receivers: [chat]}]" % (hook.url, free_port()))
            with self.serve(config) as d:
                status, _, answer = d.request("POST", "/api/v1/receivers/chat/test")
                self.assertEqual((status, json.loads(answer)["ok"]), (200, True), answer)
                self.assertEqual(hook.messages[0]["alerts"][0]["labels"]["alertname"], "TftdTest")
                status, _, answer = d.request("POST", "/api/v1/receivers/dead/test")
                self.assertEqual((status, json.loads(answer)["ok"]), (200, False))
                self.assertTrue(json.loads(answer)["targets"][0]["error"])
                self.assertEqual(d.request("POST", "/api/v1/receivers/nobody/test")[0], 404)

    def test_a_reload_changes_thresholds_and_receivers_and_a_bad_file_nothing(self):
        with Hook() as first, Hook() as second:
            base = "forecast: {min_interval: 100ms}\nalerts: {keep_for: 0s, %sreceivers: [{name: %s, kind: webhook, url: \"%s\"}]}\n"
            path = with_config(self, base % ("", "one", first.url))

            def reload(text):
                with open(path, "w") as out:
                    out.write(text)
                done = lambda: d.log().count("Reloaded") + d.log().count("The old settings stay")
                before = done()
                d.process.send_signal(1)
                d.wait_for("the reload", lambda: done() > before)

            with Daemon("--config", path) as d:
                feed(d, 50, n=200, end=time.time() - 90)
                feed(d, 97)
                d.wait_for("the first to be told", lambda: first.alerts())
                told = len(first.alerts())
                reload(base % ("", "two", second.url))
                d.wait_for("the second to be told of what is open", lambda: second.alerts())
                self.assertEqual(second.alerts()[0]["annotations"]["alert_id"], first.alerts()[0]["annotations"]["alert_id"])
                reload("alerts: {receivers: [{name: x}]}\n")
                self.assertIn("The old settings stay", d.log())
                self.assertEqual(d.get("/api/v1/receivers")[1]["items"][0]["name"], "two")
                self.assertEqual(d.get("/alerts/active")[1]["count"], 1)
                reload(base % ("thresholds: {cpu_pct: [98, 99]}, lookahead: 30m, ", "two", second.url))
                feed(d, 85, n=80, every=0.02)  # below 0.95 of either
                d.wait_for("it to be over by the new threshold", lambda: d.get("/alerts/active")[1]["count"] == 0)
                d.wait_for("the second to know", lambda: [a for a in second.alerts() if a["status"] == "resolved"])
                self.assertEqual(len(first.alerts()), told)

    def test_routes_choose_receivers(self):
        with Hook() as critical, Hook() as all_of_them, Hook() as nobody:
            config = ("receivers: [{name: c, kind: webhook, url: \"%s\"}, {name: a, kind: webhook, url: \"%s\"}, {name: n, kind: webhook, url: \"%s\"}], "
                      "routes: [{match: {severity: critical, kind: threshold}, receivers: [c], continue: true}, {match: {server: \"pp*\"}, receivers: [a]}, {receivers: [n], match: {server: \"zz*\"}}]"
                      % (critical.url, all_of_them.url, nobody.url))
            with self.serve(config) as d:
                feed(d, 50, servers=["ppweb001", "x"], n=200, end=time.time() - 90)
                feed(d, 97, servers=["ppweb001"])
                feed(d, 80, servers=["x"])
                d.wait_for("both receivers", lambda: critical.alerts() and all_of_them.alerts())
                time.sleep(0.5)
                self.assertEqual({a["labels"]["server"] for a in critical.alerts()}, {"ppweb001"})
                self.assertEqual({a["labels"]["server"] for a in all_of_them.alerts()}, {"ppweb001"})
                self.assertEqual(nobody.alerts(), [])


if __name__ == "__main__":
    unittest.main()
