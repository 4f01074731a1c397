"""`tftd check-config`, `tftd doctor`, and GET /api/v1/config: what is in force, where it came from, what is wrong and why."""
import json
import os
import socket
import subprocess
import tempfile

from serving import TFTD, Daemon, record

import time


def run(*arguments, environment=None):
    done = subprocess.run([TFTD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "TFTD_DASHBOARD_LISTEN": "", **(environment or {})}, cwd=tempfile.gettempdir())
    return done.returncode, done.stdout, done.stderr


def items(body):
    return {i["key"]: i for i in body["items"]}


def check_config_reads_and_prints(folder):
    path = os.path.join(folder, "tftd.yaml")
    with open(path, "w") as file:
        file.write("http: {max_body: 32MiB, listen: [\"127.0.0.1:9000\"]}\nalerts: {for: 90s, thresholds: {cpu_pct: [70, 85]}}\n"
                   "store: {retention: {steps: 400d}}\n")
    code, out, err = run("check-config", "--config", path, environment={"TFTD_HTTP_THREADS": "3"})
    assert code == 0, err
    assert 'max_body: "32MiB"  # file' in out and "threads: 3  # environment" in out and 'for: "90s"  # file' in out, out
    again = os.path.join(folder, "again.yaml")
    with open(again, "w") as file:
        file.write(out)
    code, _, err = run("check-config", "-q", "--config", again)  # what it prints is a file that it reads
    assert code == 0, err
    code, out, _ = run("check-config", "--json", "--config", path)
    found = items(json.loads(out))
    assert found["http.listen"]["value"] == ["127.0.0.1:9000"] and found["http.listen"]["source"] == "file"
    assert found["alerts.thresholds.cpu_pct"]["value"] == [70, 85]
    assert found["store.retention.steps"]["value"] == "400d" and found["alerts.for"]["reloads"] is True
    assert found["http.threads"]["default"] == 2 and all(i["help"] for k, i in found.items() if "thresholds" not in k)
    code, out, _ = run("check-config", "--schema")
    schema = json.loads(out)["allOf"][0]["properties"]
    assert schema["store"]["properties"]["retention"]["properties"]["records"]["default"] == "7d"
    assert set(schema["auth"]["properties"]["enabled"]["enum"]) == {"auto", "true", "false"}
    with open(path, "w") as file:
        file.write("http:\n  max_bdy: 1MiB\n")
    code, out, err = run("check-config", "--config", path)
    assert code == 3 and out == "" and "tftd.yaml:2:" in err and "max_bdy" in err, err


def doctor_finds_what_is_wrong(folder):
    data, models = os.path.join(folder, "db"), os.path.join(folder, "none")
    environment = {"TFTD_HTTP_LISTEN": "127.0.0.1:0"}
    code, out, err = run("doctor", "--json", "--data-dir", data, "--models-dir", models, environment=environment)
    checks = {c["check"]: c for c in json.loads(out)["checks"]}
    assert code == 0 and checks["model"]["result"] == "warning" and "heuristics" in checks["model"]["detail"], out
    assert checks["data"]["result"] == "ok" and checks["processor"]["result"] == "ok", out
    os.makedirs(os.path.join(models, "tft_model_20250101_000000"))
    with open(os.path.join(models, "tft_model_20250101_000000", "config.json"), "w") as file:
        file.write("{")
    with open(data, "w") as file:
        file.write("no directory")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, out, _ = run("doctor", "--data-dir", data, "--models-dir", models,
                           environment={"TFTD_HTTP_LISTEN": "127.0.0.1:%d" % taken.getsockname()[1]})
    assert code == 1 and "[WRONG]" in out and "no directory" in out and "is taken" in out and "passed over" in out, out


def config_route_and_doctor_beside_a_daemon():
    with Daemon(environment={"TFTD_ALERTS_FOR": "2m"}) as d:
        d.post([record("a", time.time())])
        status, body = d.get("/api/v1/config")
        found = items(body)
        assert status == 200 and found["alerts.for"]["value"] == "2m" and found["alerts.for"]["source"] == "environment", body
        assert found["http.listen"]["source"] == "flag" and found["data.dir"]["source"] == "flag"
        status, schema = d.get("/api/v1/config/schema")
        assert status == 200 and "http" in schema["allOf"][0]["properties"]
        code, out, err = run("doctor", "--data-dir", os.path.join(d.data, "db"), environment={"TFTD_HTTP_LISTEN": "127.0.0.1:%d" % d.port})
        assert "sound, 1 servers" in out and "is taken" in out, out + err
    path = os.path.join(tempfile.mkdtemp(), "tftd.yaml")
    with open(path, "w") as file:
        file.write("alerts: {for: 1m}\n")
    with Daemon("--config", path) as d:
        with open(path, "w") as file:
            file.write("alerts: {for: 3m}\nhttp: {threads: 4}\n")
        assert d.request("POST", "/-/reload")[0] == 200
        found = items(d.get("/api/v1/config")[1])
        assert found["alerts.for"]["value"] == "3m"
        assert found["http.threads"]["value"] == 2  # until the next start
        with open(path, "w") as file:
            file.write("alerts: {for: nonsense}\n")
        assert d.request("POST", "/-/reload")[0] == 422
        assert items(d.get("/api/v1/config")[1])["alerts.for"]["value"] == "3m"


def receivers_keep_their_secrets(folder):
    path = os.path.join(folder, "secret.yaml")
    with open(path, "w") as file:
        file.write("alerts:\n  receivers:\n    - {name: chat, kind: webhook, url: \"http://127.0.0.1:9/hook-s3cret\", authorization: \"Bearer s3cret\"}\n")
    code, out, err = run("check-config", "--json", "--config", path)
    if code != 0:  # the routes' own words
        raise AssertionError(err)
    assert "chat" in out and "s3cret" not in out


def the_document_is_what_the_program_says():
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/make_config_md.py")
    done = subprocess.run(["python3", tool, TFTD, "--check"], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    the_document_is_what_the_program_says()
    with tempfile.TemporaryDirectory() as folder:
        check_config_reads_and_prints(folder)
        doctor_finds_what_is_wrong(folder)
        receivers_keep_their_secrets(folder)
    config_route_and_doctor_beside_a_daemon()
    print("settings shown, faults found")
