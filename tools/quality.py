#!/usr/bin/env python3
"""make quality: trains the models (or takes given ones), judges them, and writes docs/QUALITY.md's tables and docs/MODEL_CARD.md.

    tools/quality.py [--data ../shared/data] [--work build/quality]
    QUALITY_MODEL=DIR       judge this model instead of training one
    QUALITY_FLEETS=DIR      judge this one on the generated fleets
    QUALITY_INCIDENTS=DIR   the same for models/specs/bitbrains-incidents.yaml
    QUALITY_TIME=21m        training time of each of the two large models; the others get a third and a half of it. 20s tries it all out
    QUALITY_SKIP=a,b        leave out: shipped, incidents, ablation, ett, leads
    QUALITY_SHIP=1          put the model that was trained to ship into models/, in place of the one there
    QUALITY_THREADS=N       threads (all)

Every command is printed before it runs. Results lie in WORK as JSON and HTML; what is there for the same model is used again, so
a run that was stopped goes on. Standard library only.
"""
import argparse
import csv
import datetime
import gzip
import io
import json
import lzma
import math
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TFTD = os.environ.get("TFTD", os.path.join(ROOT, "build/release/tftd"))
BEGIN, END = "<!-- make quality: begin -->", "<!-- make quality: end -->"
HORIZONS = ["30m", "1h", "2h", "4h", "8h"]

# Published rows on all windows of the Bitbrains study: CRPS of cpu, mem, disk; and of its incidents, Brier and log-loss skill.
LIGHTGBM = {"dev-unseen": [.4310, .2325, .6167], "dev-later": [.2519, .1817, .2876]}
STUDY = {"dev-unseen": {"LightGBM": [(.296, .562), (.255, .510), (.336, .542), (.444, .589), (.557, .652)],
                        "logistic regression": [(.249, .530), (.211, .481), (.281, .496), (.380, .547), (.503, .614)]},
         "dev-later": {"LightGBM": [(.349, .664), (.375, .644), (.406, .656), (.510, .701), (.658, .762)],
                       "logistic regression": [(.416, .679), (.376, .632), (.333, .603), (.412, .639), (.564, .708)]}}
commands = []


def run(*command, out=None):
    """Prints a command, runs it, returns what it wrote; a failure ends everything with its message."""
    words = [str(w) for w in command]
    shown = " ".join(shlex.quote(w.replace(ROOT + "/", "")) for w in words)
    commands.append(shown)
    print("+ " + shown, flush=True)
    began = time.monotonic()
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if done.returncode != 0:
        sys.exit("quality: the command above ended with %d" % done.returncode)
    print("  %.0f s" % (time.monotonic() - began), flush=True)
    if out:
        with open(out, "w") as file:
            file.write(done.stdout)
    return done.stdout


def threads():
    return ["--threads", os.environ["QUALITY_THREADS"]] if os.environ.get("QUALITY_THREADS") else []


def newest_model(folder):
    names = sorted(n for n in os.listdir(folder) if re.fullmatch(r"tft_model_\d{8}_\d{6}", n)) if os.path.isdir(folder) else []
    return os.path.join(folder, names[-1]) if names else None


def minutes(text):
    value, unit = float(text[:-1]), text[-1]
    return value * {"s": 1 / 60, "m": 1, "h": 60}[unit]


def evaluate(work, name, model, *arguments):
    """One evaluation of one model, with page and JSON in WORK/MODEL/NAME.*."""
    folder = os.path.join(work, os.path.basename(os.path.normpath(model)))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".json")
    stamp = os.path.getmtime(os.path.join(model, "config.json"))
    if not os.path.exists(path) or os.path.getmtime(path) < stamp:
        run(TFTD, "evaluate", "-q", "--json", *threads(), "--model", model, "--report", path[:-5] + ".html", *arguments, out=path)
    else:
        print("  kept: " + path.replace(ROOT + "/", ""), flush=True)
    with open(path) as file:
        return json.load(file)


def fleet(work, seed, *arguments, servers=40):
    path = os.path.join(work, "fleet-%s.csv" % seed)
    if not os.path.exists(path):
        run(TFTD, "generate", "-q", "--servers", servers, "--days", 20, "--step", "5m", "--start", "2025-09-01T00:00:00Z", "--seed",
            seed, *arguments, "-o", path)
    return path


