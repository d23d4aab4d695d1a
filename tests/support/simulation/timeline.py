"""Virtual time, and code that waits in it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import final

from greenlet import getcurrent, greenlet

NEVER = float("inf")


class Killed(BaseException):
    """Goes through a process's code when it is killed, as nothing of it runs on."""


@final
class Timeline:
    """What happens next; nothing else moves the time. One thread only.

    Code that runs in a `Fiber` may wait in it: others go on meanwhile, in the same order each time.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self._todo: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._hub = getcurrent()

    def at(self, instant: float, job: Callable[[], object]) -> None:
        """Has something happen at an instant."""
        self._number += 1
        heapq.heappush(self._todo, (max(instant, self.now), self._number, job))

    def next(self) -> float:
        """When the next thing happens."""
        return self._todo[0][0] if self._todo else NEVER

    def step(self) -> None:
        """Has the next thing happen."""
        instant, _, job = heapq.heappop(self._todo)
        self.now = max(self.now, instant)
        job()

    def pause(self) -> None:
        """In a fiber: goes on when it is resumed."""
        self._hub.switch()


@final
class Fiber:
    """A piece of code of one process; `kill` ends it wherever it waits."""

    def __init__(self, timeline: Timeline, job: Callable[[], None]) -> None:
        self._timeline = timeline
        self._greenlet = greenlet(job)
        self._killed = False

    @property
    def itself(self) -> object:
        """What `getcurrent` says within it."""
        return self._greenlet

    @property
    def over(self) -> bool:
        """Whether it has come to its end."""
        return self._killed or bool(self._greenlet.dead)

    def resume(self) -> None:
        """Runs it until it waits or ends."""
        if not self.over:
            self._greenlet.switch()

    def sleep(self, seconds: float, awake: Callable[[], float]) -> None:
        """Waits in virtual time; `awake` says how long its process sleeps still, in seconds."""
        timeline = self._timeline

        def wake() -> None:
            left = awake()
            if left > 0:
                timeline.at(timeline.now + left, wake)
            else:
                self.resume()

        timeline.at(timeline.now + seconds, wake)
        timeline.pause()

    def kill(self) -> None:
        """Ends it now."""
        begun = bool(self._greenlet)
        self._killed = True
        if begun:  # what has not begun has nothing to unwind
            self._greenlet.throw(Killed)
