"""Peers for tests of alerts: the real Alertmanager (Debian's prometheus-alertmanager), and a webhook that writes down what it gets."""
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from serving import SLOW

ALERTMANAGER = shutil.which("prometheus-alertmanager")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Alertmanager:
    """An Alertmanager on a port of its own. With `hook` it tells that URL what it would tell people."""

    def __init__(self, hook=None, port=None):
        self.folder = tempfile.mkdtemp(prefix="tftd-am-")
        self.port = port or free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        receiver = {"name": "people"}
        if hook:
            receiver["webhook_configs"] = [{"url": hook, "send_resolved": True}]
        config = {"route": {"receiver": "people", "group_by": ["..."], "group_wait": "100ms", "group_interval": "1s",
                            "repeat_interval": "1h"}, "receivers": [receiver]}
        with open(os.path.join(self.folder, "am.yml"), "w") as out:
            json.dump(config, out)  # JSON is YAML
        self.process = None

    def start(self):
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            [ALERTMANAGER, "--config.file=" + os.path.join(self.folder, "am.yml"), "--storage.path=" + os.path.join(self.folder, "data"),
             "--web.listen-address=127.0.0.1:%d" % self.port, "--cluster.listen-address="], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30 * SLOW
        while time.monotonic() < until:
            try:
                if urllib.request.urlopen(self.url + "/-/ready", timeout=2).status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("Alertmanager did not start: " + open(os.path.join(self.folder, "log")).read())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
            self.log.close()

    def alerts(self, all_of_them=True):
        """What it holds as active: a list of {labels, annotations, startsAt, endsAt, fingerprint, status}."""
        with urllib.request.urlopen(self.url + "/api/v2/alerts?active=true", timeout=5) as answer:
            return json.load(answer)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Hook:
    """A webhook: keeps each body. `answer` is the status it gives, or "hang", or None for closing without an answer."""

    def __init__(self, port=0):
        self.messages = []
        self.headers = []
        self.answer = 200
        self.tries = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                hook.tries.append(time.monotonic())
                if hook.answer is None:
                    self.close_connection = True
                    return
                status = hook.answer(json.loads(body)) if callable(hook.answer) else hook.answer
                if 200 <= status < 300:
                    hook.headers.append(dict(self.headers))
                    hook.messages.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/hook" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def alerts(self):
        """All alerts of all messages, in order."""
        return [alert for message in list(self.messages) for alert in message["alerts"]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
