"""The real engine in a virtual world."""

import threading
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from secret_refresher.config.model import Config, OnExpired, Refresh, State, TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.engine.engine import LONGEST_WAIT
from secret_refresher.engine.patrol import Patrol
from secret_refresher.lifecycle import events
from secret_refresher.ports import ConfigTaken, Defect, Exchange, Outcome
from support.tokens import files_of, token_config
from support.world import AWAY, Box, BoxSink, World

LEAD = 25.0
"""Seconds between the latest refresh point and the expiry, with these refresh settings."""
SETTINGS = Refresh(min_lead=LEAD)


def config(*tokens: TokenConfig) -> Config:
    """A configuration of these tokens."""
    return Config(tokens=tokens)


def one(**more: object) -> TokenConfig:
    """One token with a life of 100 s and a lead of 25 s."""
    return token_config(refresh=SETTINGS, **more)  # type: ignore[arg-type]


def test_a_day_in_peace() -> None:
    """Without faults no consumer sees an expired token, for less than 1.6 requests a life."""
    world, token = World(), one(sinks=2)
    world.start(config(token))
    world.run(86_400)
    assert all(box.text for box in world.boxes.values())
    assert world.expired() == 0
    assert len(world.service(token).asked) <= 1.6 * (86_400 - 1000) / 100


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_outages_shorter_than_the_lead_are_never_seen(seed: int, data: st.DataObject) -> None:
    """However outages shorter than the lead are spread, no consumer sees an expired token."""
    world, token = World(seed), one()
    service = world.service(token)
    start = 1010.0
    for _ in range(20):
        start += data.draw(st.floats(LEAD, 200), label="peace")
        length = data.draw(st.floats(0.1, LEAD - 2), label="outage")
        service.away.append((start, start + length))
        start += length
    world.start(config(token))
    world.run(start + 100)
    assert world.expired() == 0
    floor = min(10.0, service.lifetime / 4)
    granted = [f for f in world.facts if isinstance(f, events.Fetched)]
    issued = [f.life.issued for f in granted]
    assert all(after - before >= floor for before, after in pairwise(issued))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.floats(1, 60), min_size=1, max_size=30))
def test_restarts_with_a_live_token_cost_no_request(seed: int, pauses: list[float]) -> None:
    """Killed at any instant and started again, the daemon asks for nothing it has."""
    world, token = World(seed), one(sinks=2)
    for pause in pauses:
        world.start(config(token))
        world.run(world.time + pause)
    lives = (world.time - 1000) / 100
    # One request may be lost with each kill between its answer and its publish.
    lost = sum(1 for fact in world.facts if isinstance(fact, events.Fetched)) + len(pauses)
    assert len(world.service(token).asked) <= lost
    world.run(world.time + 5)
    granted = sum(1 for fact in world.facts if isinstance(fact, events.Fetched))
    assert granted <= 2.6 * lives + 2 + len(pauses) * (world.latency * 4 / 40)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(1, 44), st.floats(0.1, 60))
def test_a_broken_sink_costs_no_request_and_is_filled_afterwards(
    seed: int, begin: float, length: float
) -> None:
    """While a sink is broken fetches go on as planned; mended, it is filled within a minute."""
    world, token = World(seed), one()
    world.start(config(token))
    world.run(1000 + begin)
    asked = len(world.service(token).asked)
    (box,) = world.boxes.values()
    box.broken = True
    world.run(world.time + length)
    assert len(world.service(token).asked) - asked <= length / 40 + 1
    box.broken = False
    world.run(world.time + 61)
    assert box.life is not None
    assert box.life.alive(world.time)


def test_edits_by_others_are_put_right_without_a_request() -> None:
    """Deleted or edited content comes back from memory."""
    world, token = World(), one()
    world.start(config(token))
    world.run(1005)
    (box,) = world.boxes.values()
    before = (box.text, len(world.service(token).asked))
    box.text, box.life = "edited by hand", None
    world.patrol()
    world.run(1007)
    assert (box.text, len(world.service(token).asked)) == before


