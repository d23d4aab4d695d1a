"""What a process has used, from the kernel's own books (Linux)."""

from __future__ import annotations

import os
import time

MIB = 1024.0


def status(pid: int | str, field: str) -> float:
    """A field of /proc/PID/status in KiB: `VmHWM` is the peak of `VmRSS`, resident memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(float(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def cpu(pid: int) -> float:
    """Seconds of CPU that all threads of a process have had, to the nanosecond.

    The clock's id is made as clock_getcpuclockid(3) makes it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def wakes(pid: int) -> int:
    """How often the threads of a process have gone to sleep by themselves, and so were woken."""
    threads = os.listdir(f"/proc/{pid}/task")
    return sum(int(status(f"{pid}/task/{thread}", "voluntary_ctxt_switches")) for thread in threads)


def proportional(pid: int) -> float:
    """Resident memory in KiB, what is shared with others divided by their number."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return next(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


def own_cpu() -> float:
    """Seconds of CPU that this process has had."""
    return time.process_time()
