"""Everything that can go wrong, at random, under one or two real engines on a virtual clock."""

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings, strategies as st

from secret_refresher.config.model import Config, Refresh, TokenConfig
from secret_refresher.lifecycle import events
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.storm import Replica, Storm, Window
from support.tokens import WALL, token_config
from support.world import Box

SEEDS = st.integers(0, 2**32)


class Weather:
    """A storm over some tokens, told by a seed."""

    def __init__(self, seed: int, replicas: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a simulation
        self.length = self.dice.choice([20.0, 60.0, 100.0, 600.0, 3600.0])
        self.lead = self.length / 4
        refresh = Refresh(min_lead=self.lead)
        self.tokens = [
            token_config(f"t-{n}", sinks=self.dice.randint(1, 3), refresh=refresh) for n in range(3)
        ]
        self.storm = Storm(seed)
        self.storm.service(self.tokens[0]).lifetime = self.length
        self.dead: list[Replica] = []
        self.excused = 0
        """Requests that somebody else's doing makes necessary."""
        for _ in range(replicas):
            self.storm.begin(self.config)
            self.storm.run(self.storm.time + 1)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return Config(tokens=tuple(self.tokens))

    def boxes(self) -> list[Box]:
        """All places."""
        return list(self.storm.boxes.values())

    def everybody(self) -> list[Replica]:
        """Every process that ever ran."""
        return [*self.dead, *self.storm.replicas]

    def strike(self) -> None:
        """Something happens that is over before the lead is."""
        storm, dice = self.storm, self.dice
        length = dice.uniform(0.1, self.lead - 2)
        match dice.choice(["away", "busy", "slow", "sink", "kill", "edit", "source", "sinks"]):
            case "away" | "busy" as kind:
                storm.windows = [Window(storm.time, storm.time + length, kind)]
                storm.run(storm.time + length)
            case "slow":
                slow = dice.uniform(0.2, min(3.0, self.lead / 4))
                storm.windows = [Window(storm.time, storm.time + length, "slow", slow)]
                storm.run(storm.time + length)
            case "sink":
                box = dice.choice(self.boxes())
                box.broken = True
                # It is tried again within half of what remains of the life, or a minute.
                storm.run(storm.time + length / 3)
                box.broken = False
            case "kill":
                victim = dice.choice(storm.replicas)
                storm.kill(victim)
                self.dead.append(victim)
                storm.run(storm.time + dice.uniform(0, 1))
                storm.begin(self.config)
                self.excused += len(self.tokens)  # answers that nobody took
            case "edit":
                storm.edit(dice.choice(list(storm.boxes)), dice.choice([None, "edited"]))
                self.excused += 1  # where memory does not have it
            case "source":
                number = dice.randrange(3)
                scope = (f"s{dice.randrange(1000)}",)
                old = self.tokens[number]
                self.tokens[number] = replace(old, request=replace(old.request, scope=scope))
                self.reload()
                self.excused += 1
            case "sinks":
                number = dice.randrange(3)
                made = token_config(f"t-{number}", sinks=dice.randint(1, 3))
                self.tokens[number] = replace(self.tokens[number], sinks=made.sinks)
                self.reload()
                self.excused += 1

    def reload(self) -> None:
        """Every process takes the configuration; consumers look only where tokens go."""
        paths = {sink.path for token in self.tokens for sink in token.sinks}  # type: ignore[union-attr]
        for path in set(self.storm.boxes) - paths:
            self.storm.boxes[path].look(self.storm.time)
            del self.storm.boxes[path]
        for each in self.storm.replicas:
            each.engine.reconfigure(self.config)


def check(weather: Weather, begun: float) -> None:
    """What must hold after any storm."""
    storm = weather.storm
    assert not storm.defects()
    # Peace: every token is published everywhere, and nobody waits for ever.
    storm.run(storm.time + 3 * weather.length + 120)
    assert storm.expired() == 0
    for box in storm.boxes.values():
        assert box.text == box.written is not None
        assert box.life is not None
        assert box.life.alive(storm.time)
    for each in weather.everybody():
        for token in weather.tokens:
            floor = min(10.0, weather.length / 4)
            granted = each.granted(token.name)
            assert all(after - before >= floor - 1e-6 for before, after in pairwise(granted))
    lives = (storm.time - begun) / weather.length + 1
    most = 1.6 if weather.length >= 600 else 2.6
    replicas = len(storm.replicas)
    granted_all = sum(len(e.granted(t.name)) for e in weather.everybody() for t in weather.tokens)
    assert granted_all <= len(weather.tokens) * (most * lives + 1) * replicas + (
        weather.excused * replicas
    )


@settings(max_examples=30)
@given(SEEDS)
def test_one_process_in_any_storm(seed: int) -> None:
    """Whatever is over before the lead is, no consumer ever reads an expired token."""
    weather = Weather(seed, 1)
    begun = weather.storm.time
    for _ in range(15):
        weather.strike()
        weather.storm.windows = []
        weather.storm.run(weather.storm.time + weather.dice.uniform(0.5, 1.5) * weather.length)
    check(weather, begun)


@settings(max_examples=20)
@given(SEEDS)
def test_two_replicas_in_any_storm(seed: int) -> None:
    """Two that know nothing of each other neither fight nor let a token expire."""
    weather = Weather(seed, 2)
    begun = weather.storm.time
    for _ in range(10):
        weather.strike()
        weather.storm.windows = []
        weather.storm.run(weather.storm.time + weather.dice.uniform(0.5, 1.5) * weather.length)
    check(weather, begun)
    storm = weather.storm
    before = {id(each): len(each.facts) for each in storm.replicas}
    storm.run(storm.time + 10 * weather.length)
    for each in storm.replicas:
        told = [fact for _, _, fact in each.facts[before[id(each)] :]]
        drifts = sum(isinstance(fact, events.Drifted) for fact in told)
        assert drifts == 0


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 40))
def test_no_hour_ever_sees_more_requests_than_the_budget(seed: int, hourly: int) -> None:
    """Outages, refusals and edits as there may be."""
    storm = Storm(seed)
    dice = random.Random(seed)  # noqa: S311 - a simulation
    token = token_config(refresh=Refresh(max_requests_per_hour=hourly))
    storm.service(token).lifetime = dice.choice([30.0, 200.0, 900.0])
    storm.begin(Config(tokens=(token,)))
    for _ in range(40):
        storm.windows = [Window(storm.time, storm.time + dice.uniform(1, 400), "busy")]
        storm.windows[0].end = storm.time if dice.random() < 0.5 else storm.windows[0].end
        storm.service(token).refuses = dice.random() < 0.2
        if storm.boxes:
            storm.edit("/tokens/partner-api-0", None)
        storm.run(storm.time + dice.uniform(10, 600))
    asked = storm.service(token).asked
    assert asked
    for index, first in enumerate(asked):
        assert sum(at < first + 3600 for at in asked[index:]) <= hourly


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(["slow", "away"]), st.floats(15, 5000))
def test_every_life_has_an_attempt_in_its_last_tenth(seed: int, kind: str, length: float) -> None:
    """While servers refuse or fail, each token is asked for once more before it dies."""
    storm, token = Storm(seed), token_config(refresh=Refresh(min_lead=length / 4))
    service = storm.service(token)
    service.lifetime = length
    storm.begin(Config(tokens=(token,)))
    storm.run(storm.time + 5)
    (box,) = storm.boxes.values()
    assert box.life is not None
    service.refuses = kind == "slow"
    slow = min(2.0, length / 20)
    storm.windows = [Window(storm.time, storm.time + 1e6, kind, slow)]
    storm.run(box.life.expires + 5)
    begun = [at - (slow if service.refuses else storm.latency) for at in service.asked]
    assert any(box.life.expires - length / 10 <= at < box.life.expires for at in begun)


