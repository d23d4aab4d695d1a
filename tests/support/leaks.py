"""Searches whatever was shown for secrets: whole or in part, plain or encoded.

    hunt = Hunt(secret, *tokens)
    assert hunt.found(log=daemon.text(), metrics=page) == []

A part is any eight characters in a row. So secrets that are hunted must be random: of a secret
with words in it, words would be found.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

PART = 8
"""Characters in a row that give a secret away."""
_IN_HEX = 2 * PART
"""Hexadecimal digits of as many; eight digits alone may be a hash's."""


def random_secret() -> str:
    """A client secret with characters that each encoding writes otherwise."""
    half = secrets.token_urlsafe
    return f"{half(12)}/+{half(9)}={half(9)}&%{half(9)}"


def random_part(minted: str) -> str:
    """What nobody can guess of a token of the tests' authorization server."""
    return minted[-32:]


class Hunt:
    """Knows every form of some secrets."""

    def __init__(self, *hidden: str) -> None:
        self._parts: dict[str, str] = {}
        for secret in hidden:
            assert len(secret) >= 2 * PART, "a short secret is found by chance"
            for form, text, length in _forms(secret):
                for begin in range(len(text) - length + 1):
                    self._parts.setdefault(text[begin : begin + length], form)

    def found(self, **places: str | bytes) -> list[str]:
        """Where secrets show, and in which form; of each place and form once, without them."""
        told = set()
        for place, content in places.items():
            text = content if isinstance(content, str) else content.decode("latin-1")
            for length in (PART, _IN_HEX):
                windows = {text[i : i + length] for i in range(len(text) - length + 1)}
                told |= {f"{place}: {self._parts[part]}" for part in windows & self._parts.keys()}
        return sorted(told)


def _forms(secret: str) -> Iterator[tuple[str, str, int]]:
    """Name, text, and how long a part of it is."""
    content = secret.encode()
    yield "plain", secret, PART
    yield "backwards", secret[::-1], PART
    for quoted in {quote(secret, safe=""), quote(secret), quote_plus(secret)}:
        yield "URL-encoded", quoted, PART
        yield "URL-encoded", quoted.replace("%2F", "%2f").replace("%2B", "%2b"), PART
    for skipped in range(3):
        # What stands before shifts the encoding; its first and last characters tell of neighbours.
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * skipped + content).decode().rstrip("=")
            yield "Base64", text[2 if skipped else 0 : -1], PART
    yield "hex", content.hex(), _IN_HEX
    yield "hex", content.hex().upper(), _IN_HEX
    yield "UTF-16", content.decode("latin-1").encode("utf-16-le").decode("latin-1"), _IN_HEX