def test_a_dead_origin_makes_no_other_token_late() -> None:
    """Two thousand tokens of an origin that answers nothing delay nobody else."""
    world = World(latency=5.0)
    sick = [one(name=f"sick-{n}", url="https://sick.example.com/token") for n in range(2000)]
    well = [one(name=f"well-{n}", url="https://well.example.com/token") for n in range(20)]
    world.service(sick[0]).away.append((0, 1e9))
    world.start(config(*sick, *well))
    world.run(1000 + 600)
    for token in well:
        box = world.boxes[files_of(token)[0].path]
        assert box.text is not None
        assert box.read_expired == 0
    assert world.engine.unavailable_origins() == {"https://sick.example.com:443"}
    tries = world.service(sick[0]).asked
    assert len([at for at in tries if at > 1100]) <= 500 / 5 + 1  # one at a time


def test_reload_adds_removes_and_changes() -> None:
    """A new configuration is taken while running; a new source is asked for at once."""
    world, kept, gone = World(), one(name="kept"), one(name="gone")
    world.start(config(kept, gone))
    world.run(1002)
    moved = replace(kept, token_url="https://moved.example.com/token")
    world.engine.reconfigure(config(moved, one(name="added")))
    world.run(1015)
    taken = [fact for fact in world.facts if isinstance(fact, ConfigTaken)]
    assert taken[-1] == ConfigTaken(tokens=2, added=1, changed=1, removed=1)
    assert len(world.service(moved).asked) == 1
    world.run(1500)
    names = {about.name for about, _ in world.engine.tokens()}
    assert names == {"kept", "added"}
    assert world.boxes["/tokens/gone-0"].life is not None
    assert world.boxes["/tokens/gone-0"].life.issued < 1002  # nobody tends it any more


def test_a_changed_source_of_many_is_no_herd() -> None:
    """A changed default asks for a thousand tokens over the lead, not at once."""
    world = World(latency=0.01)  # so quick that the bulkhead alone would let all through
    tokens = [one(name=f"t-{n}") for n in range(1000)]
    world.start(config(*tokens))
    world.service(tokens[0]).lifetime = 1000
    world.run(1050)
    asked = len(world.service(tokens[0]).asked)
    assert asked == 1000
    changed = [replace(t, request=replace(t.request, scope=("new",))) for t in tokens]
    world.engine.reconfigure(config(*changed))
    begin = world.time
    world.run(begin + 1)
    first_second = len(world.service(tokens[0]).asked) - asked
    assert first_second < 1000 / LEAD * 3


def test_ten_thousand_tokens_stay_fresh() -> None:
    """Ten thousand tokens of mixed age live for ten lives without an expired read."""
    world = World(latency=0.05)
    tokens = [one(name=f"t-{n}", url=f"https://o{n % 50}.example.com/t") for n in range(10_000)]
    for token in tokens:
        world.service(token).lifetime = 600
    world.start(config(*tokens))
    world.run(1000 + 1200)
    assert len(world.boxes) == 10_000
    assert world.expired() == 0


def fan_out(*targets: str) -> World:
    """A world in which one token without a sink of its own goes to these, and has been fetched."""
    world = World()
    world.fan_out["partner-api"] = list(targets)
    world.start(Config(tokens=(token_config(sinks=0),)))
    world.run(1010)
    return world


def test_a_new_target_is_filled_without_another_fetch() -> None:
    """A namespace that comes to match gets the token in memory."""
    world = fan_out("a")
    world.fan_out["partner-api"] = ["a", "b"]
    world.engine.retarget()
    world.run(1012)
    assert world.boxes["a"].text == world.boxes["b"].text == "token-1"
    assert len(world.service(token_config()).asked) == 1


