"""An application that reads its token from a file all the time, and judges every read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from support.authorization_answers import expiry_of


class Consumer:
    """Polls a file on a thread from the first token on; counts what must never be seen.

    `expiry` tells when a token dies, in seconds since the epoch, and raises ValueError for a
    torn one.
    """

    def __init__(
        self,
        path: Path,
        period: float = 0.02,
        expiry: Callable[[str], float] = expiry_of,
    ) -> None:
        self.reads = self.empty = self.torn = self.expired = self.missing = 0
        self.tokens: list[str] = []
        """Different tokens, in the order in which they were seen."""
        self.least_left = float("inf")
        """Seconds of life that the oldest token that was read still had."""
        self._path = path
        self._period = period
        self._expiry = expiry
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    @property
    def faults(self) -> dict[str, int]:
        """Whatever was wrong, by kind; empty where nothing was."""
        counts = {
            "empty": self.empty,
            "torn": self.torn,
            "expired": self.expired,
            "missing": self.missing,
        }
        return {kind: count for kind, count in counts.items() if count}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._over.wait(self._period):
            now = time.time()
            try:
                text = self._path.read_text()
            except FileNotFoundError:
                self.missing += bool(self.reads)
                continue
            self.reads += 1
            self._judge(text, now)

    def _judge(self, text: str, now: float) -> None:
        if not text:
            self.empty += 1
            return
        try:
            left = self._expiry(text) - now
        except ValueError:
            self.torn += 1
            return
        self.least_left = min(self.least_left, left)
        self.expired += left <= 0
        if text not in self.tokens[-1:]:
            self.tokens.append(text)