# ---- tables -------------------------------------------------------------------------------------------------------------


def number(value, decimals=3):
    if value is None:
        return "–"
    text = "%.*f" % (decimals, value)
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def percent(value):
    return "–" if value is None else "%.1f %%" % (100 * value)


def table(head, rows, left=1):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * left + "--:|" * (len(head) - left)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def own(metric):
    return metric["forecasters"][0]


def best_of(metric):
    return next(f for f in metric["forecasters"] if f["name"] == metric["best_baseline"])


LABELS = {"last_value": "last value", "yesterday": "same time yesterday", "quantiles_24h": "quantiles of last 24 h",
          "linear_trend": "linear trend", "holt_winters": "Holt-Winters", "quantiles_7d": "quantiles of last 7 d",
          "hour_of_day": "hour-of-day 7 d + last 24 h"}


def forecast_tables(results):
    rows, bands = [], []
    for name, result in results.items():
        for k, m in enumerate(result["metrics"]):
            f, b = own(m), best_of(m)
            change = f["crps"] / b["crps"] - 1
            published = LIGHTGBM.get(name, [])
            rows.append([name if k == 0 else "", m["metric"], "**%s**" % number(f["crps"], 4), "%s %s" % (number(b["crps"], 4),
                         LABELS[b["name"]]), "%+.1f %%" % (100 * change), number(published[k], 4) if k < len(published) else "–",
                         number(f["gm"])])
            for part in f["horizon"]:
                other = min((x for x in m["forecasters"][1:]),
                            key=lambda x: next(h["crps"] for h in x["horizon"] if h["steps"] == part["steps"]))
                theirs = next(h["crps"] for h in other["horizon"] if h["steps"] == part["steps"])
                first = part is f["horizon"][0]
                bands.append([name if k == 0 and first else "", m["metric"] if first else "", "%d–%d" % tuple(part["steps"]),
                              number(part["crps"], 4), "%s %s" % (number(theirs, 4), LABELS[other["name"]]),
                              percent(part["coverage_p10_p90"]), percent(part["coverage_p02_p98"])])
    text = "### CRPS, the model beside the best baseline of each row\n"
    text += table(["data", "metric", "model", "best baseline", "", "LightGBM (study)", "gm"], rows, 2)
    lost = [r for r in bands if float(r[3]) > float(r[4].split()[0])]
    text += "\n### By part of the horizon, and coverage (aim 80 and 96 %)\n"
    text += table(["data", "metric", "steps", "CRPS", "best baseline there", "in P10–P90", "in P02–P98"], bands, 3)
    text += "\nOf %d parts the model loses %d to the best baseline of that part.\n" % (len(bands), len(lost))
    return text


def history_table(results):
    text = "\n### By length of history\nCRPS when every server is only so old, on up to a thousand windows; the best baseline knows as little.\n\n"
    rows = []
    for name, result in results.items():
        for h in result.get("history", []):
            cells = []
            for m in h["metrics"]:
                values = dict(m["crps"])
                mine = values.pop(next(iter(values)))
                if mine is None:
                    cells.append("–")
                    continue
                other, theirs = min(((k, v) for k, v in values.items() if v is not None), key=lambda x: x[1])
                mark = "" if mine <= theirs else " ✗"
                cells.append("%s (%s %s)%s" % (number(mine, 4), number(theirs, 4), LABELS[other], mark))
            rows.append([name if h is result["history"][0] else "", h["age"]] + cells + [""] * (4 - len(cells)))
    return text + table(["data", "history", "cpu_pct", "mem_pct", "disk_io_mb_s", "latency_ms"], rows, 2) + \
        "\n✗: the baseline is ahead.\n"


