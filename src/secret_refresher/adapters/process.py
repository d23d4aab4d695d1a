"""The process itself: closed to whoever is not root, and with one heap for all of its threads."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4
_M_ARENA_MAX = -8


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


def share_heap() -> None:
    """Has all threads take memory from one heap; call it before there is a second one.

    glibc gives each new thread a heap of its own up to eight for each processor (mallopt(3),
    M_ARENA_MAX), and none gives back what it has had. Threads of Python wait for each other anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
