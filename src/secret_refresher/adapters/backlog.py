"""Facts for an observer that may be slow, kept from the engine's thread.

Standard error may be a pipe that nobody empties, or a disk that hangs: the loop goes on, and what
is lost is counted.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from queue import SimpleQueue
from typing import BinaryIO, Protocol, Self, TextIO, cast, final

from secret_refresher.errors import whereabouts
from secret_refresher.lifecycle.events import Notice
from secret_refresher.ports import Broadcast, Clock, Defect, Exchange, FactsLost, Subject

MOST = 10_000
"""Facts that may wait; a few MiB of them."""
PATIENCE = 1.0
"""Seconds that the last facts get at the end."""


class Slow(Protocol):
    """An observer that is told of facts some time after they happened."""

    def notice(self, about: Subject | None, fact: Notice | Exchange | Broadcast, at: float) -> None:
        """Takes note; `at` is when it happened, in seconds since the epoch."""
        ...


@final
class Backlog:
    """Hands facts on, in their order, on a thread of its own; implements `ports.Observer`."""

    def __init__(self, behind: Slow, clock: Clock) -> None:
        self._behind = behind
        self._clock = clock
        self._waiting: SimpleQueue[
            tuple[Subject | None, Notice | Exchange | Broadcast, float] | None
        ] = SimpleQueue()
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="backlog", daemon=True)

    def __enter__(self) -> Self:
        """From now on facts are handed on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for what is left, but not for long."""
        self._waiting.put(None)
        self._thread.join(PATIENCE)

    def notice(self, about: Subject | None, fact: Notice | Exchange | Broadcast) -> None:
        """Never waits."""
        if self._waiting.qsize() >= MOST:
            self._lost += 1
            return
        at = self._clock.wall()
        if self._lost:
            self._waiting.put((None, FactsLost(self._lost), at))
            self._lost = 0
        self._waiting.put((about, fact, at))

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            about, fact, at = item
            try:
                self._behind.notice(about, fact, at)
            except Exception as defect:  # noqa: BLE001 - what cannot be told ends nothing
                with contextlib.suppress(Exception):
                    self._behind.notice(None, Defect(whereabouts(defect)), at)


def unbuffered(stream: TextIO) -> TextIO:
    """The same place without a buffer: a thread that is stuck in one would hold up the exit."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    whole = cast(BinaryIO, _Whole(descriptor))
    return io.TextIOWrapper(whole, encoding="utf-8", errors="backslashreplace", write_through=True)


@final
class _Whole(io.BufferedIOBase):
    """Writes all that it is given to a descriptor that is not its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return len(data)