def incident_tables(results, title):
    text, rows, fleets = "\n### %s\n" % title, [], []
    for name, result in results.items():
        for k, h in enumerate(result["incidents"]["horizons"]):
            f = h["forecasters"][0]
            if f["name"] != "tft":
                continue
            base = next(x for x in h["forecasters"] if x["name"] == "server_frequency_7d")
            row = [name if k == 0 else "", h["horizon"], "%d / %d" % (h["positives"], h["n"]), "**%s**" % number(f["brier_skill"]),
                   number(f["log_loss_skill"]), number(f["ece"], 4), number(f["auc_within_server"]),
                   "%s, %s" % (number(base["brier_skill"]), number(base["log_loss_skill"]))]
            row.append("; ".join("%s %s, %s" % (who, number(x[k][0]), number(x[k][1])) for who, x in STUDY[name].items())
                       if name in STUDY and len(result["incidents"]["horizons"]) == 5 else "–")
            rows.append(row)
            if "fleet" in h:
                g = {x["name"]: x for x in h["fleet"]["forecasters"]}
                fleets.append([name if k == 0 else "", h["horizon"], "%d / %d" % (h["fleet"]["positives"], h["fleet"]["n"])] +
                              ["%s, %s" % (number(g[x]["brier_skill"]), number(g[x]["ece"])) for x in ("linked", "independent",
                                                                                                     "largest")])
    text += table(["data", "within", "starts / cases", "Brier skill", "log-loss skill", "ECE", "AUC within servers",
                   "own frequency", "study"], rows, 2)
    if fleets:
        text += "\nAt least one incident on any server (Brier skill, ECE):\n\n"
        text += table(["data", "within", "starts / origins", "as calibrated", "taken as independent", "largest server alone"],
                      fleets, 2)
    return text


def alert_table(result, name):
    a = result["alerts"]
    rows = []
    words = {"probability": "P(incident within 8 h) ≥ %.0f %%", "soon": "P(incident within 1 h) ≥ %.0f %%", "p50": "%s P50 ≥ %%.4g within 1 h" % a["metric"],
             "static": "%s ≥ %%.4g now" % a["metric"], "trend": "%s trend ≥ %%.4g within 1 h" % a["metric"]}
    for r in a["rows"]:
        value = 100 * r["threshold"] if r["rule"] in ("probability", "soon") else r["threshold"]
        rule = words[r["rule"]] % value
        rows.append([("same recall: " if r["same_recall"] else "**") + rule + ("" if r["same_recall"] else "**"), str(r["raised"]),
                     percent(r["precision"]), percent(r["recall"]), number(r["false_per_server_day"]),
                     "–" if r["median_lead_minutes"] is None else "%.0f min" % r["median_lead_minutes"]])
    return "\n### Alerts on %s\n%d incidents, %.0f server-days, looked at every %.0f minutes. `--alerts` in [SCORES.md](SCORES.md) " \
        "defines each figure.\n\n" % (name, a["incidents"], a["server_days"], a["every_minutes"]) + \
        table(["rule", "raised", "precision", "recall", "false / server-day", "median lead"], rows) + in_words(a)


def stated(model):
    """What the model's incident alerts state: rows of level, alerts counted, share that an incident followed; of P(within 1 h)."""
    with open(os.path.join(model, "config.json")) as file:
        config = json.load(file)
    counts, hour = config["calibration"].get("alerts"), 3600000 // config["contract"]["step_ms"]
    if not counts or hour not in counts["steps"]:
        return []
    k = counts["steps"].index(hour)
    return [(level, raised, followed / raised) for level, raised, followed in
            zip(counts["levels"], counts["raised"][k], counts["followed"][k]) if raised >= 20]


def stated_table(model):
    rows = stated(model)
    if not rows:
        return ""
    return "\n### What its alerts state\nP(incident within 1 h) at or above a level, looked at on two fleets that served neither training nor calibration " \
        "(`tftd calibrate --alerts`): how many of these alerts an incident followed within 8 h. The daemon says so in each incident alert.\n\n" + \
        table(["level", "alerts", "followed by an incident"], [["%.0f %%" % (100 * a), str(b), percent(c)] for a, b, c in rows])


def in_words(alerts):
    """What each rule's alerts were worth, as one would say it; of rules that raised enough of them to say so."""
    words = {"probability": "P(incident within 8 h) ≥ %.0f %%", "soon": "P(incident within 1 h) ≥ %.0f %%", "p50": "P50 of %s ≥ %%.4g" % alerts["metric"]}
    said = ["%s, %.0f" % (words[r["rule"]] % (r["threshold"] * (100 if r["rule"] in ("probability", "soon") else 1)), 10 * r["precision"])
            for r in alerts["rows"] if r["rule"] in words and not r["same_recall"] and r["raised"] >= 20]
    return "\nOf 10 such alerts, about so many were followed by an incident within 8 h: %s.\n" % "; ".join(said) if said else ""


# ---- lead times on generated fleets ---------------------------------------------------------------------------------------


def stamp(text):
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())


