"""A scrape of many tokens: how long it takes, and what the loop feels of it."""

from __future__ import annotations

import subprocess
import sys
import threading

from bench.child import ROOT, apart, environment
from bench.fleet import CLOCK, Fleet
from bench.interpreter import measured
from bench.report import Row, median, percentile
from bench.scale import Scale
from secret_refresher.ports import Listening

BAR = 1.0
LOOP_BAR = 0.250
_PING = Listening("ping")


class _Ear:
    """Hears on the engine's thread when the loop comes round to a message."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def notice(self, about: object, fact: object) -> None:  # noqa: ARG002 - the port's
        """As an observer."""
        if fact is _PING:
            self.heard.set()


def scraped(size: int, count: int) -> dict[str, list[float]]:
    """Seconds of each scrape, and of each message's way to the loop meanwhile."""
    ear = _Ear()
    with Fleet(size, observers=(ear,)) as fleet:
        fleet.publish_before()
        fleet.start()
        fleet.wait_until_full()
        port = fleet.serve()
        command = [sys.executable, "-m", "bench.scraper", str(port), str(count), "0.2"]
        ways: list[float] = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
        ) as scraper:
            while scraper.poll() is None:
                ear.heard.clear()
                begin = CLOCK.now()
                fleet.engine.tell(_PING)
                ear.heard.wait()
                ways.append(CLOCK.now() - begin)
                threading.Event().wait(0.01)
            said, _ = scraper.communicate()
        return {"scrapes": [float(line) for line in said.split()], "ways": ways}


def measure(scale: Scale) -> list[Row]:
    """Scrapes one after the other, while tokens are refreshed."""
    size, count = scale.of(tiny=20, usual=10_000), scale.of(tiny=2, usual=9, long=50)
    found = apart(scraped, python=measured(), size=size, count=count)
    return [
        Row(
            bench="scrape",
            what=f"scrape of {size:,} tokens",
            figure=median(found["scrapes"]),
            unit="s",
            bar=BAR,
            runs=tuple(found["scrapes"]),
        ),
        Row(
            bench="scrape",
            what="the loop's answer to a message meanwhile, p99",
            figure=percentile(found["ways"], 0.99),
            unit="s",
            bar=LOOP_BAR,
            bar_says="as for lateness",
        ),
    ]
