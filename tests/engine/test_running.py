"""The engine on real threads and the real clock."""

import threading
from collections.abc import Callable

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.config.model import Config, Refresh, State, TokenConfig
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.patrol import Patrol
from secret_refresher.engine.workers import Workers
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.ports import Defect, Finding, Held, Outcome, Stopping, Wrote
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant, Life, Token
from support.tokens import token_config

CLOCK = SystemClock()


class Source:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.may_answer = threading.Event()
        self.answers: list[Callable[[], Outcome]] = []
        self.credential = "first"
        self.requests = 0

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """One attempt."""
        self.requests += 1
        self.asked.set()
        self.may_answer.wait(timeout)
        return self.answers.pop(0)() if self.answers else granted("a-token")

    def credentials(self, token: TokenConfig) -> str:
        """What an attempt would read."""
        return self.credential


class Memory:
    """A sink in memory."""

    kind = "file"
    target = identity = "/memory"

    def __init__(self) -> None:
        self.text: str | None = None
        self.life: Life | None = None
        self.lost = False
        self.closed = False
        self.filled = threading.Event()

    def inspect(self, source: str) -> Finding:
        """What it holds."""
        self.lost = False
        return Finding(Held.NOTHING if self.life is None else Held.OURS, self.life)

    def publish(self, token: Token) -> Wrote:
        """Takes the token."""
        self.text, self.life = token.access_token.reveal(), token.life
        self.filled.set()
        return Wrote.WRITTEN

    def remove(self, *, for_good: bool = True) -> bool:
        """Drops it."""
        self.text = self.life = None
        return True

    def disturbed(self) -> bool:
        """Whether a test has disturbed it."""
        return self.lost

    def close(self) -> None:
        """Notes that it was closed."""
        self.closed = True


class Facts:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[object] = []

    def notice(self, about: object, fact: object) -> None:
        """Keeps a fact."""
        self.all.append(fact)


def granted(text: str, lifetime: float = 3600) -> Outcome:
    """A token from now on."""
    grant = Grant(Secret(text), "Bearer", None, lifetime, CLOCK.now(), CLOCK.wall())
    return Outcome(grant, credentials="first")


def refused() -> Outcome:
    """Bad credentials."""
    fault = Fault(Reason.INVALID_CLIENT, "refused", "rotate", Lane.PERMANENT)
    return Outcome(fault, credentials="first")


class Daemon:
    """An engine with one token and a thread that turns it."""

    def __init__(
        self,
        *,
        config: TokenConfig | None = None,
        all_of: Config | None = None,
        sink: Memory | None = None,
        more: tuple[Memory, ...] = (),
        observers: tuple[Facts, ...] = (),
    ) -> None:
        self.source, self.sink, self.facts = Source(), sink or Memory(), Facts()
        self.engine = Engine(
            clock=CLOCK,
            source=self.source,
            sinks=lambda _token: (self.sink, *more),
            fetchers=Workers("fetch", 4),
            tenders=Workers("publish", 2),
            observers=(*observers, self.facts),
            draw=lambda: 0.5,
        )
        self.engine.reconfigure(all_of or Config(tokens=(config or token_config(),)))
        self.thread = threading.Thread(target=self.engine.run, daemon=True)

    def end(self) -> None:
        """Stops it, and fails if it does not stop."""
        self.engine.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_what_is_in_flight_at_the_stop_is_published() -> None:
    """A token that is granted after the stop was asked for still reaches its sink."""
    daemon = Daemon()
    daemon.thread.start()
    assert daemon.source.asked.wait(5)
    daemon.engine.stop()
    daemon.source.may_answer.set()
    daemon.thread.join(10)
    assert not daemon.thread.is_alive()
    assert daemon.sink.text == "a-token"
    assert daemon.sink.closed
    assert any(isinstance(fact, Stopping) for fact in daemon.facts.all)


def test_a_fetch_that_hangs_holds_the_stop_up_for_five_seconds_at_most() -> None:
    """A server that never answers cannot keep the process from ending."""
    daemon = Daemon()
    daemon.thread.start()
    assert daemon.source.asked.wait(5)
    begin = CLOCK.now()
    daemon.end()
    assert 4 < CLOCK.now() - begin < 8


def test_nothing_new_is_asked_for_after_the_stop() -> None:
    """A daemon that is told to stop before its first look makes no request."""
    daemon = Daemon()
    daemon.engine.stop()
    daemon.thread.start()
    daemon.thread.join(10)
    assert daemon.source.requests == 0


def test_once_ends_when_every_sink_holds_a_live_token() -> None:
    """`run --once` is done after the first publish, and says that it went well."""
    daemon = Daemon()
    daemon.source.may_answer.set()
    assert daemon.engine.run(once=True)
    assert daemon.sink.text == "a-token"
    assert daemon.source.requests == 1


def test_once_ends_at_the_first_failure() -> None:
    """`run --once` makes one attempt and says that it failed."""
    daemon = Daemon()
    daemon.source.may_answer.set()
    daemon.source.answers.append(refused)
    assert not daemon.engine.run(once=True)
    assert daemon.source.requests == 1


def test_once_with_an_unwanted_token_removes_it() -> None:
    """`state: absent` is done when the sink is clear."""
    daemon = Daemon(config=token_config(state=State.ABSENT))
    daemon.sink.text = "old"
    assert daemon.engine.run(once=True)
    assert not daemon.sink.text
    assert daemon.source.requests == 0


