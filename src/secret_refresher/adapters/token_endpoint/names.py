"""Name resolution that can be waited for.

getaddrinfo(3) cannot be interrupted, and a name server that is away holds it for half a minute
or more. So it runs on a thread of its own; whoever waits stops waiting in time, and the thread
ends when the system lets it. All who ask for the same name meanwhile share one lookup, so that
hanging ones are at most as many as names, and never more than `MOST`.
"""

from __future__ import annotations

import _thread
import socket
import threading
from collections.abc import Callable
from typing import final

Address = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
"""Family, type, protocol, canonical name, socket address: as `socket.getaddrinfo` has it."""
Lookup = Callable[[str, int], list[Address]]
MOST = 64
"""Lookups at once."""


class BusyError(Exception):
    """`MOST` lookups hang already, or the machine gives no thread for another."""


def system_lookup(host: str, port: int) -> list[Address]:
    """What the system's resolver says."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # type: ignore[return-value]


@final
class Resolver:
    """Looks names up for many threads; `lookup` does it once and may take for ever."""

    def __init__(self, lookup: Lookup = system_lookup) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], _Running] = {}

    def addresses(self, host: str, port: int, seconds: float) -> list[Address]:
        """The addresses of a host, waited for so long at most.

        Raises `OSError` (`socket.gaierror`) where there are none, `TimeoutError`, `BusyError`.
        """
        numeric = _numeric(host, port)
        if numeric is not None:
            return numeric
        with self._lock:
            running = self._running.get((host, port))
            if running is None:
                if len(self._running) >= MOST:
                    raise BusyError
                running = self._running[host, port] = _Running()
                self._start(host, port, running)
        if not running.done.wait(max(0.0, seconds)):
            self._forget(host, port, running)
            raise TimeoutError
        if running.error is not None:
            raise socket.gaierror(running.error, "no address")
        return running.found

    def _start(self, host: str, port: int, running: _Running) -> None:
        """Not by `threading.Thread`, whose start waits for a thread that may find no memory."""
        try:
            _thread.start_new_thread(self._run, (host, port, running))
        except RuntimeError:
            del self._running[host, port]
            raise BusyError from None

    def _forget(self, host: str, port: int, running: _Running) -> None:
        """Leaves a lookup to the next who asks if its thread never began."""
        with self._lock:
            if not running.begun and self._running.get((host, port)) is running:
                del self._running[host, port]

    def _run(self, host: str, port: int, running: _Running) -> None:
        running.begun = True
        try:
            running.found = self._lookup(host, port)
            if not running.found:
                running.error = socket.EAI_NONAME
        except (OSError, UnicodeError) as error:
            number = error.errno if isinstance(error, OSError) else socket.EAI_NONAME
            running.error = number or socket.EAI_FAIL
        finally:
            with self._lock:
                if self._running.get((host, port)) is running:
                    del self._running[host, port]
            running.done.set()


@final
class _Running:
    """A lookup under way: `found`, or the number of the `error`, once it is `done`."""

    __slots__ = ("begun", "done", "error", "found")

    def __init__(self) -> None:
        self.begun = False
        self.done = threading.Event()
        self.found: list[Address] = []
        self.error: int | None = None


def _numeric(host: str, port: int) -> list[Address] | None:
    """The address that a host already is; None for a name."""
    try:
        return socket.getaddrinfo(  # type: ignore[return-value]
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError):
        return None
