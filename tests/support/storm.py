"""A world in which several replicas run over the same boxes, and much goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from secret_refresher.config.model import Config, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.engine.engine import Engine
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle import events
from secret_refresher.ports import Exchange, Outcome, Sink, Wrote
from secret_refresher.tokens.token import Token
from support.tokens import files_of
from support.world import BoxSink, World

LATE = Fault(Reason.TIMEOUT, "too slow", "hurry", Lane.TRANSIENT)


class SharedSink(BoxSink):
    """A sink that other replicas write too; a newer live token of theirs is left alone."""

    def publish(self, token: Token) -> Wrote:
        """Puts the token into the box, unless somebody was faster."""
        held = self.inspect(token.source).life
        if held is not None and held.issued > token.life.issued and held.alive(self._world.now()):
            return Wrote.SUPERSEDED
        return super().publish(token)


@dataclass
class Window:
    """A time in which servers fail in one way."""

    begin: float
    end: float
    kind: str
    """`away`; `busy`: 503 with Retry-After; `slow`: answers take `seconds`."""
    seconds: float = 0.0


class Replica:
    """One process: two pools and an observer; what it had under way dies with it."""

    size = 32

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self.alive = True
        self.facts: list[tuple[float, str, object]] = []
        self.engine: Engine

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Runs a job after the world's latency."""
        self.later(job, self._storm.latency)

    def later(self, job: Callable[[], None], seconds: float) -> None:
        """Runs a job if this process still lives by then."""
        storm = self._storm
        storm.at(storm.time + seconds, lambda: job() if self.alive else None)

    def notice(self, about: object, fact: object) -> None:
        """Keeps a fact with its instant."""
        self._storm.facts.append(fact)
        self.facts.append((self._storm.time, getattr(about, "name", ""), fact))

    def granted(self, name: str) -> list[float]:
        """When this process was granted tokens for `name`."""
        return [at for at, who, fact in self.facts if who == name and is_grant(fact)]


def is_grant(fact: object) -> bool:
    """Whether a fact tells of a token that was granted."""
    return isinstance(fact, events.Fetched)


class Fetchers:
    """The pool of a replica that waits for servers."""

    size = 32

    def __init__(self, storm: Storm, replica: Replica) -> None:
        self._storm = storm
        self._replica = replica

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Runs a job once the server has answered."""
        self._replica.later(job, self._storm.slowness())


class Storm(World):
    """Servers that fail in windows, and any number of replicas."""

    def __init__(self, seed: int, latency: float = 0.1) -> None:
        super().__init__(seed, latency)
        self.windows: list[Window] = []
        self.replicas: list[Replica] = []

    def begin(self, config: Config) -> Replica:
        """One more process."""
        replica = Replica(self)

        def sinks(token: TokenConfig) -> tuple[Sink, ...]:
            return tuple(SharedSink(self, file.path, file.render) for file in files_of(token))

        replica.engine = self.engine = Engine(
            clock=self,
            source=self,
            sinks=sinks,
            fetchers=Fetchers(self, replica),
            tenders=replica,
            observers=(replica,),
            draw=self.draw,
        )
        replica.engine.reconfigure(config)
        self.replicas.append(replica)
        return replica

    def kill(self, replica: Replica) -> None:
        """SIGKILL."""
        replica.alive = False
        self.replicas.remove(replica)

    def slowness(self) -> float:
        """Seconds that an answer takes which is asked for now."""
        window = self._window()
        return window.seconds if window and window.kind == "slow" else self.latency

    def _window(self) -> Window | None:
        return next((w for w in self.windows if w.begin <= self.time < w.end), None)

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """Asks the token's service, as far as the weather allows."""
        window = self._window()
        where = origin_of(token.token_url)
        if window is None:
            return super().fetch(token, timeout)
        if window.kind == "slow" and window.seconds < timeout:
            return super().fetch(token, timeout)
        self.service(token).asked.append(self.time)
        if window.kind == "busy":
            later = Fault(
                Reason.SERVER_ERROR, "busy", "wait", retry_after=max(0.0, window.end - self.time)
            )
            return Outcome(later, (Exchange(where, 503, self.latency, reached=True),), "c")
        return Outcome(LATE, (Exchange(where, None, self.latency, reached=False),), "c")

    def edit(self, target: str, text: str | None) -> None:
        """Somebody writes to a box or empties it."""
        box = self.boxes[target]
        box.look(self.time)
        box.text, box.life = text, None

    def run(self, until: float) -> None:
        """Lets time pass for all, with a patrol each second."""
        while self.time < until:
            turn = min((r.engine.turn() for r in self.replicas), default=15.0)
            following = self.time + max(turn, 1e-6)
            if self._todo:
                following = min(following, self._todo[0][0])
            second = float(int(self.time) + 1)
            self.time = min(max(following, self.time), until, second)
            self.work()
            if self.time == second:
                self.patrol()

    def patrol(self) -> None:
        """One round of each replica."""
        for replica in self.replicas:
            for entry in replica.engine.entries():
                for sink, record in zip(entry.sinks, entry.state.sinks, strict=True):
                    if record.seen and record.work is None and sink.disturbed():
                        replica.engine.disturbed(entry, sink)
