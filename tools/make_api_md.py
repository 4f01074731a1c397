#!/usr/bin/env python3
"""make_api_md.py TFTD: writes the table of routes in docs/API.md, between its two marks, from the program's own document."""
import json
import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
os.environ["TFTD"] = os.path.abspath(sys.argv[1])
from serving import Daemon  # noqa: E402

BEGIN, END = "<!-- routes: made by tools/make_api_md.py -->", "<!-- end of routes -->"


def table(document):
    lines, tag = [], None
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                lines += ["", "**%s**" % tag, "", "| method, path | role | what | parameters | answers |", "|---|---|---|---|---|"]
            query = " ".join("`%s`" % p["name"] for p in operation["parameters"] if p["in"] == "query")
            lines.append("| %s %s | %s | %s | %s | %s |" % (method.upper(), path, operation["x-role"], operation["summary"].replace("|", "\\|"),
                                                        query, " ".join(operation["responses"])))
    return "\n".join(lines) + "\n"


with Daemon() as d:
    made = table(d.get("/openapi.json")[1])
name = os.path.join(ROOT, "docs/API.md")
with open(name) as f:
    text = f.read()
text = re.sub(re.escape(BEGIN) + ".*" + re.escape(END), lambda _: BEGIN + "\n" + made + "\n" + END, text, flags=re.S)
with open(name, "w") as f:
    f.write(text)
