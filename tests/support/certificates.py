"""A certificate authority for tests of TLS, by the openssl command (1.1.1 or newer)."""

from __future__ import annotations

import os
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import final

_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[between]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[ca]
default_ca = here
[here]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
x509_extensions = leaf
[any]
commonName = supplied
"""
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
_END = "-----END CERTIFICATE-----"
_NAMES = "DNS:localhost,IP:127.0.0.1"


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate with its key, as PEM files."""

    certificate: str
    key: str

    def server(
        self, clients: str | None = None, *, seen: list[bytes | None] | None = None
    ) -> ssl.SSLContext:
        """A context that serves it.

        With `clients`, a file of authorities, everybody has to show a certificate of one of them.
        `seen` gets the certificate of each connection in DER, or None.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        if seen is not None:
            context.sslsocket_class = _witness(seen)
        return context

    def der(self) -> bytes:
        """The certificate as it is seen in TLS."""
        return ssl.PEM_cert_to_DER_cert(_text(self.certificate).split("-----END", 1)[0] + _END)

    def followed_by(self, *files: str) -> Leaf:
        """The same with the certificates of these files behind its own, in a file of its own."""
        path = f"{self.certificate}.chain"
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(map(_text, (self.certificate, *files))))
        return Leaf(path, self.key)

    def in_one(self) -> str:
        """A PEM file with both."""
        path = f"{self.certificate}.both"
        with open(path, "w", encoding="utf-8") as file:
            file.write(_text(self.certificate) + _text(self.key))
        return path


class Authority:
    """An authority of its own, in an empty folder; `file` is its certificate.

    With `under` it stands below another one.
    """

    def __init__(self, folder: str, name: str = "tests", under: Authority | None = None) -> None:
        self._folder = folder
        self._name = name
        self.file = os.path.join(folder, "ca.pem")
        self._key = os.path.join(folder, "ca.key")
        with open(os.path.join(folder, "index"), "w", encoding="utf-8"):
            pass
        config = self._config(name, "DNS:unused")
        if under is not None:
            asked = os.path.join(folder, "ca.csr")
            _openssl(["req", "-new", "-config", config, *_KEY, "-keyout", self._key, "-out", asked])
            under.sign(config, asked, self.file, "between")
            return
        root = ["-config", config, "-extensions", "root", "-days", "30"]
        _openssl(["req", "-x509", *root, *_KEY, "-keyout", self._key, "-out", self.file])

    def sign(
        self, config: str, asked: str, out: str, section: str, days: tuple[float, float] = (-1, 30)
    ) -> None:
        """A certificate for a request, valid from and to these days."""
        signer = ["-config", config, "-cert", self.file, "-keyfile", self._key]
        dates = ["-startdate", _date(days[0]), "-enddate", _date(days[1]), "-extensions", section]
        _openssl(["ca", "-batch", "-notext", *signer, *dates, "-in", asked, "-out", out])

    def self_signed(self, begins: float = -1, ends: float = 30) -> Leaf:
        """A certificate that no authority stands behind."""
        base = os.path.join(self._folder, f"alone-{len(os.listdir(self._folder))}")
        leaf = Leaf(f"{base}.pem", f"{base}.key")
        config, asked = self._config(os.path.basename(base), _NAMES), f"{base}.csr"
        _openssl(["req", "-new", "-config", config, *_KEY, "-keyout", leaf.key, "-out", asked])
        dates = ["-startdate", _date(begins), "-enddate", _date(ends)]
        signer = ["-config", config, "-selfsign", "-keyfile", leaf.key]
        files = ["-in", asked, "-out", leaf.certificate]
        _openssl(["ca", "-batch", "-notext", *signer, *dates, *files])
        return leaf

    def issue(self, names: str = _NAMES, begins: float = -1, ends: float = 30) -> Leaf:
        """A certificate for `names` (an OpenSSL subjectAltName), valid from and to these days."""
        number = len(os.listdir(self._folder))
        base = os.path.join(self._folder, f"leaf-{number}")
        leaf = Leaf(f"{base}.pem", f"{base}.key")
        config = self._config(f"leaf-{number}", names)
        asked = f"{base}.csr"
        _openssl(["req", "-new", "-config", config, *_KEY, "-keyout", leaf.key, "-out", asked])
        self.sign(config, asked, leaf.certificate, "leaf", (begins, ends))
        return leaf

    def _config(self, name: str, names: str) -> str:
        path = os.path.join(self._folder, f"{name}.cnf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(name=name, names=names, folder=self._folder))
        return path


def _witness(seen: list[bytes | None]) -> type[ssl.SSLSocket]:
    class Witness(ssl.SSLSocket):
        """Puts down whom it talks to."""

        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as ssl has it
            super().do_handshake(block)
            seen.append(self.getpeercert(binary_form=True))

    return Witness


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _date(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(arguments: list[str]) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr}")
