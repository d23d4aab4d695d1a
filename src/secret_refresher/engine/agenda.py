"""A heap of due times."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar, final

K = TypeVar("K")

_SLACK = 64


@final
class Agenda(Generic[K]):
    """At which instant each of many things is due; each stands in it once. One thread only.

    Setting another instant leaves the old entry in the heap, to be passed over when it comes
    up; the heap is rebuilt when most of it is such leftovers.
    """

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._number = 0

    def set(self, key: K, instant: float) -> None:
        """`key` is due at `instant`, in place of any earlier word on it."""
        if self._due.get(key) == instant:
            return
        self._due[key] = instant
        self._push(key, instant)
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap.clear()
            for kept, due in self._due.items():
                self._push(kept, due)

    def drop(self, key: K) -> None:
        """`key` is not due any more."""
        self._due.pop(key, None)

    def at(self, key: K) -> float:
        """The instant at which `key` is due; endless if it is not."""
        return self._due.get(key, float("inf"))

    def next(self) -> float:
        """The earliest instant at which anything is due; endless if nothing is."""
        self._shed()
        return self._heap[0][0] if self._heap else float("inf")

    def pop(self, now: float) -> K | None:
        """Takes out one thing that is due at `now`, the earliest first."""
        self._shed()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key

    def _push(self, key: K, instant: float) -> None:
        self._number += 1
        heapq.heappush(self._heap, (instant, self._number, key))

    def _shed(self) -> None:
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
