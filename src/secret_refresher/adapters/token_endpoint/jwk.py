"""A private key as a JSON Web Key (RFC 7517), alone or in a set.

The library's exceptions quote keys: they are never passed on, not even as a context.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

from secret_refresher.adapters.token_endpoint.key_faults import MOST_BITS, refused, too_large
from secret_refresher.tokens.json_object import json_object

_MOST = MOST_BITS // 6 + 10
"""Characters of a number in base64url."""
_NUMBERS = ("n", "e", "d", "p", "q", "dp", "dq", "qi")
_KINDS: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


def private_key(
    path: str, content: bytes, key_id: str | None
) -> tuple[object | None, dict[str, str], str | None]:
    """The key, None where it cannot be read; its `kid` and `x5t#S256`; and its `alg`.

    `key_id` chooses among the keys of a set. Raises `Trouble` where there is none to sign with.
    """
    found = _chosen(path, content, key_id)
    if any(len(_text(found, number) or "") > _MOST for number in _NUMBERS):
        raise too_large(path)
    named = {name: told for name in ("kid", "x5t#S256") if (told := _text(found, name))}
    return _key(found), named, _text(found, "alg")


def _chosen(path: str, content: bytes, key_id: str | None) -> dict[str, Any]:
    found = json_object(content)
    if found is None:
        raise refused(path, "is JSON that cannot be read", "put the whole JWK back")
    if "kty" in found:
        problem = _unfit(found)
        if problem is not None:
            raise refused(path, *problem)
        return found
    keys = found.get("keys")
    if not isinstance(keys, list):
        raise refused(
            path,
            "is JSON, but no JWK: it has no kty",
            "write the JWK itself into it; where another kind of JSON has a PEM in it, the PEM",
        )
    able = [key for key in keys if isinstance(key, dict) and _unfit(key) is None]
    fitting = [key for key in able if key_id is None or key.get("kid") == key_id]
    if not able:
        raise refused(
            path,
            "is a JWK Set without a private key to sign with",
            "is it the public half? Name the set that has the private keys",
        )
    if not fitting:
        raise refused(
            path,
            "is a JWK Set without the key that auth.keyId names",
            "correct auth.keyId: it must be the kid of one of its private keys",
        )
    if len(fitting) > 1:
        raise refused(
            path,
            f"is a JWK Set with {len(fitting)} keys to sign with",
            "name one in auth.keyId, by a kid that no other has",
        )
    return fitting[0]


def _unfit(found: dict[str, Any]) -> tuple[str, str] | None:
    """What keeps a JWK from signing, and what to do; None if nothing does."""
    if found.get("kty") == "oct":
        return (
            "holds a shared secret (kty oct)",
            "private_key_jwt signs with a private key; a secret belongs to client_secret_basic",
        )
    if _text(found, "kty") not in _KINDS:
        return "holds a JWK of an unknown kind (kty)", "use RSA, EC or OKP"
    if "d" not in found:
        return "holds a public key", "name the private JWK that belongs to it: the one with d"
    uses = found.get("key_ops", ["sign"])
    if found.get("use", "sig") != "sig" or not isinstance(uses, list) or "sign" not in uses:
        return (
            "holds a key that is not for signing (use, key_ops)",
            "name one to sign with: use sig, or neither member",
        )
    return None


def _key(found: dict[str, Any]) -> object | None:
    try:
        key: object = _KINDS[found["kty"]].from_jwk(found)
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        return None
    return key


def _text(found: dict[str, Any], name: str) -> str | None:
    """A member that is a text; None for anything else."""
    value = found.get(name)
    return value if isinstance(value, str) and value else None
