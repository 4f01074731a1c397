#!/usr/bin/env python3
"""Draws forecasts as fan charts (SVG): what was known, what was forecast, what then came.

    fan_chart.py HISTORY.csv FORECAST.csv SERVER METRIC[,METRIC…] OUT.svg [TITLE]

HISTORY.csv as `tftd generate` writes it (5-minute steps), FORECAST.csv as `tftd forecast` writes it, with one origin.
Standard library only; the picture in the README is made by `tools/readme_picture.sh` with this.
"""
import csv
import sys
from datetime import datetime, timedelta

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 900, 190, 58, 24, 56, 26
BEFORE = timedelta(hours=12)
BANDS = [("q0.02", "q0.98", "#cfe0f5"), ("q0.1", "q0.9", "#9dc0ea"), ("q0.2", "q0.8", "#6b9edb")]  # widest first
UNITS = {"cpu_pct": "CPU, %", "mem_pct": "memory, %", "disk_io_mb_s": "disk, MB/s", "latency_ms": "latency, ms"}


def stamp(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")


def read_history(path, server, metric):
    with open(path, newline="") as file:
        return [(stamp(r["timestamp"]), float(r[metric]), r.get("state", ""))
                for r in csv.DictReader(file) if r["server_name"] == server and r[metric]]


def read_forecast(path, server, metric):
    with open(path, newline="") as file:
        return [r for r in csv.DictReader(file) if r["server_name"] == server and r["metric"] == metric]


def panel(history, rows, label, y0, out):
    origin = stamp(rows[0]["origin"])
    first, last = origin - BEFORE, stamp(rows[-1]["timestamp"])
    shown = [(t, v) for t, v, _ in history if first <= t <= last]
    top = max([v for _, v in shown] + [float(r["q0.98"]) for r in rows]) * 1.08 or 1.0
    if label.endswith("%"):
        top = min(top, 100.0)

    def x(t):
        return LEFT + (WIDTH - LEFT - RIGHT) * ((t - first) / (last - first))

    def y(v):
        return y0 + HEIGHT * (1 - v / top)

    def path(points, **style):
        d = "M" + "L".join(f"{x(t):.1f} {y(v):.1f}" for t, v in points)
        out.append(f'<path d="{d}" ' + " ".join(f'{k.replace("_", "-")}="{v}"' for k, v in style.items()) + "/>")

    for k in range(5):
        v = top * k / 4
        out.append(f'<path d="M{LEFT} {y(v):.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>'
                   f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3g}</text>')
    t = first.replace(minute=0, second=0) + timedelta(hours=1)
    while t <= last:
        if t.hour % 4 == 0:
            out.append(f'<text x="{x(t):.1f}" y="{y0 + HEIGHT + 15}" text-anchor="middle">{t:%H:%M}</text>')
        t += timedelta(hours=1)
    for low, high, colour in BANDS:
        edge = [(stamp(r["timestamp"]), float(r[low])) for r in rows] + [(stamp(r["timestamp"]), float(r[high])) for r in reversed(rows)]
        path(edge, fill=colour, stroke="none")
    path([(stamp(r["timestamp"]), float(r["q0.5"])) for r in rows], fill="none", stroke="#1c5cab", stroke_width=2)
    past = [p for p in shown if p[0] <= origin]
    came = [p for p in shown if p[0] >= origin]
    path(past, fill="none", stroke="#333", stroke_width="1.3")
    if len(came) > 1:
        path(came, fill="none", stroke="#c2571a", stroke_width="1.3")
    out.append(f'<path d="M{x(origin):.1f} {y0}V{y0 + HEIGHT}" stroke="#888" stroke-dasharray="4 3"/>'
               f'<text x="{LEFT}" y="{y0 - 7}" font-weight="bold">{label}</text>')


def main(arguments):
    if len(arguments) not in (5, 6):
        sys.exit(__doc__)
    history_path, forecast_path, server, metrics, out_path = arguments[:5]
    title = arguments[5] if len(arguments) == 6 else server
    metrics = metrics.split(",")
    height = TOP + len(metrics) * (HEIGHT + GAP + 22) + 14
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/><text x="{LEFT}" y="18" font-size="14">{title}</text>',
           f'<text x="{LEFT}" y="36" fill="#555">black: known · blue: forecast (median, 60, 80, 96 %) · orange: what then came</text>']
    for i, metric in enumerate(metrics):
        rows = read_forecast(forecast_path, server, metric)
        if not rows:
            sys.exit(f"{forecast_path}: no forecast of {metric} for {server}")
        panel(read_history(history_path, server, metric), rows, UNITS.get(metric, metric), TOP + 14 + i * (HEIGHT + GAP + 22), out)
    out.append("</svg>")
    with open(out_path, "w") as file:
        file.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
