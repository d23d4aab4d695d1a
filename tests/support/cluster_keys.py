"""Keys of a test cluster: a CA, a serving certificate for loopback, the token signing key.

Made with the openssl command (3.0 or newer): every machine has it, and the tests need no
library for it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

_CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = IP:127.0.0.1, IP:::1, DNS:localhost, DNS:kubernetes.default.svc
"""
_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


@final
@dataclass(frozen=True, slots=True)
class Keys:
    """Paths of PEM files."""

    ca: str
    certificate: str
    key: str
    tokens: str
    """Signs and verifies ServiceAccount tokens."""


def make_keys(folder: str) -> Keys:
    """Makes all of them in a folder; tens of milliseconds."""
    at = {name: os.path.join(folder, name) for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")}
    keys = Keys(at["ca.crt"], at["tls.crt"], at["tls.key"], os.path.join(folder, "tokens.key"))
    _certificate("secret-refresher-test-ca", "ca", keys.ca, at["ca.key"])
    signer = ["-CA", keys.ca, "-CAkey", at["ca.key"]]
    _certificate("kube-apiserver", "server", keys.certificate, keys.key, signer)
    # Not PKCS 8: the API server takes the public half from this older form only.
    _openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", keys.tokens])
    return keys


def _certificate(
    name: str, section: str, certificate: str, key: str, signer: Sequence[str] = ()
) -> None:
    config = f"{certificate}.cnf"
    with open(config, "w", encoding="utf-8") as file:
        file.write(_CONFIG.format(name=name))
    profile = ["-config", config, "-extensions", section, "-days", "3650"]
    places = ["-keyout", key, "-out", certificate]
    _openssl(["req", "-x509", *profile, *_NEW_KEY, *signer, *places])


def _openssl(arguments: list[str]) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed; is it 3.0 or newer?\n{done.stderr}")
