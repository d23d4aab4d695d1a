"""What happened, as far as states do not tell it: since when something fails, and reloads.

It is loaded before the first token is there, and made of what is cheap to load.
"""

from __future__ import annotations

from typing import NamedTuple, final

from secret_refresher.election.move import Move
from secret_refresher.errors import Fault
from secret_refresher.lifecycle import events
from secret_refresher.ports import (
    Broadcast,
    Clock,
    ConfigRefused,
    ConfigTaken,
    Electing,
    ElectionTroubled,
    Exchange,
    ShardMoved,
    Subject,
    View,
)


class Episode(NamedTuple):
    """A row of failures to fetch: its first, the last fault, and when it ended, by the wall."""

    since: float
    fault: Fault
    failures: int
    over: float | None = None


class Reading(NamedTuple):
    """What became of the configuration that was read last, at `at` by the wall.

    `problems` where it was refused. `restart`: sections that wait for one.
    """

    taken: bool
    at: float
    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class Seat(NamedTuple):
    """A shard of ours: the Lease that stands for it, and since when it is held, by the wall."""

    lease: str
    since: float


@final
class Journal:
    """Implements `ports.Observer`. Written by the engine's thread, read by any.

    It holds something only of what has failed, so where nothing does, it costs nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._view: View | None = None
        self._fetches: dict[str, Episode] = {}
        self._sinks: dict[tuple[str, str], float] = {}
        self.started = clock.wall()
        self.reload: Reading | None = None
        self.shards: int | None = None
        """How many there are, where replicas share the tokens."""
        self.seats: dict[int, Seat] = {}
        self.kept_out: tuple[Fault, float] | None = None
        """What keeps this replica out of the election, and since when."""

    def watch(self, view: View) -> None:
        """Takes the engine whose tokens are meant; what others left behind is forgotten."""
        self._view = view

    def fetches(self, name: str) -> Episode | None:
        """The last row of failed fetches of a token, if there was one."""
        return self._fetches.get(name)

    def failing_since(self, name: str, target: str) -> float | None:
        """When the first of the last row of failures at a sink was."""
        return self._sinks.get((name, target))

    def notice(self, about: Subject | None, fact: events.Notice | Exchange | Broadcast) -> None:
        """Takes note."""
        if about is None:
            self._broadcast(fact)
            return
        name = about.name
        match fact:
            case events.FetchFailed():
                episode = self._fetches.get(name)
                begins = episode is None or episode.over is not None
                since = self._clock.wall() if episode is None or begins else episode.since
                self._fetches[name] = Episode(since, fact.fault, fact.failures)
            case events.Fetched():
                episode = self._fetches.get(name)
                if episode is not None and episode.over is None:
                    self._fetches[name] = episode._replace(over=self._clock.wall())
            case events.SinkTrouble():
                place = name, about.sinks[fact.sink][1]
                if fact.failures == 1 or place not in self._sinks:
                    self._sinks[place] = self._clock.wall()
            case events.Published() | events.Removed():
                self._sinks.pop((name, about.sinks[fact.sink][1]), None)

    def _broadcast(self, fact: object) -> None:
        match fact:
            case ConfigTaken():
                self.reload = Reading(taken=True, at=self._clock.wall(), restart=fact.restart)
                self._forget()
            case ConfigRefused():
                restart = () if self.reload is None else self.reload.restart
                self.reload = Reading(
                    taken=False, at=self._clock.wall(), problems=fact.problems, restart=restart
                )
            case Electing():
                self.shards = fact.shards
            case ShardMoved() if fact.move is Move.TAKEN:
                # As a new mapping: others may be reading the old one.
                seat = Seat(fact.lease, self._clock.wall())
                self.seats = {**self.seats, fact.shard: seat}
            case ShardMoved():
                self.seats = {n: seat for n, seat in self.seats.items() if n != fact.shard}
                self._forget()
            case ElectionTroubled():
                since = self._clock.wall() if self.kept_out is None else self.kept_out[1]
                self.kept_out = None if fact.fault is None else (fact.fault, since)

    def _forget(self) -> None:
        if self._view is None or not (self._fetches or self._sinks):
            return
        names = {about.name for about, _ in self._view.tokens()}
        for name in self._fetches.keys() - names:
            del self._fetches[name]
        for place in [place for place in self._sinks if place[0] not in names]:
            del self._sinks[place]
