"""A day in the life of a daemon, at 60 times the speed: python3 tests/e2e/day_in_the_life.py [--hours 24] [--speed 60]

A fleet with a day of history is sent by `tftd generate`, faster than the clock, to a daemon that serves the shipped model and tells the
real Alertmanager. Then what happens to a daemon happens to it: incidents that are foreseen, alerts that fire there and are over, a maintenance
window, kill -9 while records come, another model, a copy of its data brought up elsewhere. All the while somebody reads every page,
somebody sends single records and writes down what was acknowledged, and somebody watches memory. In the end:

    no alert doubled     each alert was told to people once as firing and at most once as resolved, across kill -9 and restarts
    nothing lost         every record that was acknowledged is in the store
    no 5xx               but while the process was dead, when there was no answer at all
    memory flat          resident memory of the last quarter is at most 15 % above that of the quarter after warm-up

Exit 77: skipped, because Alertmanager is not installed. Standard library only.
"""
import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from receivers import ALERTMANAGER, Alertmanager, Hook, free_port  # noqa: E402
from serving import TFTD, Daemon, record  # noqa: E402

PAGES = ["/status", "/health", "/alerts/active", "/predictions/current?servers=ppdb001", "/api/v1/alerts", "/api/v1/servers", "/api/v1/incidents",
         "/api/v1/risk", "/api/v1/forecasts/ppdb001?steps=12", "/api/v1/silences", "/api/v1/receivers", "/metrics", "/readyz", "/openapi.json"]


def say(text):
    print("[%6.1f s] %s" % (time.monotonic() - BEGAN, text), flush=True)


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
        at = DATA_NOW(self.speed)
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


def check_people(hook, victim):
    """Each alert (fingerprint and start) was told as firing once, and at most once as over; of the server that was in maintenance
    anew when that had ended, but never twice the same in a row."""
    told, of_victim = {}, set()
    for message in hook.messages:
        for alert in message["alerts"]:
            key = alert["fingerprint"], alert["startsAt"]
            told.setdefault(key, []).append(alert["status"])
            if alert["labels"].get("server") == victim:
                of_victim.add(key)
    doubled = {k: v for k, v in told.items() if any(a == b for a, b in zip(v, v[1:])) or (len(v) > 2 and k not in of_victim)}
    ensure("no alert doubled: %d were told" % len(told), not doubled and told, doubled)


def check_store(path, acknowledged):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as db:
        kept = {row[0] for row in db.execute("SELECT r.time FROM records r JOIN servers s ON s.id = r.server WHERE s.name = 'probe'")}
    import datetime
    lost = [t for t in acknowledged
            if round(datetime.datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp() * 1000) not in kept]
    ensure("nothing lost: %d acknowledged records are in the store" % len(acknowledged), not lost, lost[:3])


