"""The edges of the core: what it asks of the world, and what it tells it.

Every implementation lives in `adapters`, and tests bring their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, final

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.config.model import TokenConfig
from secret_refresher.election.move import Move
from secret_refresher.errors import Fault
from secret_refresher.lifecycle.events import Notice, SourceNotice
from secret_refresher.lifecycle.state import TokenState
from secret_refresher.tokens.token import Grant, Life, Token


class Clock(Protocol):
    """The two clocks of a process."""

    def now(self) -> float:
        """Seconds of a clock that counts suspend and ignores NTP; its zero means nothing."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, as the machine believes; shown and written only."""
        ...


class FileReader(Protocol):
    """Reads mounted files."""

    def read(self, paths: Sequence[str]) -> Mapping[str, bytes | Fault]:
        """The content of each path, all files of one mount from one generation of it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request that was made and what came of it.

    `origin` is `scheme://host:port`; `status` is None where no HTTP answer came. `seconds` is
    how long it took, `skew` the server's `Date` less our wall clock, in seconds. `reached`
    says whether the request was sent: it may then have been counted against us. `discovery`: it
    asked where the token endpoint is, and for no token.
    """

    origin: str
    status: int | None
    seconds: float
    reached: bool
    skew: float | None = None
    discovery: bool = False


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt to fetch a token came to: a grant or a fault, never both.

    `credentials` is a digest of the credential files as the attempt read them, or of what was
    wrong with them; it tells whether they have changed since.
    """

    result: Grant | Fault
    exchanges: tuple[Exchange, ...] = ()
    credentials: str | None = None
    used_previous_secret: bool = False
    notices: tuple[SourceNotice, ...] = ()


class TokenSource(Protocol):
    """Asks token endpoints for tokens. Called from many threads at once."""

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """One attempt, over within `timeout` seconds; a failure is an outcome, not an error."""
        ...

    def credentials(self, token: TokenConfig) -> str:
        """The digest that an attempt made now would report as `Outcome.credentials`."""
        ...


class Held(StrEnum):
    """What a sink was found to hold."""

    NOTHING = "nothing"
    OURS = "ours"
    """A rendering that we wrote for this source, whole, with its life on record."""
    FOREIGN = "foreign"
    """Anything else: edited, half a token, another source's, unreadable, from the future."""


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """What a look into a sink found; `life` only where it is `Held.OURS`.

    The life is told by the process's clock, judged by the sink's own idea of the time.
    """

    held: Held
    life: Life | None = None


class Wrote(StrEnum):
    """How a publish ended well."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    """The sink held this very rendering already and was left untouched."""
    SUPERSEDED = "superseded"
    """It holds a newer live token of ours, from another replica, and was left untouched."""


class Sink(Protocol):
    """One place where a token is published. One call at a time; any thread.

    Each method raises `Trouble` where it cannot do what it says.
    """

    @property
    def kind(self) -> str:
        """`file` or `secret`: a label of metrics."""
        ...

    @property
    def target(self) -> str:
        """Which one, for people: a path, or namespace/name."""
        ...

    @property
    def identity(self) -> str:
        """Equal for two sinks that are the same place with the same settings."""
        ...

    def inspect(self, source: str) -> Finding:
        """Claims the sink, clears what a killed process left, and says what it holds.

        Only a token whose record has the fingerprint `source` counts as ours.
        """
        ...

    def publish(self, token: Token) -> Wrote:
        """Makes the sink hold this token: all of it or none. The record says `token.source`."""
        ...

    def remove(self, *, for_good: bool = True) -> bool:
        """Removes what is ours, whatever its source; whether anything was.

        Not `for_good`: only until there is another token, to which nobody is to object then.
        """
        ...

    def disturbed(self) -> bool:
        """A cheap look: may its content differ from what we last saw or wrote?"""
        ...

    def close(self) -> None:
        """Gives up the claim; the content stays."""
        ...


class SinkFactory(Protocol):
    """Makes the sinks of a token; constructs only, touches nothing."""

    def __call__(self, token: TokenConfig) -> tuple[Sink, ...]:
        """Those that `token.sinks` stand for at present: a fan-out has many, or none yet."""
        ...


class Fence(Protocol):
    """Says who may act, where replicas share the tokens. Called from many threads at once."""

    def open(self, token: str) -> bool:
        """Whether this replica may act for a token at this very moment."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Heard:
    """How telling a consumer ended well.

    `knew`: it had heard of these tokens, and was left alone. `wait`: it was not told, and is not
    to be for so many seconds, as it was told of others lately; 0 where it was.
    """

    knew: bool = False
    wait: float = 0.0