def starts_of(path):
    """Server → times at which it went into critical_issue or an unplanned offline."""
    starts, last = {}, {}
    with open(path, newline="") as file:
        for r in csv.DictReader(file):
            bad = r["state"] in ("critical_issue", "offline") and not (r["state"] == "offline" and
                                                                        last.get(r["server_name"]) in ("maintenance", "planned"))
            was = last.get(r["server_name"])
            if bad and was is not None and was not in ("critical_issue", "offline"):
                starts.setdefault(r["server_name"], []).append(stamp(r["timestamp"].replace("+00:00", "Z")))
            last[r["server_name"]] = "planned" if r["state"] == "offline" and not bad else r["state"]
    return starts


def lead_times(work, model, path, level):
    """Minutes from the first alarm (P(1 h) ≥ level, without a break of an hour) to the start; None where there was none."""
    folder = os.path.join(work, os.path.basename(os.path.normpath(model)))
    out = os.path.join(folder, os.path.basename(path)[:-4] + "-incidents.csv")
    run(TFTD, "forecast", *threads(), "--model", model, "--from", "2025-09-09T00:00:00Z", "--to", "2025-09-20T16:00:00Z", "--every",
        3, "--horizon", 12, "--out", "/dev/null", "--incidents-out", out, path)
    alarms, n = {}, 0
    with open(out, newline="") as file:
        for r in csv.DictReader(file):
            n += 1
            if r["p_1h"] and float(r["p_1h"]) >= level:
                alarms.setdefault(r["server_name"], []).append(stamp(r["origin"]) + 300)
    first, leads, used = stamp("2025-09-09T08:00:00Z"), [], set()
    for server, times in starts_of(path).items():
        for t in times:
            if t < first or t > stamp("2025-09-20T16:00:00Z"):
                continue
            before = [a for a in alarms.get(server, []) if t - 8 * 3600 <= a <= t]
            lead, at = None, t
            for a in reversed(before):
                if at - a > 3600:
                    break
                at, lead = a, (t - a) / 60
                used.add((server, a))
            leads.append(lead)
    n_alarms = sum(len(a) for a in alarms.values())
    return leads, n_alarms, len(used), n


def lead_section(work, model):
    level, bins = 0.2, [15, 30, 60, 120, 240, 481]
    text = "\n### How early incidents are foreseen\nTwo generated fleets that break in one way each, P(incident within 1 h) ≥ %.0f %% " \
        "as the alarm, looked at every 15 minutes.\n\n" % (100 * level)
    rows, bars = [], {}
    for name, seed, mix in (("with precursors (leak, runaway, disk)", 4003, "cascade=0,crash=0,sudden=0"),
                            ("without (crash, sudden)", 4004, "leak=0,runaway=0,disk=0,cascade=0")):
        path = fleet(work, seed, "--incident-rate", 4, "--incident-mix", mix, servers=20)
        leads, n_alarms, n_right, n = lead_times(work, model, path, level)
        seen = [x for x in leads if x is not None]
        rows.append([name, str(len(leads)), "%d (%.0f %%)" % (len(seen), 100 * len(seen) / max(1, len(leads))),
                     "%.0f min" % statistics.median(seen) if seen else "–", str(n_alarms),
                     percent(n_right / n_alarms) if n_alarms else "–"])
        bars[name] = [sum(1 for x in seen if low <= x < high) for low, high in zip([0] + bins, bins)] + [len(leads) - len(seen)]
    text += table(["incidents", "how many", "foreseen", "median lead", "alarms", "followed by one"], rows)
    draw_leads(bars, bins)
    return text + "\n![Lead times](images/lead-times.svg)\n"


