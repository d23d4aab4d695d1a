"""More to do than workers can: whatever dies first goes first."""

import heapq
import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings, strategies as st

from secret_refresher.config.model import Config, Refresh, TokenConfig
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.entry import Entry
from secret_refresher.engine.workers import Workers
from secret_refresher.lifecycle.state import Work
from secret_refresher.ports import Finding, Outcome, Sink, Wrote
from secret_refresher.tokens.token import Token
from support.tokens import files_of, token_config
from support.world import BoxSink, World

LEAD = 20.0


class Narrow:
    """A pool of one worker; a job is done at once, and the worker busy for `seconds` from then."""

    size = 1

    def __init__(self, world: World, seconds: float) -> None:
        self._world = world
        self._seconds = seconds
        self._busy = False
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Queues a job."""
        self._number += 1
        heapq.heappush(self._waiting, (dies, self._number, job))
        self._begin()

    def _begin(self) -> None:
        if self._waiting and not self._busy:
            self._busy = True
            _, _, job = heapq.heappop(self._waiting)
            self._world.at(self._world.time, job)
            self._world.at(self._world.time + self._seconds, self._end)

    def _end(self) -> None:
        self._busy = False
        self._begin()


class Overload(World):
    """One token is fetched at a time, one sink is worked on; who has to wait for whom?

    It is the pool of fetchers as well: `fetching` seconds pass before an answer.
    """

    size = 4

    def __init__(self, seed: int = 0, *, fetching: float = 0.1, tending: float = 0.1) -> None:
        super().__init__(seed, fetching)
        self.lives = (60.0, 200.0)
        self.looks = 0
        self.publishes = 0
        self.passed: list[str] = []
        """Who was served while a live token that dies earlier waited for the same."""
        self._tenders = Narrow(self, tending)

    def start(self, config: Config) -> Engine:
        """A new process."""

        def sinks(token: TokenConfig) -> tuple[Sink, ...]:
            return tuple(Watched(self, file.path) for file in files_of(token))

        self.engine = Engine(
            clock=self,
            source=self,
            sinks=sinks,
            fetchers=self,
            tenders=self._tenders,
            observers=self.observers,
            draw=self.draw,
        )
        self.engine.reconfigure(config)
        return self.engine

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """A token of some life or other; it was sent for `latency` seconds ago."""
        sent = self.time - self.latency
        self._judge(f"/tokens/{token.name}-0", sent, lambda entry: _waits_for_fetch(entry, sent))
        self.service(token).lifetime = self.random.uniform(*self.lives)
        return super().fetch(token, timeout)

    def publish(self, target: str) -> None:
        """Somebody is published to."""
        self.publishes += 1
        self._judge(target, self.time, self._waits_for_publish)

    def _waits_for_publish(self, entry: Entry) -> bool:
        token, record = entry.state.token, entry.state.sinks[0]
        written = token is not None and token.life.expires == self._dies(entry.sinks[0].target)
        return record.work is Work.PUBLISH and not written

    def _dies(self, target: str) -> float:
        box = self.boxes.get(target)
        return box.life.expires if box and box.life else 0.0

    def _judge(self, served: str, at: float, waits: Callable[[Entry], bool]) -> None:
        for entry in self.engine.entries():
            other = entry.sinks[0].target
            sooner = at < self._dies(other) < self._dies(served)
            if sooner and other != served and waits(entry):
                self.passed.append(f"{served} before {other} at {at}")


def _waits_for_fetch(entry: Entry, sent: float) -> bool:
    return entry.state.fetching and entry.state.asked < sent


class Watched(BoxSink):
    """A sink that says when it is worked on."""

    def __init__(self, world: Overload, target: str) -> None:
        super().__init__(world, target)
        self._overload = world

    def inspect(self, source: str) -> Finding:
        """What the box holds."""
        self._overload.looks += 1
        return super().inspect(source)

    def publish(self, token: Token) -> Wrote:
        """Puts the token into the box."""
        self._overload.publish(self.target)
        return super().publish(token)


def tokens(count: int) -> Config:
    """So many of them."""
    refresh = Refresh(min_lead=LEAD)
    return Config(tokens=tuple(token_config(f"t-{n}", refresh=refresh) for n in range(count)))


@pytest.mark.parametrize("slow", [{"fetching": 2.1}, {"tending": 1.2}], ids=["server", "sinks"])
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_whoever_lives_longer_is_served_later(slow: dict[str, float], seed: int) -> None:
    """With less than it takes, no token dies while one that lives longer is served.

    It holds where tokens wait for the authorization server, and where they wait to be published.
    """
    world = Overload(seed, **slow)
    world.start(tokens(60))
    world.run(world.time + 600)
    assert world.expired() > 0  # there was more to do than could be done
    assert world.passed == []
    assert world.defects() == []


def test_who_is_about_to_die_waits_for_no_look_at_others() -> None:
    """Who takes over many sinks publishes to those that die soon before having seen them all."""
    world = Overload()
    world.lives = (100.0, 100.0)
    engine = world.start(tokens(10))
    world.run(world.time + 30)
    engine.reconfigure(tokens(100))
    world.run(world.time + 25)
    heir = Overload(tending=0.5)
    heir.boxes, heir.lives = world.boxes, world.lives
    heir.time = world.time + 30  # the first ten have less than their lead left
    heir.start(tokens(100))
    heir.run(heir.time + 20)
    assert heir.expired() == 0
    assert heir.publishes == 10
    assert heir.looks < 40


def test_nothing_is_done_for_what_is_ours_no_more() -> None:
    """Work that still waits when its token goes to another replica is not done at all."""
    world = Overload(tending=1.0)
    engine = world.start(tokens(60))
    world.run(world.time + 5)
    engine.hold(tokens(0))
    world.run(world.time + 100)
    assert world.looks + world.publishes <= 7
    assert engine.busy()["publish"] == 0


def test_a_shard_is_left_without_looking_at_what_is_in_it() -> None:
    """Nobody serves it meanwhile, so its looks that still wait are left to its next holder."""
    world = Overload(tending=1.0)
    engine = world.start(tokens(60))
    world.run(world.time + 5)
    gone: list[str] = []
    engine.hold(tokens(0), lambda: gone.append("all"))
    world.run(world.time + 100)
    assert gone == ["all"]
    assert world.looks + world.publishes <= 9  # what was fetched is published


def test_real_workers_do_first_what_dies_first() -> None:
    """Whichever order jobs came in; those that die at the same instant as they came."""
    pool, free, over = Workers("one", 1), threading.Event(), threading.Event()
    order: list[str] = []

    def hold() -> None:
        free.wait(20)

    pool.submit(hold)
    for name, dies in (("c", 30.0), ("a", 10.0), ("d", 30.0), ("b", 20.0)):
        pool.submit(partial(order.append, name), dies)
    pool.submit(over.set, 40.0)
    free.set()
    assert over.wait(20)
    assert order == ["a", "b", "c", "d"]
