"""What a mounted credential file must hold."""

from __future__ import annotations

import re

from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.secret import Secret

MOST = 64 * 1024
"""Bytes of a credential; what is larger is another file."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def parse(path: str, content: bytes | Fault) -> Secret[str]:
    """The credential in a file: UTF-8 without control characters, less one trailing newline.

    Raises `Trouble` that names the file and what to do, never what it holds.
    """
    if isinstance(content, Fault):
        raise Trouble(content)
    content = content.removesuffix(b"\n").removesuffix(b"\r") if content[-1:] == b"\n" else content
    if len(content) > MOST:
        raise _refused(f"{path} is larger than 64 KiB", "is it the right file?")
    if not content:
        raise _refused(f"{path} is empty", "write the credential into the Secret's key")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise _refused(
            f"{path} is not text (UTF-8)", "was it encoded twice, or is it another file?"
        ) from None
    if text.startswith("\ufeff"):
        raise _refused(
            f"{path} begins with a byte order mark", "save it as plain UTF-8, without a BOM"
        )
    if _CONTROL.search(text):
        raise _refused(
            f"{path} holds control characters",
            "write the credential on one line; only one newline at its end is taken off",
        )
    return Secret(text)


def _refused(summary: str, advice: str) -> Trouble:
    return Trouble(Fault(Reason.CREDENTIALS, summary, advice, Lane.PERMANENT))
