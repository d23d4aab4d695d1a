"""Assertions that we sign (RFC 7523 section 2.2), and the keys that sign them.

This module and the two that read keys, `pem` and `jwk`, are the only ones that import `jwt` and
`cryptography`; they are loaded once a token signs, and cost nobody else their 12 MiB.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import OKPAlgorithm
from jwt.api_jws import PyJWS

from secret_refresher.adapters.token_endpoint import jwk, pem
from secret_refresher.adapters.token_endpoint.key_faults import (
    LEAST_BITS,
    MOST_BITS,
    refused,
    too_large,
)
from secret_refresher.config.model import Algorithm
from secret_refresher.errors import Fault, Trouble
from secret_refresher.tokens.secret import Secret

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
LIFE = 60
"""Seconds that an assertion is valid: long enough for one request to a server whose clock is
not quite ours, short enough to be of no use to whoever finds it later. Servers that bound it
allow five minutes (Auth0) to a day."""
KEPT = 1024
"""Keys that are kept ready, at about 10 KiB: to check one of RSA takes 45 ms and more, and holds
up every other thread meanwhile."""
_RSA = tuple(algorithm for algorithm in Algorithm if algorithm[:2] in {"RS", "PS"})
_CURVES = {
    "secp256r1": Algorithm.ES256,
    "secp384r1": Algorithm.ES384,
    "secp521r1": Algorithm.ES512,
}
_MARK = b"\xef\xbb\xbf"
"""A byte order mark, which some editors write."""
_JWS = PyJWS()
_JWS.register_algorithm(Algorithm.ED25519, OKPAlgorithm())
_JWS.register_algorithm(Algorithm.ED448, OKPAlgorithm())


@final
@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key, an algorithm that fits it, and the header members that name it."""

    key: PrivateKey
    algorithm: Algorithm
    named: Mapping[str, str]

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithm})"


def assertion(key: SigningKey, client_id: Secret[str], audience: str, now: float) -> Secret[str]:
    """A new assertion; `now` is the wall clock in seconds since the epoch.

    It has no `nbf`: no server asks for one, and some refuse one that is a second ahead of them.
    """
    claims = {
        "iss": client_id.reveal(),
        "sub": client_id.reveal(),
        # A text, not a list of one: servers must refuse any other audience beside theirs, and
        # some do so by refusing lists.
        "aud": audience,
        "iat": int(now),
        "exp": int(now) + LIFE,
        "jti": secrets.token_urlsafe(16),
    }
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return Secret(_JWS.encode(payload, key.key, str(key.algorithm), dict(key.named)))


def signing_key(
    path: str, content: bytes | Fault, key_id: str | None, algorithm: Algorithm | None
) -> SigningKey:
    """The key in a file: PKCS#8, PKCS#1 or SEC 1 as PEM, or a JWK, alone or in a set.

    `key_id` names it at the server, and chooses it in a set; `algorithm` of None means the JWK's
    own, else RS256 for RSA, else the one that the curve is for. Raises `Trouble` that names the
    file and the remedy, never anything of the key.
    """
    if isinstance(content, Fault):
        raise Trouble(content)
    content = content.removeprefix(_MARK)
    if not content.strip():
        raise refused(path, "is empty", "write the private key into the Secret's key")
    meant: str | None = None
    if content.lstrip()[:1] in {b"{", b"["}:
        key, named, meant = jwk.private_key(path, content, key_id)
    else:
        key, named = pem.private_key(path, content)
    if key is None:
        raise refused(
            path,
            "holds a private key that cannot be read",
            "was it cut off, or pasted in part? Put the whole file back",
        )
    if not isinstance(key, PrivateKey):
        raise refused(
            path,
            "holds a key of a kind that signs no assertions",
            "use RSA, EC on P-256, P-384 or P-521, Ed25519 or Ed448",
        )
    if key_id is not None:
        named["kid"] = key_id
    return SigningKey(key, _fitting(path, key, algorithm, meant), named)


def _fitting(path: str, key: PrivateKey, wanted: Algorithm | None, meant: str | None) -> Algorithm:
    """The algorithm in force; `meant` is what a JWK says of itself."""
    kind, able = _able(path, key)
    if wanted is not None and wanted not in able:
        raise refused(
            path,
            f"holds {kind}, which cannot sign with auth.algorithm {wanted}",
            f"write {' or '.join(able)} there, or name another key",
        )
    if meant is None:
        return wanted or able[0]
    if meant not in able:
        raise refused(
            path,
            f"holds {kind} whose alg is none that it can sign with",
            f"have its alg say {' or '.join(able)}, or leave it out",
        )
    if wanted not in {None, meant}:
        raise refused(
            path,
            f"holds a key whose alg is another than auth.algorithm {wanted}",
            "remove auth.algorithm to use the key's own",
        )
    return Algorithm(meant)


def _able(path: str, key: PrivateKey) -> tuple[str, tuple[Algorithm, ...]]:
    """What kind of key it is, and what it may sign with, the usual first (RFC 7518, RFC 8037).

    Raises `Trouble` where there is nothing.
    """
    if isinstance(key, RSAPrivateKey):
        if key.key_size < LEAST_BITS:
            raise refused(
                path,
                f"holds an RSA key of {key.key_size} bits",
                f"make one of {LEAST_BITS} bits at least (RFC 7518 section 3.3)",
            )
        if key.key_size > MOST_BITS:
            raise too_large(path)
        return "an RSA key", _RSA
    if isinstance(key, EllipticCurvePrivateKey):
        if key.curve.name not in _CURVES:
            raise refused(
                path,
                f"holds an EC key on {key.curve.name}, which no algorithm is for",
                "make one on P-256, P-384 or P-521",
            )
        return f"an EC key on {key.curve.name}", (_CURVES[key.curve.name],)
    if isinstance(key, Ed25519PrivateKey):
        return "an Ed25519 key", (Algorithm.EDDSA, Algorithm.ED25519)
    return "an Ed448 key", (Algorithm.EDDSA, Algorithm.ED448)


@final
class KeyRing:
    """Keys of many tokens, each read anew only when its file holds something else.

    One key is kept for each file and way to use it, so that a rotated one takes the place of the
    one before.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str | None, Algorithm | None], _Kept] = OrderedDict()

    def key(
        self, path: str, content: bytes | Fault, key_id: str | None, algorithm: Algorithm | None
    ) -> SigningKey:
        """As `signing_key`."""
        if isinstance(content, Fault):
            raise Trouble(content)
        place = (path, key_id, algorithm)
        digest = hashlib.blake2b(content, key=self._salt, digest_size=16).digest()
        with self._lock:
            kept = self._kept.get(place)
            if kept is not None and kept.digest == digest:
                self._kept.move_to_end(place)
                return kept.key
        key = signing_key(path, content, key_id, algorithm)
        with self._lock:
            self._kept[place] = _Kept(digest, key)
            self._kept.move_to_end(place)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return key


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    digest: bytes
    key: SigningKey
