"""On what it was measured, in general terms."""

from __future__ import annotations

import os
import platform


def describe() -> str:
    """Processors, memory, system, Python, and how busy it has been for a minute."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{len(os.sched_getaffinity(0))} {platform.machine()} cores, {pages / 2**30:.0f} GiB,"
        f" {platform.system()} {'.'.join(platform.release().split('.')[:2])},"
        f" {platform.python_implementation()} {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f} before"
    )
