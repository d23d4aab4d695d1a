"""Files in a folder in memory, on a disk that can fail or fill up, under a process that can die."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar, final

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.ports import Finding, Wrote
from secret_refresher.tokens.token import Token
from support.os_calls import before_each
from support.simulation.timeline import Killed

T = TypeVar("T")
ERRORS = {"full": errno.ENOSPC, "failing": errno.EIO, "readonly": errno.EROFS}
_CALLS = {
    "full": {"write"},
    "readonly": {"fchmod", "rename", "unlink", "write"},
}


@final
class Disk:
    """What is wrong with the files of one place; `call` is the number of a system call.

    `doom`: the process is killed at that call of its next work. `looked`: is told before each
    call, as a consumer that reads all the time.
    """

    def __init__(self, looked: Callable[[], None] | None) -> None:
        self.kind = ""
        self.call = 0
        self.doom = 0
        self.looked = looked

    @property
    def quiet(self) -> bool:
        """Whether nobody needs to be told of system calls."""
        return not (self.kind or self.doom or self.looked)

    def step(self, number: int, name: str) -> None:
        """Before each system call."""
        if self.looked is not None:
            self.looked()
        if self.doom and number >= self.doom:  # nothing runs on after it
            raise Killed
        if self.kind == "failing" and number == self.call:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if name in _CALLS.get(self.kind, ()):
            raise OSError(ERRORS[self.kind], os.strerror(ERRORS[self.kind]))


@final
class DiskSink:
    """A real `FileSink` over such a disk; implements `ports.Sink`."""

    kind = "file"

    def __init__(self, sink: FileSink, disk: Disk, done: Callable[[], None]) -> None:
        self._sink = sink
        self._disk = disk
        self._done = done

    @property
    def target(self) -> str:
        """The path."""
        return self._sink.target

    @property
    def identity(self) -> str:
        """Path and settings."""
        return self._sink.identity

    def inspect(self, source: str) -> Finding:
        """One look."""
        return self._with(lambda: self._sink.inspect(source))

    def publish(self, token: Token) -> Wrote:
        """One publish."""
        return self._with(lambda: self._sink.publish(token))

    def remove(self, *, for_good: bool = True) -> bool:
        """One removal."""
        return self._with(lambda: self._sink.remove(for_good=for_good))

    def disturbed(self) -> bool:
        """The cheap look."""
        return self._sink.disturbed()

    def close(self) -> None:
        """Gives up the lock."""
        self._sink.close()

    def _with(self, job: Callable[[], T]) -> T:
        try:
            if self._disk.quiet:
                return job()
            with before_each(self._disk.step):
                return job()
        except Killed:
            self._disk.doom = 0
            raise
        finally:
            self._done()