class Consumers(Protocol):
    """Tells applications that there are new tokens. Called from many threads at once."""

    def tell(self, consumer: ConsumerSpec, of: Mapping[str, Life]) -> Heard:
        """One attempt; `of` are the new tokens' lives by their names, never the tokens.

        Raises `Trouble`.
        """
        ...


class Pool(Protocol):
    """Runs jobs elsewhere, a bounded number at a time."""

    @property
    def size(self) -> int:
        """How many jobs run at once."""
        ...

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Queues a job; never blocks. Where more wait than can run, the earliest `dies` is next."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a notice is about: a token and its sinks as (kind, target)."""

    name: str
    sinks: tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class ConfigTaken:
    """A configuration is in force; counts of tokens. `restart`: sections that wait for one."""

    tokens: int
    added: int
    changed: int
    removed: int
    restart: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class ConfigRefused:
    """A configuration was refused and the old one stays; each problem as one line."""

    problems: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Listening:
    """Metrics and probes are served at `address` (host:port)."""

    address: str


@final
@dataclass(frozen=True, slots=True)
class Stopping:
    """The daemon was told to stop and finishes what is in flight."""


@final
@dataclass(frozen=True, slots=True)
class Defect:
    """Something of ours failed that must not; `where` names the exception and the line."""

    where: str


@final
@dataclass(frozen=True, slots=True)
class WatchFailed:
    """Something of the cluster cannot be listed or watched; `path` is the API server's."""

    path: str
    fault: Fault
    wait: float


@final
@dataclass(frozen=True, slots=True)
class FactsLost:
    """A slow observer was not told of `count` facts before this one."""

    count: int


@final
@dataclass(frozen=True, slots=True)
class Electing:
    """We take part in an election over so many shards."""

    shards: int


@final
@dataclass(frozen=True, slots=True)
class ShardMoved:
    """A shard was taken, is being left, was released or was lost; `lease` stands for it.

    `tokens`: how many this replica looks after from now on.
    """

    shard: int
    lease: str
    move: Move
    because: str
    tokens: int


@final
@dataclass(frozen=True, slots=True)
class ElectionTroubled:
    """Something keeps this replica out of the election; None: nothing does any more."""

    fault: Fault | None


Broadcast = (
    ConfigTaken
    | ConfigRefused
    | Listening
    | Stopping
    | Defect
    | WatchFailed
    | FactsLost
    | Electing
    | ShardMoved
    | ElectionTroubled
)


class Observer(Protocol):
    """Is told every fact once, on the engine's thread; must be quick and must not fail."""

    def notice(self, about: Subject | None, fact: Notice | Exchange | Broadcast) -> None:
        """Takes note; `about` is None for what concerns no single token."""
        ...


class View(Protocol):
    """What may be read of a running engine, from any thread."""

    def tokens(self) -> Sequence[tuple[Subject, TokenState]]:
        """Every token as of now."""
        ...

    def heartbeat(self) -> float:
        """When the loop last turned, by the process's clock."""
        ...

    def unavailable_origins(self) -> frozenset[str]:
        """Origins that answer nothing at present."""
        ...

    def busy(self) -> Mapping[str, int]:
        """Running jobs by pool."""
        ...
