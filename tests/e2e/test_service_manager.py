"""What a service manager sees: READY, WATCHDOG, STOPPING; sockets that it opened for us; its unit, if systemd is here to look at it."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from serving import SLOW, TFTD, Daemon

UNITS = pathlib.Path(__file__).parents[2] / "packaging/systemd"


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tftd-notify-")
        self.path = os.path.join(self.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def next(self, timeout=10):
        self.socket.settimeout(timeout * SLOW)
        return self.socket.recv(4096).decode()

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)


class ServiceManager(unittest.TestCase):
    def setUp(self):
        self.manager = Manager()
        self.addCleanup(self.manager.close)

    def test_it_hears_of_every_turn_of_a_life(self):
        d = Daemon(environment={"NOTIFY_SOCKET": self.manager.path, "WATCHDOG_USEC": "600000"})
        with d:
            self.assertEqual(self.manager.next(), "READY=1")
            began = time.monotonic()
            for _ in range(6):
                self.assertEqual(self.manager.next(), "WATCHDOG=1")
            self.assertLess(time.monotonic() - began, 6 * 0.6 * SLOW)  # six times, each in time
            self.assertEqual(d.get("/status")[0], 200)
            d.process.terminate()
            said = self.manager.next()
            while said == "WATCHDOG=1":
                said = self.manager.next()
            self.assertEqual(said, "STOPPING=1")
            self.assertEqual(d.process.wait(20 * SLOW), 0)

    def test_a_watchdog_of_another_process_is_not_ours(self):
        with Daemon(environment={"NOTIFY_SOCKET": self.manager.path, "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}):
            self.assertEqual(self.manager.next(), "READY=1")
            with self.assertRaises(TimeoutError):
                self.manager.next(0.6 / SLOW)

    def serve(self, descriptors, pid="$$", more=()):
        """tftd with these sockets as its descriptors 3, 4 …; the shell becomes tftd, so its pid is tftd's."""
        moves = " ".join("%d<&%d" % (3 + i, fd) for i, fd in enumerate(descriptors))
        folder = tempfile.mkdtemp(prefix="tftd-sockets-")
        self.addCleanup(shutil.rmtree, folder, True)
        env = {**os.environ, "TFTD_DASHBOARD_LISTEN": "", "LISTEN_FDS": str(len(descriptors)), "NOTIFY_SOCKET": self.manager.path}
        script = "export LISTEN_PID=%s; exec \"$@\" %s" % (pid, moves)
        return subprocess.Popen(["bash", "-c", script, "sh", TFTD, "serve", "--no-model", "--data-dir", folder + "/db", *more],
                                pass_fds=descriptors, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_sockets_that_were_opened_for_us_are_listened_on(self):
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            waiting = socket.create_connection(one.getsockname())  # came before we were there
            waiting.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            process = self.serve([one.fileno() + 0, two.fileno()])
            try:
                self.assertEqual(self.manager.next(), "READY=1")
                for s in (waiting, socket.create_connection(two.getsockname())):
                    if s is not waiting:
                        s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    s.settimeout(10 * SLOW)
                    self.assertTrue(s.recv(65536).startswith(b"HTTP/1.1 200 "))
                    s.close()
            finally:
                process.terminate()
                said = process.communicate()[0]
            self.assertIn("url=http://127.0.0.1:%d\n" % one.getsockname()[1], said)
            self.assertEqual(process.returncode, 0)

    def test_sockets_for_another_process_are_left_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as one:
            process = self.serve([one.fileno()], pid="1", more=["--port", "0"])
            try:
                self.assertEqual(self.manager.next(), "READY=1")
            finally:
                process.terminate()
                said = process.communicate()[0]
            self.assertNotIn(":%d\n" % one.getsockname()[1], said)

    def test_what_is_no_listening_socket_is_refused(self):
        with socket.socket() as deaf:
            process = self.serve([deaf.fileno()])
            said = process.communicate(timeout=20 * SLOW)[1]
            self.assertEqual((process.returncode, "LISTEN_FDS: descriptor 3" in said), (3, True), said)

    def test_a_socket_that_others_reach_needs_a_key_like_any_listener(self):
        with socket.create_server(("0.0.0.0", 0)) as one:
            process = self.serve([one.fileno()])
            said = process.communicate(timeout=20 * SLOW)[1]
            self.assertEqual((process.returncode, "can be reached from outside" in said), (3, True), said)

    def test_the_units_ask_for_all_of_it(self):
        service, sockets = ((UNITS / name).read_text() for name in ("tftd.service", "tftd.socket"))
        self.assertRegex(service, r"(?m)^Type=notify$")
        self.assertRegex(service, r"(?m)^WatchdogSec=\d+s$")
        self.assertRegex(sockets, r"(?m)^ListenStream=127\.0\.0\.1:8000$")
        if shutil.which("systemd-analyze"):
            with tempfile.TemporaryDirectory() as folder:
                for name in ("tftd.service", "tftd.socket"):
                    text = (UNITS / name).read_text().replace("/usr/bin/tftd", TFTD)
                    (pathlib.Path(folder) / name).write_text(text)
                done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(os.path.join(folder, n) for n in ("tftd.service", "tftd.socket"))],
                                      capture_output=True, text=True)
                complaints = [line for line in done.stderr.splitlines() if re.search(r"tftd\.(service|socket)", line)]
                self.assertEqual(complaints, [], done.stderr)


if __name__ == "__main__":
    unittest.main()
