"""How much of the processor lookers-on may use: what they ask for must not make a token late."""

from __future__ import annotations

from typing import final

SHARE = 0.25
"""Of one processor, in the long run."""
BURST = 2.0
"""Seconds of it that may be spent ahead."""


@final
class Pace:
    """A bucket of processor time that leaks at `SHARE`; the caller's lock, and its clock."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is time for another answer; 0 where there is."""
        self._leak(now)
        return max(0.0, (self._spent - BURST) / SHARE)

    def spend(self, seconds: float, now: float) -> None:
        """Counts what an answer has taken."""
        self._leak(now)
        self._spent += seconds

    def _leak(self, now: float) -> None:
        self._spent = max(0.0, self._spent - max(0.0, now - self._at) * SHARE)
        self._at = now
