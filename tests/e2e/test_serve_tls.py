"""TLS against a real daemon: versions, a certificate replaced while a connection stays open, client certificates, bad files."""
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from certificates import SecureDaemon, make_ca, make_cert, openssl
from serving import SLOW, TFTD, Daemon

if shutil.which("openssl") is None:
    print("skipped: no openssl to make certificates with")
    raise SystemExit(77)


def context(folder, client=None, version=None):
    c = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    if client:
        c.load_cert_chain(f"{folder}/{client}.pem", f"{folder}/{client}.key")
    if version:
        c.minimum_version = c.maximum_version = version
    return c


def connect(d, c):
    connection = http.client.HTTPSConnection("127.0.0.1", d.port, context=c, timeout=10 * SLOW)
    connection.connect()
    return connection


def ask(connection, path="/health"):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def subject(d, folder):
    connection = connect(d, context(folder))
    try:
        return dict(x[0] for x in connection.sock.getpeercert()["subject"])["commonName"]
    finally:
        connection.close()


def is_refused(d, c):
    """TLS 1.3 tells a client about its certificate only after the client thinks it is connected."""
    try:
        connection = connect(d, c)
        try:
            ask(connection)
        finally:
            connection.close()
    except (ssl.SSLError, ConnectionError, http.client.HTTPException):
        return True
    return False


def replace(folder, name):
    for end in ("key", "pem"):
        shutil.copy(f"{folder}/{name}.{end}", f"{folder}/live.{end}.new")
        os.rename(f"{folder}/live.{end}.new", f"{folder}/live.{end}")


def wait_for(condition, why, seconds=15):
    until = time.monotonic() + seconds * SLOW
    while not condition():
        assert time.monotonic() < until, why
        time.sleep(0.1)


def speaks_tls_12_and_13_only(d, folder):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connection = connect(d, context(folder, version=version))
        assert ask(connection) == 200, version
        connection.close()
    old = context(folder)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    assert is_refused(d, old), "TLS 1.1 was accepted"
    with socket.create_connection(("127.0.0.1", d.port), timeout=10 * SLOW) as plain:
        plain.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" not in plain.recv(4096), "plain HTTP was answered"


def no_session_is_resumed(d, folder):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        c = context(folder, version=version)
        with socket.create_connection(("127.0.0.1", d.port), timeout=10 * SLOW) as plain, c.wrap_socket(plain, server_hostname="127.0.0.1") as first:
            first.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert first.recv(4096)  # in TLS 1.3 a ticket would have come by now
            kept = first.session
        with socket.create_connection(("127.0.0.1", d.port), timeout=10 * SLOW) as plain, c.wrap_socket(plain, server_hostname="127.0.0.1", session=kept) as again:
            assert not again.session_reused, version


def a_certificate_is_replaced_while_a_connection_stays_open(d, folder):
    assert subject(d, folder) == "first"
    kept = connect(d, context(folder))
    assert ask(kept) == 200
    replace(folder, "second")  # no signal: the files are looked at
    wait_for(lambda: subject(d, folder) == "second", "the new certificate is not shown")
    assert ask(kept) == 200, "the open connection was dropped"
    replace(folder, "first")
    d.process.send_signal(signal.SIGHUP)
    wait_for(lambda: subject(d, folder) == "first", "SIGHUP does not read the certificate")
    assert ask(kept) == 200
    kept.close()


def a_bad_file_keeps_the_old_certificate(d, folder):
    begin = os.path.getsize(d.log_path)
    shutil.copy(f"{folder}/second.key", f"{folder}/live.key")  # a key of another certificate
    wait_for(lambda: "the old certificate stays" in d.log(begin), "nobody said so")
    assert "is not the key of the certificate" in d.log(begin)
    assert subject(d, folder) == "first"
    replace(folder, "first")


