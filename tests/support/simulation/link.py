"""The way of one process to the API server: as the world has it, and as its machine has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, final

from support.simulation.cluster import Workloads
from support.simulation.lease_store import LeaseStore
from support.simulation.secret_store import SecretStore

if TYPE_CHECKING:
    from support.simulation.process import Process
    from support.simulation.world import World


@final
class Link:
    """Implements `cluster.Weather` for one process; the laws of the election see what it asks."""

    def __init__(self, world: World, process: Process) -> None:
        self._world = world
        self._process = process

    @property
    def store(self) -> SecretStore:
        """The server's Secrets."""
        return self._world.store

    @property
    def leases(self) -> LeaseStore:
        """Its Leases."""
        return self._world.leases

    @property
    def workloads(self) -> Workloads:
        """Its workloads."""
        return self._world.workloads

    def trouble_of_api(self, verb: str, path: str) -> tuple[str, float]:
        """What is wrong on this machine's way, or else with the server."""
        world, cut, now = self._world, self._process.machine.cut, self._world.timeline.now
        if world.electorate is not None:
            world.electorate.asks(self._process, verb, path)
        if cut is not None and now < cut.end and world.chance(cut.share):
            return cut.kind, cut.seconds
        return world.trouble_of_api()

    def latency(self) -> float:
        """Seconds of one way."""
        return self._world.latency()

    def date(self) -> float:
        """The server's wall clock."""
        return self._world.date()

    def after(self, seconds: float, job: Callable[[], object]) -> None:
        """Has something happen whatever becomes of who asked for it."""
        self._world.after(seconds, job)
