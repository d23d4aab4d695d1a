"""What mounted files hold beside secrets: private keys, assertions, certificates."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from secret_refresher.adapters.token_endpoint.signing import assertion as signed, signing_key
from secret_refresher.adapters.token_endpoint.validity import validity as held
from secret_refresher.errors import Trouble
from secret_refresher.tokens import assertion
from secret_refresher.tokens.secret import Secret
from support.fuzzing.mutate import CANARY, bend, spoil, written
from support.fuzzing.sound import told


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(written(value)).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()


_KEY = ec.derive_private_key(int.from_bytes(b"always the same key".ljust(31, b".")), ec.SECP256R1())
_POINT = _KEY.public_key().public_numbers()
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
_CERTIFICATE = (
    x509.CertificateBuilder(_NAME, _NAME, _KEY.public_key(), 7)
    .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    .not_valid_after(datetime(2056, 1, 1, tzinfo=UTC))
    .sign(_KEY, hashes.SHA256())
)
_PEM = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_SEC1 = _KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
_SHOWN = _CERTIFICATE.public_bytes(Encoding.PEM)
_DER = _CERTIFICATE.public_bytes(Encoding.DER)
_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": _number(_POINT.x),
    "y": _number(_POINT.y),
    "d": _number(_KEY.private_numbers().private_value),
    "kid": "one",
    "alg": "ES256",
    "use": "sig",
}
_JWKS: tuple[Any, ...] = (_JWK, {"keys": [_JWK, {**_JWK, "kid": "two"}]}, {**_JWK, "d": CANARY})
_FILES = (_PEM, _SEC1, _PEM + _SHOWN, _SHOWN, written(_JWK))


def key(random: Random) -> str:
    """A key that is taken signs; one that is not is told without a part of it."""
    if random.random() < 0.5:
        content = spoil(random.choice(_FILES), _FILES, random)
    else:
        content = written(bend(random.choice(_JWKS), random))
    try:
        found = signing_key("/key", content, random.choice((None, None, "one")), None)
    except Trouble as trouble:
        return told(trouble)
    made = signed(found, Secret("me"), "https://id.example.com/t", 1.7e9).reveal()
    assert len(made.split(".")) == 3
    return "signs"


_HEADER = {"alg": "RS256", "typ": "JWT", "kid": CANARY}
_CLAIMS = {"sub": CANARY, "exp": 1_795_600_000, "nbf": 1_795_500_000, "iat": 1_795_500_000}


def jwt(random: Random) -> str:
    """An assertion has the form of one, and says when it ends or nothing; it is not quoted."""
    header, claims = _HEADER, _CLAIMS
    if random.random() < 0.7:
        header, claims = bend(header, random), bend(claims, random)
    content = f"{_part(header)}.{_part(claims)}.{CANARY}\n".encode()
    if random.random() < 0.4:
        content = spoil(content, (content,), random)
    ends = assertion.validity(content).ends
    assert ends is None or abs(ends) <= 1e15
    try:
        assertion.parse("/token", content)
    except Trouble as trouble:
        return told(trouble)
    return f"a JWT, ends {ends is not None}"


def certificate(random: Random) -> str:
    """Dates of a certificate are numbers, or there is none."""
    content = _DER if random.random() < 0.05 else spoil(_DER, (_DER,), random)
    try:
        begins, ends = held(content)
    except ValueError:
        return "no certificate"
    json.dumps([begins, ends], allow_nan=False)
    return "dates"
