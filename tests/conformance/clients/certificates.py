"""Certificates for the suites about TLS, made by the openssl command when they are needed."""

import itertools
import pathlib
import subprocess
import tempfile

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Signs certificates; its own is the file `path`. Everything lies in a folder that close()
    removes."""

    def __init__(self, name="Test authority"):
        self._folder = tempfile.TemporaryDirectory(prefix="millrace-tls-")
        self._place = pathlib.Path(self._folder.name)
        self._numbers = itertools.count(100)
        self.path = str(self._place / "authority.pem")
        self._key = self._place / "authority.key"
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", self._key, "-out", self.path, "-subj", f"/CN={name}", "-days", 2,
        )

    def issue(self, name, days=2, kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        """A Certificate for localhost, with a key of its own."""
        number = next(self._numbers)
        made = Certificate(self._place, name, number)
        request = self._place / f"{name}-{number}.csr"
        names = self._place / "names"
        names.write_text(NAMES, encoding="ascii")
        openssl(
            "req", "-new", "-newkey", *kind, "-nodes",
            "-keyout", made.key, "-out", request, "-subj", f"/CN={name}",
        )
        openssl(
            "x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self._key,
            "-set_serial", number, "-days", days, "-extfile", names, "-out", made.certificate,
        )
        return made

    def file(self, name, text=""):
        """The path of another file in the folder."""
        path = self._place / name
        path.write_text(text, encoding="ascii")
        path.chmod(0o600)
        return str(path)

    def close(self):
        self._folder.cleanup()


class Certificate:
    """The paths of a certificate and of its key, and the certificate's serial number."""

    def __init__(self, folder, name, number):
        self.certificate = str(folder / f"{name}-{number}.pem")
        self.key = str(folder / f"{name}-{number}.key")
        self.number = number

    def put_at(self, certificate, key):
        """Writes both over other files, as who renews a certificate does."""
        for source, target in ((self.certificate, certificate), (self.key, key)):
            pathlib.Path(target).write_bytes(pathlib.Path(source).read_bytes())
