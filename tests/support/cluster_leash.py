"""A leash: processes that must not outlive the test session, whatever ends it.

A small process reads a pipe that only the session holds open. It is told of each process on
that pipe, and when the pipe ends (the session is over, or was killed) it kills them all. It
keeps a pidfd of each, so that it can never hit a stranger with a used-up pid. The parent-death
signal would be shorter, but it fires when the *thread* that started the process ends, and tests
start servers from threads.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
from typing import final


@final
class Leash:
    """Holds processes, and the folder that they work in, which is removed with them."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._watchdog: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the watchdog, in a session of its own: Ctrl-C is not meant for it."""
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.abspath(__file__), self._folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def hold(self, pid: int) -> None:
        """Puts a running process on the leash."""
        assert self._watchdog is not None
        assert self._watchdog.stdin is not None
        self._watchdog.stdin.write(f"{pid}\n".encode())
        self._watchdog.stdin.flush()

    def pull(self) -> None:
        """Ends every process and removes the folder; returns when that is done."""
        if self._watchdog is not None:
            self._watchdog.communicate(timeout=60)
            self._watchdog = None


def main(folder: str) -> None:
    """The watchdog."""
    held: list[int] = []
    for line in sys.stdin:
        # One that is gone already needs no leash.
        with contextlib.suppress(ProcessLookupError):
            held.append(os.pidfd_open(int(line)))
    for descriptor in held:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            # Readable once the process is over, and writes into the folder no more.
            select.select([descriptor], [], [], 30)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
