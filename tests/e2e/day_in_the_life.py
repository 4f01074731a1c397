"""A day in the life of a daemon, at 60 times the speed: python3 tests/e2e/day_in_the_life.py [--hours 24] [--speed 60]

A fleet with a day of history is sent by `tftd generate`, faster than the clock, to a daemon that speaks TLS, asks for keys, serves the
shipped model and tells the real Alertmanager. Then what happens to a daemon happens to it: incidents that are foreseen, alerts that are
pending, fire there and are over, a maintenance window, keys and the certificate replaced, kill -9 while records come, another model and
back, a backup taken while it runs and brought up elsewhere, and a second wave of incidents in the evening. All the while somebody reads
every page, somebody sends single records and writes down what was acknowledged, and somebody watches memory. In the end:

    no alert doubled     each alert was told to people once as firing and once as resolved when it was over, across kill -9 and restarts;
                         one that a maintenance window closed may be told once more after it
    nothing lost         every record that was acknowledged is in the store
    no 5xx               but while the process was dead, when there was no answer at all
    memory flat          resident memory of the last quarter is at most 15 % above that of the quarter after warm-up

Exit 77: skipped, because Alertmanager or openssl is not installed. Standard library only.
"""
import argparse
import datetime
import http.client
import json
import os
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from certificates import SecureDaemon, make_ca, make_cert  # noqa: E402
from receivers import ALERTMANAGER, Alertmanager, Hook, free_port  # noqa: E402
from serving import SLOW, TFTD, Daemon, record  # noqa: E402

PAGES = ["/status", "/health", "/alerts/active", "/predictions/current?servers=ppdb001", "/api/v1/alerts", "/api/v1/servers", "/api/v1/incidents",
         "/api/v1/risk", "/api/v1/forecasts/ppdb001?steps=12", "/api/v1/silences", "/api/v1/receivers", "/metrics", "/readyz", "/openapi.json"]


def say(text):
    print("[%6.1f s] %s" % (time.monotonic() - BEGAN, text), flush=True)


class DayDaemon(SecureDaemon):
    """Speaks TLS, and shows the key that a request needs."""

    def __init__(self, folder, *arguments):
        super().__init__(*arguments, model=True)
        self.folder, self.keys, self.generation = folder, {}, 0
        self.trust = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
        self.fleet_key = os.path.join(folder, "fleet.key")

    def connect(self, timeout=10):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.trust, timeout=timeout * SLOW)

    def request(self, method, path, body=None, headers=None, connection=None):
        role = "read" if method == "GET" else "write" if path == "/feed/data" else "admin"
        return super().request(method, path, body, {"X-API-Key": self.keys[role], **(headers or {})}, connection)

    def tftd(self, *arguments):
        return subprocess.run([TFTD, *arguments, "--data-dir", os.path.join(self.data, "db"), "-q"], check=True, capture_output=True, text=True).stdout.strip()

    def renew_keys(self):
        """New keys for everybody; the old ones are revoked when the new ones are in use. Returns an old one."""
        before, self.generation = dict(self.keys), self.generation + 1
        fresh = {who: self.tftd("keys", "add", "--name", "%s-%d" % (who, self.generation), "--role", "write" if who == "fleet" else who)
                 for who in ("read", "write", "admin", "fleet")}
        time.sleep(2)  # the daemon looks once a second
        with open(self.fleet_key + ".new", "w") as out:
            out.write(fresh["fleet"] + "\n")
        os.rename(self.fleet_key + ".new", self.fleet_key)
        self.keys = fresh
        time.sleep(1)
        for who in before:
            self.tftd("keys", "revoke", "%s-%d" % (who, self.generation - 1))
        time.sleep(2)
        return before.get("read")

    def subject(self):
        connection = self.connect()
        connection.connect()
        try:
            return dict(x[0] for x in connection.sock.getpeercert()["subject"])["commonName"]
        finally:
            connection.close()