def test_changed_credentials_are_noticed_by_the_patrol() -> None:
    """A refused token asks again within a round or two of a change, and not before."""
    daemon = Daemon()
    daemon.source.may_answer.set()
    daemon.source.answers.append(refused)
    daemon.thread.start()
    patrol = Patrol(daemon.engine, daemon.source, threading.Event())
    while not daemon.engine.entries() or not daemon.engine.entries()[0].state.failures:
        daemon.source.asked.wait(0.01)
    patrol.look_at_credentials()
    assert not daemon.sink.filled.wait(0.3)
    daemon.source.credential = "second"
    patrol.look_at_credentials()
    assert daemon.sink.filled.wait(5)
    daemon.end()


def test_a_disturbed_sink_is_put_right_by_the_patrol() -> None:
    """What others delete comes back from memory."""
    daemon = Daemon()
    daemon.source.may_answer.set()
    daemon.thread.start()
    assert daemon.sink.filled.wait(5)
    while not daemon.engine.entries()[0].state.once:
        daemon.source.asked.wait(0.01)
    daemon.sink.filled.clear()
    daemon.sink.text = daemon.sink.life = None
    daemon.sink.lost = True
    Patrol(daemon.engine, daemon.source, threading.Event()).look_at_sinks()
    assert daemon.sink.filled.wait(5)
    assert daemon.source.requests == 1
    daemon.end()


def test_a_defect_of_an_observer_or_adapter_stops_nothing() -> None:
    """An exception that nobody foresaw is told by name and place, never by its text."""

    class Bad(Facts):
        def notice(self, about: object, fact: object) -> None:
            raise ValueError("a secret text")

    daemon = Daemon(observers=(Bad(),))
    daemon.source.may_answer.set()

    def explode() -> Outcome:
        raise KeyError("another secret text")

    daemon.source.answers.append(explode)
    daemon.thread.start()
    assert daemon.sink.filled.wait(10)
    daemon.end()
    assert any(isinstance(fact, Defect) for fact in daemon.facts.all)
    told = repr(daemon.facts.all)
    assert "KeyError at test_running.py" in told
    assert "secret text" not in told


@pytest.mark.parametrize("refusal", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_machine_without_threads_to_spare_still_gets_its_work_done(refusal: Exception) -> None:
    """Where no thread can be had, a job is done by those that there are, or by who brings it."""

    class Scarce(threading.Thread):
        left = 0

        def start(self) -> None:
            if Scarce.left == 0:
                raise refusal
            Scarce.left -= 1
            super().start()

    for Scarce.left in (0, 1):
        pool, done = Workers("few", 4, Scarce), threading.Semaphore(0)
        for _ in range(10):
            pool.submit(done.release)
        assert all(done.acquire(timeout=5) for _ in range(10))


def once(config: Config, sink: Memory) -> bool:
    """Whether `run --once` of a configuration says that it went well."""
    daemon = Daemon(sink=sink, all_of=config)
    daemon.source.may_answer.set()
    return daemon.engine.run(once=True)


class Unwilling(Memory):
    """A sink that takes nothing."""

    def publish(self, token: Token) -> Wrote:
        """Refuses."""
        raise Trouble(Fault(Reason.NO_SPACE, "full", "make room"))


class Closed(Memory):
    """A sink that cannot even be looked into."""

    target = identity = "/closed"

    def inspect(self, source: str) -> Finding:
        """Refuses."""
        raise Trouble(Fault(Reason.LOCKED, "locked", "wait"))


@pytest.mark.parametrize(
    ("tokens", "sink", "well"),
    [
        ((), Memory, True),
        ((token_config(refresh=Refresh(max_requests_per_hour=1)),), Memory, True),
        ((token_config(),), Unwilling, False),
        ((token_config(),), Closed, False),
        ((token_config("a", state=State.ABSENT), token_config("b")), Memory, True),
    ],
)
def test_once_always_ends(
    tokens: tuple[TokenConfig, ...],
    sink: Callable[[], Memory],
    well: bool,  # noqa: FBT001
) -> None:
    """No token, a budget, a sink that refuses: each has its one attempt, and it is told how."""
    assert once(Config(tokens=tokens), sink()) is well


def test_once_waits_for_what_is_under_way_though_something_has_failed() -> None:
    """One sink that cannot be looked into does not keep the others from their token."""
    daemon = Daemon(more=(Closed(),))
    went = []
    thread = threading.Thread(target=lambda: went.append(daemon.engine.run(once=True)))
    thread.start()
    assert daemon.source.asked.wait(5)
    while not any(sink.failures for sink in daemon.engine.entries()[0].state.sinks):
        assert not daemon.sink.filled.wait(0.01)
    daemon.source.may_answer.set()
    thread.join(10)
    assert went == [False]
    assert daemon.sink.text == "a-token"


class Slow(Memory):
    """A sink that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.may_write = threading.Event(), threading.Event()

    def publish(self, token: Token) -> Wrote:
        """Takes the token once it may."""
        self.reached.set()
        self.may_write.wait(10)
        return super().publish(token)


def test_once_waits_for_a_publish_that_is_under_way() -> None:
    """What another sink says in the meantime does not cut it short."""
    slow, closed = Slow(), Closed()
    daemon = Daemon(sink=slow, more=(closed,))
    daemon.source.may_answer.set()
    went = []
    thread = threading.Thread(target=lambda: went.append(daemon.engine.run(once=True)))
    thread.start()
    assert slow.reached.wait(5)
    while daemon.engine.entries()[0].state.sinks[1].failures < 2:
        assert not slow.filled.wait(0.01)
    slow.may_write.set()
    thread.join(10)
    assert went == [False]
    assert slow.text == "a-token"
