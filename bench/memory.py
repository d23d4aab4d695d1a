"""Peak resident memory with one token that is refreshed again and again."""

from __future__ import annotations

from bench import usage
from bench.contest import DAEMON, FLOOR, Course, Program, course
from bench.report import Row, median
from bench.scale import Scale

ABOVE = 5.0
"""MiB."""


def _peak(on: Course, program: Program, refreshes: int) -> float:
    on.clear()
    before = len(on.server.tokens)
    with on.running(program) as process:
        on.wait(process, before + 1 + refreshes)
        on.scrape()
        return usage.status(process.pid, "VmHWM") / usage.MIB


def measure(scale: Scale) -> list[Row]:
    """Each sink against its floor; both programs by turns, each scraped once."""
    refreshes = scale.of(tiny=1, usual=10)
    ours: list[float] = []
    floors: list[float] = []
    with course(lifetime=1.0) as on:
        for program in (FLOOR, DAEMON):
            _peak(on, program, 0)  # the first run compiles
        for _ in range(scale.of(tiny=1, usual=2, long=9)):
            floors.append(_peak(on, FLOOR, refreshes))
            ours.append(_peak(on, DAEMON, refreshes))
    floor = median(floors)
    return [
        Row(
            bench="memory",
            what=f"peak memory after {refreshes} refreshes of one token, file sink",
            figure=median(ours),
            unit="MiB",
            floor=floor,
            bar=floor + ABOVE,
            bar_says=f"floor + {ABOVE:g} MiB",
            runs=tuple(ours),
        )
    ]
