"""From the start of a process to the first token that can be read."""

from __future__ import annotations

import subprocess
import time

from bench import usage
from bench.apiserver import there
from bench.child import environment
from bench.contest import DAEMON, FLOOR, Course, Program, course
from bench.interpreter import measured
from bench.layers import LIBRARIES, imported, layers
from bench.report import Row, median
from bench.scale import Scale

TIMES = 1.5
_SEEN = b"consumer | "
"""How the demo begins what it says of a read."""
Pair = tuple[float, float]
"""Seconds that passed, and seconds of CPU that the process had."""


def measure(scale: Scale) -> list[Row]:
    """Daemon and floor by turns; what else the machine does blurs CPU less than time."""
    turns = scale.of(tiny=1, usual=11, long=51)
    rows = _kind("file", 0, turns)
    if there():
        rows += _kind("Secret", 1, turns)
    demos = [_demo() for _ in range(turns)]
    return [
        *rows,
        Row(
            bench="start",
            what="demo: its start to the first token that its consumer reads",
            figure=median(demos),
            unit="s",
            runs=tuple(demos),
        ),
    ]


def _kind(kind: str, namespaces: int, turns: int) -> list[Row]:
    ours, floors, bare, libraries = [], [], [], []
    with course(lifetime=3600.0, namespaces=namespaces) as on:
        for program in (FLOOR, DAEMON):
            _run(on, program)  # the first run compiles
        for _ in range(turns):
            floors.append(_run(on, FLOOR))
            ours.append(_run(on, DAEMON))
            bare.append(imported(())[0])
            libraries.append(imported(LIBRARIES[kind])[0])
    floor, cpu = _middle(floors)
    return [
        _row(f"process start to first token in a {kind}", ours, 0, floor, bar=kind == "file"),
        _row(f"CPU until then, {kind}", ours, 1, cpu, bar=False),
        *layers(
            "start",
            kind,
            "s",
            bare=median(bare),
            libraries=median(libraries),
            floor=floor,
            figure=_middle(ours)[0],
        ),
    ]


def _run(on: Course, program: Program) -> Pair:
    on.place.clear()
    before = len(on.server.tokens)
    begin = time.monotonic()
    with on.running(program) as process:
        on.wait(process, before + 1)
        return time.monotonic() - begin, usage.cpu(process.pid)


def _demo() -> float:
    command = [measured(), "-m", "secret_refresher", "demo", "--seconds", "0.01"]
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        said = list(_heard(process, begin))
    if process.returncode or not said:
        raise RuntimeError(f"{command!r} ended with {process.returncode}")
    return said[0]


def _heard(process: subprocess.Popen[bytes], begin: float) -> list[float]:
    """When each line on a read came; all is read, so that the demo ends by itself."""
    if process.stdout is None:
        return []
    return [time.monotonic() - begin for line in process.stdout if line.startswith(_SEEN)]


def _middle(runs: list[Pair]) -> Pair:
    return median([run[0] for run in runs]), median([run[1] for run in runs])


def _row(what: str, pairs: list[Pair], index: int, floor: float, *, bar: bool) -> Row:
    runs = tuple(pair[index] for pair in pairs)
    return Row(
        bench="start",
        what=what,
        figure=median(runs),
        unit="s",
        floor=floor,
        bar=TIMES * floor if bar else None,
        bar_says=f"{TIMES} x floor" if bar else "",
        runs=runs,
    )
