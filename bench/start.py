"""From the start of a process to the first token that can be read in a file."""

from __future__ import annotations

import time

from bench import usage
from bench.contest import DAEMON, FLOOR, Course, Program, course
from bench.report import Row, median
from bench.scale import Scale

TIMES = 1.5


def _run(on: Course, program: Program) -> tuple[float, float]:
    """Seconds that passed, and seconds of CPU that the process had."""
    on.clear()
    before = len(on.server.tokens)
    begin = time.monotonic()
    with on.running(program) as process:
        on.wait(process, before + 1)
        return time.monotonic() - begin, usage.cpu(process.pid)


def measure(scale: Scale) -> list[Row]:
    """Daemon and floor by turns; what else the machine does blurs CPU less than time."""
    with course(lifetime=3600.0) as on:
        for program in (FLOOR, DAEMON):
            _run(on, program)  # the first run compiles
        turns = range(scale.of(tiny=1, usual=11, long=51))
        pairs = [(_run(on, FLOOR), _run(on, DAEMON)) for _ in turns]
    rows = []
    for index, what in enumerate(("process start to first token in a file", "CPU until then")):
        floor = median([floors[index] for floors, _ in pairs])
        runs = tuple(ours[index] for _, ours in pairs)
        rows.append(
            Row(
                bench="start",
                what=what,
                figure=median(runs),
                unit="s",
                floor=floor,
                bar=None if index else TIMES * floor,
                bar_says="" if index else f"{TIMES} x floor",
                runs=runs,
            )
        )
    return rows
