"""What is counted between two scrapes: of each token, of each origin, of all sinks."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Set as AbstractSet
from typing import final

from secret_refresher.election.move import Move
from secret_refresher.errors import Fault
from secret_refresher.lifecycle import events
from secret_refresher.ports import (
    Broadcast,
    ConfigRefused,
    ConfigTaken,
    Electing,
    ElectionTroubled,
    Exchange,
    ShardMoved,
    Subject,
)

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds of the request duration histogram."""
NO_ANSWER = "none"
"""The code of a request that got no HTTP answer."""


@final
class TokenCounts:
    """What was counted of one token since the start; instants by the wall clock.

    `origins`: whom its last attempt asked, `asking`: whom the one under way has asked so far.
    """

    __slots__ = (
        "adoptions",
        "asking",
        "drifts",
        "failed",
        "fetched",
        "origins",
        "published",
        "reasons",
        "reloads",
        "succeeded",
    )

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed = 0
        self.adoptions = 0
        self.drifts = 0
        self.reloads = 0
        self.reasons: dict[str, int] | None = None
        self.fetched: float | None = None
        self.published: float | None = None
        self.origins: tuple[str, ...] = ()
        self.asking: tuple[str, ...] = ()

    def fail(self, reason: str) -> None:
        """Counts a failed attempt, to fetch or to publish."""
        self.failed += 1
        if self.reasons is None:
            self.reasons = {}  # most tokens never need one
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


@final
class OriginCounts:
    """What was counted of one origin since the start; `skew` in seconds at its last answer."""

    __slots__ = ("buckets", "codes", "seconds", "skew")

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.skew: float | None = None


@final
class Ledger:
    """Counts facts. Written by one thread, read by any.

    There is no lock that a long scrape could make the writer wait for: a reader takes whole
    numbers and copies dictionaries in one step, and may see a fact a little early or late.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, TokenCounts] = defaultdict(TokenCounts)
        self.origins: dict[str, OriginCounts] = defaultdict(OriginCounts)
        self.publishes: dict[tuple[str, str], int] = defaultdict(int)
        self.notifications: dict[tuple[str, str], int] = defaultdict(int)
        self.reload_successful: int | None = None
        self.leader: dict[int, int] = {}
        self.handovers: dict[tuple[int, str], int] = defaultdict(int)
        self.election_failures: dict[str, int] = defaultdict(int)

    def count(
        self, about: Subject | None, fact: events.Notice | Exchange | Broadcast, wall: float
    ) -> None:
        """Takes one fact in, at the instant `wall`."""
        if about is None:
            self._broadcast(fact)
        elif isinstance(fact, Exchange):
            self._exchange(self.tokens[about.name], fact)
        elif isinstance(fact, events.ConsumerNotice):
            self._consumer(fact)
        else:
            self._token(self.tokens[about.name], about, fact, wall)

    def keep(self, names: AbstractSet[str]) -> None:
        """Forgets tokens with other names, and origins that none of those left asks."""
        for name in self.tokens.keys() - names:
            del self.tokens[name]
        asked = {origin for of in self.tokens.values() for origin in (*of.origins, *of.asking)}
        for origin in self.origins.keys() - asked:
            del self.origins[origin]

    def _broadcast(self, fact: object) -> None:
        match fact:
            case ConfigTaken():
                self.reload_successful = 1
            case ConfigRefused():
                self.reload_successful = 0
            case Electing(shards):
                self.leader = dict.fromkeys(range(shards), 0)
            case ShardMoved(move=Move.LEAVING):
                pass  # it is ours until it is released
            case ShardMoved():
                self.leader[fact.shard] = int(fact.move is Move.TAKEN)
                self.handovers[fact.shard, fact.move.value] += 1
            case ElectionTroubled(Fault(reason)):
                self.election_failures[str(reason)] += 1

    def _exchange(self, counts: TokenCounts, exchange: Exchange) -> None:
        if exchange.discovery:
            return  # it asked for no token
        if exchange.origin not in counts.asking:
            counts.asking += (exchange.origin,)
        origin = self.origins[exchange.origin]
        code = NO_ANSWER if exchange.status is None else str(exchange.status)
        origin.codes[code] = origin.codes.get(code, 0) + 1
        origin.buckets[bisect_left(BUCKETS, exchange.seconds)] += 1
        origin.seconds += exchange.seconds
        if exchange.skew is not None:
            origin.skew = exchange.skew

    def _token(self, counts: TokenCounts, about: Subject, fact: object, wall: float) -> None:
        match fact:
            case events.Fetched():
                counts.succeeded += 1
                counts.fetched = wall
                counts.origins, counts.asking = counts.asking, ()
            case events.FetchFailed():
                counts.fail(str(fact.fault.reason))
                counts.origins, counts.asking = counts.asking or counts.origins, ()
            case events.Published():
                counts.published = wall
                counts.drifts += fact.repaired
                kind = about.sinks[fact.sink][0]
                self.publishes[kind, "unchanged" if fact.unchanged else "written"] += 1
            case events.SinkTrouble():
                counts.fail(str(fact.fault.reason))
                self.publishes[about.sinks[fact.sink][0], "failed"] += 1
            case events.Adopted():
                counts.adoptions += 1
            case events.CredentialsReloaded():
                counts.reloads += 1

    def _consumer(self, fact: events.ConsumerNotice) -> None:
        match fact:
            case events.Notified():
                self._heard(fact, "unchanged" if fact.knew else "success")
            case events.NotifyFailed():
                self._heard(fact, "failure")
                if fact.given_up:
                    self._heard(fact, "given_up")
            case events.NotifySkipped():
                self._heard(fact, "skipped")

    def _heard(self, fact: events.ConsumerNotice, result: str) -> None:
        self.notifications[fact.consumer.way, result] += 1
