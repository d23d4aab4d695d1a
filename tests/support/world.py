"""A world on a virtual clock: the real engine with simulated servers, sinks and workers."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from secret_refresher.config.model import Config, FileSink, SinkSpec, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.engine.engine import Engine
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import (
    Defect,
    Exchange,
    Finding,
    Held,
    Observer,
    Outcome,
    Sink,
    Subject,
    Wrote,
)
from secret_refresher.tokens.rendering import Render, render
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant, Life, Token
from support.tokens import WALL

RAW = Render()
LATER = Fault(Reason.RATE_LIMITED, "too many", "ask less", Lane.TRANSIENT)
AWAY = Fault(Reason.CONNECT, "refused", "start it", Lane.TRANSIENT)


@dataclass
class Box:
    """What a sink's place in the world holds; outlives processes.

    `life` and `source` are the record of `written`, whatever `text` has become since.
    """

    text: str | None = None
    written: str | None = None
    life: Life | None = None
    source: str = ""
    broken: bool = False
    full: bool = False
    refuses: Fault | None = None
    """How writing there fails."""
    claimed: bool = False
    """It was published to, and has not been given up since."""
    read_expired: int = 0

    def look(self, now: float) -> None:
        """A consumer that reads all the time: has it come to read a dead token?"""
        self.read_expired += self.life is not None and not self.life.alive(now)


class BoxSink:
    """A sink over a box; a target that is no path stands for a Secret."""

    def __init__(self, world: World, target: str, render: Render = RAW) -> None:
        self._world = world
        self._render = render
        self.target = target
        self._seen: tuple[str | None, Life | None] | None = None

    @property
    def kind(self) -> str:
        """`file` or `secret`."""
        return "file" if self.target.startswith("/") else "secret"

    @property
    def identity(self) -> str:
        """The target with its rendering."""
        return f"{self.target} {self._render}"

    @property
    def _box(self) -> Box:
        return self._world.boxes.setdefault(self.target, Box())

    def _check(self) -> None:
        if self._box.broken:
            raise Trouble(Fault(Reason.NO_SPACE, "full", "make room"))

    def _look(self) -> tuple[str | None, Life | None]:
        return self._box.text, self._box.life

    def inspect(self, source: str) -> Finding:
        """What the box holds."""
        self._check()
        self._seen = self._look()
        box = self._box
        if box.text is None:
            return Finding(Held.NOTHING)
        known = box.text == box.written and box.source == f"{source}+{self._render.digest()}"
        if box.life is None or not known or box.life.issued > self._world.time:
            return Finding(Held.FOREIGN)
        return Finding(Held.OURS, box.life)

    def publish(self, token: Token) -> Wrote:
        """Puts the token into the box."""
        text = render(self._render, token, self.target).reveal().decode()
        self._check()
        if self._box.full:
            raise Trouble(Fault(Reason.NO_SPACE, "full", "make room"))
        if self._box.refuses is not None:
            raise Trouble(self._box.refuses)
        self._box.look(self._world.time)
        same = self._box.text == text
        self._box.text = self._box.written = text
        self._box.life = token.life
        self._box.claimed = True
        self._box.source = f"{token.source}+{self._render.digest()}"
        self._seen = self._look()
        return Wrote.UNCHANGED if same else Wrote.WRITTEN

    def remove(self, *, for_good: bool = True) -> bool:
        """Empties the box."""
        self._check()
        self._box.claimed &= not for_good
        held, self._box.text, self._box.life = self._box.text, None, None
        self._seen = self._look()
        return held is not None

    def disturbed(self) -> bool:
        """Whether it changed."""
        return self._look() != self._seen

    def close(self) -> None:
        """Nothing to give up."""


@dataclass
class Service:
    """One authorization server."""

    lifetime: float = 100.0
    away: list[tuple[float, float]] = field(default_factory=list)
    refuses: bool = False
    rate: int | None = None
    """Requests that it takes in a second; the others are told to come later."""
    asked: list[float] = field(default_factory=list)

    def busy(self, now: float) -> bool:
        """Whether the request that was put down last is one too many."""
        return (
            self.rate is not None
            and self.asked[-self.rate - 1 :][0] > now - 1
            and (len(self.asked) > self.rate)
        )


def _target(spec: SinkSpec) -> str:
    return spec.path if isinstance(spec, FileSink) else spec.name


class World:
    """Time, servers, boxes; implements the clock, the source and the pools of an engine."""

    size = 32

    def __init__(self, seed: int = 0, latency: float = 0.2) -> None:
        self.time = 1000.0
        self.latency = latency
        self.boxes: dict[str, Box] = {}
        self.services: dict[str, Service] = {}
        self.facts: list[object] = []
        self.observers: list[Observer] = [self]
        self.random = random.Random(seed)  # noqa: S311 - a simulation
        self.fan_out: dict[str, list[str]] = {}
        """Further sinks of a token, as a selector finds them."""
        self._todo: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._generation = 0
        self._minted = 0

    # the clock
    def now(self) -> float:
        """The process's clock."""
        return self.time

    def wall(self) -> float:
        """The wall clock."""
        return WALL + self.time

    def draw(self) -> float:
        """The engine's randomness."""
        return self.random.random()

    # the pool
    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Runs a job after the world's latency, unless the process is killed before."""
        generation = self._generation

        def run() -> None:
            if generation == self._generation:
                job()

        self.at(self.time + self.latency, run)

    # the source
    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """Asks the token's service."""
        service = self.service(token)
        service.asked.append(self.time)
        where = origin_of(token.token_url)
        if any(begin <= self.time < end for begin, end in service.away):
            return Outcome(AWAY, (Exchange(where, None, self.latency, reached=False),), "c")
        if service.busy(self.time):
            return Outcome(LATER, (Exchange(where, 429, self.latency, reached=True),), "c")
        if service.refuses:
            fault = Fault(Reason.INVALID_CLIENT, "refused", "rotate", Lane.PERMANENT)
            return Outcome(fault, (Exchange(where, 401, self.latency, reached=True),), "c")
        self._minted += 1
        issued = self.time - self.latency
        grant = Grant(
            Secret(f"token-{self._minted}"), "Bearer", None, service.lifetime, issued, WALL + issued
        )
        return Outcome(grant, (Exchange(where, 200, self.latency, reached=True),), "c")

    def credentials(self, token: TokenConfig) -> str:
        """They never change."""
        return "c"

    def service(self, token: TokenConfig) -> Service:
        """The service that a token is asked of."""
        return self.services.setdefault(origin_of(token.token_url), Service())

    # an observer
    def notice(self, about: object, fact: object) -> None:
        """Keeps every fact."""
        self.facts.append(fact)

    def defects(self) -> list[object]:
        """What failed that must not."""
        return [fact for fact in self.facts if isinstance(fact, Defect)]

    def subject(self) -> Subject:
        """Whom notices of the first token are about."""
        return self.engine.entries()[0].subject if self.engine.entries() else Subject("x", ())

    def turn_bad(self, target: str) -> None:
        """From now on nothing can be written there, yet looked at."""
        self.boxes.setdefault(target, Box()).full = True

    # running
    def start(self, config: Config) -> Engine:
        """A new process; whatever the old one had under way is lost."""
        self._generation += 1

        def sinks(token: TokenConfig) -> tuple[Sink, ...]:
            more = self.fan_out.get(token.name, ())
            return tuple(BoxSink(self, path) for path in (*map(_target, token.sinks), *more))

        self.engine = Engine(
            clock=self,
            source=self,
            sinks=sinks,
            fetchers=self,
            tenders=self,
            observers=self.observers,
            draw=self.draw,
        )
        self.engine.reconfigure(config)
        return self.engine

    def expired(self) -> int:
        """How often consumers came to read a dead token."""
        for box in self.boxes.values():
            box.look(self.time)
        return sum(box.read_expired for box in self.boxes.values())

    def run(self, until: float) -> None:
        """Lets time pass."""
        while self.time < until:
            following = self.time + max(self.engine.turn(), 1e-6)
            if self._todo:
                following = min(following, self._todo[0][0])
            self.time = min(max(following, self.time), until)
            self.work()

    def work(self) -> None:
        """Ends the jobs whose time has come."""
        while self._todo and self._todo[0][0] <= self.time:
            heapq.heappop(self._todo)[2]()

    def patrol(self) -> None:
        """One round over every sink."""
        for entry in self.engine.entries():
            for sink, record in zip(entry.sinks, entry.state.sinks, strict=True):
                if record.seen and record.work is None and sink.disturbed():
                    self.engine.disturbed(entry, sink)

    def at(self, instant: float, job: Callable[[], object]) -> None:
        """Has a job ended at an instant."""
        self._number += 1
        heapq.heappush(self._todo, (instant, self._number, job))
