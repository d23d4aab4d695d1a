"""A budget of token requests: a bucket that refills evenly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

HOUR = 3600.0


@final
@dataclass(frozen=True, slots=True)
class Budget:
    """At most `hourly` requests in any hour, some of them at once.

    The bucket holds half of `hourly` (at least one) and refills at a rate that keeps the sum
    of both within `hourly` in every half-open hour, wherever that hour begins. `level` is what
    was in it at `at`; requests that could not be foreseen (a redirect) may take it below zero.
    """

    hourly: int
    level: float
    at: float

    @classmethod
    def full(cls, hourly: int, now: float) -> Budget:
        """A bucket that nothing was taken from yet."""
        return cls(hourly=hourly, level=float(_size(hourly)), at=now)

    def spend(self, requests: int, now: float) -> Budget:
        """The bucket after that many requests reached the server."""
        return replace(self, level=self._level(now) - requests, at=now)

    def opens(self, now: float, *, urgent: bool) -> float:
        """The earliest instant, `now` or later, at which a request may be made.

        A quarter of the bucket is kept for `urgent` requests.
        """
        wanted = 1 if urgent else 1 + _size(self.hourly) // 4
        missing = wanted - self._level(now)
        return now if missing <= 0 else now + missing / _rate(self.hourly)

    def _level(self, now: float) -> float:
        refilled = self.level + max(0.0, now - self.at) * _rate(self.hourly)
        return min(float(_size(self.hourly)), refilled)


def _size(hourly: int) -> int:
    return max(1, hourly // 2)


def _rate(hourly: int) -> float:
    return (hourly + 1 - _size(hourly)) / HOUR