def clients_need_a_certificate_of_the_authority(folder):
    with SecureDaemon(environment={"TFTD_TLS_CERT": f"{folder}/live.pem", "TFTD_TLS_KEY": f"{folder}/live.key",
                                   "TFTD_TLS_CLIENT_CA": f"{folder}/ca.pem"}) as d:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            connection = connect(d, context(folder, "client", version))
            assert ask(connection) == 200
            connection.close()
            assert is_refused(d, context(folder, version=version)), "a client without a certificate came in"
            assert is_refused(d, context(folder, "stranger", version)), "another authority's client came in"
            assert is_refused(d, context(folder, "second", version)), "a server's certificate served as a client's"


def a_reload_takes_other_files_and_another_oldest_version(folder):
    d = SecureDaemon()
    config = os.path.join(d.data, "tftd.yaml")

    def write(cert, more=""):
        with open(config, "w") as file:
            file.write("tls: {cert: '%s.pem', key: '%s.key'%s}\n" % (f"{folder}/{cert}", f"{folder}/{cert}", more))

    def reload(cert, more=""):
        begin = os.path.getsize(d.log_path)
        write(cert, more)
        d.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "[INFO] Reloaded" in d.log(begin) or "[ERROR]" in d.log(begin), "SIGHUP did nothing")
        return d.log(begin)

    tls12, tls13 = (lambda: context(folder, version=ssl.TLSVersion.TLSv1_2)), (lambda: context(folder, version=ssl.TLSVersion.TLSv1_3))
    write("first")
    with d:
        kept = connect(d, tls12())
        assert ask(kept) == 200 and subject(d, folder) == "first"
        assert f"TLS: {folder}/second.pem is the certificate" in reload("second", ", min_version: '1.3'")
        assert subject(d, folder) == "second"
        assert is_refused(d, tls12()), "TLS 1.2 was accepted"
        assert not is_refused(d, tls13())
        assert ask(kept) == 200, "the open connection was dropped"
        kept.close()
        reload("second", f", client_ca: '{folder}/ca.pem'")
        assert is_refused(d, tls13()), "a client without a certificate came in"
        assert not is_refused(d, context(folder, "client"))
        assert "the old certificate stays" in reload("nowhere")
        assert not is_refused(d, context(folder, "client"))
        reload("first")
        assert not is_refused(d, tls12()) and subject(d, folder) == "first"


def refuses_to_start(folder, expected, **environment):
    names = {"TFTD_TLS_" + k.upper(): v for k, v in environment.items()}
    with tempfile.TemporaryDirectory() as data:
        done = subprocess.run([TFTD, "serve", "--port", "0", "--no-model", "--data-dir", data + "/db"], capture_output=True, text=True,
                              env={**os.environ, "TFTD_DASHBOARD_LISTEN": "", **names}, timeout=60 * SLOW)
    assert done.returncode == 3, (done.returncode, done.stderr)
    assert expected in done.stderr, done.stderr


def main():
    folder = tempfile.mkdtemp(prefix="tftd-tls-")
    try:
        make_ca(folder, "ca")
        make_ca(folder, "otherca")
        make_cert(folder, "ca", "first", "serverAuth")
        make_cert(folder, "ca", "second", "serverAuth")
        make_cert(folder, "ca", "client", "clientAuth")
        make_cert(folder, "otherca", "stranger", "clientAuth")
        replace(folder, "first")
        with SecureDaemon(environment={"TFTD_TLS_CERT": f"{folder}/live.pem", "TFTD_TLS_KEY": f"{folder}/live.key"}) as d:
            speaks_tls_12_and_13_only(d, folder)
            no_session_is_resumed(d, folder)
            a_certificate_is_replaced_while_a_connection_stays_open(d, folder)
            a_bad_file_keeps_the_old_certificate(d, folder)
        clients_need_a_certificate_of_the_authority(folder)
        a_reload_takes_other_files_and_another_oldest_version(folder)
        refuses_to_start(folder, "go together", cert=f"{folder}/first.pem")
        refuses_to_start(folder, "is not the key of", cert=f"{folder}/first.pem", key=f"{folder}/second.key")
        refuses_to_start(folder, "nowhere.pem", cert=f"{folder}/nowhere.pem", key=f"{folder}/first.key")
        refuses_to_start(folder, "no certificate", cert=f"{folder}/first.key", key=f"{folder}/first.key")
    finally:
        shutil.rmtree(folder)


main()
