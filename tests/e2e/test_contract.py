"""A walk over the contract's parts 1 and 2 with the demo fleet: each endpoint has the fields that clients may rely on, with their types; and
whatever holds between fields holds (quantiles in order, probabilities that never fall, 96 stamps 300 s apart). The table below is the
contract's, not the program's: the OpenAPI document is held against the replies elsewhere (test_api_document.py)."""
import datetime
import json
import os
import re
import time

from serving import Daemon, record

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


# ---- what a field is ----------------------------------------------------------------------------------------------
def text(v):
    return isinstance(v, str)


def flag(v):
    return isinstance(v, bool)


def count(v):
    return isinstance(v, int) and not isinstance(v, bool) and v >= 0


def number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def share(v):
    return number(v) and 0 <= v <= 1


def second(v):
    return text(v) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", v)


def instant(v):
    return text(v) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", v)


def anything(v):
    return True


def mapping(v):
    return isinstance(v, dict)


def maybe(kind):
    return lambda v: v is None or holds(kind, v)


def one_of(*words):
    return lambda v: v in words


class Every:
    """All items of a list, or all values of an object."""

    def __init__(self, kind, least=0):
        self.kind, self.least = kind, least


def holds(kind, v):
    try:
        check(kind, v, "")
        return True
    except AssertionError:
        return False


def check(kind, v, where):
    if isinstance(kind, dict):
        assert isinstance(v, dict), (where, v)
        for name, inner in kind.items():
            assert name in v, "%s.%s is missing: %s" % (where, name, sorted(v))
            check(inner, v[name], where + "." + name)
    elif isinstance(kind, Every):
        assert isinstance(v, (list, dict)) and len(v) >= kind.least, (where, v)
        for key, inner in (v.items() if isinstance(v, dict) else enumerate(v)):
            check(kind.kind, inner, "%s[%s]" % (where, key))
    else:
        assert kind(v), "%s is %r" % (where, v)


STATE = one_of("critical_issue", "healthy", "heavy_load", "idle", "maintenance", "morning_spike", "offline", "recovery")
PROFILE = one_of("ml_compute", "database", "web_api", "conductor_mgmt", "data_ingest", "risk_analytics", "generic")
PRIORITY = one_of("P1", "P2", "P3", "P4")
TYPE = one_of("TFT", "heuristic")
WITHIN = {"30m": share, "1h": share, "2h": share, "4h": share, "8h": share}
METRIC = {"metric": text, "unit": text, "current": number, "trend": number, "timestamps": Every(second, 96), "p02": Every(number, 96), "p10": Every(number, 96),
          "p25": Every(number, 96), "p50": Every(number, 96), "p75": Every(number, 96), "p90": Every(number, 96), "p98": Every(number, 96)}
ALERT = {"id": text, "server": text, "metric": text, "metric_name": text, "unit": text, "severity": one_of("warning", "critical"), "predicted_value": number,
         "threshold": number, "steps_ahead": count, "minutes_ahead": count, "expected_at": second, "since": instant, "current": number, "probability": share,
         "acknowledged": flag, "silenced": flag, "message": text}
PREDICTION = {"profile": PROFILE, "state": STATE, "model_type": TYPE, "last_seen": instant, "stale": flag, "records": count, "history_steps": count,
              "risk_score": number, "priority": PRIORITY, "incident_probability": WITHIN, "cpu_percent": METRIC, "memory_percent": METRIC, "disk_percent": METRIC,
              "load_average": METRIC}
PREDICTIONS = {"predictions": Every(PREDICTION, 20), "alerts": Every(ALERT),
               "environment": {"prob_30m": share, "prob_1h": share, "prob_2h": share, "prob_4h": share, "prob_8h": share, "incident_probability_30m": share,
                               "incident_probability_8h": share, "expected_incidents_30m": number, "expected_incidents_8h": number, "high_risk_servers": count,
                               "total_servers": count, "fleet_health": one_of("critical", "warning", "healthy", "unknown")},
               "metadata": {"model_type": TYPE, "tft_servers": count, "heuristic_servers": count, "model_dir": text, "model": text, "prediction_time": instant,
                            "forecast_age_s": number, "forecast_origin": second, "first_timestamp": second, "horizon_steps": lambda v: v == 96,
                            "step_seconds": lambda v: v == 300, "quantiles": Every(number, 7), "input_points": count, "device": text,
                            "clock": one_of("wall", "data"), "data_lag_s": number}}
