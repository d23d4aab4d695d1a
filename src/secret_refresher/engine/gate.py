"""Who may fetch now: bulkheads between authorization servers."""

from __future__ import annotations

import heapq
from collections import deque
from typing import Generic, TypeVar, final

J = TypeVar("J")

SICK_AFTER = 3
"""Fetches in a row without an answer, after which an origin is asked one at a time."""


@final
class _Origin(Generic[J]):
    """One authorization server: who waits for it, and how it has been doing."""

    __slots__ = ("failures", "good", "listed", "old", "room", "running", "waiting")

    def __init__(self, room: int) -> None:
        self.waiting: list[tuple[float, int, J]] = []
        self.running = 0
        self.failures = 0
        self.listed = False
        self.room = room
        """How many may run at once, at most."""
        self.good = 0
        """Answers since that was changed."""
        self.old = 0
        """Jobs that run and were let through before it was cut: what they say is known."""

    def learn(self, most: int, *, crowded: bool) -> None:
        """Half the room when the server wants fewer requests, and one more place a round else.

        As TCP does with its window (RFC 5681): a server that counts refused requests too would
        never serve anybody again if all came back at their old pace.
        """
        if self.old:
            self.old -= 1
        elif crowded:
            self.room, self.old, self.good = max(1, self.room // 2), self.running, 0
        elif self.room < most:
            self.good += 1
            if self.good >= self.room:
                self.room, self.good = self.room + 1, 0


@final
class Gate(Generic[J]):
    """Lets jobs through: `workers` in all, at most a quarter of them (or `share`) to one origin.

    An origin that gave no HTTP answer below 500 three times in a row is let through one at a
    time, so that a black hole starves nobody else; one that asks for fewer requests (429) gets
    them. Within an origin the token that dies first
    goes first; between origins it is turn by turn. One thread only.
    """

    def __init__(self, workers: int, share: int | None = None) -> None:
        self._workers = workers
        self._share = max(1, workers // 4) if share is None else share
        self._running = 0
        self._number = 0
        self._origins: dict[str, _Origin[J]] = {}
        self._sick: frozenset[str] = frozenset()
        self._turns: deque[str] = deque()

    def wait(self, origin: str, expires: float, job: J) -> None:
        """Queues a job for an origin; `expires` is when the token in use dies."""
        entry = self._origins.setdefault(origin, _Origin(self._share))
        self._number += 1
        heapq.heappush(entry.waiting, (expires, self._number, job))
        self._list(origin, entry)

    def admit(self) -> tuple[str, J] | None:
        """The next job that may run, with its origin; None while nobody may."""
        while self._running < self._workers and self._turns:
            origin = self._turns.popleft()
            entry = self._origins[origin]
            entry.listed = False
            if entry.running >= self._share_of(entry):
                continue  # it fell sick since it was listed
            entry.running += 1
            self._running += 1
            _, _, job = heapq.heappop(entry.waiting)
            self._list(origin, entry)
            return origin, job
        return None

    def done(self, origin: str, *, answered: bool | None, crowded: bool = False) -> None:
        """A job is over. `answered`: by HTTP below 500; None where nothing was asked.

        `crowded`: the answer was that there are too many requests.
        """
        entry = self._origins[origin]
        entry.running -= 1
        self._running -= 1
        if answered is not None:
            entry.failures = 0 if answered else entry.failures + 1
            self._note(origin, sick=entry.failures >= SICK_AFTER)
        if answered or entry.old:
            entry.learn(self._share, crowded=crowded)
        self._list(origin, entry)
        if not (entry.waiting or entry.running or entry.failures or entry.room < self._share):
            del self._origins[origin]

    def clear(self) -> None:
        """Forgets everybody who waits."""
        for entry in self._origins.values():
            entry.waiting.clear()
            entry.listed = False
        self._turns.clear()

    def keep(self, origins: set[str]) -> None:
        """Forgets how origins did that nobody uses any more."""
        for origin in [name for name in self._origins if name not in origins]:
            entry = self._origins[origin]
            if not entry.running and not entry.waiting:
                del self._origins[origin]
                self._note(origin, sick=False)

    def sick(self) -> frozenset[str]:
        """Origins that are asked one at a time."""
        return self._sick

    def _note(self, origin: str, *, sick: bool) -> None:
        if sick != (origin in self._sick):
            self._sick ^= {origin}

    def _share_of(self, entry: _Origin[J]) -> int:
        return 1 if entry.failures >= SICK_AFTER else entry.room

    def _list(self, origin: str, entry: _Origin[J]) -> None:
        if entry.waiting and entry.running < self._share_of(entry) and not entry.listed:
            entry.listed = True
            self._turns.append(origin)
