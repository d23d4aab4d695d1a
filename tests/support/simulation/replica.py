"""The real elector of one process, on fibers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast, final

from secret_refresher.adapters.kubernetes.elector import Elector
from secret_refresher.config.election import Election
from secret_refresher.config.model import Kubernetes
from support.simulation.cluster import MANAGER, Way
from support.simulation.link import Link
from support.simulation.timeline import Fiber

if TYPE_CHECKING:
    from support.simulation.process import Process
    from support.simulation.world import World

OWNER = "apps/secret-refresher"
_JOIN = 40
"""Looks whether a thread has ended, within the time that is waited for it."""


@final
class _Thread:
    """As `threading.Thread`, for one process."""

    def __init__(
        self, process: Process, *, target: Callable[..., None], args: Any, name: str, daemon: bool
    ) -> None:
        assert name == "election"
        assert daemon
        self._process = process
        self._job = partial(target, *args)
        self._over = False

    def start(self) -> None:
        """Begins."""
        self._process.spawn(self._run)

    def _run(self) -> None:
        self._job()
        self._over = True

    def join(self, timeout: float) -> None:
        """Waits for its end."""
        for _ in range(_JOIN):
            if not self._over:
                self._process.sleep(timeout / _JOIN)


@final
class _Event:
    """As `threading.Event`, for one who waits. Whenever he does, the laws are looked at."""

    def __init__(self, process: Process, world: World) -> None:
        self._process = process
        self._world = world
        self._set = False
        self._fiber: Fiber | None = None
        self._waits = 0

    def set(self) -> None:
        """Wakes who waits."""
        self._set = True
        self._wake(self._waits)

    def clear(self) -> None:
        """Who waits from now on waits for another."""
        self._set = False

    def wait(self, timeout: float) -> bool:
        """Goes on after so many seconds or, once it is set, at once."""
        self._process.stirred = True  # the engine may have been told something
        electorate = self._world.electorate
        if electorate is not None:
            electorate.look()
        if not self._set:
            self._waits += 1
            self._fiber = self._process.fiber
            self._world.after(timeout, partial(self._wake, self._waits))
            self._world.timeline.pause()
        return self._set

    def _wake(self, number: int) -> None:
        timeline, fiber = self._world.timeline, self._fiber
        if fiber is None or number != self._waits:
            return
        left = self._process.machine.asleep - timeline.now
        if left > 0:
            self._world.after(left, partial(self._wake, number))
        else:
            self._fiber = None
            timeline.at(timeline.now, fiber.resume)


def elector(world: World, process: Process, election: Election) -> Elector:
    """Of a process that begins."""
    return Elector(
        election,
        Kubernetes(field_manager=MANAGER, owner=OWNER),
        process.clock,
        Way(Link(world, process), process.sleep).access,
        who=f"{process.number:010x}",
        thread=cast(type[threading.Thread], partial(_Thread, process)),
        event=cast(type[threading.Event], partial(_Event, process, world)),
    )
