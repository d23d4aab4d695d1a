"""Fences of the tests' own, in an election's place."""

from __future__ import annotations

from typing import final


@final
class Shutting:
    """A fence that is open a few times, and shut from then on."""

    def __init__(self, times: int) -> None:
        self.times = times

    def open(self, token: str) -> bool:
        """Asked right before each write."""
        self.times -= 1
        return bool(token) and self.times >= 0
