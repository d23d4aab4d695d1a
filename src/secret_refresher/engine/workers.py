"""A bounded pool of daemon threads that start when there is work for them."""

from __future__ import annotations

import heapq
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
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._permits: SimpleQueue[None] = SimpleQueue()
        """One for each job that waits: which one it is for is decided when it is taken."""
        self._number = 0
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    @property
    def size(self) -> int:
        """How many jobs run at once, in threads."""
        return self._size

    def submit(self, job: Callable[[], None], dies: float = 0.0) -> None:
        """Queues a job, the earliest `dies` first, and starts a thread for it if none is free.

        Where the machine gives no more threads, those that there are do it in turn; without any
        it is done here: late is better than never.
        """
        with self._lock:
            self._unfinished += 1
            self._number += 1
            heapq.heappush(self._waiting, (dies, self._number, job))
            grow = self._unfinished > self._threads and self._threads < self._size
            self._threads += grow
            number = self._threads
        self._permits.put(None)
        if grow:
            self._grow(number)

    def _grow(self, number: int) -> None:
        # A thread that dies of lack of memory before it begins is waited for for ever (CPython
        # gh-140746): the loop that submits stands still then, and /livez says so.
        try:
            self._thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        except (RuntimeError, MemoryError):
            with self._lock:
                self._threads -= 1
                alone = self._threads == 0
            if alone:
                self._do()

    def _work(self) -> None:
        while True:
            self._do()

    def _do(self) -> None:
        self._permits.get()
        with self._lock:
            _, _, job = heapq.heappop(self._waiting)
        try:
            job()
        finally:
            with self._lock:
                self._unfinished -= 1
