"""From the start of a process to the first token that can be read in a file."""

from __future__ import annotations

import time

from bench.contest import DAEMON, FLOOR, Course, Program, course
from bench.report import Row, median
from bench.scale import Scale

TIMES = 1.5


def _seconds(on: Course, program: Program) -> float:
    on.clear()
    before = len(on.server.tokens)
    begin = time.monotonic()
    with on.running(program) as process:
        on.wait(process, before + 1)
        return time.monotonic() - begin


def measure(scale: Scale) -> list[Row]:
    """Daemon and floor by turns."""
    ours: list[float] = []
    floors: list[float] = []
    with course(lifetime=3600.0) as on:
        for program in (FLOOR, DAEMON):
            _seconds(on, program)  # the first run compiles
        for _ in range(scale.of(tiny=1, usual=11, long=51)):
            floors.append(_seconds(on, FLOOR))
            ours.append(_seconds(on, DAEMON))
    floor = median(floors)
    return [
        Row(
            bench="start",
            what="process start to first token in a file",
            figure=median(ours),
            unit="s",
            floor=floor,
            bar=TIMES * floor,
            bar_says=f"{TIMES} x floor",
            runs=tuple(ours),
        )
    ]
