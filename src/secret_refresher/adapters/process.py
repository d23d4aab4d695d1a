"""The process itself: closed to whoever is not root, and with a heap that does not grow."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_HEAP = {_M_ARENA_MAX: 1, _M_MMAP_THRESHOLD: 128 * 1024, _M_TRIM_THRESHOLD: 128 * 1024}


def seal() -> None:
    """Keeps memory, environment and open files of this process from other processes of its user.

    It holds secrets, and Python cannot wipe them. From here on the kernel writes no core of it,
    neither to a file nor to a pipe, and refuses ptrace, and with it /proc/PID/{mem,environ,fd}, all
    to everybody without CAP_SYS_PTRACE (prctl(2), PR_SET_DUMPABLE; ptrace(2)). Threads of its own
    are not concerned. The price: debuggers and profilers have to be root's.

    Without prctl, which is Linux's alone, at least no file is written.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def tame_heap() -> None:
    """Keeps memory from growing with time; call it before there is a second thread.

    1. One heap for all threads: glibc gives each its own, up to eight for each processor, and
       threads of Python wait for each other anyway.
    2. What is large has pages of its own, and what is free at the end goes back. glibc raises both
       bounds by itself once something large was freed, up to 32 MiB, and after that buffers of
       answers lie between what lives long: a daemon of 200 tokens grew by 6 MiB in 100,000
       refreshes.

    mallopt(3): M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD; other C libraries have none.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in _HEAP.items():
            mallopt(parameter, value)
