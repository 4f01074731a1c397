"""What watches the daemon: /metrics serves what is promised; rules and board ask for nothing else; promtool finds no fault in them."""
import json
import pathlib
import re
import shutil
import subprocess
import time

from serving import Daemon, record

PACKAGING = pathlib.Path(__file__).parents[2] / "packaging"
PROMTOOL = shutil.which("promtool")

# Names and labels, as users rely on them: what is here may never go.
PROMISED = """
counter tftd_http_requests_total{method,route,code} tftd_http_refused_total{reason} tftd_records_received_total{source}
counter tftd_records_accepted_total{source} tftd_records_duplicate_total tftd_records_conflict_total tftd_records_late_total
counter tftd_records_rejected_total{code} tftd_ticks_total tftd_forecasts_total tftd_server_forecasts_total{model_type}
counter tftd_forecast_errors_total{reason} tftd_alerts_fired_total{kind,severity} tftd_notifications_total{receiver,result}
counter tftd_store_commits_total tftd_store_errors_total tftd_model_loads_total{result} tftd_auth_failures_total{reason}
counter tftd_rate_limited_total tftd_log_lines_total{level} process_cpu_seconds_total
gauge tftd_build_info{version,commit,simd} tftd_model_info{model,contract} tftd_ready tftd_warmup_complete tftd_warmup_incomplete_seconds
gauge tftd_servers_tracked tftd_servers_ready tftd_servers_active tftd_servers{state} tftd_window_records tftd_fallback_ratio
gauge tftd_forecast_age_seconds tftd_last_record_timestamp_seconds tftd_data_lag_seconds tftd_fleet_incident_probability{horizon}
gauge tftd_server_risk_score{server} tftd_server_incident_probability{server,horizon} tftd_alerts_active{severity}
gauge tftd_quality_coverage{metric,horizon} tftd_quality_q_risk{metric,horizon,quantile} tftd_quality_brier_skill{horizon}
gauge tftd_queue_depth{queue} tftd_store_bytes{part} tftd_disk_free_bytes tftd_memory_bytes{area} tftd_sse_clients
gauge process_resident_memory_bytes process_open_fds process_start_time_seconds
histogram tftd_http_request_duration_seconds{route} tftd_http_request_size_bytes{route} tftd_forecast_duration_seconds
histogram tftd_forecast_batch_servers tftd_ingest_batch_records tftd_store_commit_duration_seconds tftd_record_to_forecast_seconds
"""
LATER = ("tftd_quality_",)  # have samples only when forecasts have come true
# What an operator was promised to be told of (the monitoring checklist), and the rule that does.
CHECKLIST = {"uptime": "TftdDown", "prediction latency": "TftdForecastSlow", "age of the forecast": "TftdForecastOld", "POST success": "TftdRecordsRefused",
             "not warm": "TftdNotWarm", "fallback rate": "TftdFallback", "window size": "TftdWindowSmall", "disk": "TftdDiskSoonFull"}


def promised():
    for line in PROMISED.split("\n"):
        kind, _, names = line.partition(" ")
        for name, labels in re.findall(r"(\w+)(?:\{([^}]*)\})?", names):
            yield kind, name, set(labels.split(",")) if labels else set()


def metrics_of_a_busy_daemon():
    config = 'metrics: {per_server: true}\nalerts: {receivers: [{name: nobody, kind: webhook, url: "http://127.0.0.1:1/"}]}\n'
    d = Daemon()
    path = pathlib.Path(d.data) / "tftd.yaml"
    path.write_text(config)
    d.arguments += ["--config", str(path)]
    with d:
        now = time.time()
        d.post([record("a", now - 1000 + 5 * k) for k in range(200)])
        d.wait_for("a forecast", lambda: d.predictions().get("metadata", {}).get("input_points") == 200)
        d.request("GET", "/nowhere")
        return [d.request("GET", "/metrics", headers={"Accept": accept})[2].decode() for accept in ("text/plain", "application/openmetrics-text")]


def all_that_is_promised_is_served(text, open_metrics):
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    for kind, name, labels in promised():
        assert kinds.get(name) == kind, (name, kinds.get(name))
        sample = re.search(r"^%s\{([^}]*)\}" % (name + ("_bucket" if kind == "histogram" else "")), text, re.M)
        if labels and not name.startswith(LATER):
            assert sample and labels <= set(re.findall(r'(\w+)="', sample.group(1))), (name, labels, sample)
    assert open_metrics.endswith("# EOF\n") and "# TYPE tftd_ticks counter" in open_metrics
    return kinds


def names_in(expression):
    """Names of series in a PromQL expression: of ours and of the process."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    return {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"\b(?:tftd|process)_\w+", bare)}


def rules_and_board_ask_for_what_is_served(kinds):
    rules = (PACKAGING / "prometheus/tftd.rules.yml").read_text()
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) == len(set(alerts)) and set(CHECKLIST.values()) <= set(alerts), alerts
    expressions = re.findall(r"expr: (?:\|\n((?:\s{10,}.*\n)+)|(.*))", rules)
    assert len(expressions) == len(alerts)
    used = set().union(*(names_in(a or b) for a, b in expressions))
    board = json.loads((PACKAGING / "grafana/tftd.json").read_text())
    panels = board["panels"]
    assert len({p["id"] for p in panels}) == len(panels)
    targets = [(p["title"], t["expr"]) for p in panels for t in p.get("targets", [])]
    assert all(p.get("targets") for p in panels if p["type"] != "row") and len(targets) > 25
    for _, expression in targets:
        assert names_in(expression), expression
        assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}"), expression
        used |= names_in(expression)
    taken = set()
    for p in panels:
        at = p["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, p["title"]
        taken |= cells
    assert used <= set(kinds), sorted(used - set(kinds))
    print("%d rules and %d panels use %d of %d families" % (len(alerts), len(panels), len(used), len(kinds)))
    return [e for _, e in targets]


def promtool_agrees(text, board):
    folder = PACKAGING / "prometheus"
    run = lambda *arguments, **more: subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, cwd=folder, **more)  # noqa: E731
    for what in ("check", "rules", "tftd.rules.yml"), ("test", "rules", "tftd.rules.test.yml"):
        done = run(*what)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run("check", "metrics", input=text)
    assert done.returncode == 0, done.stdout + done.stderr
    # the board's expressions, as rules, so that promtool reads them
    rules = {"groups": [{"name": "board", "rules": [{"record": "x:y%d" % i, "expr": e.replace("$__rate_interval", "5m").replace("$instance", ".*")}
                                                    for i, e in enumerate(board)]}]}
    done = run("check", "rules", "/dev/stdin", input=json.dumps(rules))
    assert done.returncode == 0, done.stdout + done.stderr


plain, open_metrics = metrics_of_a_busy_daemon()
served = all_that_is_promised_is_served(plain, open_metrics)
expressions = rules_and_board_ask_for_what_is_served(served)
if PROMTOOL:
    promtool_agrees(plain, expressions)
else:
    print("no promtool here: rules and metrics are not held against it (tools/install-deps.sh test)")