STATUS = {"running": flag, "tick_count": count, "window_size": count,
          "warmup": {"is_warmed_up": flag, "progress_percent": count, "threshold": lambda v: v == 150, "current_size": count, "required_size": lambda v: v == 150,
                     "message": text},
          "records_total": count, "servers_tracked": count, "servers_ready": count, "servers_active": count, "duplicates_total": count, "rejected_total": count,
          "version": text, "uptime_s": number, "started_at": instant, "draining": flag,
          "model": {"name": text, "type": TYPE, "contract_version": text}, "last_forecast_at": instant, "forecast_age_s": number}
RISK = {"score": number, "now": number, "soon": number, "band": one_of("imminent failure", "critical", "danger", "warning", "degrading", "watch", "healthy"),
        "priority": PRIORITY, "drivers": Every({"kind": text, "part": number})}
SERVER = {"server_name": text, "server_id": text, "profile": PROFILE, "labels": mapping, "state": STATE, "state_since": second, "first_seen": instant,
          "last_seen": instant, "records": count, "history_steps": count, "ready": flag, "stale": flag, "model_type": TYPE,
          "current": {"cpu_pct": number, "mem_pct": number, "disk_io_mb_s": number, "latency_ms": number}, "risk": RISK}


def page(kind, least=0, **more):
    return {"items": Every(kind, least), "next_cursor": maybe(text), **more}


HEAD = {"forecast_id": text, "origin": second, "finished_at": instant, "age_s": number, "model": text, "clock": one_of("wall", "data"), "step_seconds": count,
        "quantiles": Every(number, 7), "timestamps": Every(second, 96)}
QUALITY = {"from": instant, "to": instant}
NAME = "ppweb003"
TABLE = [
    ("/predictions/current", PREDICTIONS),
    ("/alerts/active", {"timestamp": instant, "count": count, "alerts": Every(ALERT)}),
    ("/status", STATUS),
    ("/health", {"status": one_of("healthy"), "service": one_of("tft_inference_daemon"), "running": flag}),
    ("/", {"service": one_of("TFT Inference Daemon"), "version": text, "status": one_of("running"), "dashboard": one_of("/ui/"),
           "endpoints": {"health": one_of("GET /health"), "feed": one_of("POST /feed/data"), "predictions": one_of("GET /predictions/current"),
                         "alerts": one_of("GET /alerts/active"), "status": one_of("GET /status"), "docs": one_of("GET /docs")}}),
    ("/api/v1/servers", page(SERVER, 20)),
    ("/api/v1/servers/" + NAME, {**SERVER, "incident_probability": WITHIN, "open_alerts": Every(mapping)}),
    ("/api/v1/contract", {"metrics": Every({"name": text, "legacy_name": maybe(text), "unit": text, "min": maybe(number), "max": maybe(number), "role": text,
                                            "missing_allowed": flag}, 4)}),
    ("/api/v1/forecasts", {**HEAD, **page({"server_name": text, "model_type": TYPE, "metrics": Every({"unit": text, "values": Every(Every(number, 96), 7)}, 1)}, 20)}),
    ("/api/v1/forecasts/" + NAME, HEAD),
    ("/api/v1/incidents", page({"server_name": text}, 20, fleet=mapping)),
    ("/api/v1/incidents/" + NAME, {"item": {"server_name": text}, "calibration": anything, "model": text, "origin": second}),
    ("/api/v1/incidents/%s?curve=true" % NAME, {"item": {"server_name": text, "curve": Every(share, 96)}, "timestamps": Every(second, 96)}),
    ("/api/v1/risk", page({"server_name": text, **RISK}, 20)),
    ("/api/v1/alerts", page(mapping)),
    ("/api/v1/silences", page(mapping)),
    ("/api/v1/receivers", page(mapping)),
    ("/api/v1/history/records?server=" + NAME, page({"timestamp": instant, "cpu_pct": maybe(number), "mem_pct": maybe(number), "disk_io_mb_s": maybe(number),
                                                     "latency_ms": maybe(number), "state": STATE, "state_derived": flag}, 1, server_name=text, total=count)),
    ("/api/v1/history/steps?server=" + NAME, page({"start": second, "state": maybe(STATE), "partial": flag}, 1)),
    ("/api/v1/history/forecasts?server=" + NAME, page(mapping)),
    ("/api/v1/history/alerts", page(mapping)),
    ("/api/v1/history/incidents", page(mapping)),
    ("/api/v1/history/environment", page(mapping)),
    ("/api/v1/quality", QUALITY),
    ("/api/v1/explain/%s?metric=cpu_pct&step=6" % NAME, {"forecast_id": text, "attention": anything, "drivers": Every(anything)}),
    ("/api/v1/models", page({"id": text, "role": one_of("served", "shadow", "previous", "available", "invalid", "next"), "valid": flag, "reason": maybe(text),
                             "contract": maybe(text), "parameters": count, "trained_at": maybe(instant), "sha256": text}, 1)),
    ("/api/v1/config", {"items": Every({"key": text, "value": anything, "source": one_of("default", "file", "environment", "flag")}, 60)}),
    ("/api/v1/config/schema", mapping),
    ("/api/v1/version", {"version": text, "commit": text, "compiler": text, "simd": text, "libraries": anything}),
    ("/openapi.json", {"openapi": lambda v: v.startswith("3.1"), "paths": mapping}),
    ("/api/v1/openapi.json", {"openapi": text, "paths": mapping}),
]
PLAIN = [("/healthz", 200), ("/livez", 200), ("/readyz", 200), ("/readyz?verbose", 200), ("/-/healthy", 200), ("/-/ready", 200), ("/docs", 200), ("/metrics", 200),
         ("/redoc", 308), ("/nothing", 404)]
