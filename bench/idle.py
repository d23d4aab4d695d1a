"""CPU of a daemon that has nothing to do for most of an hour."""

from __future__ import annotations

import time

from bench import usage
from bench.contest import DAEMON, course
from bench.report import Row, median
from bench.scale import Scale

BAR = 0.1
"""Percent of a core."""
_SETTLE = 2.0


def measure(scale: Scale) -> list[Row]:
    """One token of an hour, after it was published, in windows of some seconds."""
    seconds, windows = scale.of(tiny=1.0, usual=20.0, long=120.0), scale.of(tiny=1, usual=5)
    with course(lifetime=3600.0) as on, on.running(DAEMON) as process:
        on.wait(process, 1)
        time.sleep(min(_SETTLE, seconds))
        found = [_window(process.pid, seconds) for _ in range(windows)]
    used, wakes = ([window[index] for window in found] for index in (0, 1))
    return [
        Row(
            bench="idle",
            what=f"CPU with one token of 1 h life, {windows} x {seconds:g} s",
            figure=median(used),
            unit="% of a core",
            bar=BAR,
            runs=tuple(used),
        ),
        Row(
            bench="idle",
            what="wake-ups of all its threads",
            figure=median(wakes),
            unit="a second",
            runs=tuple(wakes),
        ),
    ]


def _window(pid: int, seconds: float) -> tuple[float, float]:
    """Percent of a core, and wake-ups a second."""
    begin, before, woken = time.monotonic(), usage.cpu(pid), usage.wakes(pid)
    time.sleep(seconds)
    passed = time.monotonic() - begin
    return 100 * (usage.cpu(pid) - before) / passed, (usage.wakes(pid) - woken) / passed
