"""A daemon that is killed and started again while its token lives."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request

from bench.contest import DAEMON, Course, course
from bench.report import Row, median
from bench.scale import Scale

_PATIENCE = 30.0


def _until_fresh(on: Course, begin: float) -> float:
    while time.monotonic() < begin + _PATIENCE:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{on.port}/freshz"):
                return time.monotonic() - begin
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise TimeoutError(f"not fresh within {_PATIENCE:g} s of a restart")


def measure(scale: Scale) -> list[Row]:
    """SIGKILL, again and again, with a live token in the file."""
    seconds: list[float] = []
    with course(lifetime=3600.0) as on:
        with on.running(DAEMON) as process:
            on.wait(process, 1)
            _until_fresh(on, time.monotonic())
            process.kill()
        before, asked = os.stat(on.token), len(on.server.requests)
        for _ in range(scale.of(tiny=1, usual=5, long=50)):
            with on.running(DAEMON) as process:
                seconds.append(_until_fresh(on, time.monotonic()))
                process.kill()
        after = os.stat(on.token)
    touched = (before.st_ino, before.st_mtime_ns) != (after.st_ino, after.st_mtime_ns)
    times = f"{len(seconds)} x kill -9 and start"
    return [
        Row(
            bench="restart",
            what=f"token requests in {times}",
            figure=len(on.server.requests) - asked,
            unit="",
            bar=0,
        ),
        Row(bench="restart", what=f"files touched in {times}", figure=int(touched), unit="", bar=0),
        Row(
            bench="restart",
            what="process start to /freshz",
            figure=median(seconds),
            unit="s",
            runs=tuple(seconds),
        ),
    ]
