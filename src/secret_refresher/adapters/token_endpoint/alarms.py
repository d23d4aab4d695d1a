"""One thread for all that is to happen later, and none while nothing is."""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
from collections.abc import Callable
from typing import final


@final
class Alarms:
    """Makes timers that one thread looks after; a `watch.Timing`.

    The thread begins with the first that is started and ends with the last. What a timer calls
    must not wait.

    Nobody waits for the thread to begin, as `threading.Thread.start` does, for ever where it finds
    no memory to begin with: the worker was lost, and with it the token. Whoever starts a timer
    while it has not begun makes another one, and the first that begins is the one. Without any, a
    drip is not cut, but sockets have time-outs of their own.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: set[Alarm] = set()
        self._awake = False
        self._until = 0.0

    def __call__(self, seconds: float, call: Callable[[], None]) -> Alarm:
        """A timer that is yet to be started."""
        return Alarm(self, seconds, call)

    def add(self, alarm: Alarm) -> None:
        """Raises RuntimeError where the machine gives no thread."""
        with self._changed:
            if not self._awake:
                _thread.start_new_thread(self._run, ())
            elif alarm.at < self._until:
                self._changed.notify()
            self._pending.add(alarm)

    def drop(self, alarm: Alarm) -> None:
        """Forgets one, whether or not it is still to come."""
        with self._changed:
            self._pending.discard(alarm)
            if not self._pending:
                self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            if self._awake:
                return
            self._awake = True
        while due := self._due():
            for alarm in due:
                with contextlib.suppress(Exception):  # one that fails must not stop the others
                    alarm.call()

    def _due(self) -> list[Alarm]:
        """Waits for the next ones; none once there are none to wait for."""
        with self._changed:
            while self._pending:
                now = time.monotonic()
                due = [alarm for alarm in self._pending if alarm.at <= now]
                if due:
                    self._pending.difference_update(due)
                    return due
                self._until = min(alarm.at for alarm in self._pending)
                self._changed.wait(self._until - now)
            self._awake = False
            return []


@final
class Alarm:
    """One timer; implements `watch.Timer`. `at` is its instant once it is started."""

    __slots__ = ("_alarms", "_seconds", "at", "call")

    def __init__(self, alarms: Alarms, seconds: float, call: Callable[[], None]) -> None:
        self._alarms = alarms
        self._seconds = seconds
        self.call = call
        self.at = 0.0

    def start(self) -> None:
        """Begins to wait. Raises RuntimeError where the machine gives no thread for it."""
        self.at = time.monotonic() + self._seconds
        self._alarms.add(self)

    def cancel(self) -> None:
        """Calls nothing any more, unless that has begun."""
        self._alarms.drop(self)
