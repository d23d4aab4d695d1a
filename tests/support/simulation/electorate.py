"""Who may act, and whether somebody does soon enough: the laws of an election.

What docs/election.md promises, judged by the Leases that the server holds and by all fences at
once, which no replica can see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, final

from secret_refresher.config.election import Election
from secret_refresher.election.shards import lease_name, shard_of

if TYPE_CHECKING:
    from support.simulation.process import Process
    from support.simulation.world import World

NAMESPACE = "apps"


@final
class Electorate:
    """Judges. `shards`: the count that whoever starts from now on is configured for."""

    def __init__(self, world: World, election: Election) -> None:
        self.shards = election.shards
        self.election = election
        self.asked: Counter[str] = Counter()
        """Requests about Leases, by `reads` and `writes`."""
        self.moves = 0
        self._world = world
        now = world.timeline.now
        self._served = {token.name: now for token in world.settings.tokens}
        """When each token had somebody who could act for it, last."""
        self._gaps: dict[str, float] = {}
        self._stormy = now
        """When the API server, or the count of shards, last kept everybody from a Lease."""

    @property
    def bound(self) -> float:
        """Seconds until a token has a replica again, with one that is well all the time.

        Its Lease is stale leaseDuration after the look that saw its last change, which is seen at
        the next; where balance asks, it is left to others for two more. A request that was under
        way may have to end first.
        """
        terms = self.election
        rounds = 4 * terms.retry_period + terms.renew_deadline / 3
        return terms.lease_duration + rounds + 20 * self._world.settings.latency

    # --- who may act --------------------------------------------------------------------------

    def look(self) -> None:
        """At this moment: never two for one token, and never nobody for long."""
        world, now = self._world, self._world.timeline.now
        for each in world.api:
            self._stormy = max(self._stormy, min(now, each.end))
        if len({process.shards for process in world.processes}) > 1:
            self.disturbed(self.election.lease_duration)
        for name in self._served:
            owners = [process for process in world.processes if process.may(name)]
            if len(owners) > 1:
                numbers = " and ".join(str(process.number) for process in owners)
                world.laws.broken(f"processes {numbers} may both act for {name}")
            if any(self._well(process) for process in owners):
                self._closed(name, now)
                self._served[name] = now
            else:
                self._gaps.setdefault(name, self._served[name])
                self._late(name, now)

    def _late(self, name: str, now: float) -> None:
        for process in self._world.processes:
            if not self._well(process):
                continue
            since = max(self._served[name], self._stormy, process.well_since)
            if now - since > self.bound:
                self._world.laws.broken(
                    f"{name} has had nobody for {now - self._served[name]:.1f} s, with process"
                    f" {process.number} well for {now - since:.1f} of them"
                    f" ({self.bound:.1f} are allowed)"
                )

    def _well(self, process: Process) -> bool:
        """Whether it can reach the API server and runs."""
        now, cut = self._world.timeline.now, process.machine.cut
        here = cut is None or not cut.begin <= now < cut.end
        return process.alive and not process.stopping and process.awake and here

    def disturbed(self, seconds: float) -> None:
        """For so long Leases may be changed by nobody who is well."""
        self._stormy = max(self._stormy, self._world.timeline.now + seconds)

    def excuse(self) -> None:
        """What nobody could act for is in nobody's way later: while a gap is open, up to now."""
        self.look()
        for name in list(self._gaps):
            self._closed(name, self._world.timeline.now)

    def _closed(self, name: str, now: float) -> None:
        begin = self._gaps.pop(name, None)
        if begin is not None:
            after = now + 1 + 10 * self._world.settings.latency
            self._world.laws.obstructions.add(f"token {name}", begin, after)

    # --- what they do -------------------------------------------------------------------------

    def asks(self, process: Process, verb: str, path: str) -> None:
        """A process asks the API server for something."""
        self.look()
        *_, resource, name = path.split("/")
        if resource == "leases":
            self.asked["reads" if verb == "GET" else "writes"] += 1
        elif resource == "secrets" and verb != "GET":
            token = next((n for n in self._served if name.startswith(f"{n}-")), None)
            if token is not None:
                self.acts(process, token, f"writes {name}")

    def acts(self, process: Process, token: str, doing: str) -> None:
        """A process does something for a token right now: may it, and does nobody else?"""
        if token not in self._served:
            return
        if not process.may(token):
            self._world.laws.broken(f"process {process.number} {doing} with its fence shut")
        lease = lease_name(self.election.name, shard_of(token, process.shards))
        holder = self._world.leases.holder((NAMESPACE, lease))
        others = {each.who for each in self._world.processes if each is not process}
        if holder.rpartition("_")[2] in others:
            self._world.laws.broken(f"process {process.number} {doing}, and {holder} has its Lease")

    # --- when all is well ---------------------------------------------------------------------

    def calm(self) -> Callable[[], None]:
        """From now on nothing happens, until the end of that is checked by what this gives."""
        return partial(self._was_calm, self._world.timeline.now, self.asked.copy(), self.moves)

    def _was_calm(self, since: float, asked: Counter[str], moves: int) -> None:
        """R replicas, S shards: each retryPeriod sees R + S - 1 writes and (R - 1)(S - 1) reads."""
        seconds = self._world.timeline.now - since
        replicas, shards = len(self._world.processes), self.shards
        rounds = seconds / self.election.retry_period + 2
        most = {"writes": replicas + shards - 1, "reads": (replicas - 1) * (shards - 1)}
        for kind, each in most.items():
            made = self.asked[kind] - asked[kind]
            if made > 1.02 * each * rounds:
                self._world.laws.broken(
                    f"{made} {kind} of Leases in {seconds:.0f} s, {each * rounds:.0f} are said"
                )
        if self.moves != moves:
            self._world.laws.broken("shards move, and nobody comes or goes")
