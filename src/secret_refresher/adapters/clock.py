"""The machine's clocks."""

from __future__ import annotations

import time
from typing import final

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts while the machine is suspended; the best that other systems have is monotonic."""


@final
class SystemClock:
    """Implements `ports.Clock` by clock_gettime(2)."""

    def now(self) -> float:
        """Seconds since boot, suspend included; no NTP step or `date` changes it."""
        return time.clock_gettime(_BOOTTIME)

    def wall(self) -> float:
        """Seconds since the epoch, as the machine believes."""
        return time.time()
