"""The process itself, closed to whoever is not root."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4


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
