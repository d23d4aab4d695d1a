"""What a refresh takes: from when it is due until it is published, and CPU."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from bench import usage
from bench.apiserver import there
from bench.contest import DAEMON, POOL, Course, Program, course
from bench.report import Row, median, percentile
from bench.scale import Scale

LIFE = 4.0
FIGURES = (
    ("from due to published, median", "ms", 1000.0),
    ("from due to published, p99", "ms", 1000.0),
    ("CPU of the process for a refresh", "ms", 1000.0),
)
Figures = tuple[float, float, float]
Late = Callable[[Sequence[bytes], int], list[float]]


def measure(scale: Scale) -> list[Row]:
    """Files, then Secrets; daemon and floor by turns."""
    rows = _kind("file", 0, scale)
    return rows + _kind("Secret", 1, scale) if there() else rows


def _kind(kind: str, namespaces: int, scale: Scale) -> list[Row]:
    tokens, seconds = scale.of(tiny=3, usual=50), scale.of(tiny=3.0, usual=8.0, long=60.0)
    ours, floors = [], []
    with course(lifetime=LIFE, namespaces=namespaces) as on:
        on.configure([on.entry(f"token-{number}") for number in range(tokens)])
        for _ in range(scale.of(tiny=1, usual=5, long=15)):
            floors.append(_figures(on, POOL, _of_pool, tokens, seconds))
            ours.append(_figures(on, DAEMON, _of_daemon, tokens, seconds))
    return [
        Row(
            bench="cost",
            what=f"{kind}: {what}",
            figure=median([run[index] for run in ours]) * factor,
            unit=unit,
            floor=median([run[index] for run in floors]) * factor,
            runs=tuple(run[index] * factor for run in ours),
        )
        for index, (what, unit, factor) in enumerate(FIGURES)
    ]


def _figures(on: Course, program: Program, late: Late, tokens: int, seconds: float) -> Figures:
    """Of some seconds, after every token was published and refreshed once."""
    on.place.clear()
    server = on.server
    begin = len(server.requests)
    with on.running(program) as process:
        on.until(process, lambda: len(server.requests) >= begin + 2 * tokens)
        asked, used = len(server.requests), usage.cpu(process.pid)
        time.sleep(seconds)
        used, asked = usage.cpu(process.pid) - used, len(server.requests) - asked
        found = late(on.said().split(b"\n")[:-1], tokens)
    return median(found), percentile(found, 0.99), used / asked


def _of_pool(lines: Sequence[bytes], tokens: int) -> list[float]:
    """Its lines are the seconds; the first are of first tokens, which are due at once."""
    return [float(line) for line in lines[tokens:]]


def _of_daemon(lines: Sequence[bytes], _tokens: int) -> list[float]:
    """By its log: for when a refresh was planned, and when the token was published."""
    planned: dict[str, float] = {}
    due: dict[str, float] = {}
    found = []
    for line in map(json.loads, lines):
        name = line.get("token")
        if line["event"] == "token fetched":
            if name in planned:
                due[name] = planned[name]
            planned[name] = datetime.fromisoformat(line["refresh_at"]).timestamp()
        elif line["event"] == "token published" and name in due:
            published = datetime.fromisoformat(line["timestamp"]).timestamp()
            found.append(published - due.pop(name))
    return found
