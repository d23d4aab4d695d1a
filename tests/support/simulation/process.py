"""One process of ours: everything real above its network, its disk and its clock."""

from __future__ import annotations

import io
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, final

from greenlet import getcurrent

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.adapters.kubernetes.api import TIMEOUT, Api
from secret_refresher.adapters.kubernetes.drift import Drift
from secret_refresher.adapters.kubernetes.secret_form import Installation
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.adapters.logs import Logs
from secret_refresher.adapters.metrics import Metrics
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.cli.holdings import Holdings
from secret_refresher.config.model import FileSink as FileSpec, Log, LogLevel, TokenConfig
from secret_refresher.election.move import Move
from secret_refresher.election.shards import shard_of
from secret_refresher.engine.engine import GRACE, LONGEST_WAIT, PARTING, Engine
from secret_refresher.engine.fence import FencedSource
from secret_refresher.engine.notifier import Notifier
from secret_refresher.engine.patrol import Patrol
from secret_refresher.lifecycle.outlook import due
from secret_refresher.ports import Defect, Observer, Outcome, ShardMoved, Sink
from support.simulation import replica
from support.simulation.cluster import MANAGER, Way
from support.simulation.disk import DiskSink
from support.simulation.hearers import Tellers
from support.simulation.link import Link
from support.simulation.machine import Clock, Machine, Pool
from support.simulation.timeline import NEVER, Fiber, Killed
from support.simulation.wire import NoTimer, Wire

if TYPE_CHECKING:
    from support.simulation.world import World

US = Installation(MANAGER, replica.OWNER)
NOTIFIERS = 8
"""Consumers told at once, as in `cli.run`."""
AWAKE = 60.0
"""Seconds after which what happened while it slept, or heard nothing, is known."""