def make_certificate(folder, name):
    """Into the place that the daemon reads: the key first, then the certificate that goes with it."""
    make_cert(folder, "ca", name, "serverAuth")
    for end in "key", "pem":
        shutil.copy(os.path.join(folder, "%s.%s" % (name, end)), os.path.join(folder, "live.%s.new" % end))
    for end in "key", "pem":
        os.rename(os.path.join(folder, "live.%s.new" % end), os.path.join(folder, "live.%s" % end))


def data_now(d):
    """The fleet's clock, as the daemon knows it: on a busy machine it is behind 60 times ours."""
    server = d.get("/api/v1/servers/ppdb001")[1]
    return datetime.datetime.fromisoformat(server["last_seen"].replace("Z", "+00:00")).timestamp()


class Watch:
    """Reads pages, sends records and looks at memory until it is told to stop; each in a thread of its own."""

    def __init__(self, daemon, speed):
        self.daemon, self.speed, self.down, self.ends = daemon, speed, False, False
        self.bad, self.pages_read, self.acknowledged, self.memory, self.trouble = [], 0, [], [], None
        self.threads = [threading.Thread(target=self.run, args=(f, every), daemon=True)
                        for f, every in ((self.read_pages, 0.3), (self.send_record, 0.1), (self.look_at_memory, 1.0))]
        for t in self.threads:
            t.start()

    def run(self, what, every):
        while not self.ends:
            try:
                what()
            except OSError:  # nobody answers: right, while it is dead
                if not self.down:
                    time.sleep(0.5)  # it may just have been killed
                    if not self.down:
                        self.bad.append("no answer while it should live")
            except Exception as why:  # noqa: BLE001: the thread must tell, not die
                if not self.down:
                    self.trouble = repr(why)
            time.sleep(every)

    def read_pages(self):
        for page in PAGES:
            if self.ends or self.down:
                return
            status, _, _ = self.daemon.request("GET", page)
            self.pages_read += 1
            if status >= 500:
                self.bad.append("%s: %d" % (page, status))

    def send_record(self):
        at = data_now(self.daemon)
        reading = record("probe", at, cpu_pct=40 + at % 7, state="healthy")
        status, answer = self.daemon.post([reading])
        if status >= 500:
            self.bad.append("/feed/data: %d" % status)
        elif status == 200 and answer["accepted"] + answer["duplicates"] == 1:
            self.acknowledged.append(reading["timestamp"])

    def look_at_memory(self):
        with open("/proc/%d/status" % self.daemon.process.pid) as lines:
            for line in lines:
                if line.startswith("VmRSS"):
                    self.memory.append(int(line.split()[1]))

    def stop(self):
        self.ends = True
        for t in self.threads:
            t.join(30)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def ensure(what, good, more=""):
    if not good:
        raise AssertionError("%s%s" % (what, ": %s" % (more,) if more else ""))
    say("ok: " + what)


def wait(what, check, timeout):
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        value = check()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError("waited in vain for " + what)


def alerts(d, query):
    status, body = d.get("/api/v1/alerts?limit=1000&" + query)
    ensure_status(status, query)
    return body["items"]


def ensure_status(status, what):
    if status != 200:
        raise AssertionError("%s answered %d" % (what, status))