def draw_leads(bars, bins):
    words = ["< 15"] + ["%d–%d" % (a, b) for a, b in zip(bins[:-2], bins[1:-1])] + ["> %d" % bins[-2], "missed"]
    words = words[:len(next(iter(bars.values())))]
    width, height, left, top = 860, 300, 46, 46
    most = max(max(v) for v in bars.values()) or 1
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui,sans-serif" font-size="12">' % (width, height),
           '<style>text{fill:#5c6778}.a{fill:#1f6fd6}.b{fill:#d9822b}@media(prefers-color-scheme:dark){text{fill:#98a4b6}.a{fill:#6aa9ff}'
           '.b{fill:#f0a65a}}</style>']
    step = (width - left - 10) / len(words)
    for k, (name, values) in enumerate(bars.items()):
        out.append('<rect class="%s" x="%d" y="14" width="12" height="12" rx="2"/><text x="%d" y="24">%s</text>' % (
            "ab"[k], left + 330 * k, left + 18 + 330 * k, name))
        for i, v in enumerate(values):
            h = (height - top - 40) * v / most
            x = left + i * step + k * step * 0.42 + 4
            out.append('<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"><title>%d</title></rect>' % (
                "ab"[k], x, height - 40 - h, step * 0.38, h, v))
            out.append('<text x="%.1f" y="%.1f" text-anchor="middle" font-size="11">%s</text>' % (x + step * 0.19, height - 44 - h, v or ""))
    for i, word in enumerate(words):
        out.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (left + (i + 0.5) * step, height - 22, word))
    out.append('<text x="%.1f" y="%d" text-anchor="middle">minutes between the first alarm and the incident</text></svg>' % (width / 2, height - 5))
    with open(os.path.join(ROOT, "docs/images/lead-times.svg"), "w") as file:
        file.write("\n".join(out) + "\n")


# ---- the other models -------------------------------------------------------------------------------------------------------


def trained(work, name, spec, time_limit, files, *arguments):
    folder = os.path.join(work, name)
    model = newest_model(folder)
    if model is None:
        run(TFTD, "train", "--config", spec, "--out", folder, "--max-time", time_limit, *threads(), *arguments, *files)
        model = newest_model(folder)
    return model


def by_recipe(work, kind, data, limit):
    """The model that ships, or its judged twin: tools/train_shipped.sh has the recipe."""
    folder = os.path.join(work, kind)
    if newest_model(folder) is None:
        os.environ.update(TFTD_FLEETS=work, TFTD_CALIBRATION_WINDOWS=os.environ.get("QUALITY_WINDOWS", "24000"))
        run(os.path.join(ROOT, "tools/train_shipped.sh"), os.path.relpath(data, ROOT), folder, limit, kind)  # which goes to ROOT first
    return newest_model(folder)


def ship(model):
    """Into models/, where the program and the model card look for it, with QUALITY_SHIP=1; else says how."""
    there, name = os.path.join(ROOT, "models"), os.path.basename(model)
    if os.environ.get("QUALITY_SHIP") != "1":
        print("quality: %s was trained to ship; QUALITY_SHIP=1 puts it into models/" % model.replace(ROOT + "/", ""), flush=True)
        return
    for old in os.listdir(there):
        if re.fullmatch(r"tft_model_\d{8}_\d{6}", old) and old != name:
            shutil.rmtree(os.path.join(there, old))
    shutil.copytree(model, os.path.join(there, name), dirs_exist_ok=True)


def ablation(work, bitbrains, results, limit):
    """The same spec, with nothing of the network but the mixture's constants."""
    spec = os.path.join(work, "only-mixture.yaml")
    with open(os.path.join(ROOT, "models/specs/fleet.yaml")) as file:
        text = file.read().replace("mixture: true", "mixture: true, only_mixture: true").replace("hazard: true", "hazard: false").replace(
            ", latency_ms]", "]")  # the public trace has none
    with open(spec, "w") as file:
        file.write(text)
    model = trained(work, "only-mixture", spec, limit, bitbrains, "--holdout-servers", "3/5x20", "--holdout-from",
                    "2013-08-25T00:00:00Z")
    rows = []
    for split in ("dev-unseen", "dev-later"):
        alone = evaluate(work, split, model, "--split", split, *bitbrains)
        for k, (a, b) in enumerate(zip(alone["metrics"], results[split]["metrics"])):
            rows.append([split if k == 0 else "", a["metric"], number(own(a)["crps"], 4), number(own(b)["crps"], 4),
                         "%+.1f %%" % (100 * (own(b)["crps"] / own(a)["crps"] - 1)), number(own(a)["gm"]), number(own(b)["gm"])])
    return "\n### What the network earns: the TFT against the same mixture without it\n`only_mixture: true` in the model file: the " \
        "weights of the simple forecasts are learned constants of each step, nothing of the window reaches them.\n\n" + \
        table(["data", "metric", "mixture alone", "TFT", "change of CRPS", "gm alone", "gm TFT"], rows, 2)