COUNTERS = """tftd_http_requests_total tftd_http_refused_total tftd_records_received_total tftd_records_accepted_total tftd_records_duplicate_total
tftd_records_conflict_total tftd_records_late_total tftd_records_rejected_total tftd_ticks_total tftd_forecasts_total tftd_server_forecasts_total
tftd_forecast_errors_total tftd_alerts_fired_total tftd_notifications_total tftd_store_commits_total tftd_store_errors_total tftd_model_loads_total
tftd_auth_failures_total tftd_rate_limited_total tftd_log_lines_total tftd_build_info tftd_model_info tftd_ready tftd_warmup_complete
tftd_warmup_incomplete_seconds tftd_servers_tracked tftd_servers_ready tftd_servers_active tftd_servers tftd_window_records tftd_fallback_ratio
tftd_forecast_age_seconds tftd_last_record_timestamp_seconds tftd_data_lag_seconds tftd_fleet_incident_probability tftd_alerts_active
tftd_quality_coverage tftd_quality_q_risk tftd_quality_brier_skill tftd_queue_depth tftd_store_bytes tftd_disk_free_bytes tftd_memory_bytes tftd_sse_clients
tftd_http_request_duration_seconds tftd_http_request_size_bytes tftd_forecast_duration_seconds tftd_forecast_batch_servers tftd_ingest_batch_records
tftd_store_commit_duration_seconds tftd_record_to_forecast_seconds process_cpu_seconds_total process_resident_memory_bytes process_open_fds
process_start_time_seconds""".split()


def time_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def rising(values):
    return all(a <= b for a, b in zip(values, values[1:]))


