"""What a file with an assertion must hold: a JWT that somebody else signed for us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.claims import claims, is_jwt, number
from secret_refresher.tokens.credentials import parse as credential
from secret_refresher.tokens.secret import Secret


@final
@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when an assertion counts, in seconds since the epoch, as far as it says."""

    begins: float | None = None
    ends: float | None = None


def parse(path: str, content: bytes | Fault) -> Secret[str]:
    """The assertion in a file. Raises `Trouble` that names the file, never what it holds.

    Only its form is looked at. Whether it has expired is for the server to say: our clock may
    be wrong, and must not stop a request that would succeed.
    """
    assertion = credential(path, content)
    if is_jwt(assertion.reveal()):
        return assertion
    raise Trouble(
        Fault(
            Reason.CREDENTIALS,
            f"{path} does not hold a JWT",
            "auth.assertionFile names a file with one, as a projected ServiceAccount token; a"
            " private key belongs to auth.privateKeyFile, a secret to auth.clientSecretFile",
            Lane.PERMANENT,
        )
    )


def validity(content: bytes) -> Validity:
    """What `exp` and `nbf` of a file's content say (RFC 7519 sections 4.1.4 and 4.1.5)."""
    told = claims(content.decode(errors="replace").strip()) or {}
    return Validity(number(told.get("nbf")), number(told.get("exp")))
