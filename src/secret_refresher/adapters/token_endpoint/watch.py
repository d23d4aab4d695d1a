"""One deadline over everything that an attempt does on the network.

A socket's own time-out bounds one call, and a server that drips a byte a second never runs into
it. So a timer shuts the connection when the time is up: whatever call is under way comes back.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, final

from secret_refresher.ports import Clock

_BEHIND = 1.0


class Timer(Protocol):
    """Calls something later, on another thread, as `threading.Timer` does."""

    def start(self) -> None:
        """Begins to wait."""
        ...

    def cancel(self) -> None:
        """Calls nothing any more."""
        ...


Timing = Callable[[float, Callable[[], None]], Timer]
"""Makes a timer of so many seconds."""


@final
class Line:
    """A second hold on a connection, which works while TLS has taken over the first.

    The lock keeps a shut from meeting a descriptor that was closed and given away again.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._lock = threading.Lock()
        self._held: socket.socket | None = connection.dup()

    def shut(self) -> None:
        """Ends the connection under whoever reads or writes."""
        with self._lock, contextlib.suppress(OSError):
            if self._held is not None:
                self._held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go."""
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None


@final
class Watch:
    """The deadline of one attempt, `seconds` from its making; a context that runs the timer.

    `later` makes timers for what may outlast the attempt.
    """

    def __init__(self, clock: Clock, seconds: float, timer: Timing) -> None:
        self._clock = clock
        self.later = timer
        self._ends = clock.now() + seconds
        self._lock = threading.Lock()
        self._over = False
        self._lines: list[Line] = []
        self._timer = timer(max(0.0, seconds), self._shut)

    def left(self) -> float:
        """Seconds that remain; 0 once it is over."""
        return 0.0 if self._over else max(0.0, self._ends - self._clock.now())

    def part(self, share: float) -> Watch:
        """A deadline of its own for a part of the attempt, after that share of what is left."""
        return Watch(self._clock, share * self.left(), self.later)

    def backstop(self) -> float:
        """A time-out in seconds for sockets themselves: behind the deadline, so that it is ours."""
        return self.left() + _BEHIND

    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.left() <= 0

    def guard(self, line: Line) -> None:
        """Shuts `line` when the time is up, or now if it is."""
        with self._lock:
            self._lines.append(line)
            late = self._over
        if late:
            line.shut()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._lines.clear()

    def _shut(self) -> None:
        with self._lock:
            self._over = True
            lines = tuple(self._lines)
        for line in lines:
            line.shut()
