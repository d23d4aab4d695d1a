"""The fault of a key file that cannot be used."""

from __future__ import annotations

from secret_refresher.errors import Fault, Lane, Reason, Trouble

LEAST_BITS, MOST_BITS = 2048, 4096
"""Of an RSA key. Less is weak (RFC 7518 section 3.3). To check more takes seconds, in which no
other thread of the process gets on: 0.05 s for 2048 bits, 0.3 s for 4096, but 16 s for 8192."""


def refused(path: str, what: str, advice: str) -> Trouble:
    """To be raised; `FILE` in the advice stands for the path. Never anything of a key in it."""
    return Trouble(
        Fault(
            Reason.CREDENTIALS,
            f"the key file {path} {what}",
            advice.replace("FILE", path),
            Lane.PERMANENT,
        )
    )


def too_large(path: str) -> Trouble:
    """To be raised for an RSA key that is not even read."""
    return refused(
        path,
        f"holds a key of more than {MOST_BITS} bits",
        f"make an RSA key of {LEAST_BITS} to {MOST_BITS} bits, or where that is too weak, one on a"
        " curve",
    )