def ett(work, data, limit):
    path = os.path.join(data, "ett/ETTm1.csv.xz")
    spec = os.path.join(ROOT, "models/specs/ettm1.yaml")
    model = trained(work, "ett", spec, limit, [path], "--holdout-from", "2017-10-24T00:00:00Z")
    result = evaluate(work, "ettm1", model, "--spec", spec, "--from", "2017-10-23T23:45:00Z", "--every", 12, path)
    out = os.path.join(work, "ett-forecast.csv")
    run(TFTD, "forecast", *threads(), "--model", model, "--from", "2017-10-23T23:45:00Z", "--to", "2018-02-19T23:45:00Z", "--every", 12,
        "--out", out, path)
    with lzma.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [n for n in rows[0] if n != "date"]
    scale = {}
    for n in names:
        head = [float(r[n]) for r in rows[:34560]]  # twelve months of thirty days: the usual training part
        scale[n] = (statistics.fmean(head), statistics.pstdev(head))
    truth = {r["date"].replace(" ", "T") + "Z": r for r in rows}
    squares = absolutes = n_cells = 0
    with open(out, newline="") as file:
        for r in csv.DictReader(file):
            if r["metric"] in scale and r["timestamp"] in truth:
                miss = (float(r["q0.5"]) - float(truth[r["timestamp"]][r["metric"]])) / scale[r["metric"]][1]
                squares, absolutes, n_cells = squares + miss * miss, absolutes + abs(miss), n_cells + 1
    pooled = result["pooled"][0]
    best = min(result["pooled"][1:], key=lambda f: f["crps"])
    return "\n### ETTm1: nothing is hard-wired\nSeven targets, 15-minute steps, 96 ahead; trained on what lies before 2017-10-24, " \
        "judged on the four months after it (%d values, an origin every three hours).\n\n" % n_cells + \
        table(["", "MSE", "MAE", "CRPS"],
              [["TFT here, median", number(squares / n_cells), number(absolutes / n_cells), number(pooled["crps"], 4)],
               ["best baseline: " + LABELS[best["name"]], "–", "–", number(best["crps"], 4)],
               ["PatchTST/42 (Nie, Nguyen, Sinthong, Kalagnanam 2023, table 3)", ".290", ".342", "–"],
               ["PatchTST/64 (the same)", ".293", ".346", "–"], ["DLinear (as reported there)", ".299", ".343", "–"]]) + \
        "\nMSE and MAE are over all seven series, each divided by its standard deviation in the first twelve months, as in those papers. " \
        "What differs: they train for the mean square, look back 336 to 512 steps, use months 12–16 for validation only and every origin " \
        "of the test part; here the median of a quantile forecast is scored (it minimises MAE, not MSE) and those months are trained " \
        "on. The TFT paper has no figures for ETTm1; what others report of it there uses other horizons or univariate targets.\n"


# ---- the model card ---------------------------------------------------------------------------------------------------------


