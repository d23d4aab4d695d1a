"""What an application reads from the file, all the time, and what that costs in requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from bench.child import apart
from bench.contest import DAEMON, course
from bench.report import Row
from bench.scale import Scale
from support.authorization_server import AuthorizationServer
from support.consumer import Consumer

PERIOD = 0.02
AWAY, EVERY = 2.0, 3.0


def read_for(seconds: float, lifetime: float, away: float) -> dict[str, float]:
    """Runs the daemon that long; the consumer polls from another process than the daemon's.

    `away`: seconds for which the server is away in every `EVERY`.
    """
    with course(lifetime=lifetime) as on, on.running(DAEMON) as process:
        on.wait(process, 1)
        before = len(on.server.requests)
        with _coming_and_going(on.server, away), Consumer(on.token, PERIOD) as consumer:
            time.sleep(seconds)
        return {
            "reads": consumer.reads,
            "bad": sum(consumer.faults.values()),
            "requests": len(on.server.requests) - before,
            "lives": seconds / lifetime,
            "left": consumer.least_left,
        }


@contextmanager
def _coming_and_going(server: AuthorizationServer, away: float) -> Iterator[None]:
    over = threading.Event()

    def turn() -> None:
        while not over.wait(EVERY - away):
            server.go_away()
            over.wait(away)
            server.come_back()

    thread = threading.Thread(target=turn)
    if away:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if away:
            thread.join()


def measure(scale: Scale) -> list[Row]:
    """A healthy server, and beside it one that is away most of the time."""
    seconds = scale.of(tiny=3.0, usual=60.0, long=600.0)
    with ThreadPoolExecutor() as pool:
        calm = pool.submit(apart, read_for, seconds=seconds, lifetime=5.0, away=0.0)
        rough = pool.submit(apart, read_for, seconds=seconds, lifetime=6.0, away=AWAY)
        cases = (
            ("5 s tokens", calm.result(), 2.6),
            (f"6 s tokens, server away {AWAY:g} s in every {EVERY:g}", rough.result(), None),
        )
    return [
        row
        for says, found, bar in cases
        for row in (
            Row(
                bench="trust",
                what=f"{says}: bad reads of {found['reads']:,} in {seconds:g} s",
                figure=found["bad"],
                unit="",
                bar=0,
            ),
            Row(
                bench="trust",
                what=f"{says}: token requests per life, {found['requests']} in all",
                figure=found["requests"] / found["lives"],
                unit="",
                bar=bar,
            ),
        )
    ]
