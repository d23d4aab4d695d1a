"""Consumers are told on workers of their own, and none of them is in another's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import final

import pytest

from secret_refresher.config.consumers import ConsumerSpec, HttpConsumer
from secret_refresher.config.model import Config
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.notifier import Notifier
from secret_refresher.engine.workers import Workers
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.lifecycle import events
from secret_refresher.ports import Heard
from secret_refresher.tokens.token import Life
from support.daemon import until
from support.tokens import files_of, token_config
from support.world import BoxSink, World

FAST = HttpConsumer(url="http://fast/")
SLOW = HttpConsumer(url="http://slow/a")
ILL = Fault(Reason.SERVER_ERROR, "ill", "look", status=500)


@final
class Ears:
    """Consumers that note who was told of what; those of host `slow` hang until they are let go."""

    def __init__(self) -> None:
        self.told: list[tuple[str, frozenset[str]]] = []
        self.let_go = threading.Event()
        self.at_once: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self.answer: Callable[[], Heard] = Heard
        self._lock = threading.Lock()

    def tell(self, consumer: ConsumerSpec, of: Mapping[str, Life]) -> Heard:
        """Notes it."""
        place = consumer.place
        with self._lock:
            self.told.append((consumer.target, frozenset(of)))
            self.at_once[place] = self.at_once.get(place, 0) + 1
            self.most[place] = max(self.most.get(place, 0), self.at_once[place])
        if "slow" in place:
            self.let_go.wait(20)
        with self._lock:
            self.at_once[place] -= 1
        return self.answer()

    def of(self, target: str) -> list[frozenset[str]]:
        """Of which tokens a consumer was told, time by time."""
        return [names for who, names in self.told if who == target]


@final
class Running:
    """An engine of the simulated world, turned until something is so; consumers on real threads."""

    def __init__(self, world: World, ears: Ears, workers: int = 3) -> None:
        self.world = world
        self.engine = world.engine = Engine(
            clock=world,
            source=world,
            sinks=lambda token: tuple(BoxSink(world, file.path) for file in files_of(token)),
            fetchers=world,
            tenders=world,
            observers=[world],
            draw=world.draw,
            notifier=Notifier(ears, Workers("notify", workers)),
        )

    def give(self, *tokens: tuple[str, tuple[ConsumerSpec, ...]]) -> None:
        """A configuration."""
        configs = (replace(token_config(name), notify=consumers) for name, consumers in tokens)
        self.engine.reconfigure(Config(tokens=tuple(configs)))

    def until(self, so: Callable[[], object], seconds: float = 5.0) -> None:
        """Lets that much time pass, and then waits for it."""
        self.world.run(self.world.time + seconds)
        until(lambda: (self.engine.turn(), so())[1], "what was waited for")

    def facts(self, kind: type) -> int:
        """How often observers were told such a fact."""
        return sum(isinstance(fact, kind) for fact in self.world.facts)


@pytest.fixture
def ears() -> Ears:
    """Nobody hangs yet."""
    return Ears()


@pytest.mark.parametrize("workers", [2, 8])
def test_a_consumer_that_hangs_holds_up_nobody(ears: Ears, workers: int) -> None:
    """Neither other consumers, however few workers there are, nor tokens wait for it."""
    running = Running(World(), ears, workers)
    slow = [(f"slow-{n}", (HttpConsumer(url=f"http://slow/{n}"),)) for n in range(5)]
    running.give(*slow, ("quick", (FAST,)))
    running.until(lambda: ears.of(FAST.target))
    assert ears.most["http://slow:80"] == 1
    assert running.facts(events.Published) == 6
    assert running.engine.busy()["notify"] == 1
    ears.let_go.set()
    running.until(lambda: running.facts(events.Notified) == 6)
    assert ears.most["http://slow:80"] == 1
    assert running.engine.busy()["notify"] == 0


def test_tokens_of_one_consumer_are_told_in_one_go(ears: Ears) -> None:
    """What came while it was told of another is one request more, whatever the number."""
    running = Running(World(), ears)
    running.give(*((f"t{n}", (SLOW,)) for n in range(6)))
    running.until(lambda: ears.told)
    ears.let_go.set()
    running.until(lambda: running.facts(events.Notified) == 6)
    first, second = ears.of(SLOW.target)
    assert len(first) == 1
    assert first | second == {f"t{n}" for n in range(6)}


def test_a_failure_is_that_of_every_token_that_was_told_of(ears: Ears) -> None:
    """Each of them is told again."""

    def fail() -> Heard:
        raise Trouble(ILL)

    ears.answer = fail
    running = Running(World(), ears)
    running.give(("a", (FAST,)), ("b", (FAST,)))
    running.until(lambda: running.facts(events.NotifyFailed) >= 2)
    ears.answer = Heard
    running.until(lambda: running.facts(events.Notified) == 2, 30)


def test_a_defect_of_an_adapter_is_a_failure(ears: Ears) -> None:
    """An exception that nobody expected is told as a defect, and tried again."""

    def fail() -> Heard:
        raise RuntimeError("secret")

    ears.answer = fail
    running = Running(World(), ears)
    running.give(("a", (FAST,)))
    running.until(lambda: running.facts(events.NotifyFailed))
    (failed, *_) = [f for f in running.world.facts if isinstance(f, events.NotifyFailed)]
    assert failed.fault.reason is Reason.INTERNAL
    assert "secret" not in str(failed.fault)


def test_a_token_that_is_gone_is_not_told_of(ears: Ears) -> None:
    """Who waits for a consumer and leaves the configuration has nothing to tell any more."""
    running = Running(World(), ears)
    running.give(("a", (SLOW,)))
    running.until(lambda: ears.told)
    running.give(("a", (SLOW,)), ("b", (SLOW,)))
    running.until(lambda: running.facts(events.Published) == 2)
    running.give()
    running.until(lambda: not running.engine.entries())
    ears.let_go.set()
    running.until(lambda: running.engine.busy()["notify"] == 0)
    assert ears.of(SLOW.target) == [{"a"}]


def test_nobody_is_told_once_it_stops(ears: Ears) -> None:
    """Who waits for a consumer when the daemon stops is forgotten; the next one tells the young."""
    running = Running(World(), ears)
    running.give(("a", (SLOW,)), ("b", (SLOW, HttpConsumer(url="http://slow/other"))))
    running.until(lambda: running.facts(events.Published) == 2 and ears.told)
    running.engine.stop()
    running.engine.turn()
    ears.let_go.set()
    running.until(lambda: running.engine.busy()["notify"] == 0)
    assert len(ears.told) == 1
    assert running.world.defects() == []
