"""Keys that clients sign with, for every algorithm of JWS, and what a server knows of them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from support.certificates import Leaf

_PEM = serialization.Encoding.PEM
_PKCS8 = serialization.PrivateFormat.PKCS8
_OPEN = serialization.NoEncryption()
_CURVES: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}
_NAMES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALGORITHMS = (
    *(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "EdDSA",
)
"""Those of RFC 7518 section 3.1 with a public key, and that of RFC 8037."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@final
@dataclass(frozen=True, slots=True)
class ClientKey:
    """A private key as a PEM file, and the public half as a JWK (RFC 7517) for one algorithm."""

    file: Path
    jwk: dict[str, Any]


@final
class Keyring:
    """One key for each kind of algorithm, in a folder; made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, PrivateKey] = {}

    def key(self, algorithm: str) -> ClientKey:
        """The key for an algorithm; RSA serves its six."""
        kind = "RSA" if algorithm[:2] in {"RS", "PS"} else algorithm
        file = self._folder / f"{kind}.pem"
        if kind not in self._keys:
            self._keys[kind] = _generated(kind)
            file.write_bytes(self._keys[kind].private_bytes(_PEM, _PKCS8, _OPEN))
        shown = _public(self._keys[kind], kind)
        return ClientKey(file, {**shown, "kid": kind, "use": "sig", "alg": algorithm})

    def assertion(self, claims: dict[str, Any]) -> str:
        """An assertion by the RSA key with RS256: what another issuer would have signed."""
        self.key("RS256")
        key = self._keys["RSA"]
        assert isinstance(key, rsa.RSAPrivateKey)
        parts = ({"alg": "RS256", "typ": "JWT", "kid": "RSA"}, claims)
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_base64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def self_signed(self, name: str = "self-signed") -> tuple[Leaf, dict[str, Any]]:
        """A certificate that vouches for itself, and the JWK with it (RFC 8705 section 2.2.2)."""
        key = _generated("ES256")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(subject, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        leaf = Leaf(str(self._folder / f"{name}.pem"), str(self._folder / f"{name}.key"))
        Path(leaf.certificate).write_bytes(made.public_bytes(_PEM))
        Path(leaf.key).write_bytes(key.private_bytes(_PEM, _PKCS8, _OPEN))
        shown = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
        return leaf, {**_public(key, "ES256"), "kid": name, "use": "sig", "x5c": [shown]}


def subject(certificate: str) -> str:
    """The subject of a PEM file's certificate (RFC 4514)."""
    return x509.load_pem_x509_certificate(Path(certificate).read_bytes()).subject.rfc4514_string()


def thumbprint(certificate: str) -> str:
    """What a token bound to a PEM file's certificate says of it (RFC 8705 section 3.1)."""
    shown = x509.load_pem_x509_certificate(Path(certificate).read_bytes())
    return _base64(shown.fingerprint(hashes.SHA256()))


def claims(token: str) -> dict[str, Any]:
    """What a JWT says."""
    payload = token.split(".")[1]
    said: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return said


def _generated(kind: str) -> PrivateKey:
    if kind == "RSA":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(_CURVES[kind]) if kind in _CURVES else _edwards()


def _edwards() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def _public(key: PrivateKey, kind: str) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
        shown = {"kty": "EC", "crv": _NAMES[kind]}
        return {**shown, "x": _number(point.x, size), "y": _number(point.y, size)}
    raw = key.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64(raw)}


def _number(value: int, size: int | None = None) -> str:
    return _base64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
