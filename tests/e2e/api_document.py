"""Run inside the environment of test_api_document.py: `api_document.py URL` holds the OpenAPI document against the daemon.

Is the document valid? Does each example work, with an answer that is documented and fits its schema? Are /metrics texts ones
that Prometheus' own parsers take?
"""
import json
import sys
import urllib.error
import urllib.request

import jsonschema
from openapi_spec_validator import validate
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text_format

URL = sys.argv[1]
ORDER = ["post", "put", "patch", "get", "delete"]  # what is made is there to be read, and goes last


def request(method, path, body=None, headers=None):
    r = urllib.request.Request(URL + path, data=body, method=method.upper(), headers=headers or {})
    try:
        with urllib.request.urlopen(r, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def fits(document, schema, value):
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(value)


def check_answer(document, operation, where, status, headers, body):
    assert str(status) in operation["responses"], "%s: %d is not documented: %s" % (where, status, body[:300])
    content = operation["responses"][str(status)].get("content", {})
    kind = headers.get_content_type()
    assert not content or kind in content, "%s: %s is not documented for %d" % (where, kind, status)
    if kind.endswith("json") and body:
        fits(document, content[kind]["schema"], json.loads(body))


def examples(document):
    n = 0
    operations = [(method, path, operation) for path, item in document["paths"].items() for method, operation in item.items()]
    for method, path, operation in sorted(operations, key=lambda o: ORDER.index(o[0])):
        if "text/event-stream" in operation["responses"]["200" if "200" in operation["responses"] else min(operation["responses"])].get("content", {}):
            continue  # an answer without end: test_api_events.py reads it
        target, query = path, []
        for p in operation["parameters"]:
            if p["in"] == "path":
                assert "example" in p, "%s %s: {%s} has no example" % (method, path, p["name"])
                target = target.replace("{%s}" % p["name"], urllib.request.quote(str(p["example"]), safe=""))
            elif p["required"] or "example" in p:
                assert "example" in p, "%s %s: %s is required and has no example" % (method, path, p["name"])
                query.append(p["name"] + "=" + urllib.request.quote(str(p["example"])))
        target += "?" + "&".join(query) if query else ""
        where = "%s %s" % (method.upper(), target)
        body, headers = None, {}
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if "example" in content:
                fits(document, content["schema"], content["example"])
                body, headers = json.dumps(content["example"]).encode(), {"Content-Type": kind}
        if "requestBody" in operation:
            assert body is not None, where + ": the body has no example"
        status, fields, answer = request(method, target, body, headers)
        check_answer(document, operation, where, status, fields, answer)
        assert status < 500 or status == 503, where + ": %d %s" % (status, answer[:300])
        n += 1
    return n


def main():
    status, _, body = request("get", "/openapi.json")
    assert status == 200
    document = json.loads(body)
    validate(document)
    assert request("get", "/api/v1/openapi.json")[2] == body
    names = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(names) == len(set(names)), "operationIds are not unique"
    n = examples(document)
    _, fields, text = request("get", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    families = list(openmetrics.text_string_to_metric_families(text.decode()))
    _, fields, text = request("get", "/metrics")
    assert len(families) == len(list(text_format.text_string_to_metric_families(text.decode()))) > 40
    print("%d operations, %d examples, %d metric families" % (len(names), n, len(families)))


main()
