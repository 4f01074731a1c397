"""Keys and roles against a real daemon: every route of the API document x (no key, a wrong key, read, write, admin)."""
import json
import os
import subprocess
import time

from serving import TFTD, Daemon, record

OPEN = {"/health", "/healthz", "/livez", "/readyz", "/-/healthy", "/-/ready", "/ping", "/status", "/metrics"}
RANK = {None: 0, "wrong": 0, "read": 1, "write": 2, "admin": 3}


def add_key(data, role, name=None):
    return subprocess.run([TFTD, "keys", "add", "--name", name or role, "--role", role, "--data-dir", os.path.join(data, "db"), "-q"],
                          check=True, capture_output=True, text=True).stdout.strip()


def status(d, method, path, key=None, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    if key:
        headers["X-API-Key"] = key
    connection = d.connect()
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status  # the body is not read: that of /events never ends
    finally:
        connection.close()


def operations(document):
    """(method, path with its examples filled in, role) of every documented operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            real = path
            for p in operation.get("parameters", item.get("parameters", [])):
                if p.get("in") == "path":
                    real = real.replace("{%s}" % p["name"], str(p.get("example", "x")))
            yield method.upper(), path, real, operation.get("x-role")


def wait_until(condition, why, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return
        time.sleep(0.4)  # ten failures in a minute would lock this address out
    raise AssertionError(why)


def every_route_and_role(d, keys):
    document = json.loads(d.request("GET", "/openapi.json", headers={"X-API-Key": keys["read"]})[2])
    tried = 0
    for method, path, real, role in operations(document):
        assert role in ("open", "read", "write", "admin"), (path, role)
        needed = 0 if path in OPEN else {"open": 0, "read": 1, "write": 2, "admin": 3}[role]
        for who in (None, "read", "write", "admin"):
            code = status(d, method, real, keys.get(who))
            if RANK[who] >= needed:
                assert code not in (401, 403), (method, real, who, code)
            else:
                # after ten failures in a minute from this address: 429, which lets nobody in either
                assert code in ((401, 429) if who is None else (403,)), (method, real, who, code)
            tried += 1
            if who is None and code in (401, 429):
                restart_counting(d)
    assert tried > 60, tried
    print("%d combinations of route and role" % tried)


def restart_counting(d):
    """Failures are counted by address: the next ones come from another loopback address."""
    d.source = (d.source + 1) % 250 + 2 if hasattr(d, "source") else 2
    connect = type(d).connect

    def from_elsewhere(timeout=10, d=d, connect=connect):
        connection = connect(d, timeout)
        connection.source_address = ("127.0.0.%d" % d.source, 0)
        return connection
    d.connect = from_elsewhere


def test_roles():
    d = Daemon()
    keys = {role: add_key(d.data, role) for role in ("read", "write", "admin")}
    with d:
        every_route_and_role(d, keys)
        body = json.dumps({"records": [record("web1", time.time() - 60)]})
        post = lambda **h: d.request("POST", "/feed/data", body=body, headers={"Content-Type": "application/json", **h})[0]
        restart_counting(d)
        assert post() == 401 and post(**{"X-API-Key": keys["read"]}) == 403
        assert post(**{"X-API-Key": keys["write"]}) == 200 and post(Authorization="Bearer " + keys["write"]) == 200
        code, headers, reply = d.request("GET", "/api/v1/servers")
        assert code == 401 and headers["www-authenticate"].startswith("Bearer"), (code, headers)
        assert json.loads(reply)["status"] == 401
        assert keys["write"] not in d.log()


def test_rotation_without_restart():
    d = Daemon()
    first = add_key(d.data, "read", "first")
    with d:
        assert status(d, "GET", "/api/v1/servers", first) == 200
        second = add_key(d.data, "read", "second")
        wait_until(lambda: status(d, "GET", "/api/v1/servers", second) == 200, "a new key is not taken")
        restart_counting(d)
        subprocess.run([TFTD, "keys", "revoke", "first", "--data-dir", os.path.join(d.data, "db"), "-q"], check=True)
        wait_until(lambda: status(d, "GET", "/api/v1/servers", first) in (401, 429), "a revoked key is still taken")
        assert status(d, "GET", "/api/v1/servers", second) in (200, 429)
        with open(os.path.join(d.data, "db", "api-keys"), "a") as f:
            f.write("rubbish\n")
        restart_counting(d)
        time.sleep(1.5)
        assert status(d, "GET", "/api/v1/servers", second) == 200  # a damaged file keeps the old keys
        assert "The old API keys stay" in d.log()


def test_the_last_key_revoked_opens_nothing():
    for lose in ("revoke", "remove"):
        d = Daemon()
        key = add_key(d.data, "admin", "only")
        with d:
            assert status(d, "GET", "/api/v1/servers", key) == 200
            if lose == "revoke":
                subprocess.run([TFTD, "keys", "revoke", "only", "--data-dir", os.path.join(d.data, "db"), "-q"], check=True)
            else:
                os.unlink(os.path.join(d.data, "db", "api-keys"))
            wait_until(lambda: status(d, "GET", "/api/v1/servers", key) in (401, 429), "a revoked key is still taken")
            restart_counting(d)
            assert status(d, "GET", "/api/v1/servers") == 401 and status(d, "POST", "/-/reload") == 401
            assert status(d, "GET", "/healthz") == 200 and "No API key is left" in d.log()
            fresh = add_key(d.data, "read", "fresh")
            wait_until(lambda: status(d, "GET", "/api/v1/servers", fresh) == 200, "a new key is not taken")


def test_guessing_is_slowed_down():
    d = Daemon()
    key = add_key(d.data, "read")
    with d:
        codes = [status(d, "GET", "/api/v1/servers", "tftd_guess%d" % i) for i in range(12)]
        assert codes[:10] == [401] * 10 and codes[10:] == [429] * 2, codes
        code, headers, _ = d.request("GET", "/api/v1/servers", headers={"X-API-Key": key})
        assert code == 429 and 1 <= int(headers["retry-after"]) <= 60  # a hit looks like a miss while it lasts
        restart_counting(d)
        assert status(d, "GET", "/api/v1/servers", key) == 200


def test_rate_limit():
    d = Daemon(environment={"TFTD_AUTH_RATE_LIMIT_READ": "5"})
    key = add_key(d.data, "read")
    with d:
        codes = [status(d, "GET", "/api/v1/servers", key) for _ in range(7)]
        assert codes == [200] * 5 + [429] * 2, codes


def test_foreign_pages():
    with Daemon() as d:  # no keys: loopback only
        assert status(d, "GET", "/api/v1/servers", Host="evil.example") == 403
        assert status(d, "GET", "/api/v1/servers", Host="localhost:%d" % d.port) == 200
        body = json.dumps({"records": []})
        post = lambda origin: d.request("POST", "/feed/data", body=body, headers={"Content-Type": "application/json", "Origin": origin})[0]
        assert post("http://evil.example") == 403 and post("null") == 403 and post("http://127.0.0.1.evil.example:%d" % d.port) == 403
        assert post("http://127.0.0.1:%d" % d.port) == 200
    with Daemon(environment={"TFTD_HTTP_ALLOWED_HOSTS": "metrics.example", "TFTD_HTTP_CORS_ORIGINS": "https://board.example"}) as d:
        assert status(d, "GET", "/api/v1/servers", Host="metrics.example") == 200
        body = json.dumps({"records": []})
        assert d.request("POST", "/feed/data", body=body, headers={"Content-Type": "application/json", "Origin": "https://board.example"})[0] == 200


def test_outside_needs_a_key():
    d = Daemon()
    db = os.path.join(d.data, "db")
    command = [TFTD, "serve", "--no-model", "--listen", "0.0.0.0:0", "--data-dir", db]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3 and "tftd keys add" in refused.stderr, refused
    add_key(d.data, "read")
    with open(os.path.join(d.data, "out"), "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        wait_until(lambda: "[READY]" in open(os.path.join(d.data, "out")).read(), "does not start with a key")
        process.terminate()
        assert process.wait(20) == 0


def test_keys_command():
    d = Daemon()
    key = add_key(d.data, "write", "one")
    assert len(key) == 48 and key.startswith("tftd_")
    path = os.path.join(d.data, "db", "api-keys")
    text = open(path).read()
    assert key not in text and "one" in text and oct(os.stat(path).st_mode & 0o777) == "0o600"
    run = lambda *a: subprocess.run([TFTD, "keys", *a, "--data-dir", os.path.join(d.data, "db")], capture_output=True, text=True)
    assert run("add", "--name", "one").returncode == 1
    assert run("add", "--name", "not a name").returncode == 1
    assert run("add", "--name", "x", "--role", "root").returncode == 2
    assert run("revoke", "nobody").returncode == 1
    assert json.loads(run("list", "--json").stdout)[0]["role"] == "write"
    open(path, "a").write("rubbish\n")
    assert run("list").returncode == 4


def test_reload():
    """POST /-/reload: 200 with a good file, 422 with the place of the fault in a bad one, which changes nothing."""
    d = Daemon()
    path = os.path.join(d.data, "tftd.yaml")
    open(path, "w").write("alerts: {for: 60s}\n")
    with d:
        assert status(d, "POST", "/-/reload") == 200
        assert status(d, "GET", "/-/reload") == 405
        open(path, "w").write("alerts: {fro: 60s}\n")
        code, _, body = d.request("POST", "/-/reload")
        assert code == 422 and b"tftd.yaml:1:" in body and b"unknown key" in body, (code, body)
        assert "The old settings stay" in d.log()
        os.remove(path)
        assert status(d, "POST", "/-/reload") == 200


def test_a_generator_shows_its_key():
    """tftd generate --key-file: sends with the key, and takes the new one out of the same file when the old one is revoked."""
    d = Daemon()
    keys = lambda *a: subprocess.run([TFTD, "keys", *a, "--data-dir", os.path.join(d.data, "db"), "-q"], check=True, capture_output=True)
    key_file = os.path.join(d.data, "fleet.key")

    def give(name):
        key = add_key(d.data, "write", name)
        with open(key_file + ".new", "w") as out:
            out.write(key + "\n")
        os.rename(key_file + ".new", key_file)

    with d:
        give("old")
        wait_until(lambda: status(d, "GET", "/api/v1/servers") == 401, "the first key switches authentication on")
        total = lambda: d.get("/status")[1]["records_total"]
        fleet = subprocess.Popen([TFTD, "generate", "--stream", "http://127.0.0.1:%d" % d.port, "--key-file", key_file, "--speed", "20", "--control", "off"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: total() > 0, "records come with the key")
            give("new")
            keys("revoke", "old")
            time.sleep(1.5)
            before = total()
            wait_until(lambda: total() > before, "records come with the new key")
        finally:
            fleet.terminate()
            said = fleet.communicate()[1]
        assert fleet.returncode == 0 and "tftd_" not in said, said
    missing = subprocess.run([TFTD, "generate", "--stream", "http://127.0.0.1:1", "--key-file", key_file + ".not"], capture_output=True, text=True, timeout=20)
    assert missing.returncode != 0 and "fleet.key.not" in missing.stderr, missing


for test in (test_keys_command, test_a_generator_shows_its_key, test_reload, test_roles, test_rotation_without_restart, test_the_last_key_revoked_opens_nothing, test_guessing_is_slowed_down, test_rate_limit,
             test_foreign_pages, test_outside_needs_a_key):
    test()
    print("ok", test.__name__, flush=True)
