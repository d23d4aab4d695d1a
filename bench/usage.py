"""What a process has used, from the kernel's own books (Linux)."""

from __future__ import annotations

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


def own_cpu() -> float:
    """Seconds of CPU that this process has had."""
    return time.process_time()
