"""When something stood in a token's way: what tells a broken promise from bad luck."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

SLOW_LANE = 1000.0
"""Seconds after which an attempt in the slow lane has been made again, at the longest."""

PAUSE = 60.0
"""Seconds of the longest pause before what is likely to pass by itself is tried again."""
NEVER = float("inf")


@final
@dataclass(frozen=True, slots=True)
class Obstruction:
    """On the timeline, in seconds. `permanent`: the slow lane may be what follows from it."""

    begin: float
    end: float
    permanent: bool = False


@final
class Obstructions:
    """All of them by scope: `all`, `api`, `origin X`, `token X`, `place X`."""

    def __init__(self) -> None:
        self._by_scope: dict[str, list[Obstruction]] = defaultdict(list)

    def add(self, scope: str, begin: float, end: float, *, permanent: bool = False) -> None:
        """Something stands in the way of all that `scope` is part of."""
        if end > begin:
            self._by_scope[scope].append(Obstruction(begin, end, permanent))

    def any(self, scopes: Iterable[str], begin: float, end: float) -> bool:
        """Whether there was anything between two instants."""
        return self.clear(scopes, begin, end) < end - begin

    def clear(
        self,
        scopes: Iterable[str],
        begin: float,
        end: float,
        *,
        slow_lane: bool = True,
        lead: float = NEVER,
    ) -> float:
        """Seconds of the longest time without any of them between two instants.

        `slow_lane`: what is permanent goes on until the slow lane has come round. What lasts longer
        than `lead` may have a token die, and the pauses after that are as long as they can be.
        """
        found = []
        for scope in scopes:
            for each in self._by_scope[scope]:
                over = each.end + (SLOW_LANE if each.permanent and slow_lane else 0.0)
                if each.begin < end and over + PAUSE > begin:
                    found.append((each.begin, over))
        longest, since, whole = 0.0, begin, [NEVER, 0.0]
        for start, over in sorted(found):
            whole = (
                [start, over] if start > whole[1] else [min(whole[0], start), max(whole[1], over)]
            )
            longest = max(longest, start - since)
            since = max(since, over if whole[1] - whole[0] < lead else whole[1] + PAUSE)
        return max(longest, end - since)

    def last(self, scopes: Iterable[str]) -> float:
        """When the last of them is over."""
        ends = (each.end for scope in scopes for each in self._by_scope[scope])
        return max(ends, default=0.0)