def what_holds_between_fields(d):
    body = d.predictions()
    within = ["30m", "1h", "2h", "4h", "8h"]
    environment, metadata = body["environment"], body["metadata"]
    for name, server in body["predictions"].items():
        assert rising([server["incident_probability"][h] for h in within]), name
        for h in within:
            assert environment["prob_" + h] >= server["incident_probability"][h] - 1e-6, (name, h)
        for metric in (m for m in server.values() if isinstance(m, dict) and "p50" in m):
            for step in zip(*(metric[q] for q in ("p02", "p10", "p25", "p50", "p75", "p90", "p98"))):
                assert rising(step) and step[0] >= 0 and (metric["unit"] != "%" or step[-1] <= 100), (name, step)
            stamps = [time_of(t) for t in metric["timestamps"]]
            assert len(stamps) == 96 and all(b - a == 300 for a, b in zip(stamps, stamps[1:]))
            assert stamps[0] == time_of(metadata["forecast_origin"]) + 300 == time_of(metadata["first_timestamp"])
            assert abs(metric["trend"] - (metric["p50"][95] - metric["current"]) / 96) < 0.02, metric["trend"]
    assert environment["incident_probability_30m"] == environment["prob_30m"] and environment["incident_probability_8h"] == environment["prob_8h"]
    assert metadata["tft_servers"] + metadata["heuristic_servers"] == environment["total_servers"] == len(body["predictions"])
    few = d.predictions("?servers=%s&metrics=cpu_percent&quantiles=p10,p50,p90&horizon_steps=12" % NAME)
    assert list(few["predictions"]) == [NAME] and few["environment"]["total_servers"] == environment["total_servers"]
    metric = few["predictions"][NAME]["cpu_percent"]
    assert len(metric["p50"]) == len(metric["timestamps"]) == 12 and "p25" not in metric and "memory_percent" not in few["predictions"][NAME]
    assert "cpu_pct" in d.predictions("?names=contract")["predictions"][NAME]
    for bad in "?horizon_steps=97", "?quantiles=p11", "?metrics=nothing":
        assert d.request("GET", "/predictions/current" + bad)[0] == 400, bad
    tag = d.request("GET", "/predictions/current")[1]["etag"]
    assert d.request("GET", "/predictions/current", headers={"If-None-Match": tag})[0] in (200, 304)


def a_batch(d):
    now = time.time()
    status, body = d.post([record("ppnew001", now), record("ppnew001", now, cpu_pct=140.2), record("ppnew001", now)])
    check({"status": one_of("accepted"), "tick": count, "window_size": count, "servers_tracked": count, "servers_ready": count, "warmup_complete": flag,
           "received": lambda v: v == 3, "accepted": lambda v: v == 1, "filled": count, "duplicates": lambda v: v == 1, "conflicts": count, "late": count,
           "rejected": lambda v: v == 1, "warnings": Every(anything),
           "errors": Every({"index": count, "field": text, "code": text, "reason": text, "server_name": text}, 1)}, body, "POST /feed/data")
    assert status == 200 and body["errors"][0]["code"] == "out_of_range" and body["errors"][0]["reason"].startswith("cpu_pct is 140.2")
    assert d.post([])[1]["reason"] == "empty batch"


with Daemon("--demo", "--models-dir", os.path.join(ROOT, "models"), model=True) as d:
    def is_there():  # the history is filled in from its oldest end on: until it has come to now, the clock is that of the data
        metadata = d.predictions("?horizon_steps=1").get("metadata", {})
        return metadata.get("tft_servers") == 20 and metadata["data_lag_s"] < 60
    d.wait_for("the network's forecast of the whole fleet", is_there, timeout=120)
    wrong = []
    for path, kind in TABLE:
        status, body = d.get(path)
        try:
            assert status == 200, (status, body)
            check(kind, body, path)
        except AssertionError as why:
            wrong.append(str(why)[:300])
        head = d.request("HEAD", path)
        if not (head[0] == 200 and head[2] == b""):
            wrong.append("HEAD %s: %d" % (path, head[0]))
        options = d.request("OPTIONS", path.split("?")[0])
        if not (options[0] == 204 and "GET" in options[1].get("allow", "")):
            wrong.append("OPTIONS %s: %d" % (path, options[0]))
    for path, code in PLAIN:
        if d.request("GET", path)[0] != code:
            wrong.append("%s: %d" % (path, d.request("GET", path)[0]))
    figures = d.request("GET", "/metrics")[2].decode()
    wrong += ["/metrics has no " + name for name in COUNTERS if not re.search(r"^# TYPE %s(_total)? " % re.sub("_total$", "", name), figures, re.M)]
    assert wrong == [], "\n".join(wrong)
    what_holds_between_fields(d)
    a_batch(d)
print("ok: %d endpoints, %d figures" % (len(TABLE) + len(PLAIN), len(COUNTERS)))