def model_card(judged, results):
    """Of the model that ships; its figures are those of its twin that has not seen what it is judged on."""
    model = newest_model(os.path.join(ROOT, "models")) or judged
    with open(os.path.join(model, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(model, "training_info.json")) as file:
        info = json.load(file)
    size = sum(os.path.getsize(os.path.join(model, f)) for f in os.listdir(model))
    c, n = config["contract"], config["network"]
    weak = []
    for name, result in results.items():
        for m in result["metrics"]:
            f = own(m)
            if not m["beats_every_baseline"]:
                weak.append("%s on %s: CRPS %s, %s has %s." % (m["metric"], name, number(f["crps"], 4), LABELS[m["best_baseline"]],
                                                              number(best_of(m)["crps"], 4)))
            if f["gm"] > 1:
                weak.append("%s on %s: on the typical server the quantiles of its last 24 h are better (gm %s)." % (m["metric"], name,
                                                                                                               number(f["gm"])))
            if abs(f["coverage_p10_p90"] - .8) > .03:
                weak.append("%s on %s: P10–P90 holds %s instead of 80 %%." % (m["metric"], name, percent(f["coverage_p10_p90"])))
            for part in f["horizon"]:
                theirs = min(h["crps"] for x in m["forecasters"][1:] for h in x["horizon"] if h["steps"] == part["steps"])
                if part["crps"] > theirs:
                    weak.append("%s on %s, steps %d–%d: CRPS %s, the best baseline there has %s." % (
                        m["metric"], name, *part["steps"], number(part["crps"], 4), number(theirs, 4)))
        for h in result["incidents"]["horizons"]:
            f = h["forecasters"][0]
            if f["name"] == "tft" and result["incidents"]["model_rule"] == result["incidents"]["rule"] and f["ece"] > .03:
                weak.append("incidents within %s on %s: ECE %s." % (h["horizon"], name, number(f["ece"], 3)))
    lines = ["# Model card: %s" % os.path.basename(os.path.normpath(model)), "",
             "Written by `make quality` from the model's own files. Figures and weaknesses are those of its judged twin `%s`: the same recipe, "
             "but block 3 of the Bitbrains machines and everything from 2013-08-25 on held out. [QUALITY.md](QUALITY.md) has every figure."
             % os.path.basename(os.path.normpath(judged)), "",
             "| | |", "|---|---|",
             "| what | Temporal Fusion Transformer with a mixture output and an incident head; quantiles of %s for the next %d steps of %g "
             "minutes |" % (", ".join(t["name"] for t in n["targets"]), c["horizon"], c["step_ms"] / 60000),
             "| trained | %s, %.0f minutes on %d threads, %d steps, seed %s |" % (info["trained_at"][:10], info["training_seconds"] / 60,
                                                                              info["threads"], info["steps"], info["seed"]),
             "| size | %d parameters, %.2f MB with everything |" % (info["model_parameters"], size / 1e6),
             "| data | %d servers, %.0f hours: Bitbrains GWA-T-12 “rnd” (Shen, van Beek, Iosup 2015), SMD (Su et al. 2019), and generated "
             "fleets with latency and states (`tftd generate`) |" % (info["num_servers"], info["data_hours"]),
             "| incidents | %s |" % ("state `critical_issue` or an unplanned `offline`; learned from generated fleets, the public trace has "
                                     "no labels" if c["incident"]["by"] == "state" else json.dumps(c["incident"])),
             "| calibrated | quantiles: %s; incidents: %s; fleet: %s; quantiles on all of the data, incidents and fleet on fleets that nobody trained on |" % (
                 config["calibration"]["quantiles"]["kind"], config["calibration"]["incident"]["kind"],
                 config["calibration"].get("fleet", {}).get("kind", "none")),
             "| recipe | `%s` |" % re.sub(r"\S*/(?=[^/ ]+\.(?:csv|yaml))", "", (info.get("command_line") or "unknown")).replace("|", "\\|"),
             "", "## For", "Metrics of servers, every 5 minutes (or finer, averaged), hours ahead: capacity, on-call, early warning. Servers it "
             "has never seen, from two steps of history on; a metric that is not sent is left out.", "",
             "## Not for", "Decisions without a person; faults that leave no trace in these metrics; horizons beyond 8 hours; other units without "
             "training again (`tftd train`).", "", "## Figures",
             table(["data", "metric", "CRPS", "best baseline", "in P10–P90", "gm"],
                   [[name if k == 0 else "", m["metric"], number(own(m)["crps"], 4), number(best_of(m)["crps"], 4),
                     percent(own(m)["coverage_p10_p90"]), number(own(m)["gm"])]
                    for name, result in results.items() for k, m in enumerate(result["metrics"])], 2),
             "Its incident alerts state their expected precision: %s." % ("; ".join(
                 "P(incident within 1 h) ≥ %.0f %%: %.0f %% of %d were followed by an incident within 8 h" % (100 * a, 100 * c, b)
                 for a, b, c in stated(model) if round(10 * a) in (3, 6)) or "nobody has counted (`tftd calibrate --alerts`)"), "",
             "What an alert is worth, and what incident probabilities are: see the tables of QUALITY.md; a probability p is meant as "
             "“of 100 such servers, about 100·p have an incident in that time”.", "",
             "## Known weaknesses"] + (["- " + w for w in weak] or ["- none of the figures above fails its aim"]) + [
             "- Its incidents were learned from a simulator. On real fleets calibrate it with your own labels (`tftd calibrate`).",
             "- A third of the simulator's incidents (crash, sudden) have no precursor; nobody can foresee those.", ""]
    with open(os.path.join(ROOT, "docs/MODEL_CARD.md"), "w") as file:
        file.write("\n".join(lines))


# ---- putting it together ------------------------------------------------------------------------------------------------------


def write_quality(body):
    path = os.path.join(ROOT, "docs/QUALITY.md")
    with open(path) as file:
        text = file.read()
    if BEGIN not in text or END not in text:
        sys.exit("quality: docs/QUALITY.md lacks the lines %s and %s" % (BEGIN, END))
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    with open(path, "w") as file:
        file.write(head + BEGIN + "\n" + body.rstrip() + "\n" + END + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("QUALITY_DATA", os.path.join(ROOT, "../shared/data")))
    parser.add_argument("--work", default=os.path.join(ROOT, "build/quality"))
    options = parser.parse_args()
    skip = set(filter(None, os.environ.get("QUALITY_SKIP", "").split(",")))
    limit = os.environ.get("QUALITY_TIME", "21m")
    work = os.path.abspath(options.work)
    os.makedirs(work, exist_ok=True)
    bitbrains = [os.path.join(options.data, "bitbrains/2013-0%d.csv.xz" % m) for m in (7, 8)]
    for path in bitbrains:
        if not os.path.exists(path):
            sys.exit("quality: %s is missing; --data names the folder with bitbrains/ and ett/" % path)
    began = time.monotonic()
    model = os.environ.get("QUALITY_MODEL")
    if not model:
        # "judged": the machines and weeks that it is judged on are held out of its training
        model = by_recipe(work, "judged", options.data, limit)
        if "shipped" not in skip:
            ship(by_recipe(work, "shipped", options.data, limit))
    model = os.path.abspath(model)
    fleets_model = os.path.abspath(os.environ.get("QUALITY_FLEETS") or model)
    results = {}
    for split in ("dev-unseen", "dev-later"):
        results[split] = evaluate(work, split, model, "--split", split, *bitbrains)
    labelled = {}
    for name, seed, arguments in (("generated, seed 4001", 4001, []), ("generated, seed 4002, all scenarios", 4002, ["--scenario", "mixed"])):
        labelled[name] = evaluate(work, "fleet-%d" % seed, fleets_model, "--from", "2025-09-09T00:00:00Z", fleet(work, seed, *arguments))
    everything = {**results, **labelled}
    body = "Measured %s with tftd %s for `%s`.\n\n" % (datetime.date.today(), subprocess.run(
        [TFTD, "version"], stdout=subprocess.PIPE, text=True).stdout.split()[1], os.path.basename(os.path.normpath(model)))
    if fleets_model != model:
        body += "The generated fleets are judged with `%s`, which was trained on other seeds of them.\n\n" % os.path.basename(
            os.path.normpath(fleets_model))
    body += forecast_tables(everything) + history_table(everything)
    body += incident_tables(labelled, "The incident probability of this model: states, on fleets that it was not trained on")
    for name, result in labelled.items():
        body += alert_table(result, name)
    body += stated_table(fleets_model)
    if "leads" not in skip:
        body += lead_section(work, fleets_model)
    third = "%.0fs" % (60 * minutes(limit) / 3)
    if "incidents" not in skip:
        other = os.environ.get("QUALITY_INCIDENTS")
        if not other:
            other = trained(work, "incidents", os.path.join(ROOT, "models/specs/bitbrains-incidents.yaml"),
                            "%.0fs" % (60 * minutes(limit) / 2), bitbrains)
        judged = {split: evaluate(work, split + "-incidents", os.path.abspath(other), "--split", split, *bitbrains)
                  for split in ("dev-unseen", "dev-later")}
        body += incident_tables(judged, "Under the Bitbrains study's rule: cpu_pct ≥ 90 for 3 steps (`models/specs/bitbrains-incidents.yaml`)")
        body += alert_table(judged["dev-unseen"], "dev-unseen, that rule")
    if "ablation" not in skip:
        body += ablation(work, bitbrains, results, third)
    if "ett" not in skip:
        body += ett(work, options.data, third)
    body += "\n### Repeat it\n`make quality` (all of it), or one by one:\n\n" + "".join("    %s\n" % c for c in commands)
    write_quality(body)
    model_card(model, everything)
    print("quality: docs/QUALITY.md, docs/MODEL_CARD.md, docs/images/lead-times.svg; pages in %s; %.0f minutes" %
          (work.replace(ROOT + "/", ""), (time.monotonic() - began) / 60))


if __name__ == "__main__":
    main()
