"""The status document: what is known of every token at one instant, nothing of it secret.

Instants are seconds since the epoch by the daemon's wall clock. Names, targets and the sentences of
faults are texts of others; whoever shows them escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import final

VERSION = 1
"""Of the document. New fields may come without another one; none changes its meaning."""
ABSENT = "absent"
"""The state of a token that is to be removed; all others are `lifecycle.state.TOKEN_STATES`."""
_NO_COUNTS: Mapping[str, int] = MappingProxyType({})


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """What fails at present, or failed last: a fault in words, and how long.

    `failures` in a row. `since`: the first of them, None where that was not seen. `retry`: when it
    is tried again, None where it is over or nobody will. `person`: it needs somebody to change
    something. `over`: when it ended.
    """

    reason: str
    summary: str
    advice: str
    failures: int = 0
    since: float | None = None
    retry: float | None = None
    person: bool = False
    over: float | None = None


@final
@dataclass(frozen=True, slots=True)
class SinkLine:
    """One sink; `expires` is when the token of ours in it dies, None where it holds none."""

    kind: str
    target: str
    state: str
    expires: float | None = None
    failure: Failure | None = None


@final
@dataclass(frozen=True, slots=True)
class ConsumerLine:
    """One application that is told of new tokens: `told`, `waiting`, `failed`, or `idle` so far.

    `told`: when it was told last.
    """

    kind: str
    target: str
    state: str
    told: float | None = None
    failure: Failure | None = None


@final
@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token.

    `state` is the worst of `source` and its sinks. `healthy`: live in every sink. `issued`,
    `refresh` and `expires` are of the token that consumers hold, the earliest to die where sinks
    hold several. `next`: when the next fetch is planned. `fetching`: one is under way, or waits
    for a worker. `failure`: of fetching; `last`: the one before, where nothing fails now. `places`
    counts all sinks by state; `sinks` are the worst of them.
    """

    name: str
    state: str
    source: str
    healthy: bool
    issued: float | None = None
    refresh: float | None = None
    expires: float | None = None
    next: float | None = None
    fetching: bool = False
    attempts: int = 0
    failure: Failure | None = None
    last: Failure | None = None
    places: Mapping[str, int] = field(default_factory=lambda: _NO_COUNTS)
    sinks: tuple[SinkLine, ...] = ()
    consumers: tuple[ConsumerLine, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong, with everybody whom it concerns.

    `where`: `fetch`, the kind of the sinks that cannot be written, or `notify`. `reason` is empty
    where nothing has failed yet. `summary` is of one of them, of `kinds` different ones. `tokens`:
    how many tokens; `suffering`: how many of these are not live in some sink. `names`: the first
    few. `expires`: when the next of those that still live dies. `since`: the earliest.
    """

    where: str
    reason: str
    summary: str
    advice: str
    kinds: int
    tokens: int
    suffering: int
    person: bool
    names: tuple[str, ...]
    since: float | None = None
    expires: float | None = None


@final
@dataclass(frozen=True, slots=True)
class Reload:
    """What became of the configuration that was read last, at `at`.

    `problems` where it was refused. `restart`: sections that wait for one.
    """

    taken: bool
    at: float
    problems: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that this replica holds by a Lease, `since` when."""

    shard: int
    lease: str
    since: float


@final
@dataclass(frozen=True, slots=True)
class Election:
    """A replica among others: of `shards` it holds some; `failure` keeps it out of all."""

    shards: int
    held: tuple[Shard, ...] = ()
    failure: Failure | None = None


@final
@dataclass(frozen=True, slots=True)
class Daemon:
    """The process; `idle`: seconds since its loop last turned. `dark`: origins without answer."""

    version: str
    started: float
    idle: float = 0.0
    reload: Reload | None = None
    dark: tuple[str, ...] = ()
    election: Election | None = None


@final
@dataclass(frozen=True, slots=True)
class Document:
    """Everything at `now`; of the tokens those that a query asks for, worst first.

    `counts`: tokens by state, those without any left out. `total` of them are wanted, and `healthy`
    of these are live in every sink. `matching` tokens answer the query, on `pages` pages of `per`,
    of which `tokens` is number `page`, from 1. `daemon` is None where none was asked.
    """

    now: float
    daemon: Daemon | None = None
    total: int = 0
    healthy: int = 0
    counts: Mapping[str, int] = field(default_factory=lambda: _NO_COUNTS)
    attention: tuple[Trouble, ...] = ()
    matching: int = 0
    page: int = 1
    pages: int = 1
    per: int = 0
    tokens: tuple[TokenLine, ...] = ()

    @property
    def well(self) -> bool:
        """Whether no consumer lacks a live token."""
        return self.healthy == self.total
