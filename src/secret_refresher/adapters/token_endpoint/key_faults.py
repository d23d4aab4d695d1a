"""The fault of a key file that cannot be used."""

from __future__ import annotations

from secret_refresher.errors import Fault, Lane, Reason, Trouble


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
