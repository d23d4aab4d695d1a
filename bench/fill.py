"""Secrets on a real API server: many from cold, and one token to many namespaces."""

from __future__ import annotations

import os
import time

from bench import usage
from bench.apiserver import there
from bench.contest import DAEMON, FILL, Course, course
from bench.places import LABEL, NAME
from bench.report import Row, median
from bench.scale import Scale

RATE = 0.8
CPU = 1.3
NAMESPACES = 20
PATIENCE = 300.0
_PUBLISHED = b'"token published"'
WHY = """\
the daemon does what the floor leaves out (it keeps, watches, logs and counts each token) on one
interpreter lock, and shares two cores with the API server that both fill
"""
Run = tuple[float, float]
"""Seconds, and seconds of CPU."""


def measure(scale: Scale) -> list[Row]:
    """Nothing where there is no API server to be had."""
    if not there():
        return []
    turns = scale.of(tiny=1, usual=5, long=9)
    filled = _cold(scale.of(tiny=10, usual=2000), turns)
    return filled + _fan_out(scale.of(tiny=5, usual=500), turns)


def _cold(count: int, turns: int) -> list[Row]:
    """Many tokens into a Secret each; daemon and floor by turns."""
    with course(lifetime=3600.0, namespaces=NAMESPACES) as on:
        on.configure([on.entry(f"t-{number:05d}") for number in range(count)])
        pairs = [(_pool(on), _daemon(on, count)) for _ in range(turns)]
    what = f"{count:,} Secrets from cold, one request each; the floor reads each one first"
    figures = (
        (f"seconds for {what}", 1 / RATE, f"{RATE} x the floor's rate"),
        ("CPU for them", CPU, f"{CPU} x floor"),
    )
    rows = []
    for index, (says, bar, told) in enumerate(figures):
        least = median([floors[index] for floors, _ in pairs])
        runs = tuple(ours[index] for _, ours in pairs)
        rows.append(
            Row(
                bench="fill",
                what=says,
                figure=median(runs),
                unit="s",
                floor=least,
                bar=bar * least,
                bar_says=told,
                runs=runs,
                why=WHY,
            )
        )
    return rows


def _fan_out(count: int, turns: int) -> list[Row]:
    """One token, by one request, into a Secret of each namespace with a label."""
    sink = {"name": NAME, "namespaceSelector": {"matchLabels": LABEL}, "propagation": "0s"}
    runs, asked = [], []
    with course(lifetime=3600.0, namespaces=count) as on:
        on.configure([on.entry(sinks=[{"secret": sink}])])
        for _ in range(turns):
            before = len(on.server.requests)
            runs.append(_daemon(on, count))
            asked.append(len(on.server.requests) - before)
    where = f"one token in {count} namespaces"
    return [
        *(
            Row(bench="fill", what=what, figure=median(of), unit="s", runs=of)
            for what, of in zip(
                (f"seconds from start to {where}", "CPU until then"),
                zip(*runs, strict=True),
                strict=True,
            )
        ),
        Row(
            bench="fill",
            what="token requests for them",
            figure=max(asked),
            unit="",
            bar=1,
            runs=tuple(asked),
        ),
    ]


def _daemon(on: Course, count: int) -> Run:
    """From its start until it has published so often."""
    on.place.clear()
    begin = time.monotonic()
    with on.running(DAEMON) as process:
        on.until(process, lambda: on.said().count(_PUBLISHED) >= count, PATIENCE, every=0.1)
        return time.monotonic() - begin, usage.cpu(process.pid)


def _pool(on: Course) -> Run:
    """From its start to its end."""
    on.place.clear()
    begin = time.monotonic()
    with on.running(FILL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {on.said()!r}")
    return time.monotonic() - begin, used.ru_utime + used.ru_stime
