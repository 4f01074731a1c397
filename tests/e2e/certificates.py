"""Certificates made by openssl for a test, and a daemon that speaks TLS."""
import subprocess

from serving import Daemon


class SecureDaemon(Daemon):
    def start(self, timeout=20):
        """As Daemon's, whose pattern of the [READY] line waits for http://."""
        log_of = self.log
        self.log = lambda begin=0: log_of(begin).replace("url=https://", "url=http://")
        try:
            return super().start(timeout)
        finally:
            self.log = log_of


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_ca(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
            "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")


def make_cert(folder, ca, name, usage, common_name=None):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + (common_name or name),
            "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr")
    with open(f"{folder}/{name}.ext", "w") as ext:
        ext.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%s\n" % usage)
    openssl("x509", "-req", "-days", "2", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{ca}.pem", "-CAkey", f"{folder}/{ca}.key",
            "-CAcreateserial", "-extfile", f"{folder}/{name}.ext", "-out", f"{folder}/{name}.pem")
