"""How long after its planned instant a refresh begins, with many tokens."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

from bench import usage
from bench.child import ROOT, apart, environment
from bench.cold import cold_start
from bench.fleet import CLOCK, Fleet
from bench.interpreter import measured
from bench.report import Row, median, percentile
from bench.scale import Scale

BAR = 0.250
SCRAPE_EVERY = 15.0


def steady(size: int, life: float, seconds: float, windows: int) -> list[dict[str, Any]]:
    """Refreshes of tokens of all ages, on the real clock, with a scrape every 15 s.

    For each window of some seconds: by how much each refresh came late, and cores in use.
    """
    with Fleet(size, life=life) as fleet:
        fleet.publish_before()
        fleet.start()
        fleet.wait_until_full()
        port = fleet.serve()
        count = 1 + int(windows * seconds / SCRAPE_EVERY)
        command = [sys.executable, "-m", "bench.scraper", str(port), str(count), str(SCRAPE_EVERY)]
        found = []
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment()
        ) as scraper:
            for _ in range(windows):
                begin, before = CLOCK.now(), usage.own_cpu()
                threading.Event().wait(seconds)
                end, used = CLOCK.now(), usage.own_cpu() - before
                late = [late for planned, late in fleet.mint.late if begin < planned <= end]
                found.append({"late": late, "cpu": used / (end - begin)})
            scraper.terminate()
        return found


def measure(scale: Scale) -> list[Row]:
    """Windows on the real clock, and a start from cold on a virtual one."""
    size = scale.of(tiny=30, usual=10_000)
    life = scale.of(tiny=12.0, usual=600.0)
    seconds, windows = scale.of(tiny=2.0, usual=30.0, long=120.0), scale.of(tiny=1, usual=5)
    found = apart(steady, python=measured(), size=size, life=life, seconds=seconds, windows=windows)
    cold = apart(cold_start, python=measured(), size=size, life=600.0, lives=2)
    refreshes = sum(len(window["late"]) for window in found)
    of = f"{size:,} tokens of {life / 60:g} min, {refreshes:,} refreshes in {windows} windows"
    figures = {
        f"p50 of begin less plan, {of}": [percentile(window["late"], 0.5) for window in found],
        "p99 of them": [percentile(window["late"], 0.99) for window in found],
        "the latest of them": [max(window["late"], default=0.0) for window in found],
    }
    cores = [100 * window["cpu"] for window in found]
    return [
        *(
            Row(
                bench="lateness",
                what=what,
                figure=max(runs) if what.startswith("the latest") else median(runs),
                unit="s",
                bar=BAR if what.startswith("p99") else None,
                runs=tuple(runs),
            )
            for what, runs in figures.items()
        ),
        Row(
            bench="lateness",
            what="CPU meanwhile",
            figure=median(cores),
            unit="% of a core",
            runs=tuple(cores),
        ),
        Row(
            bench="lateness",
            what=f"from cold: the latest of {cold['refreshes']:,} refreshes",
            figure=cold["latest"],
            unit="s",
            bar=cold["lead"],
            bar_says="its lead",
        ),
        Row(
            bench="lateness",
            what="from cold: expired tokens seen in sinks",
            figure=cold["expired"],
            unit="",
            bar=0,
        ),
    ]
