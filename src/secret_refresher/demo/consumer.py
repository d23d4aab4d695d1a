"""Somebody who needs the token: reads the file again and again, and trusts nothing in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import final

from secret_refresher.demo.server import AuthorizationServer, Verdict
from secret_refresher.ports import Clock

BROKEN = (Verdict.EXPIRED, Verdict.EMPTY, Verdict.TORN)
"""What no consumer may ever see, as long as nobody but the daemon writes the file."""
_MOST = 64 * 1024


@final
@dataclass(frozen=True, slots=True)
class Change:
    """The file is not what it was at the read before.

    `mark` is a short hash of what it holds now and `number` counts tokens from 1, both None
    unless that is a live token; `first`: there was none before it. `left`: seconds of life of
    the token that it replaced, negative where that was dead, None where it is the same again.
    `after`: seconds since the file last held a live token.
    """

    verdict: Verdict
    mark: str | None
    number: int | None
    first: bool
    left: float | None
    remaining: float
    after: float


@final
class Consumer:
    """Reads the file as any program would, and asks the server what each text is."""

    def __init__(self, path: str, server: AuthorizationServer, clock: Clock) -> None:
        self._path = path
        self._server = server
        self._clock = clock
        self._last: tuple[Verdict, str] = (Verdict.MISSING, "")
        self._current = ""
        self._tokens: list[str] = []
        self._lived = clock.now()
        self.seen: Counter[Verdict] = Counter()
        """Reads by what they found, from the first live token on."""

    @property
    def tokens(self) -> int:
        """Different tokens that the file has held."""
        return len(self._tokens)

    def look(self) -> Change | None:
        """Reads once; what has changed since the read before, if anything."""
        # The clock first: whoever is held up between the two blames nobody for it.
        now = self._clock.now()
        text = self._text()
        verdict = Verdict.MISSING if text is None else self._server.verdict(text, now)
        if self._tokens or verdict is Verdict.LIVE:
            self.seen[verdict] += 1
        found = (verdict, text or "")
        change = None if found == self._last else self._change(verdict, text or "", now)
        self._last = found
        if verdict is Verdict.LIVE:
            self._lived = now
        return change

    def _change(self, verdict: Verdict, text: str, now: float) -> Change:
        if verdict is not Verdict.LIVE:
            return Change(verdict, None, None, False, None, 0.0, now - self._lived)
        first, left = not self._tokens, None
        if text != self._current:
            left = None if first else self._server.remaining(self._current)
            self._current = text
            if text not in self._tokens:
                self._tokens.append(text)
        return Change(
            verdict,
            hashlib.sha256(text.encode()).hexdigest()[:8],
            self._tokens.index(text) + 1,
            first,
            left,
            self._server.remaining(text),
            now - self._lived,
        )

    def _text(self) -> str | None:
        try:
            with open(self._path, "rb") as file:
                return file.read(_MOST).decode("utf-8", "replace")
        except OSError:
            return None