def test_a_lost_target_is_cleared_and_forgotten() -> None:
    """A namespace that stops matching loses what is ours, however often that has to be tried."""
    world = fan_out("a", "b")
    world.boxes["b"].broken = True
    world.fan_out["partner-api"] = ["a"]
    world.engine.retarget()
    world.run(1020)
    assert world.boxes["b"].text == "token-1"
    world.boxes["b"].broken = False
    world.run(1090)
    assert [world.boxes[target].text is None for target in "ab"] == [False, True]
    assert not world.defects()


def test_a_target_that_comes_back_is_not_cleared() -> None:
    """A label that is taken off and put on again costs nobody the token."""
    world = fan_out("a", "b")
    world.boxes["b"].broken = True
    world.fan_out["partner-api"] = ["a"]
    world.engine.retarget()
    world.run(1011)
    world.fan_out["partner-api"] = ["a", "b"]
    world.engine.retarget()
    world.boxes["b"].broken = False
    world.run(1190)
    assert world.boxes["b"].text is not None
    assert world.boxes["b"].text == world.boxes["a"].text
    assert not world.defects()


def test_a_target_lost_while_it_is_written_is_cleared_after() -> None:
    """What a worker still wrote to it does not stay behind."""
    world = fan_out("a")
    world.fan_out["partner-api"] = ["a", "b"]
    world.engine.retarget()
    world.run(1010.3)  # the look into b is over, and the token on its way
    world.fan_out["partner-api"] = ["a"]
    world.engine.retarget()
    world.run(1020)
    assert world.boxes["b"].text is None
    assert not world.defects()


@pytest.mark.parametrize("unwanted", [False, True])
def test_a_dead_token_gives_up_its_place_only_when_unwanted(*, unwanted: bool) -> None:
    """Even where that is heard of while the dead token is just being taken out."""
    world, token = World(), token_config(refresh=Refresh(on_expired=OnExpired.DELETE))
    world.start(config(token))
    world.run(1010)
    (box,) = world.boxes.values()
    world.service(token).refuses = True
    assert box.life is not None
    dead = box.life.expires
    world.run(dead + world.latency / 2)
    assert box.text is not None  # it is just being taken out
    if unwanted:
        world.engine.reconfigure(config(replace(token, state=State.ABSENT)))
    world.run(dead + 5)
    assert [(box.text, box.claimed) for box in world.boxes.values()] == [(None, not unwanted)]


def test_nobody_to_serve_costs_no_request() -> None:
    """A token whose selector matches nothing yet is not fetched."""
    world = fan_out()
    assert world.service(token_config()).asked == []
    world.fan_out["partner-api"] = ["a"]
    world.engine.retarget()
    world.run(1012)
    assert world.boxes["a"].text == "token-1"


def test_a_stray_is_cleared_unless_it_is_wanted() -> None:
    """What an earlier run left is cleared; a place that is a sink by now keeps its token."""
    world = fan_out("a")
    world.boxes["old"] = Box(text="token-0")
    (entry,) = world.engine.entries()
    world.engine.clear(entry, [BoxSink(world, "old"), BoxSink(world, "a")])
    world.run(1012)
    assert world.boxes["old"].text is None
    assert world.boxes["a"].text == "token-1"
    assert not world.defects()


def test_a_defect_met_with_one_token_stops_neither_it_nor_others() -> None:
    """Whichever event could not be taken, the token is soon looked after again."""

    class Unlucky(World):
        failing = 0
        calls = 0

        def draw(self) -> float:
            self.calls += 1
            if self.calls == self.failing:
                raise ArithmeticError("a defect")
            return self.random.random()

    for failing in range(1, 9):
        world = Unlucky()
        world.failing = failing
        tokens = [one(name="a"), one(name="b")]
        world.boxes["/tokens/a-0"] = Box(broken=True)  # so that sinks' failures draw as well
        world.start(config(*tokens))
        world.run(1002)
        world.boxes["/tokens/a-0"].broken = False
        world.run(1200)
        assert [type(fact) for fact in world.defects()] == [Defect], failing
        for box in world.boxes.values():
            assert box.life is not None
            assert box.life.alive(world.time)


