"""Tokens that are given up: what is in flight for them is finished first, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set as AbstractSet
from dataclasses import dataclass
from typing import final

from secret_refresher.engine.entry import Entry


@final
@dataclass(frozen=True, slots=True)
class _Departure:
    """Entries that leave together, by when at the latest, and who is told once all are gone."""

    entries: set[Entry]
    by: float
    gone: Callable[[], object]


@final
class Departures:
    """Everybody who is leaving; one thread only. `retire` ends an entry."""

    def __init__(self, retire: Callable[[Entry], None]) -> None:
        self._retire = retire
        self._parties: list[_Departure] = []

    def begin(
        self, entries: Iterable[Entry], now: float, seconds: float, gone: Callable[[], object]
    ) -> None:
        """These are to leave within so many seconds; whoever is idle is gone at once."""
        party = _Departure(set(entries), now + seconds, gone)
        for entry in party.entries:
            entry.leaving = True
        self._parties.append(party)
        self.settle(now)

    def settle(self, now: float) -> None:
        """Lets go whoever is idle, and everybody whose time is over."""
        for party in list(self._parties):
            overdue = now >= party.by
            for entry in [entry for entry in party.entries if overdue or not entry.jobs]:
                party.entries.discard(entry)
                self._retire(entry)
            if not party.entries:
                self._parties.remove(party)
                party.gone()

    def end(self, names: AbstractSet[str]) -> None:
        """Those of these names go at once: the tokens are ours again, and begin anew."""
        for party in self._parties:
            for entry in [entry for entry in party.entries if entry.subject.name in names]:
                party.entries.discard(entry)
                self._retire(entry)

    def next(self) -> float:
        """The instant at which the first of them has to be gone; endless for none."""
        return min((party.by for party in self._parties), default=float("inf"))