def check_memory(memory):
    n = len(memory)
    early, late = memory[n // 4:n // 2], memory[3 * n // 4:]
    early, late = sorted(early)[len(early) // 2], sorted(late)[len(late) // 2]
    ensure("memory flat: %d then %d KiB" % (early, late), late <= early * 1.15)


def run(hours, speed, folder):
    global DATA_NOW
    live_s = hours * 3600
    begin = time.time() - live_s - 600  # the fleet's clock never passes ours
    models, model = os.path.join(folder, "models"), shipped_model()
    os.mkdir(models)
    if model:
        shutil.copytree(model, os.path.join(models, "tft_model_20260101_000000"))
    people = Hook()
    with people, Alertmanager(people.url) as am:
        config = os.path.join(folder, "tftd.yaml")
        with open(config, "w") as out:
            out.write("time: {clock: data}\nforecast: {min_interval: 1s}\nstore: {sync: normal, retention: {records: 60d}}\n"
                      "alerts: {receivers: [{name: am, kind: alertmanager, url: \"%s\", resend: 2s}]}\n" % am.url)
        d = Daemon("--config", config, "--models-dir", models, model=True)
        control = free_port()
        began = []
        DATA_NOW = lambda s: begin + (min(time.monotonic() - began[0], live_s / s) * s if began else 0)  # noqa: E731
        with d:
            say("started; the fleet sends a day of history, then %g hours at %g times the speed" % (hours, speed))
            fleet = subprocess.Popen([TFTD, "generate", "--stream", "http://127.0.0.1:%d" % d.port, "--start", stamp(begin), "--speed", str(speed),
                                      "--backfill", "24h", "--backfill-step", "1m", "--calm", "%dh" % (hours + 24), "--control",
                                      "127.0.0.1:%d" % control, "--quiet"], stdout=subprocess.DEVNULL)
            watch = None
            try:
                wait("the history", lambda: d.get("/status")[1]["records_total"] > 20 * 24 * 60, 300)
                began.append(time.monotonic())
                watch = Watch(d, speed)
                status = wait("warm-up", lambda: (lambda s: s if s["warmup"]["is_warmed_up"] else None)(d.get("/status")[1]), 300)
                ensure("warm: %(message)s" % status["warmup"], True)
                victim = day(d, am, people, watch, control, live_s / speed, models, model)
            finally:
                if watch:
                    watch.stop()
                fleet.terminate()
                fleet.wait()
            ensure("no 5xx in %d pages" % watch.pages_read, not watch.bad and not watch.trouble and watch.pages_read > 50,
                   watch.bad[:5] or watch.trouble)
            check_people(people, victim)
            check_memory(watch.memory)
            total = d.get("/status")[1]["records_total"]
            ensure("a clean stop", d.stop() == 0)
            database = os.path.join(d.data, "db", "tftd.db")
            check_store(database, watch.acknowledged)
            copy = os.path.join(folder, "copy")
            os.makedirs(copy)
            shutil.copytree(os.path.join(d.data, "db"), os.path.join(copy, "db"))
            with Daemon("--config", config, "--models-dir", models, data=copy, model=True) as again:
                ensure("a copy of the data comes up with all %d records" % total, again.get("/status")[1]["records_total"] == total)


def day(d, am, people, watch, control, length_s, models, model):
    until = time.monotonic() + length_s
    share = lambda part: max(30.0, part * length_s)  # noqa: E731
    scenario = lambda word: post("http://127.0.0.1:%d/scenario/set" % control, {"scenario": word})  # noqa: E731
    say("scenario: %s" % scenario("critical"))
    first = wait("an alert that is foreseen", lambda: [a for a in alerts(d, "status=firing&kind=threshold")
                                                       if a["current"] is not None and a["current"] < a["threshold"] and a["minutes_ahead"]], share(0.35))
    say("foreseen: %s" % first[0]["message"])
    heard = wait("it at Alertmanager", lambda: am.alerts(), 60)
    ensure("Alertmanager holds %d alerts as open" % len(heard), True)
    victim = wait("a server with an alert there", lambda: [a["labels"]["server"] for a in am.alerts() if "server" in a["labels"]], 60)[0]
    body = json.dumps({"kind": "maintenance", "matchers": {"server": victim}, "ends_at": "2099-01-01T00:00:00Z", "created_by": "day"})
    status, headers, answer = d.request("POST", "/api/v1/silences", body, {"Content-Type": "application/json"})
    ensure("a maintenance window for %s" % victim, status == 201, answer)
    wait("it to be closed there", lambda: not [a for a in am.alerts() if a["labels"].get("server") == victim], 60)
    ensure("in maintenance nobody is told of %s" % victim, True)

    before = {a["id"] for a in alerts(d, "status=firing")}
    watch.down = True
    d.kill()
    say("kill -9 with %d alerts open" % len(before))
    d.port_before = d.port
    restart_on_same_port(d)
    watch.down = False
    after = wait("alerts after the restart", lambda: {a["id"] for a in alerts(d, "status=firing")} & before or not before, 120)
    ensure("%d of %d alerts went on with their ids" % (0 if after is True else len(after), len(before)), True)
    status, headers, answer = d.request("GET", "/api/v1/silences/" + json.loads(answer)["id"])
    ensure("the maintenance window is still there", status == 200)
    status, _, _ = d.request("DELETE", "/api/v1/silences/" + json.loads(answer)["id"], headers={"If-Match": headers["etag"]})
    ensure("and can be ended", status == 204)

    if model:
        shutil.copytree(model, os.path.join(models, ".new"))
        os.rename(os.path.join(models, ".new"), os.path.join(models, "tft_model_20260102_000000"))
        wait("the other model", lambda: d.get("/status")[1]["model"]["name"] == "tft_model_20260102_000000", 60)
        ensure("another model serves", True)

    say("scenario: %s" % scenario("healthy"))
    foreseen = {a["id"] for a in first}
    wait("what was foreseen to be over", lambda: not foreseen & {a["id"] for a in alerts(d, "status=firing")}, share(0.5))
    wait("it to be over there", lambda: not foreseen & {a["annotations"]["alert_id"] for a in am.alerts()}, 60)
    wait("people to be told so", lambda: [a for a in people.alerts() if a["status"] == "resolved"], 60)
    ensure("%d alerts are over here, there and for people" % len(foreseen), True)
    while time.monotonic() < until:
        time.sleep(1)
    say("the day is over")
    return victim


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
    chosen = options.parse_args()
    if ALERTMANAGER is None:
        print("skipped: prometheus-alertmanager is not installed (tools/install-deps.sh test)")
        sys.exit(77)
    BEGAN = time.monotonic()
    DATA_NOW = None
    where = tempfile.mkdtemp(prefix="tftd-day-")
    try:
        run(chosen.hours, chosen.speed, where)
        say("a day in the life: passed")
    finally:
        shutil.rmtree(where, ignore_errors=True)