def test_a_token_that_became_unwanted_in_the_queue_is_not_asked_for() -> None:
    """Nothing is asked of a server for a token that is absent when its turn comes."""
    world = World(latency=5.0)
    many = [one(name=f"t-{n}") for n in range(20)]
    world.start(config(*many))
    world.run(1006)
    gone = [replace(token, state=State.ABSENT, token_url="") for token in many]
    world.engine.reconfigure(config(*gone))
    world.run(1100)
    assert len(world.service(many[0]).asked) == 8  # those that were under way
    assert set(world.services) == {origin_of(many[0].token_url)}
    assert not world.defects()
    assert all(not about.fetching for _, about in world.engine.tokens())
    world.engine.reconfigure(config(*many))
    world.run(1200)
    assert all(box.text for box in world.boxes.values())


def test_a_long_suspend_is_no_herd() -> None:
    """After hours asleep each token is asked for once, a few of an origin at a time."""
    world = World()
    tokens = [one(name=f"t-{n}") for n in range(200)]
    world.start(config(*tokens))
    world.run(1050)
    before = len(world.service(tokens[0]).asked)
    world.time += 6 * 3600
    asleep = world.time
    world.run(asleep + 20)
    asked = [at for at in world.service(tokens[0]).asked if at >= asleep]
    assert len(world.service(tokens[0]).asked) - before <= 200 + 8  # eight may have been dropped
    for at in asked:
        assert len([other for other in asked if at <= other < at + world.latency / 2]) <= 8
    assert all(box.life and box.life.alive(world.time) for box in world.boxes.values())


class Witness(World):
    """A world that notes who was asked for, and with which time-out."""

    def __init__(self, latency: float = 0.2) -> None:
        super().__init__(latency=latency)
        self.fetches: list[tuple[str, float]] = []
        self.result: Outcome | None = None

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """Notes it."""
        self.fetches.append((token.name, timeout))
        return self.result or super().fetch(token, timeout)


def test_no_wait_is_so_long_that_a_resume_goes_unnoticed() -> None:
    """With nothing to do for an hour the clock is looked at every few seconds all the same."""
    world, token = World(), one()
    world.service(token).lifetime = 3600
    world.start(config(token))
    world.run(1010)
    assert world.engine.turn() == LONGEST_WAIT


def test_an_attempt_leaves_time_for_another_before_the_old_token_dies() -> None:
    """However long a time-out is configured, it takes at most half of what remains."""
    world, token = Witness(), one()
    token = replace(token, request=replace(token.request, timeout=60.0))
    world.start(config(token))
    world.run(1080)
    assert world.fetches[0][1] == 60
    assert 12 < world.fetches[1][1] < 25


def test_who_dies_first_is_asked_for_first() -> None:
    """When more are due than an origin takes at once, the token in use decides."""
    world = Witness(latency=5.0)
    world.start(config(*(one(name=f"t-{n}") for n in range(24))))
    world.run(1030)
    lives = {path: box.life for path, box in world.boxes.items() if box.life}
    assert len(lives) == 24
    world.time, asked = 1095.0, len(world.fetches)
    assert all(life.refresh < world.time < life.expires for life in lives.values())
    world.run(1112)
    expiries = [lives[f"/tokens/{name}-0"].expires for name, _ in world.fetches[asked:]]
    assert len(expiries) == 24
    assert expiries[8:] == sorted(expiries[8:])


@pytest.mark.parametrize(
    ("status", "sick"), [(None, True), (503, True), (500, True), (499, False), (401, False)]
)
def test_an_origin_is_unavailable_without_answers_below_500(
    status: int | None, *, sick: bool
) -> None:
    """Errors of a server and silence are no answers; refusals are."""
    world, token = Witness(), one()
    exchange = Exchange(origin_of(token.token_url), status, 0.1, reached=True)
    world.result = Outcome(replace(AWAY, retry_after=5.0), (exchange,), "c")
    world.start(config(token))
    world.run(1030)
    assert len(world.fetches) >= 3
    assert bool(world.engine.unavailable_origins()) is sick


