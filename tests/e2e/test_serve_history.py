"""History read back through the API exactly as it was sent; a backup taken while records come in; restoring it."""
import csv
import io
import json
import os
import subprocess
import threading
import time

from serving import TFTD, Daemon, record, stamp

BASE = int(time.time()) // 300 * 300 - 7200


def page_through(d, server, **query):
    items, cursor, total = [], None, None
    while True:
        q = "&".join("%s=%s" % kv for kv in {**query, **({"cursor": cursor} if cursor else {})}.items())
        status, body = d.get("/api/v1/history/records?server=%s&%s" % (server, q))
        assert status == 200, body
        total = body["total"]
        items += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            return items, total


def steps_that_have_ended_have_least_and_most(d):
    def steps(query=""):
        status, body = d.get("/api/v1/history/steps?server=c&from=%s%s" % (stamp(BASE), query))
        assert status == 200, body
        return body
    d.post([record("c", BASE + 60 * i, cpu_pct=10.0 + i) for i in range(15)])
    d.post([record("c", time.time(), cpu_pct=33.0)])
    counted = d.wait_for("three counted steps", lambda: (lambda s: s if len(s) == 4 and all(i["metrics"]["cpu_pct"]["min"] for i in s[:3]) else None)(
        steps()["items"]), 40)
    assert [i["metrics"]["cpu_pct"] for i in counted[:3]] == [{"mean": 12 + 5 * k, "min": 10 + 5 * k, "max": 14 + 5 * k, "count": 5} for k in range(3)], counted
    assert [i["start"] for i in counted[:3]] == [stamp(BASE + 300 * k)[:19] + "Z" for k in range(3)]
    assert [i["partial"] for i in counted] == [False] * 3 + [True] and {i["resolution_s"] for i in counted} == {300}
    assert counted[3]["metrics"]["cpu_pct"] == {"mean": 33, "min": 33, "max": 33, "count": 1}, counted[3]  # the step that is on
    items, cursor = [], ""
    while cursor is not None:
        page = steps("&limit=2" + cursor)
        items += page["items"]
        cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]
    assert items == counted
    status, fields, body = d.request("GET", "/api/v1/history/steps?server=c&from=%s&metrics=cpu_pct&format=csv" % stamp(BASE))
    assert (status, fields["content-type"]) == (200, "text/csv; charset=utf-8")
    table = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert list(table[0]) == ["start", "server_name", "state", "records", "partial", "resolution_s", "cpu_pct_mean", "cpu_pct_min", "cpu_pct_max", "cpu_pct_count"], table[0]
    assert [(r["start"], r["cpu_pct_max"]) for r in table[:3]] == [(i["start"], str(i["metrics"]["cpu_pct"]["max"])) for i in counted[:3]]
    assert list(steps("&metrics=mem_pct")["items"][0]["metrics"]) == ["mem_pct"]
    assert d.get("/api/v1/history/steps?server=c&metrics=colour")[0] == 400
    d.post([record("c", BASE + 30, cpu_pct=90.0)])  # late
    d.kill()
    d.start()
    assert steps()["items"][3]["metrics"]["cpu_pct"] == {"mean": 33, "min": 33, "max": 33, "count": 1}, steps()["items"][3]
    d.wait_for("the step to be counted again", lambda: steps()["items"][0]["metrics"]["cpu_pct"] == {"mean": 25, "min": 10, "max": 90, "count": 6}, 40)


def records_come_back_as_sent(d):
    awkward = [0.1, 1 / 3, 99.99999999999999, 5e-324, 0.0]
    sent = [record("a", BASE + 5 * i, cpu_pct=awkward[i % 5], latency_ms=None if i % 3 == 0 else 9.1) for i in range(250)]
    for r in sent[::7]:
        del r["state"]
    d.post(sent)
    d.post([record("b", BASE + 5 * i) for i in range(40)])
    items, total = page_through(d, "a", limit=100)
    assert total == 250 and len(items) == 250, (total, len(items))
    for was, now in zip(sent, items):
        assert now["timestamp"] == was["timestamp"] and now["cpu_pct"] == was["cpu_pct"], (was, now)
        assert now["latency_ms"] == was["latency_ms"]
        assert now["state_derived"] == ("state" not in was) and isinstance(now["state"], str)
    half, total = page_through(d, "a", **{"from": stamp(BASE + 5 * 100).replace("+", "%2B"), "to": stamp(BASE + 5 * 200)})
    assert total == 100 and half[0]["timestamp"] == stamp(BASE + 500)
    assert d.get("/api/v1/history/records?server=nobody")[0] == 404
    assert d.get("/api/v1/history/records")[0] == 400
    assert d.get("/api/v1/history/records?server=a&limit=0")[0] == 400