@final
class Process:
    """Runs until it is killed; implements `ports.TokenSource` and `ports.Observer` to be heard."""

    def __init__(self, world: World, machine: Machine, number: int) -> None:
        self.number = number
        self.machine = machine
        self.off = machine.off
        self.reloaded = 0.0
        self.alive = True
        self.stopping = False
        self.stirred = True
        self.wake = 0.0
        self._world = world
        self._fibers: dict[object, Fiber] = {}
        self._tenure: Counter[str] = Counter()
        self._patrolled = False
        self._watchful = 0.0
        self._parting = 0.0
        self._ended = False
        self._began = world.timeline.now
        dice = random.Random(f"process {world.settings.seed} {number}")  # noqa: S311 - a simulation
        self.clock = Clock(world, machine, dice.uniform(0, 1e6))
        self.endpoint = TokenEndpoint(
            self.clock,
            world.mounts,
            "simulation",
            sender=Wire(world, self, self.sleep),
            timer=NoTimer,
        )
        self.who = f"{number:010x}"
        election = world.election
        self.shards = election.shards
        self.elector = replica.elector(world, self, election) if election.enabled else None
        self._api = Api(
            Way(Link(world, self), self.sleep).access,
            self.clock,
            TIMEOUT if self.elector is None else self.elector.write_timeout,
        )
        self.drift = Drift(self._api, self.clock, threading.Event())
        self.log = io.StringIO()
        self.metrics = Metrics(self.clock)
        observers: list[Observer] = [self]
        if world.settings.heard:
            observers += [Logs(self.log, Log(level=LogLevel.DEBUG)), self.metrics]
        self.engine = Engine(
            clock=self.clock,
            source=self if self.elector is None else FencedSource(self, self.elector),
            sinks=self._sinks,
            fetchers=Pool(self, world.settings.fetchers),
            tenders=Pool(self, world.settings.tenders),
            observers=observers,
            draw=dice.random,
            notifier=Notifier(Tellers(world, self, self._api), Pool(self, NOTIFIERS)),
        )
        self.metrics.watch(self.engine)
        self._patrol = Patrol(self.engine, self.endpoint, threading.Event())
        mine = replace(world.config, election=election)
        self.holdings = Holdings(mine, self.engine, self.elector)
        self.holdings.take(world.config)
        world.laws.starts += 1
        self.holdings.start()

    # --- what it is made of ----------------------------------------------------------------------

    def _sinks(self, token: TokenConfig) -> tuple[Sink, ...]:
        made: list[Sink] = []
        for spec in token.sinks:
            if isinstance(spec, FileSpec):
                real = FileSink(token.name, spec, self.clock)
                done = partial(self._world.wrote_file, self, spec.path)
                made.append(DiskSink(real, self._world.readers.disk(spec.path), done))
            else:
                made.append(
                    SecretSink(
                        token.name,
                        spec,
                        namespace=spec.namespace,
                        us=US,
                        api=self._api,
                        drift=self.drift,
                        clock=self.clock,
                        fence=self.elector,
                    )
                )
        return tuple(made)

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """One attempt of the real endpoint, told to the laws."""
        self._world.fetch_begins(self, token)
        tenure = self._tenure[token.name]
        outcome = self.endpoint.fetch(token, timeout)
        if tenure == self._tenure[token.name]:
            self._world.fetch_ends(self, token, outcome)
        else:
            self._world.say(f"process {self.number} drops what it is told of {token.name}")
        return outcome

    def credentials(self, token: TokenConfig) -> str:
        """What the real endpoint says."""
        return self.endpoint.credentials(token)

    def notice(self, about: object, fact: object) -> None:
        """Nothing of ours may fail, and nothing may be told that is secret."""
        if isinstance(fact, Defect):
            self._world.laws.broken(f"a defect at {fact.where}")
        if isinstance(fact, ShardMoved):
            self._moved(fact)
        self._world.told(self, about, fact)

    def _moved(self, fact: ShardMoved) -> None:
        """Whoever has a shard anew knows nothing of its tokens but what stands in their places."""
        world = self._world
        for token in world.config.tokens:
            if shard_of(token.name, self.shards) == fact.shard:
                world.moved(self, token, fact.move)
                if fact.move is not Move.LEAVING:
                    self._tenure[token.name] += 1
        if fact.move is Move.LEAVING:
            self._parting = world.timeline.now + PARTING + 1

    def may(self, token: str) -> bool:
        """Whether its fence is open for a token; every fence is, where there is no election."""
        return self.alive and (self.elector is None or self.elector.open(token))

    # --- running ---------------------------------------------------------------------------------

    @property
    def fiber(self) -> Fiber:
        """The piece of code that runs now."""
        return self._fibers[getcurrent()]

    @property
    def well_since(self) -> float:
        """Since when it has run, and its way to the API server has been well."""
        machine = self.machine
        cut = 0.0 if machine.cut is None else machine.cut.end
        return max(self._began, machine.asleep, cut)

    def spawn(self, job: Callable[[], None]) -> None:
        """Runs a job beside everything else, until it ends or the process does."""
        world = self._world

        def run() -> None:
            try:
                self.sleep(world.latency())
                job()
            except Killed:
                if self.alive:  # by its own doing: at a system call
                    world.timeline.at(world.timeline.now, partial(world.kill, self))
            finally:
                self._fibers.pop(getcurrent(), None)
                self.stirred = True

        fiber = Fiber(world.timeline, run)
        self._fibers[fiber.itself] = fiber
        world.timeline.at(world.timeline.now, fiber.resume)

    def sleep(self, seconds: float) -> None:
        """Waits in virtual time."""
        self.fiber.sleep(seconds, self._asleep)

    def doze(self) -> None:
        """On a worker that is about to do something."""
        doze = self.machine.doze
        if doze is None:
            return
        if self.machine.spared:
            self.machine.spared -= 1
            return
        self.machine.doze = None
        doze()
        self.sleep(0.0)

    def _asleep(self) -> float:
        return self.machine.asleep - self._world.timeline.now

    @property
    def awake(self) -> bool:
        """Whether it is not suspended."""
        return self._asleep() <= 0

    @property
    def settled(self) -> bool:
        """Whether it has seen all that it could see of a world that was as it is now."""
        machine, now = self.machine, self._world.timeline.now
        awake = max(machine.asleep, machine.deaf, self.reloaded) + AWAKE < now
        return awake and machine.off == self.off

    def turn(self) -> None:
        """One turn of the loop; what it is not woken for before its time, it must know itself."""
        now = self._world.timeline.now
        self.stirred = False
        if self._ended:
            self.wake = NEVER
            return
        wait = self.engine.turn()
        if wait >= LONGEST_WAIT:
            mine = self.clock.now()
            upcoming = (due(entry.state, mine) for entry in self.engine.entries())
            wait = min(upcoming, default=NEVER) - mine
            if wait < LONGEST_WAIT - 0.001:
                self._world.laws.broken("the loop forgets what is due")
            wait = LONGEST_WAIT if now < self._parting else min(wait, 1e6)
        self.wake = now + max(wait, 1e-6)

    def watch(self, seconds: float) -> None:
        """Something has changed: the patrol makes its rounds for so long."""
        now = self._world.timeline.now
        self._watchful = max(self._watchful, now + seconds)
        if not self._patrolled:
            self._patrolled = True
            self._world.timeline.at(now + 1, self._round)

    def _round(self) -> None:
        self._patrolled = False
        if not self.alive:
            return
        if self.awake:
            self._patrol.look_at_sinks()
            self._patrol.look_at_credentials()
            self.stirred = True
        else:  # what has changed meanwhile is looked at afterwards
            self._watchful = max(self._watchful, self.machine.asleep + AWAKE)
        left = self._watchful - self._world.timeline.now
        if left > 0:
            self.watch(left)

    def stop(self, pause: float) -> None:
        """SIGTERM: no new fetch, five seconds for what is in flight, then another process."""
        self._world.say(f"process {self.number} is stopped")
        self.stopping = True
        self.engine.stop()
        self.stirred = True
        self._end(self._world.timeline.now + GRACE, pause)

    def _end(self, by: float, pause: float) -> None:
        now = self._world.timeline.now
        if not self.alive:
            return
        if now >= by or (self.awake and not any(self.engine.busy().values()) and not self.stirred):
            if self.elector is None:
                self._world.gone(self, pause)
            else:
                self._ended = True
                self.spawn(partial(self._release, pause))
        else:
            self._world.after(min(0.5, by - now), partial(self._end, by, pause))

    def _release(self, pause: float) -> None:
        """Its Leases are given back, as the last thing that it does."""
        self.holdings.stop()
        self.engine.turn()
        self._world.after(0, partial(self._world.gone, self, pause))

    def kill(self) -> None:
        """SIGKILL: nothing of it runs on, and its locks are gone."""
        self.alive = False
        for fiber in list(self._fibers.values()):
            fiber.kill()
        for entry in self.engine.entries():
            for sink in entry.sinks:
                sink.close()
