"""An API server with Leases, replicas and a network that loses and delays, on a virtual clock."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from secret_refresher.election.asks import Ask, Why
from secret_refresher.election.campaign import Campaign
from secret_refresher.election.move import Move
from secret_refresher.election.record import OWNER, record
from secret_refresher.election.shards import shard_of
from secret_refresher.election.terms import Found, Moved, No, Outcome, Terms, Troubled
from secret_refresher.errors import Fault, Reason
from support.json_patch import TestFailedError, patched

OURS = "default/secret-refresher"
LATE = Fault(Reason.TIMEOUT, "the API server does not answer in time", "look at it")
FORBIDDEN = Fault(Reason.PERMISSION, "the right is missing", "grant it")
TIMEOUT = 2.0
"""Seconds until a replica gives a request up."""


def terms(shards: int = 1, **changes: Any) -> Terms:
    """The defaults of the configuration."""
    return Terms(
        **{
            "owner": OURS,
            "shards": shards,
            "lease_duration": 10.0,
            "renew_deadline": 6.0,
            "retry_period": 2.0,
            **changes,
        }
    )


@final
@dataclass
class LeaseServer:
    """Leases by number, as an API server keeps them: one change at a time, each a new version."""

    leases: dict[int, dict[str, Any]] = field(default_factory=dict)
    version: int = 0
    uids: int = 0

    def ask(self, ask: Ask) -> Outcome:
        """Carries a request out."""
        there = self.leases.get(ask.shard)
        if ask.why is Why.CREATE:
            if there is None:
                self.create(ask.shard, {OWNER: ask.owner})
            elif there["metadata"]["annotations"].get(OWNER) != ask.owner:
                return No.CHANGED
        elif there is None:
            return No.MISSING
        elif ask.why is not Why.READ:
            try:
                changed = patched(there, ask.patch)
            except TestFailedError:
                return No.CHANGED
            self._store(ask.shard, changed)
        return Found(record(self.leases[ask.shard]))

    def create(self, shard: int, annotations: dict[str, str]) -> None:
        """An empty Lease."""
        self.uids += 1
        metadata = {"uid": f"uid-{self.uids}", "annotations": annotations}
        self._store(shard, {"metadata": metadata, "spec": {}})

    def _store(self, shard: int, lease: dict[str, Any]) -> None:
        self.version += 1
        lease["metadata"]["resourceVersion"] = str(self.version)
        self.leases[shard] = lease


@final
class Process:
    """A replica: a campaign with the clock, the network and the host that belong to it.

    `off`: what its own clock shows more than the world's; `drain`: seconds that giving up the
    tokens of a shard takes.
    """

    def __init__(self, world: ElectionWorld, number: int, its: Terms) -> None:
        self.world = world
        self.number = number
        self._shard = {name: shard_of(name, its.shards) for name in world.names}
        self.off = 1000.0 * world.random.random()
        self.campaign = Campaign(its, f"{number:010x}", f"pod-{number}")
        self.shards = its.shards
        self.alive = True
        self.paused_until = 0.0
        self.stopping = False
        self.drain = 0.3
        self.troubles: list[Fault | None] = []
        self.moves: list[tuple[float, Moved]] = []
        self._generation = 0

    def now(self) -> float:
        """Its own clock."""
        return self.world.time + self.off

    def may(self, name: str) -> bool:
        """Whether its fence is open for a token; whatever it is doing."""
        until = self.campaign.until().get(self._shard[name])
        return self.alive and until is not None and self.now() < until

    def acts(self) -> bool:
        """Whether it may be acting for anything."""
        return bool(self.campaign.until())

    def turn(self) -> None:
        """Does what there is to do, and comes again when there is more."""
        self._generation += 1
        generation = self._generation
        if not self.alive:
            return
        if self.world.time < self.paused_until:
            self._again(self.paused_until - self.world.time, generation)
            return
        ask = self.campaign.next(self.now(), self.world.wall(self))
        self._hear()
        if ask is None:
            if self.stopping:
                self.alive = False
                return
            self._again(min(1.0, self.campaign.wait(self.now())) + 1e-6, generation)
        else:
            self.world.send(self, ask, generation)

    def answered(self, ask: Ask, outcome: Outcome, sent: float, generation: int) -> None:
        """An answer is here, or its time is over; looked at once the process is not paused."""
        if not self.alive or generation != self._generation:
            return
        if self.world.time < self.paused_until:
            wait = self.paused_until - self.world.time
            self.world.after(wait, lambda: self.answered(ask, outcome, sent, generation))
            return
        self.campaign.answered(ask, outcome, sent, self.now())
        self._hear()
        self.turn()

    def stop(self) -> None:
        """SIGTERM; the loop comes by itself."""
        if self.alive and not self.stopping:
            self.stopping = True
            self.campaign.stop(self.world.wall(self))
            self._hear()
            self.turn()

    def _again(self, seconds: float, generation: int) -> None:
        def again() -> None:
            if generation == self._generation:
                self.turn()

        self.world.after(seconds, again)

    def _hear(self) -> None:
        for turn in self.campaign.turns():
            if isinstance(turn, Troubled):
                self.troubles.append(turn.fault)
                continue
            self.moves.append((self.world.time, turn))
            if turn.move is Move.LEAVING:
                self.world.after(self.drain, lambda shard=turn.shard: self._vacate(shard))  # type: ignore[misc]

    def _vacate(self, shard: int) -> None:
        if self.alive and not self.stopping:
            self.campaign.vacated(shard)


@final
class ElectionWorld:
    """Time, the API server, replicas, and what can befall them."""

    def __init__(self, seed: int = 0) -> None:
        self.time = 0.0
        self.random = random.Random(seed)  # noqa: S311 - a simulation
        self.server = LeaseServer()
        self.processes: list[Process] = []
        self.names: Sequence[str] = [f"token-{number}" for number in range(9)]
        self.lossy = 0.0
        self.slow = 0.02
        self.away = False
        self.cut: set[int] = set()
        self.forbidden: Callable[[Process, Ask], bool] = lambda _process, _ask: False
        self.asked = 0
        self._todo: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0

    def wall(self, process: Process) -> float:
        """Wall clocks are as wrong as can be."""
        return 1_700_000_000 + self.time + 3600 * (process.number % 3 - 1)

    def start(self, its: Terms) -> Process:
        """One more replica."""
        process = Process(self, len(self.processes) + 1, its)
        self.processes.append(process)
        self.after(0, process.turn)
        return process

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Something that happens later."""
        self._number += 1
        heapq.heappush(self._todo, (self.time + seconds, self._number, act))

    def send(self, process: Process, ask: Ask, generation: int) -> None:
        """A request on its way: it may be lost, or arrive when nobody waits for it any more."""
        self.asked += 1
        sent = process.now()
        draw = self.random
        late = draw.random() < self.lossy
        there = (
            draw.uniform(0, 20.0) if late and draw.random() < 0.5 else draw.uniform(0, self.slow)
        )
        back = draw.uniform(0, self.slow)
        lost = process.number in self.cut or (late and draw.random() < 0.5)
        gone = process.number in self.cut or (late and draw.random() < 0.3)

        def arrive() -> None:
            if gone or self.away:
                return
            forbidden = self.forbidden(process, ask)
            outcome = FORBIDDEN if forbidden else self.server.ask(ask)
            self.check()
            if not lost and there + back < TIMEOUT:
                self.after(back, lambda: process.answered(ask, outcome, sent, generation))

        self.after(there, arrive)
        self.after(TIMEOUT, lambda: process.answered(ask, LATE, sent, generation))

    def run(self, seconds: float) -> None:
        """Lets time pass."""
        end = self.time + seconds
        while self._todo and self._todo[0][0] <= end:
            self.time, _, act = heapq.heappop(self._todo)
            act()
            self.check()
        self.time = end
        self.check()

    def owners(self, name: str) -> list[Process]:
        """Who may act for a token at this very moment."""
        return [process for process in self.processes if process.may(name)]

    def check(self) -> None:
        """Nobody may act for a token that another may act for."""
        acting = [process for process in self.processes if process.alive and process.acts()]
        if len(acting) < 2:
            return
        for name in self.names:
            owners = [process.number for process in acting if process.may(name)]
            assert len(owners) < 2, f"{self.time}: {name}: {owners}"

    def holdings(self) -> list[int]:
        """How many shards each live replica acts for."""
        return [len(p.campaign.until()) for p in self.processes if p.alive]
