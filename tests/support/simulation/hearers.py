"""Who is told of new tokens: simulated applications, and workloads that the real adapter restarts.

What docs/notify.md promises: everybody hears of each token that lasts, soon, and of none that
cannot be read yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, final

from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.rollouts import Rollouts
from secret_refresher.config.consumers import ConsumerSpec, HttpConsumer, RolloutConsumer
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.lifecycle.notify import BOUND, RETOLD
from secret_refresher.ports import Heard
from secret_refresher.tokens.token import Life
from support.simulation.authority import Condition, Minted
from support.simulation.cluster import MANAGER

if TYPE_CHECKING:
    from support.simulation.process import Process
    from support.simulation.world import World

CLOCKS = 3.0
"""Seconds by which two clocks may tell the same instant apart: a Date has whole seconds."""
WHOLE = 1.5
"""Seconds: a restart is written down in whole ones."""


@final
class Tellers:
    """Implements `ports.Consumers` for one process."""

    def __init__(self, world: World, process: Process, api: Api) -> None:
        self._world = world
        self._process = process
        self._rollouts = Rollouts(api, process.clock, MANAGER, process.elector)

    def tell(self, consumer: ConsumerSpec, of: Mapping[str, Life]) -> Heard:
        """One attempt."""
        hearers, process = self._world.hearers, self._process
        hearers.tells(process, consumer, of)
        if isinstance(consumer, RolloutConsumer):
            heard = self._rollouts.tell(consumer, of)
        else:
            heard = self._ask(consumer)
        hearers.heard(process, consumer, of, heard)
        return heard

    def _ask(self, consumer: ConsumerSpec) -> Heard:
        assert isinstance(consumer, HttpConsumer)
        world, sleep = self._world, self._process.sleep
        found = world.hearers.condition(consumer.place)
        sleep(2 * world.latency())
        if found is None:
            return Heard()
        match found.kind:
            case "slow":
                sleep(consumer.timeout / 2)
                return Heard()
            case "hang":
                sleep(consumer.timeout)
                raise Trouble(Fault(Reason.TIMEOUT, "no answer in time", "look at it"))
            case "refused":
                raise Trouble(Fault(Reason.CONNECT, "connection refused", "start it"))
            case _:
                later = found.seconds or None
                raise Trouble(
                    Fault(Reason.HTTP_STATUS, "HTTP 503", "look at it", retry_after=later)
                )


@final
class Hearers:
    """Judges; everything by token, and by consumer as `repr` has it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._conditions: dict[str, list[Condition]] = defaultdict(list)
        self._newest: dict[str, Minted] = {}
        self._since: dict[str, float] = {}
        """When the newest token of each could be read first."""
        self._known: dict[tuple[str, str], float] = defaultdict(float)
        self._told: Counter[tuple[str, str]] = Counter()
        """How often each was told of each newest token."""
        self._doubts: Counter[str] = Counter()
        """How many processes have found the newest token of each since it could be read."""
        self._excused: set[str] = set()
        """Tokens that somebody may never hear of, by their text."""
        self._restarted: dict[tuple[str, str], float] = {}

    @property
    def _now(self) -> float:
        return self._world.timeline.now

    def places(self) -> list[str]:
        """Where applications are."""
        consumers = (each for token in self._world.config.tokens for each in token.notify)
        return sorted({each.place for each in consumers if isinstance(each, HttpConsumer)})

    # --- what is wrong with them --------------------------------------------------------------

    def strike(self, place: str, condition: Condition) -> None:
        """Something is wrong with an application."""
        self._conditions[place].append(condition)
        later = condition.end + condition.seconds
        self._world.obstruct(f"hearer {place}", later + 10 * self._world.settings.latency)

    def condition(self, place: str) -> Condition | None:
        """What is wrong with it for who tells it now."""
        known = [each for each in self._conditions[place] if each.end > self._now]
        self._conditions[place] = known
        return known[0] if known else None

    # --- what there is to hear ----------------------------------------------------------------

    def published(self, token: TokenConfig, held: Minted) -> None:
        """A place of a token holds this one, by our doing."""
        newest = self._newest.get(token.name)
        if not token.notify or (newest is not None and held.issued <= newest.issued):
            return
        self._newest[token.name], self._since[token.name] = held, self._now
        self._doubts[token.name] = 0
        for each in token.notify:
            self._told[token.name, repr(each)] = 0
            least = each.min_life if isinstance(each, RolloutConsumer) else 0.0
            cached = token.name in self._world.settings.caches  # granted with what was left of it
            if (held.expires - self._now if cached else held.lifetime) >= least:
                self._check_later(token, each, held)

    def doubt(self, tokens: tuple[TokenConfig, ...], *, all_of_them: bool = False) -> None:
        """A process finds tokens that another one has published, and tells of young ones again."""
        settle = 30 + 20 * self._world.settings.latency
        for token in tokens:
            held = self._newest.get(token.name)
            if held is None:
                continue
            self._doubts[token.name] += 1
            obstructions = self._world.laws.obstructions
            obstructions.add(f"hearing {token.name}", self._since[token.name], self._now + settle)
            if all_of_them or self._now > held.issued + RETOLD + token.propagation - CLOCKS:
                self._excused.add(held.text)

    def gave_up(self, token: str) -> None:
        """Somebody could not be told for so long that it is given up."""
        if token in self._newest:
            self._excused.add(self._newest[token].text)

    # --- who is told --------------------------------------------------------------------------

    def tells(self, process: Process, consumer: ConsumerSpec, of: Mapping[str, Life]) -> None:
        """A process begins to tell somebody of new tokens: can they be read?"""
        for name, life in of.items():
            issued, newest = life.issued - process.clock.zero, self._newest.get(name)
            token = self._world.token(name)
            if token is None or self._vague(process, name):
                continue
            if newest is None or issued > newest.issued + CLOCKS:
                ahead = issued - (0.0 if newest is None else newest.issued)
                self._world.laws.broken(
                    f"{consumer.target} is told of {name} {ahead:.1f} s before anybody has it"
                )
            early = self._now < self._since[name] + token.propagation - 0.001
            same = abs(issued - newest.issued) < CLOCKS
            http = isinstance(consumer, HttpConsumer)
            if early and same and http and process.reloaded < self._since[name]:
                self._world.laws.broken(f"{consumer.target} is told of {name}, but cannot read it")

    def _vague(self, process: Process, token: str) -> bool:
        """Whether two tokens cannot be told apart by when a process thinks they were issued."""
        rivals = self._world.electorate is None and self._world.settings.machines > 1
        places = {each.key for each in self._world.laws.places.values() if each.token == token}
        forged = not places.isdisjoint(self._world.readers.planted.values())
        set_since = process.machine.off != process.off
        return rivals or forged or set_since or token in self._world.settings.caches

    def heard(
        self, process: Process, consumer: ConsumerSpec, of: Mapping[str, Life], heard: Heard
    ) -> None:
        """It has heard, or was left alone for a while."""
        if heard.wait > 0:
            return
        self._world.counts["told"] += 1
        for name, life in of.items():
            key, issued = (name, repr(consumer)), life.issued - process.clock.zero
            self._known[key] = max(self._known[key], issued)
            newest = self._newest.get(name)
            if newest is None or heard.knew or issued < newest.issued - CLOCKS:
                continue
            self._told[key] += 1
            if self._told[key] > 1 + self._doubts[name] and not self._vague(process, name):
                self._world.laws.broken(f"{consumer.target} is told of {name} again and again")

    def restarted(self, place: tuple[str, str]) -> None:
        """The pods of a workload are replaced: once in its `minInterval`, by one daemon."""
        intervals = (
            consumer.min_interval
            for token in self._world.config.tokens
            for consumer in token.notify
            if isinstance(consumer, RolloutConsumer) and consumer.name == place[1]
        )
        last, self._restarted[place] = self._restarted.get(place), self._now
        if self._now < self._world.late:  # what was given up may arrive
            return
        clocks = [machine.off for machine in self._world.machines]  # who was told wrote its own
        least = max(intervals, default=0.0) - WHOLE - (max(clocks) - min(clocks))
        if last is not None and self._now - last < least:
            self._world.laws.broken(f"{place[1]} is restarted after {self._now - last:.1f} s")

    # --- soon enough? -------------------------------------------------------------------------

    def _needed(self, consumer: ConsumerSpec, held: Minted, propagation: float) -> float:
        """Seconds until it has heard: the last sink, the mount, two pauses, and its interval."""
        pauses = 2 * min(900.0, held.lifetime / 10) + min(BOUND, held.lifetime / 10)
        interval = consumer.min_interval if isinstance(consumer, RolloutConsumer) else 0.0
        return pauses + propagation + interval + 5 + 60 * self._world.settings.latency

    def _check_later(self, token: TokenConfig, consumer: ConsumerSpec, held: Minted) -> None:
        needed = self._needed(consumer, held, token.propagation)
        self._world.after(needed + 0.1, partial(self._check, token.name, consumer, held))

    def _check(self, name: str, consumer: ConsumerSpec, held: Minted) -> None:
        token, now = self._world.token(name), self._now
        if self._newest[name] is not held or held.expires <= now or held.text in self._excused:
            return
        if token is None or consumer not in token.notify:
            return
        places = self._world.laws.places.values()
        if not any(each.token == name and each.seen == held for each in places):
            return  # somebody has taken it out, and nobody had it in memory
        if self._known[name, repr(consumer)] >= held.issued - CLOCKS - token.request.timeout:
            return
        scopes = ["all", "api", f"token {name}", f"hearing {name}", f"hearer {consumer.place}"]
        self._world.excuse()
        clear = self._world.laws.obstructions.clear(scopes, self._since[name], now)
        if clear > self._needed(consumer, held, token.propagation):
            self._world.laws.broken(
                f"{consumer.target} has not heard of {name} for {now - self._since[name]:.1f} s,"
                f" {clear:.1f} of them with nothing in the way"
            )
        self._check_later(token, consumer, held)
