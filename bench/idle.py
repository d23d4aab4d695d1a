"""CPU of a daemon that has nothing to do for most of an hour."""

from __future__ import annotations

import time

from bench import usage
from bench.contest import DAEMON, course
from bench.report import Row
from bench.scale import Scale

BAR = 0.1
"""Percent of a core."""
_SETTLE = 2.0


def measure(scale: Scale) -> list[Row]:
    """One token of an hour, after it was published."""
    seconds = scale.of(tiny=1.0, usual=30.0, long=300.0)
    with course(lifetime=3600.0) as on, on.running(DAEMON) as process:
        on.wait(process, 1)
        time.sleep(min(_SETTLE, seconds))
        begin, before, woken = time.monotonic(), usage.cpu(process.pid), usage.wakes(process.pid)
        time.sleep(seconds)
        passed = time.monotonic() - begin
        used = (usage.cpu(process.pid) - before) / passed
        wakes = (usage.wakes(process.pid) - woken) / passed
    return [
        Row(
            bench="idle",
            what=f"CPU with one token of 1 h life, over {seconds:g} s",
            figure=100 * used,
            unit="% of a core",
            bar=BAR,
        ),
        Row(bench="idle", what="wake-ups of all its threads", figure=wakes, unit="a second"),
    ]