def shipped_model():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models")
    found = sorted(n for n in os.listdir(root) if n.startswith("tft_model_"))
    return os.path.join(root, found[-1]) if found else None


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def check_people(hook, path, muted):
    """People hear of each alert once that it fires and, when it is over, once that it is: per id, so that an alert that comes back counts as
    another one, and per label set in turn, as Alertmanager knows it. One of a server that was in maintenance may be told again after it."""
    told, turns = {}, {}
    for alert in hook.alerts():
        told.setdefault(alert["annotations"]["alert_id"], []).append(alert["status"])
        turns.setdefault(alert["fingerprint"], []).append(alert["status"])
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        lives = {row[0]: row[1:] for row in db.execute("SELECT id, server, severity, status, since_ms FROM alerts")}
    unknown = [k for k in told if k not in lives or lives[k][3] is None]
    ensure("each of the %d alerts that people heard of is in the store, and fired" % len(told), told and not unknown, unknown[:3])
    often = {k: v for k, v in told.items() if v[:2] not in (["firing"], ["firing", "resolved"]) or len(v) > 2 and lives[k][0] != muted}
    often.update({k: v for k, v in turns.items() if v[0] != "firing" or any(a == b for a, b in zip(v, v[1:]))})
    ensure("no alert doubled: %d alerts, %d label sets, %d times told" % (len(told), len(turns), sum(map(len, told.values()))),
           not often, [(k, v, lives.get(k)) for k, v in often.items()][:5])
    newest = max(life[3] or 0 for life in lives.values())
    unheard = [k for k, life in lives.items() if life[1] == "critical" and life[3] is not None and life[3] < newest - 600000
               and life[0] != muted and k not in told]
    ensure("each critical alert was told of", not unheard, unheard[:3])
    early = [k for k, v in told.items() if v[-1] == "resolved" and lives[k][2] == "firing" and lives[k][0] != muted]
    ensure("nothing that fires was told to be over", not early, early[:3])
    late = [k for k, v in told.items() if v[-1] == "firing" and lives[k][2] == "resolved"]
    ensure("nothing that is over was left open", not late, late[:3])


def check_store(path, acknowledged, where="the store"):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        kept = {row[0] for row in db.execute("SELECT r.time FROM records r JOIN servers s ON s.id = r.server WHERE s.name = 'probe'")}
    lost = [t for t in acknowledged
            if round(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp() * 1000) not in kept]
    ensure("nothing lost: %d acknowledged records are in %s" % (len(acknowledged), where), not lost, lost[:3])