@settings(max_examples=20)
@given(SEEDS, st.integers(1, 3))
def test_a_restart_over_live_sinks_asks_for_nothing(seed: int, sinks: int) -> None:
    """Killed while all is well, a process adopts what it finds."""
    storm, token = Storm(seed), token_config(sinks=sinks)
    config = Config(tokens=(token,))
    storm.begin(config)
    for _ in range(20):
        storm.run(storm.time + storm.random.uniform(1, 200))
        lives = [box.life for box in storm.boxes.values() if box.life]
        due = min(life.refresh for life in lives)
        if due < storm.time + 3 or len({life.issued for life in lives}) > 1:
            continue
        storm.kill(storm.replicas[0])
        asked = len(storm.service(token).asked)
        storm.begin(config)
        storm.run(due - 0.01)
        assert len(storm.service(token).asked) == asked
        held = [box.life for box in storm.boxes.values()]
        assert held == lives


class Cache(Storm):
    """A server that hands the same token out until it has little life left."""

    renews = 2.0
    held: Grant | None = None

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """The token that is held, with the life that it has left; else a new one."""
        held, now = self.held, self.time - self.latency
        if held is None or held.issued + held.lifetime - now < self.renews:
            fresh = super().fetch(token, timeout)
            self.held = fresh.result if isinstance(fresh.result, Grant) else None
            return fresh
        self.service(token).asked.append(self.time)
        left = held.issued + held.lifetime - now
        return Outcome(replace(held, lifetime=left, issued=now, issued_at=WALL + now), (), "c")


@given(SEEDS, st.sampled_from([20.0, 100.0, 3600.0]))
def test_a_server_that_caches_tokens_makes_none_expire(seed: int, length: float) -> None:
    """As long as it renews them two seconds before they do; for a few requests more."""
    storm, token = Cache(seed), token_config()
    storm.service(token).lifetime = length
    storm.begin(Config(tokens=(token,)))
    storm.run(storm.time + 10 * length)
    assert storm.expired() == 0
    assert len(storm.service(token).asked) <= 12 * 9
