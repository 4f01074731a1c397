"""The audit log: a line for whatever may change something, with who, from where, what, of what, and how it ended; nothing else."""
import json
import os
import re
import signal
import subprocess
import time

from serving import TFTD, Daemon, record

JSON = {"Content-Type": "application/json"}


def add_key(d, role):
    return subprocess.run([TFTD, "keys", "add", "--name", "the-" + role, "--role", role, "--data-dir", os.path.join(d.data, "db"), "-q"],
                          check=True, capture_output=True, text=True).stdout.strip()


def lines(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


d = Daemon()
file = os.path.join(d.data, "audit.log")
d.environment["TFTD_AUDIT_FILE"] = file
keys = {role: add_key(d, role) for role in ("read", "write", "admin")}
ask = lambda who, method, path, body=None: d.request(method, path, body, {**JSON, **({"X-API-Key": keys[who]} if who else {})})  # noqa: E731
with d:
    assert oct(os.stat(file).st_mode & 0o777) == "0o600"
    d.post([record("web-1", time.time())], headers={"X-API-Key": keys["write"]})
    ask("read", "GET", "/api/v1/servers")
    ask("write", "POST", "/api/v1/records", json.dumps({"records": [record("web-2", time.time())]}))
    assert lines(file) == []  # records and reading are not written down

    made = ask("write", "POST", "/api/v1/silences", json.dumps({"matchers": {"server": "web-1"}, "ends_at": "2099-01-01T00:00:00Z", "created_by": "t"}))
    assert made[0] == 201, made
    ask("read", "DELETE", "/api/v1/servers/web-1")
    ask(None, "DELETE", "/api/v1/servers/web-1")
    ask("admin", "DELETE", "/api/v1/servers/web%2F1%0a")
    ask("admin", "DELETE", "/api/v1/servers/web-1")
    ask("admin", "POST", "/-/reload")
    said = lines(file)
    got = [(e["who"], e["action"], e["target"], e["status"], e["result"]) for e in said]
    forget = "DELETE /api/v1/servers/{name}"
    assert got == [("the-write", "POST /api/v1/silences", made[1]["location"], 201, "ok"),
                   ("the-read", forget, "web-1", 403, "refused"),
                   (None, forget, "web-1", 401, "refused"),
                   ("the-admin", forget, "web/1\n", 404, "refused"),
                   ("the-admin", forget, "web-1", 204, "ok"),
                   ("the-admin", "POST /-/reload", "/-/reload", 200, "ok")], got
    assert all(e["address"] == "127.0.0.1" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["time"]) for e in said)
    for secret in keys.values():
        assert secret not in open(file).read()

    for number in signal.SIGUSR1, signal.SIGHUP:  # rotated
        os.rename(file, file + ".1")
        d.process.send_signal(number)
        d.wait_for("the new file", lambda: os.path.exists(file))
    d.wait_for("the signal in it", lambda: [e["who"] for e in lines(file)] == ["SIGHUP"])

d = Daemon(environment={"TFTD_AUDIT_FILE": "/nonexistent/audit.log"})
done = subprocess.run([TFTD, "serve", "--port", "0", "--no-model", "--data-dir", os.path.join(d.data, "db")], capture_output=True, text=True, timeout=30, env=d.environment)
assert done.returncode == 3 and "audit.file" in done.stderr + done.stdout, done
print("ok")
