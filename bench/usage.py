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


def memory(pid: int) -> dict[str, float]:
    """MiB that a process has resident, has had at most, and its share (proc_pid_smaps_rollup(5)).

    Of what is shared with others the share is divided by their number.
    """
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        share = next(float(line.split()[1]) for line in lines if line.startswith("Pss:"))
    found = {
        "peak": status(pid, "VmHWM"),
        "resident": status(pid, "VmRSS"),
        "proportional": share,
    }
    return {kind: kib / MIB for kind, kib in found.items()}


def own_cpu() -> float:
    """Seconds of CPU that this process has had."""
    return time.process_time()
