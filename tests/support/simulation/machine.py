"""What a simulated process runs on: a machine, its clocks, and workers that are fibers."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, final

from support.simulation.authority import Condition

if TYPE_CHECKING:
    from support.simulation.process import Process
    from support.simulation.world import World


@final
@dataclass(slots=True, eq=False)
class Machine:
    """Where processes run, one after the other. `off`: its wall clock less the true one.

    `asleep` and `deaf` are instants until which it is suspended, and its watches are lost. `cut`:
    what is wrong on its way to the API server, and on no other's.
    """

    number: int
    off: float = 0.0
    asleep: float = 0.0
    deaf: float = 0.0
    cut: Condition | None = None
    doze: Callable[[], None] | None = None
    """Suspends it, right before a worker does something, but for the next `spared` things."""
    spared: int = 0


@final
class Clock:
    """The two clocks of a process; the zero of the first means nothing."""

    def __init__(self, world: World, machine: Machine, zero: float) -> None:
        self._world = world
        self._machine = machine
        self.zero = zero

    def now(self) -> float:
        """The process's clock."""
        return self._world.timeline.now + self.zero

    def wall(self) -> float:
        """As the machine believes."""
        return self._world.date() + self._machine.off


@final
class Pool:
    """Implements `ports.Pool` by fibers."""

    def __init__(self, process: Process, size: int) -> None:
        self.size = size
        self._process = process
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._running = 0

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Begins a job, or queues it."""
        self._number += 1
        heapq.heappush(self._waiting, (dies, self._number, job))
        self._begin()

    def _begin(self) -> None:
        while self._waiting and self._running < self.size:
            self._running += 1
            self._process.spawn(partial(self._run, heapq.heappop(self._waiting)[2]))

    def _run(self, job: Callable[[], None]) -> None:
        self._process.doze()
        job()
        self._running -= 1
        self._begin()
