"""Tokens that come to a replica and go from it, in a virtual world."""

from hypothesis import given, settings, strategies as st

from secret_refresher.config.model import Config, Refresh, TokenConfig
from secret_refresher.engine.engine import PARTING
from secret_refresher.engine.fence import FencedSource
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events
from support.tokens import token_config
from support.world import World

LEAD = Refresh(min_lead=25.0)
NOBODY = Config(tokens=())


def config(*numbers: int) -> Config:
    """Tokens by their numbers."""
    return Config(tokens=tuple(token(number) for number in numbers))


def token(number: int) -> TokenConfig:
    """One of them; all are asked of one server."""
    return token_config(f"token-{number}", refresh=LEAD)


def settled(*numbers: int) -> World:
    """A process that holds these tokens, each published."""
    world = World()
    world.start(config(*numbers))
    world.run(world.time + 5)
    return world


class Gone:
    """Notes when it was called."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.at: float | None = None

    def __call__(self) -> None:
        """Now."""
        self.at = self._world.time


def test_what_is_taken_is_adopted() -> None:
    """A token that another replica has published is gone on with, without a request."""
    world = settled(1, 2)
    asked = len(world.service(token(1)).asked)
    world.start(NOBODY)
    world.run(world.time + 3)
    world.engine.hold(config(1, 2))
    world.run(world.time + 10)
    assert len(world.service(token(1)).asked) == asked
    assert sum(isinstance(fact, events.Adopted) for fact in world.facts) == 2


def test_what_is_lost_is_dropped_at_once() -> None:
    """A token that is not ours any more is in no series; what comes in for it is dropped."""
    world = settled(1, 2)
    world.latency = 5.0
    due = 1000.0 + 100 * 0.75
    world.run(due)
    assert world.engine.busy()["fetch"]
    world.engine.hold(config(2))
    world.run(world.time + 0.1)
    assert [about.name for about, _ in world.engine.tokens()] == ["token-2"]
    published = [fact for fact in world.facts if isinstance(fact, events.Published)]
    world.run(world.time + 4 * world.latency)
    now = [fact for fact in world.facts if isinstance(fact, events.Published)]
    assert len(now) == len(published) + 1  # token-2's
    assert world.defects() == []


def test_who_is_idle_is_gone_at_once() -> None:
    """Giving up tokens for which nothing is in flight takes no time."""
    world = settled(1, 2)
    gone = Gone(world)
    at = world.time
    world.engine.hold(config(2), gone)
    world.run(at + 1)
    assert gone.at == at


def test_what_is_in_flight_is_finished_first() -> None:
    """A token that is being fetched is published before its shard is given up."""
    world = settled(1)
    world.run(1000.0 + 70)
    world.latency = 5.0
    while not world.engine.busy()["fetch"]:
        world.run(world.time + 0.5)
    began, gone = world.time, Gone(world)
    world.engine.hold(NOBODY, gone)
    world.run(began + 200)
    assert gone.at is not None
    assert began + 5 < gone.at <= began + 11
    fetched = [fact for fact in world.facts if isinstance(fact, events.Fetched)]
    published = [fact for fact in world.facts if isinstance(fact, events.Published)]
    assert len(fetched) == len(published) == 2
    assert len(world.service(token(1)).asked) == 2
    assert not world.engine.tokens()


def test_giving_up_takes_a_bounded_time() -> None:
    """What hangs is not waited for longer than is said; what comes of it is dropped."""
    world = settled(1)
    world.run(1000.0 + 70)
    world.latency = 10 * PARTING
    while not world.engine.busy()["fetch"]:
        world.run(world.time + 0.5)
    began, gone = world.time, Gone(world)
    world.engine.hold(NOBODY, gone)
    world.run(began + 4 * world.latency)
    assert gone.at is not None
    assert began + PARTING <= gone.at <= began + PARTING + 1
    assert sum(isinstance(fact, events.Published) for fact in world.facts) == 1


def test_what_comes_back_while_it_leaves() -> None:
    """A token that is ours again before it was gone begins anew."""
    world = settled(1)
    world.run(1000.0 + 70)
    world.latency = 5.0
    while not world.engine.busy()["fetch"]:
        world.run(world.time + 0.5)
    gone = Gone(world)
    world.engine.hold(NOBODY, gone)
    world.run(world.time + 1)
    world.engine.hold(config(1))
    world.run(world.time + 40)
    assert gone.at is not None
    assert len(world.engine.tokens()) == 1
    assert world.expired() == 0
    assert world.defects() == []


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_tokens_that_come_and_go(seed: int) -> None:
    """However shards move, with or without time to finish, those that are ours are served."""
    world = World(seed)
    dice = world.random
    world.start(NOBODY)
    waiting: list[Gone] = []
    held: set[int] = set()
    for _ in range(30):
        before = held
        held = {number for number in range(6) if dice.random() < 0.5}
        if dice.random() < 0.5:
            gone = Gone(world)
            waiting.append(gone)
            # As an election does it: what leaves with time to finish comes back only later.
            world.engine.hold(config(*(before & held)), gone)
        world.engine.hold(config(*held))
        world.latency = dice.choice([0.0, 0.2, 3.0])
        world.run(world.time + dice.uniform(0, 60))
    world.latency = 0.2
    world.run(world.time + 2 * PARTING)
    assert all(gone.at is not None for gone in waiting)
    assert {about.name for about, _ in world.engine.tokens()} == {f"token-{n}" for n in held}
    for number in held:
        life = world.boxes[f"/tokens/token-{number}-0"].life
        assert life is not None
        assert life.alive(world.time)
    assert world.defects() == []
    assert not world.engine._departures._parties  # noqa: SLF001 - nobody is left behind
    assert not world.engine._unsettled  # noqa: SLF001 - likewise


class Closed:
    """A fence that is open for some tokens."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def open(self, token: str) -> bool:
        """As it was told."""
        return token in self.names


def test_a_shut_fence_lets_no_request_out() -> None:
    """A token that may be another's is not asked for, and the failure says why."""
    world = World()
    source = FencedSource(world, Closed("token-1"))
    assert not isinstance(source.fetch(token(1), 1.0).result, Fault)
    outcome = source.fetch(token(2), 1.0)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.NOT_HELD
    assert outcome.exchanges == ()
    assert len(world.service(token(1)).asked) == 1
    assert source.credentials(token(2)) == world.credentials(token(2))


def test_a_changed_source_of_thousands_is_no_herd() -> None:
    """Tokens that change together are asked for over their lead, also beside others that go."""
    number = 2000
    world = World()
    world.start(config(*range(number)))
    world.run(world.time + 60)
    asked = world.service(token(0)).asked
    asked.clear()
    changed = [
        token_config(f"token-{n}", refresh=Refresh(min_lead=30.0), url="https://id.example.com/2")
        for n in range(number)
    ]
    half = tuple(changed[: number // 2])
    world.engine.reconfigure(Config(tokens=half))
    at = world.time
    world.run(at + 40)
    first = [instant for instant in asked if instant < at + 5]
    assert len(world.engine.tokens()) == number // 2
    assert len(first) < number / 2 / 3