def csv_and_export(d):
    status, fields, body = d.request("GET", "/api/v1/history/records?server=a&limit=3", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert status == 200 and len(rows) == 3 and "next-cursor" in fields, (status, rows)
    assert float(rows[1]["cpu_pct"]) == 1 / 3 and rows[0]["state"] == ""
    d.post([record(name, BASE + 5 * i) for name in ("x%d" % k for k in range(30)) for i in range(200)])
    status, _, body = d.request("GET", "/api/v1/history/export?what=records")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert status == 200 and len(rows) == 250 + 40 + 6000, len(rows)
    assert len({(r["timestamp"], r["server_name"]) for r in rows}) == len(rows)  # none twice across pieces
    assert [r["timestamp"] for r in rows] == sorted(r["timestamp"] for r in rows)
    status, _, body = d.request("GET", "/api/v1/history/export?format=ndjson&server=b")
    lines = [json.loads(line) for line in body.decode().splitlines()]
    assert len(lines) == 40 and lines[0]["server_name"] == "b"
    return rows


def an_export_can_be_sent_again(rows_csv, rows):
    with Daemon() as other:
        status, _, body = other.request("POST", "/api/v1/records", rows_csv, {"Content-Type": "text/csv"})
        assert status == 200, body
        assert json.loads(body)["accepted"] == len(rows), body


def nobody_else_may_read(*paths):
    for path in paths:
        assert os.stat(path).st_mode & 0o777 == 0o600, (path, oct(os.stat(path).st_mode))


def backup_while_records_come(d, folder):
    stop = threading.Event()
    sent = [0]

    def send():
        while not stop.is_set():
            d.post([record("busy", BASE + 5 * sent[0])])
            sent[0] += 1
    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.3)
    before = sent[0]
    target = os.path.join(folder, "copy.db")
    run = subprocess.run([TFTD, "backup", target, "--data-dir", os.path.join(d.data, "db")], capture_output=True, text=True, timeout=120)
    stop.set()
    sender.join()
    assert run.returncode == 0, run.stderr
    again = subprocess.run([TFTD, "backup", target, "--data-dir", os.path.join(d.data, "db")], capture_output=True, text=True)
    assert again.returncode == 1 and "is there already" in again.stderr, again.stderr
    os.symlink(os.path.join(folder, "elsewhere"), os.path.join(folder, "link"))
    assert subprocess.run([TFTD, "backup", os.path.join(folder, "link"), "--data-dir", os.path.join(d.data, "db"), "-q"], capture_output=True).returncode != 0
    assert not os.path.exists(os.path.join(folder, "elsewhere"))
    nobody_else_may_read(target, *(os.path.join(d.data, "db", "tftd.db" + end) for end in ("", "-wal", "-shm")))
    return target, before


def restore(target, before):
    d = Daemon()
    db = os.path.join(d.data, "db")
    assert subprocess.run([TFTD, "restore", target, "--data-dir", db, "-q"]).returncode == 0
    assert subprocess.run([TFTD, "restore", target, "--data-dir", db, "-q"], capture_output=True).returncode == 7
    with d:
        items, total = page_through(d, "busy", limit=10000)
        assert total >= before, (total, before)  # what was acknowledged before the backup began is in it
        assert page_through(d, "a")[1] == 250
    with open(target, "r+b") as f:
        f.seek(5000)
        f.write(b"rubbish" * 500)
    damaged = subprocess.run([TFTD, "restore", target, "--data-dir", db + "2", "-q"], capture_output=True, text=True)
    assert damaged.returncode == 4, (damaged.returncode, damaged.stderr)
    assert not os.path.exists(os.path.join(db + "2", "tftd.db"))
    assert subprocess.run([TFTD, "backup", target + "3", "--data-dir", db + "none", "-q"], capture_output=True).returncode == 7


with Daemon() as daemon:
    records_come_back_as_sent(daemon)
    exported = csv_and_export(daemon)
    text = daemon.request("GET", "/api/v1/history/export?what=records")[2]
    copy, acknowledged = backup_while_records_come(daemon, daemon.data)
    an_export_can_be_sent_again(text, exported)
    restore(copy, acknowledged)
with Daemon() as daemon:
    steps_that_have_ended_have_least_and_most(daemon)
print("ok")