def test_a_missing_credential_file_makes_no_origin_unavailable() -> None:
    """Where nobody was asked, nobody failed to answer."""
    world, token = Witness(), one()
    world.result = Outcome(AWAY, (), "c")
    world.start(config(token))
    world.run(1060)
    assert len(world.fetches) >= 3
    assert not world.engine.unavailable_origins()


def test_an_origin_that_nobody_uses_any_more_is_forgotten() -> None:
    """It is not shown as unavailable for ever."""
    world, token = World(), one(url="https://sick.example.com/token")
    world.service(token).away.append((0, 1e9))
    world.start(config(token))
    world.run(1060)
    assert world.engine.unavailable_origins()
    world.engine.reconfigure(config(one(name="other")))
    world.run(1070)
    assert not world.engine.unavailable_origins()


def test_a_namespace_that_two_selectors_match_is_one_place() -> None:
    """Two entries that come to mean the same Secret with the same settings are one sink."""
    world = fan_out("a", "a")
    world.fan_out["partner-api"] = ["a", "b", "a"]
    world.engine.retarget()
    world.run(1400)
    assert world.expired() == 0
    ((about, state),) = world.engine.tokens()
    assert [target for _, target in about.sinks] == ["a", "b"]
    assert len(state.sinks) == 2
    assert not world.defects()


def test_a_target_that_comes_back_by_a_new_configuration_is_not_cleared() -> None:
    """Whichever way a place is wanted again, nobody goes on to clear it."""
    world = fan_out("a", "b")
    world.boxes["b"].broken = True
    world.fan_out["partner-api"] = ["a"]
    world.engine.retarget()
    world.run(1011)
    world.fan_out["partner-api"] = ["a", "b"]
    world.engine.reconfigure(config(token_config(sinks=0, refresh=Refresh(at=0.7))))
    world.run(1012)
    world.boxes["b"].broken = False
    for _ in range(30):
        world.run(world.time + 5)
        world.patrol()
        assert world.time < 1080 or world.boxes["b"].text is not None
    told = [fact for fact in world.facts if isinstance(fact, events.Removed)]
    assert not told


def test_who_still_queues_at_the_stop_is_not_asked_for() -> None:
    """What is under way is published; what waits for a worker stays unasked."""
    world = World(latency=1.0)
    many = [one(name=f"t-{n}") for n in range(20)]
    world.start(config(*many))
    world.run(1001.5)
    world.engine.stop()
    world.run(1006)
    assert len(world.service(many[0]).asked) == 8
    assert sum(box.text is not None for box in world.boxes.values()) == 8


def test_what_one_sink_says_puts_off_nothing_of_another() -> None:
    """A sink in its pause is tried at its time, though the other was published meanwhile."""
    world, token = World(), one(sinks=2)
    world.turn_bad("/tokens/partner-api-0")
    world.start(config(token))
    world.run(1001)
    assert world.boxes["/tokens/partner-api-1"].text
    world.boxes["/tokens/partner-api-0"].full = False
    world.run(1005)
    assert world.boxes["/tokens/partner-api-0"].text


def test_a_patrol_looks_at_every_sink_in_turn() -> None:
    """However many there are, each is looked at within as many rounds as that takes."""

    class Rounds(threading.Event):
        left = 3

        def wait(self, timeout: float | None = None) -> bool:
            self.left -= 1
            return self.left < 0

    world = World(latency=0.01)
    world.start(config(*(one(name=f"t-{n}") for n in range(1200))))
    world.run(1010)
    for box in world.boxes.values():
        box.text = "edited"
    Patrol(world.engine, world, Rounds()).run()
    world.run(1011)
    assert len(world.boxes) == 1200
    assert all(box.text == box.written != "edited" for box in world.boxes.values())
