"""A bounded pool of daemon threads that start when there is work for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import final


@final
class Workers:
    """Implements `ports.Pool`.

    Unlike `concurrent.futures`, threads are daemons: one that hangs in a system call (a name
    that does not resolve, a dead network file system) cannot hold up the end of the process.
    Jobs are expected to handle their own errors.
    """

    def __init__(
        self, name: str, size: int, thread: type[threading.Thread] = threading.Thread
    ) -> None:
        self._name = name
        self._size = size
        self._thread = thread
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    @property
    def size(self) -> int:
        """How many jobs run at once, in threads."""
        return self._size

    def submit(self, job: Callable[[], None]) -> None:
        """Queues a job and starts a thread for it if none is free.

        Where the machine gives no more threads, those that there are do it in turn; without any
        it is done here: late is better than never.
        """
        with self._lock:
            self._unfinished += 1
            grow = self._unfinished > self._threads and self._threads < self._size
            self._threads += grow
            number = self._threads
        self._jobs.put(job)
        if grow:
            self._grow(number)

    def _grow(self, number: int) -> None:
        try:
            self._thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
                alone = self._threads == 0
            if alone:
                self._do(self._jobs.get())

    def _work(self) -> None:
        while True:
            self._do(self._jobs.get())

    def _do(self, job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            with self._lock:
                self._unfinished -= 1
