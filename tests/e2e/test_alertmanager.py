"""Alerts at the real Alertmanager: firing, resolved, one open alert across kill -9, several of them, one that is down."""
import os
import sys
import time
import unittest
import uuid

from receivers import ALERTMANAGER, Alertmanager, Hook, free_port
from serving import SLOW, Daemon
from test_alerts import feed

if ALERTMANAGER is None:
    print("skipped: prometheus-alertmanager is not installed (tools/install-deps.sh test)")
    sys.exit(77)


class AlertmanagerTest(unittest.TestCase):
    def serve(self, urls, extra=""):
        path = os.path.join("/tmp", "tftd-e2e-%s.yaml" % uuid.uuid4().hex)
        with open(path, "w") as out:
            out.write("forecast: {min_interval: 100ms}\nalerts: {keep_for: 0s, receivers: [{name: am, kind: alertmanager, urls: [%s], resend: 2s, "
                      "timeout: 2s}]%s}\n" % (", ".join('"%s"' % u for u in urls), extra))
        self.addCleanup(os.remove, path)
        return Daemon("--config", path)

    def of(self, am, server="ppweb001", kind="threshold"):
        return [a for a in am.alerts() if a["labels"].get("server") == server and a["labels"].get("kind") == kind]

    def test_pending_firing_resolved_are_seen_there_and_by_people(self):
        with Hook() as people, Alertmanager(people.url) as am, self.serve([am.url], ", for: 2s") as d:
            feed(d, 50, n=200, end=time.time() - 90)
            feed(d, 97)
            pending = d.wait_for("a pending alert", lambda: d.get("/api/v1/alerts?status=pending&kind=threshold")[1]["items"])
            self.assertTrue(all(a["since"] is None and a["starts_at"] for a in pending))
            self.assertEqual(self.of(am), [])
            ours = d.wait_for("it to fire", lambda: (feed(d, 97, n=2, every=0.1), d.get("/api/v1/alerts?status=firing&kind=threshold&severity=critical")[1]["items"])[1])
            theirs = d.wait_for("Alertmanager to have it", lambda: self.of(am))
            self.assertEqual(len(theirs), 1)
            self.assertEqual(theirs[0]["status"]["state"], "active")
            self.assertEqual(theirs[0]["startsAt"], ours[0]["since"])
            self.assertEqual(theirs[0]["labels"]["alertname"], "TftdThreshold")
            self.assertEqual(theirs[0]["annotations"]["alert_id"], ours[0]["id"])
            self.assertEqual(theirs[0]["generatorURL"], "http://127.0.0.1:%d/api/v1/alerts/%s" % (d.port, ours[0]["id"]))
            d.wait_for("people to be told", lambda: people.messages)
            told = [a for a in people.alerts() if a["labels"]["kind"] == "threshold"]
            self.assertEqual((told[0]["status"], told[0]["fingerprint"]), ("firing", theirs[0]["fingerprint"]))
            self.assertEqual(people.messages[0]["version"], "4")
            first_end = theirs[0]["endsAt"]  # four resends ahead; resent long before
            time.sleep(5)
            again = self.of(am)
            self.assertEqual(len(again), 1)
            self.assertGreater(again[0]["endsAt"], first_end)
            self.assertEqual(again[0]["startsAt"], theirs[0]["startsAt"])
            feed(d, 20, n=80, every=0.02)
            d.wait_for("it to be over there", lambda: not self.of(am))
            d.wait_for("people to be told that", lambda: [a for a in people.alerts() if a["status"] == "resolved" and a["labels"]["kind"] == "threshold"], timeout=30)
            self.assertEqual(len({(a["fingerprint"], a["startsAt"]) for a in people.alerts() if a["labels"]["kind"] == "threshold"}), 1)

    def test_our_fingerprint_is_theirs(self):
        with Hook() as hook, Alertmanager() as am:
            path = os.path.join("/tmp", "tftd-e2e-%s.yaml" % uuid.uuid4().hex)
            with open(path, "w") as out:
                out.write("forecast: {min_interval: 100ms}\nalerts: {receivers: [{name: am, kind: alertmanager, url: \"%s\"}, "
                          "{name: hook, kind: webhook, url: \"%s\"}]}\n" % (am.url, hook.url))
            self.addCleanup(os.remove, path)
            with Daemon("--config", path) as d:
                name = "b\u00fcro \"7\" \\ x"
                feed(d, 50, servers=[name], n=200, end=time.time() - 90)
                feed(d, 97, servers=[name])
                theirs = d.wait_for("Alertmanager", lambda: self.of(am, name))
                ours = d.wait_for("the webhook", lambda: [a for a in hook.alerts() if a["labels"]["kind"] == "threshold"])
                self.assertEqual(ours[0]["fingerprint"], theirs[0]["fingerprint"])
                self.assertEqual(ours[0]["labels"], theirs[0]["labels"])

    def test_kill_9_in_the_middle_leaves_exactly_one_open_alert(self):
        with Hook() as people, Alertmanager(people.url) as am:
            d = self.serve([am.url])
            with d:
                feed(d, 50, n=200, end=time.time() - 90)
                feed(d, 97)
                before = d.wait_for("it to fire", lambda: d.get("/api/v1/alerts?status=firing&kind=threshold&severity=critical")[1]["items"])
                for _ in range(3):  # some of them in the middle of a post or a commit
                    d.kill()
                    d.start()
                    feed(d, 97, n=5, every=0.1)
                    d.wait_for("Alertmanager to have it", lambda: self.of(am))
                after = d.wait_for("it to fire", lambda: d.get("/api/v1/alerts?status=firing&kind=threshold&severity=critical")[1]["items"])
                self.assertEqual([(a["id"], a["since"]) for a in after], [(a["id"], a["since"]) for a in before])
                theirs = self.of(am)
                self.assertEqual([(a["annotations"]["alert_id"], a["startsAt"]) for a in theirs], [(before[0]["id"], before[0]["since"])])
                d.wait_for("people", lambda: people.messages)
                time.sleep(2)
                firing = [a for a in people.alerts() if a["labels"]["kind"] == "threshold"]
                self.assertEqual(len(firing), 1, firing)  # told once, and never that it was over
                feed(d, 20, n=80, every=0.02)
                d.wait_for("it to be over there", lambda: not self.of(am))

    def test_all_of_several_are_told_and_one_that_is_down_catches_up(self):
        port = free_port()
        with Alertmanager() as one:
            with self.serve([one.url, "http://127.0.0.1:%d" % port]) as d:
                feed(d, 50, n=200, end=time.time() - 90)
                feed(d, 97)
                d.wait_for("the first", lambda: self.of(one))
                targets = d.wait_for("a failure of the second", lambda: (lambda t: t if t[1]["failed"] else None)(d.get("/api/v1/receivers")[1]["items"][0]["targets"]))
                self.assertEqual([t["target"] for t in targets], ["am#1", "am#2"])
                self.assertEqual(targets[0]["waiting"], 0)
                with Alertmanager(port=port) as two:
                    d.wait_for("the second", lambda: self.of(two), timeout=60)
                    self.assertEqual(self.of(two)[0]["startsAt"], self.of(one)[0]["startsAt"])
                    feed(d, 20, n=80, every=0.02)
                    d.wait_for("both to know that it is over", lambda: not self.of(one) and not self.of(two), timeout=30)

    def test_silence_and_maintenance_close_it_there(self):
        import json
        with Alertmanager() as am, self.serve([am.url]) as d:
            feed(d, 50, servers=["a", "b"], n=200, end=time.time() - 90)
            feed(d, 97, servers=["a", "b"])
            d.wait_for("both", lambda: self.of(am, "a") and self.of(am, "b"))
            for kind, server in (("silence", "a"), ("maintenance", "b")):
                body = json.dumps({"kind": kind, "matchers": {"server": server}, "ends_at": "2099-01-01T00:00:00Z"})
                status, headers, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
                self.assertEqual(status, 201, answer)
                d.wait_for("%s to be closed there" % server, lambda: not self.of(am, server))
                time.sleep(3)  # longer than a resend: nobody opens it again
                self.assertEqual(self.of(am, server), [])
                self.assertEqual(d.request("DELETE", "/api/v1/silences/" + json.loads(answer)["id"], headers={"If-Match": headers["etag"]})[0], 204)
                feed(d, 97, servers=["a", "b"], n=40, every=0.05)
                d.wait_for("%s to be open there again" % server, lambda: self.of(am, server))


if __name__ == "__main__":
    unittest.main()
