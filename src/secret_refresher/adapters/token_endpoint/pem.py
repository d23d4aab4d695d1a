"""A private key in PEM form (RFC 7468): PKCS#8, PKCS#1 or SEC 1, perhaps with its certificate.

The library's exceptions are never passed on, not even as a context: they may tell of the key.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from secret_refresher.adapters.token_endpoint.key_faults import refused, too_large

_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(?:(?!-----).)+-----END \1-----", re.DOTALL)
_PRIVATE = frozenset({b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"})
_PUBLIC = frozenset({b"PUBLIC KEY", b"RSA PUBLIC KEY"})
_CERTIFICATE = b"CERTIFICATE"
_MOST = 3600
"""Bytes of a private key: one of 4096 bits has 3,272, and some more with other line ends."""
_ENCODED_BEGIN = b"LS0tLS1CRUdJTi"
_DER_SEQUENCE = b"\x30"


def private_key(path: str, content: bytes) -> tuple[object | None, dict[str, str]]:
    """The key, None where it cannot be read, and what says to the server which one it is.

    That is the SHA-256 of its certificate, where that stands beside it (`x5t#S256`, RFC 7515
    section 4.1.8): Microsoft Entra ID knows keys by nothing else, and cert-manager writes both
    into one file where it is asked for CombinedPEM. Raises `Trouble` where there is no key, by
    what there is instead.
    """
    blocks = [(match[1], match[0]) for match in _BLOCK.finditer(content)]
    private = [block for label, block in blocks if label in _PRIVATE]
    if len(private) > 1:
        raise refused(path, "holds more than one private key", "keep the one to sign with")
    if not private or b"ENCRYPTED" in private[0]:
        raise refused(path, *_instead(content, encrypted=bool(private)))
    if len(private[0]) > _MOST:
        raise too_large(path)
    key = _key(private[0])
    certificates = [block for label, block in blocks if label == _CERTIFICATE]
    if key is None or not certificates:
        return key, {}
    return key, {"x5t#S256": _thumbprint(path, certificates, key)}


def _key(block: bytes) -> Any:
    try:
        return load_pem_private_key(block, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _instead(content: bytes, *, encrypted: bool) -> tuple[str, str]:
    """What a file without a usable private key is, and what to do."""
    labels = set(_LABEL.findall(content))
    if encrypted or b"ENCRYPTED PRIVATE KEY" in labels:
        return (
            "is encrypted with a password",
            "openssl pkey -in FILE -out NEW makes one without; keep that in the Secret",
        )
    if b"OPENSSH PRIVATE KEY" in labels:
        return "is an OpenSSH key", "on a copy, ssh-keygen -p -m PKCS8 -f COPY turns it into PEM"
    if labels & _PRIVATE:
        return (
            "holds a private key that is not whole",
            "put the whole file back, with real line ends between its lines",
        )
    if labels & _PUBLIC or content.startswith((b"ssh-", b"ecdsa-")):
        return "holds a public key", "name the private key that belongs to it"
    if _CERTIFICATE in labels:
        return "holds a certificate without a key", "name the private key that belongs to it"
    if content.startswith(_ENCODED_BEGIN):
        return "is PEM encoded once more, in base64", "decode it once: base64 -d"
    if content.startswith(_DER_SEQUENCE):
        return "is DER or PKCS#12", "openssl pkey -in FILE -out NEW writes it as PEM"
    return (
        "holds no private key",
        "write it as PEM, from -----BEGIN PRIVATE KEY----- on, or as a JWK",
    )


def _thumbprint(path: str, blocks: list[bytes], key: Any) -> str:
    """Of the key's own certificate; a chain may stand beside it."""
    mine = _public(key.public_key())
    for block in blocks:
        certificate = _certificate(block)
        if certificate is not None and certificate[0] == mine:
            digest = hashlib.sha256(certificate[1]).digest()
            return base64.urlsafe_b64encode(digest).decode().rstrip("=")
    raise refused(
        path,
        "holds certificates, but none of the private key beside them",
        "put the key's own certificate there, or remove them all",
    )


def _certificate(block: bytes) -> tuple[bytes, bytes] | None:
    """Its public key and all of it, both in DER; None where either cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(block)
        return _public(certificate.public_key()), certificate.public_bytes(Encoding.DER)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
