"""New credentials under a daemon that the server refuses."""

from __future__ import annotations

import random
import time

from bench.contest import DAEMON, Course, course
from bench.report import Row, median
from bench.scale import Scale
from support.daemon import credentials

_PATIENCE = 30.0
_SETTLE = 1.5


def _until_asked(on: Course, requests: int) -> float:
    begin = time.monotonic()
    while len(on.server.requests) < requests:
        if time.monotonic() > begin + _PATIENCE:
            raise TimeoutError(f"no request within {_PATIENCE:g} s of a rotation")
        time.sleep(0.002)
    return time.monotonic() - begin


def measure(scale: Scale) -> list[Row]:
    """Credentials that are wrong each time, so that the daemon stays refused."""
    seconds: list[float] = []
    with course(lifetime=3600.0) as on:
        on.server.client_secret = "nobody has it"  # noqa: S105 - of this benchmark
        with on.running(DAEMON):
            _until_asked(on, 1)
            for number in range(scale.of(tiny=1, usual=5, long=50)):
                time.sleep(_SETTLE + random.random())  # noqa: S311 - a phase of the patrol
                asked = len(on.server.requests)
                credentials(on.folder, f"secret-{number}")
                seconds.append(_until_asked(on, asked + 1))
    return [
        Row(
            bench="rotation",
            what=what,
            figure=figure,
            unit="s",
            runs=tuple(seconds),
        )
        for what, figure in (
            ("credentials rotated to the next request, median", median(seconds)),
            ("the longest of them", max(seconds)),
        )
    ]