def check_memory(memory):
    n = len(memory)
    quarters = [sorted(memory[q * n // 4:(q + 1) * n // 4])[n // 8] for q in range(4)]
    ensure("memory flat: medians of the quarters %s KiB" % quarters, quarters[3] <= quarters[1] * 1.15)


def keep_for_later(folder, people, watch, database):
    os.makedirs(folder, exist_ok=True)
    for name, what in (("told", people.messages), ("memory", watch.memory)):
        with open(os.path.join(folder, name + ".json"), "w") as out:
            json.dump(what, out)
    for end in "", "-wal":
        if os.path.exists(database + end):
            shutil.copy(database + end, folder)


def run(hours, speed, folder, keep=None):
    live_s = hours * 3600
    spare_s = 360 * speed  # of the fleet's clock, which never passes ours: a busy machine makes a short day longer
    begin = time.time() - live_s - spare_s
    models, model = os.path.join(folder, "models"), shipped_model()
    os.mkdir(models)
    if model:
        shutil.copytree(model, os.path.join(models, FIRST_MODEL))
    make_ca(folder, "ca")
    make_certificate(folder, "morning")
    people = Hook()
    with people, Alertmanager(people.url) as am:
        shared = "time: {clock: data}\nforecast: {min_interval: 1s}\nstore: {sync: normal, retention: {records: 60d}}\n"
        config, plain = os.path.join(folder, "tftd.yaml"), os.path.join(folder, "plain.yaml")
        with open(plain, "w") as out:
            out.write(shared)
        with open(config, "w") as out:
            out.write(shared + "tls: {cert: \"%s/live.pem\", key: \"%s/live.key\"}\naudit: {file: \"%s/audit.log\"}\n" % (folder, folder, folder)
                      + "alerts: {for: 3m, receivers: [{name: am, kind: alertmanager, url: \"%s\", resend: 10s}]}\n" % am.url)
        d = DayDaemon(folder, "--config", config, "--models-dir", models)
        d.renew_keys()
        control = free_port()
        with d:
            say("started with TLS and keys; the fleet sends a day of history, then %g hours at %g times the speed" % (hours, speed))
            fleet = subprocess.Popen([TFTD, "generate", "--stream", "https://127.0.0.1:%d" % d.port, "--ca-file", folder + "/ca.pem", "--key-file",
                                      d.fleet_key, "--start", stamp(begin), "--speed", str(speed), "--backfill", "24h", "--backfill-step", "1m",
                                      "--calm", "%dh" % (hours + 24 + spare_s / 3600), "--control", "127.0.0.1:%d" % control, "--quiet"], stdout=subprocess.DEVNULL)
            watch = None
            try:
                wait("the history", lambda: d.get("/status")[1]["records_total"] > 20 * 24 * 60, 300)
                watch = Watch(d, speed)
                wait("a forecast of now", lambda: data_now(d) >= begin, 300)  # it is what says how late it is: the day begins there
                status = wait("warm-up", lambda: (lambda s: s if s["warmup"]["is_warmed_up"] else None)(d.get("/status")[1]), 300)
                ensure("warm: %(message)s" % status["warmup"], True)
                day = Day(d, am, people, watch, control, live_s / speed, models, model, plain)
                day.run()
            finally:
                if watch:
                    watch.stop()
                fleet.terminate()
                fleet.wait()
                if keep and watch:
                    keep_for_later(keep, people, watch, os.path.join(d.data, "db", "tftd.db"))
            ensure("no 5xx in %d pages and %d acknowledged records" % (watch.pages_read, len(watch.acknowledged)),
                   not watch.bad and not watch.trouble and watch.pages_read > 50, watch.bad[:5] or watch.trouble)
            check_memory(watch.memory)
            check_audit(folder + "/audit.log")
            total = d.get("/status")[1]["records_total"]
            ensure("a clean stop", d.stop() == 0)
            database = os.path.join(d.data, "db", "tftd.db")
            check_people(people, database, day.victim)
            check_store(database, watch.acknowledged)
            copy = os.path.join(folder, "copy")
            os.makedirs(copy)
            shutil.copytree(os.path.join(d.data, "db"), os.path.join(copy, "db"), ignore=shutil.ignore_patterns("api-keys"))
            with Daemon("--config", plain, "--models-dir", models, data=copy, model=True) as again:
                ensure("a copy of the data comes up with all %d records" % total, again.get("/status")[1]["records_total"] == total)


def check_audit(path):
    """What an administrator did is written down, with who he was and how it ended."""
    with open(path) as lines:
        entries = [json.loads(line) for line in lines]
    done = {(e["action"], e["result"]) for e in entries}
    ensure("%d admin actions in the audit log" % len(entries), entries and all(e["who"].startswith("admin-") and e["address"] == "127.0.0.1" for e in entries)
           and {a for a, r in done if r == "ok"} >= {"POST /api/v1/silences", "DELETE /api/v1/silences/{id}"}, sorted(done))


FIRST_MODEL, SECOND_MODEL = "tft_model_20260101_000000", "tft_model_20260102_000000"


class Day:
    """What happens, in order; times are shares of the day."""

    def __init__(self, d, am, people, watch, control, length_s, models, model, plain):
        self.d, self.am, self.people, self.watch, self.control = d, am, people, watch, control
        self.length_s, self.models, self.model, self.plain = length_s, models, model, plain
        self.began = data_now(d)

    def run(self):
        self.foreseen("morning", 0.3)
        victim = self.maintenance_begins()
        self.killed()
        self.maintenance_ends(victim)
        self.victim = victim
        self.until(0.2)
        self.keys_renewed()
        self.certificate_replaced()
        self.calmed("morning", 0.4)
        self.until(0.45)
        self.another_model()
        self.until(0.5)
        self.backed_up()
        self.until(0.55)
        self.foreseen("evening", 0.2)
        self.calmed("evening", 0.25)
        self.until(1.0)
        say("the day is over: %d KiB resident" % self.watch.memory[-1])

    def share(self, part):
        return max(240.0, 2 * part * self.length_s)

    def until(self, part):
        while data_now(self.d) < self.began + part * self.length_s * self.watch.speed:
            time.sleep(0.2)

    def scenario(self, word):
        say("scenario: %s" % post("http://127.0.0.1:%d/scenario/set" % self.control, {"scenario": word}))

    def foreseen(self, when, part):
        d = self.d
        self.scenario("critical")
        pending = wait("a pending alert", lambda: alerts(d, "status=pending&kind=threshold"), self.share(part))
        say("pending: %s" % pending[0]["message"])
        ids = set()  # of all that were seen pending: some of them pass by

        def one_fires():
            ids.update(a["id"] for a in alerts(d, "status=pending&kind=threshold"))
            return [a for a in alerts(d, "status=firing") if a["id"] in ids]

        fired = wait("a pending alert to fire", one_fires, self.share(part))
        ensure("pending, then firing: %s" % fired[0]["message"], True)
        self.first = wait("an alert that is foreseen", lambda: [a for a in alerts(d, "status=firing&kind=threshold")
                                                                if a["current"] is not None and a["current"] < a["threshold"] and a["minutes_ahead"]],
                          self.share(part))
        state = lambda name: d.get("/api/v1/servers/" + name)[1]["state"]  # noqa: E731
        said = {a["server"]: data_now(self.d) for a in self.first}  # when its alert was first seen; not each comes true

        def one_comes_true():
            for a in alerts(d, "status=firing&kind=threshold"):
                if a["current"] is not None and a["current"] < a["threshold"]:
                    said.setdefault(a["server"], data_now(self.d))
            return [n for n in said if state(n) == "critical_issue"]

        broken = wait("what was foreseen to happen", one_comes_true, self.share(part))[0]
        ensure("%s: %s is in an incident %.0f minutes after its alert" % (when, broken, (data_now(self.d) - said[broken]) / 60), True)
        heard = wait("them at Alertmanager", lambda: self.am.alerts(), 60)
        ensure("Alertmanager holds %d alerts as open" % len(heard), True)

    def maintenance_begins(self):
        d, am = self.d, self.am
        victim = wait("a server with an alert there", lambda: [a["labels"]["server"] for a in am.alerts() if "server" in a["labels"]], 60)[0]
        body = json.dumps({"kind": "maintenance", "matchers": {"server": victim}, "ends_at": "2099-01-01T00:00:00Z", "created_by": "day"})
        status, _, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
        ensure("a maintenance window for %s" % victim, status == 201, answer)
        self.window = "/api/v1/silences/" + json.loads(answer)["id"]
        wait("it to be closed there", lambda: not [a for a in am.alerts() if a["labels"].get("server") == victim], 60)
        ensure("in maintenance nobody is told of %s" % victim, True)
        return victim

    def killed(self):
        d, watch = self.d, self.watch
        before = {a["id"] for a in alerts(d, "status=firing")}
        watch.down = True
        d.kill()
        say("kill -9 with %d alerts open" % len(before))
        d.port_before = d.port
        restart_on_same_port(d)
        watch.down = False
        after = wait("alerts after the restart", lambda: {a["id"] for a in alerts(d, "status=firing")} & before or not before, 120)
        ensure("%d of %d alerts went on with their ids" % (0 if after is True else len(after), len(before)), True)
        held = wait("Alertmanager to hold each once", self.as_here, 60)
        ensure("Alertmanager holds each of %d open alerts once, and nothing else" % held, True)

    def as_here(self):
        """Whether Alertmanager holds what fires here and is heard, each once. It may hold a warning too that became critical."""
        fires = alerts(self.d, "status=firing")
        heard = {a["id"] for a in fires if not (a["silenced"] or a["maintenance"] or a["inhibited_by"])}
        there = [a["annotations"]["alert_id"] for a in self.am.alerts()]
        return len(there) if len(set(there)) == len(there) and heard <= set(there) <= {a["id"] for a in fires} else 0

    def maintenance_ends(self, victim):
        status, headers, _ = self.d.request("GET", self.window)
        ensure("the maintenance window for %s is still there" % victim, status == 200)
        status, _, _ = self.d.request("DELETE", self.window, headers={"If-Match": headers["etag"]})
        ensure("and can be ended", status == 204)

    def keys_renewed(self):
        d = self.d
        old = d.renew_keys()
        ensure("an old key is refused", d.request("GET", "/api/v1/servers", headers={"X-API-Key": old})[0] == 401)
        total = d.get("/status")[1]["records_total"]
        wait("the fleet to send with its new key", lambda: d.get("/status")[1]["records_total"] > total + 100, 60)
        ensure("all keys were replaced, and the fleet sends on", True)

    def certificate_replaced(self):
        d = self.d
        held = d.connect()
        ask = lambda: Daemon.request(d, "GET", "/health", connection=held)[0]  # noqa: E731
        ensure("a connection under %s" % d.subject(), ask() == 200)
        make_certificate(d.folder, "noon")
        wait("the new certificate", lambda: d.subject() == "noon", 60)
        ensure("the certificate was replaced, and the old connection lives", ask() == 200)
        held.close()

    def another_model(self):
        if not self.model:
            return
        d = self.d
        serves = lambda name: d.get("/status")[1]["model"]["name"] == name  # noqa: E731
        shutil.copytree(self.model, os.path.join(self.models, ".new"))
        os.rename(os.path.join(self.models, ".new"), os.path.join(self.models, SECOND_MODEL))
        wait("the other model", lambda: serves(SECOND_MODEL), 60)
        for what, name in (("/api/v1/models/%s/promote" % FIRST_MODEL, FIRST_MODEL), ("/api/v1/models/rollback", SECOND_MODEL)):
            status, _, answer = d.request("POST", what)
            ensure("POST %s" % what, status == 200 and serves(name), answer)

    def backed_up(self):
        d = self.d
        file, there = os.path.join(d.folder, "backup.db"), os.path.join(d.folder, "elsewhere")
        before = d.get("/status")[1]["records_total"]
        acknowledged = list(self.watch.acknowledged)
        d.tftd("backup", file)
        os.makedirs(there)
        subprocess.run([TFTD, "restore", file, "--data-dir", os.path.join(there, "db"), "-q"], check=True)
        with Daemon("--config", self.plain, "--models-dir", self.models, data=there, model=True) as other:
            held = other.get("/status")[1]["records_total"]
            ensure("a backup of the running daemon comes up elsewhere with %d records" % held, before <= held <= d.get("/status")[1]["records_total"])
        check_store(os.path.join(there, "db", "tftd.db"), acknowledged, "the restored backup")
        shutil.rmtree(there)

    def calmed(self, when, part):
        d, am = self.d, self.am
        # alerts about the forecasts themselves (drift, quality) may last: half the fleet was forced into incidents
        foreseen = {a["id"] for a in self.first} | {a["id"] for a in alerts(d, "status=firing&kind=threshold,incident")}
        self.scenario("healthy")
        wait("what was foreseen to be over", lambda: not foreseen & {a["id"] for a in alerts(d, "status=firing")}, self.share(part))
        wait("it to be over there", lambda: not foreseen & {a["annotations"]["alert_id"] for a in am.alerts()}, 60)
        wait("people to be told so", lambda: [a for a in self.people.alerts() if a["status"] == "resolved"], 60)
        ensure("%s: %d alerts are over here, there and for people" % (when, len(foreseen)), True)


def restart_on_same_port(d):
    """The fleet goes on sending to the port that it knows."""
    d.arguments += ["--listen", "127.0.0.1:%d" % d.port_before]
    start = d.start

    d.wrapper = []
    original = subprocess.Popen

    def without_port_0(arguments, **more):
        at = arguments.index("--port")
        return original(arguments[:at] + arguments[at + 2:], **more)
    subprocess.Popen = without_port_0
    try:
        start(60)
    finally:
        subprocess.Popen = original


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--hours", type=float, default=24)
    options.add_argument("--speed", type=float, default=60)
    options.add_argument("--keep", help="a folder for what people were told and how memory went, to look into afterwards")
    chosen = options.parse_args()
    if ALERTMANAGER is None or shutil.which("openssl") is None:
        print("skipped: prometheus-alertmanager or openssl is not installed (tools/install-deps.sh test)")
        sys.exit(77)
    BEGAN = time.monotonic()
    where = tempfile.mkdtemp(prefix="tftd-day-")
    try:
        run(chosen.hours, chosen.speed, where, chosen.keep)
        say("a day in the life: passed")
    finally:
        shutil.rmtree(where, ignore_errors=True)
