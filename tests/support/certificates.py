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


@final
@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate with its key, as PEM files."""

    certificate: str
    key: str

    def server(self) -> ssl.SSLContext:
        """A context that serves it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """An authority of its own, in an empty folder; `file` is its certificate."""

    def __init__(self, folder: str, name: str = "tests") -> None:
        self._folder = folder
        self._name = name
        self.file = os.path.join(folder, "ca.pem")
        self._key = os.path.join(folder, "ca.key")
        with open(os.path.join(folder, "index"), "w", encoding="utf-8"):
            pass
        config = self._config(name, "DNS:unused")
        root = ["-config", config, "-extensions", "root", "-days", "30"]
        _openssl(["req", "-x509", *root, *_KEY, "-keyout", self._key, "-out", self.file])

    def issue(
        self, names: str = "DNS:localhost,IP:127.0.0.1", begins: int = -1, ends: int = 30
    ) -> Leaf:
        """A certificate for `names` (an OpenSSL subjectAltName), valid from and to these days."""
        number = len(os.listdir(self._folder))
        base = os.path.join(self._folder, f"leaf-{number}")
        leaf = Leaf(f"{base}.pem", f"{base}.key")
        config = self._config(f"leaf-{number}", names)
        asked = f"{base}.csr"
        _openssl(["req", "-new", "-config", config, *_KEY, "-keyout", leaf.key, "-out", asked])
        signer = ["-config", config, "-cert", self.file, "-keyfile", self._key]
        dates = ["-startdate", _date(begins), "-enddate", _date(ends)]
        files = ["-in", asked, "-out", leaf.certificate]
        _openssl(["ca", "-batch", "-notext", *signer, *dates, *files])
        return leaf

    def _config(self, name: str, names: str) -> str:
        path = os.path.join(self._folder, f"{name}.cnf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(name=name, names=names, folder=self._folder))
        return path


def _date(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(arguments: list[str]) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr}")
