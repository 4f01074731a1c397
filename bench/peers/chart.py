"""The comparison as a bar chart: windows a second, logarithmic, one group per measured thing. Plain SVG, no library.

    python chart.py RESULT.json > chart.svg
"""
import json
import math
import sys

COLOURS = {"libtft": "#0072b2", "ONNX Runtime": "#e69f00", "PyTorch": "#999999"}  # Okabe, Ito 2008: safe for colour-blind people
LEFT, WIDTH, BAR, GAP, TOP = 250, 560, 15, 16, 64


def label(row, case):
    what = "forecast" if row["kind"] == "forward" else "training step"
    return f"{what}, {row['n']:,} × {case.removeprefix('hidden')}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}"


def chart(result):
    rows = [(label(r, c["case"]), r) for c in result["cases"] for r in c["rows"]]
    rates = [r["n"] / s["median"] for _, r in rows for s in r["peers"].values()]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    at = lambda rate: LEFT + WIDTH * (math.log10(rate) - low) / (high - low)
    out, y = [], TOP
    for text, row in rows:
        out.append(f'<text x="{LEFT - 10}" y="{y + BAR * len(row["peers"]) / 2 + 4}" text-anchor="end">{text}</text>')
        for name, s in row["peers"].items():
            rate = row["n"] / s["median"]
            out.append(f'<rect x="{LEFT}" y="{y}" width="{at(rate) - LEFT:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>')
            out.append(f'<text x="{at(rate) + 6:.1f}" y="{y + BAR - 4}" class="n">{rate:,.0f}/s</text>')
            y += BAR
        y += GAP
    m = result["machine"]
    grid = "".join(f'<line x1="{at(10 ** k)}" x2="{at(10 ** k)}" y1="{TOP - 8}" y2="{y - GAP}" class="g"/>'
                   f'<text x="{at(10 ** k)}" y="{TOP - 12}" class="n" text-anchor="middle">{10 ** k:,}</text>'
                   for k in range(low, high + 1))
    legend = "".join(f'<rect x="{LEFT + 150 * i}" y="14" width="12" height="12" fill="{c}"/>'
                     f'<text x="{LEFT + 150 * i + 18}" y="25">{n}</text>' for i, (n, c) in enumerate(COLOURS.items()))
    note = (f"windows per second, logarithmic; hidden size after ×; median of alternating turns. {m['cpu']}, {m['date']}, "
            f"torch {m['torch']}, onnxruntime {m['onnxruntime']}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {y + 24}" font-family="system-ui, sans-serif" '
            f'font-size="12"><style>text{{fill:#222}}.n{{font-size:11px;fill:#555}}.g{{stroke:#ddd}}'
            f'@media(prefers-color-scheme:dark){{text{{fill:#eee}}.n{{fill:#bbb}}.g{{stroke:#444}}}}</style>'
            f'{grid}{legend}{"".join(out)}<text x="{LEFT}" y="{y + 12}" class="n" text-anchor="start" font-size="10">{note}</text></svg>\n')


if __name__ == "__main__":
    print(chart(json.load(open(sys.argv[1]))), end="")
