"""How long after its planned instant a refresh begins, with many tokens."""

from __future__ import annotations

import subprocess
import sys
import threading

from bench import usage
from bench.child import ROOT, apart, environment
from bench.cold import cold_start
from bench.fleet import CLOCK, Fleet
from bench.interpreter import measured
from bench.report import Row, percentile
from bench.scale import Scale

BAR = 0.250
SCRAPE_EVERY = 15.0


def steady(size: int, life: float, seconds: float) -> dict[str, object]:
    """Refreshes of tokens of all ages, on the real clock, with a scrape every 15 s."""
    with Fleet(size, life=life) as fleet:
        fleet.publish_before()
        fleet.start()
        fleet.wait_until_full()
        port = fleet.serve()
        count = 1 + int(seconds / SCRAPE_EVERY)
        command = [sys.executable, "-m", "bench.scraper", str(port), str(count), str(SCRAPE_EVERY)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment()
        ) as scraper:
            begin, before = CLOCK.now(), usage.own_cpu()
            threading.Event().wait(seconds)
            passed, used = CLOCK.now() - begin, usage.own_cpu() - before
            scraper.terminate()
        late = [late for planned, late in fleet.mint.late if planned > begin]
        return {"late": late, "cpu": used / passed}


def measure(scale: Scale) -> list[Row]:
    """One run on the real clock, one from cold on a virtual one."""
    size = scale.of(tiny=30, usual=10_000)
    life = scale.of(tiny=12.0, usual=600.0)
    seconds = scale.of(tiny=2.0, usual=45.0, long=600.0)
    found = apart(steady, python=measured(), size=size, life=life, seconds=seconds)
    late = found["late"]
    cold = apart(cold_start, python=measured(), size=size, life=600.0, lives=2)
    of = f"{size:,} tokens of {life / 60:g} min, {len(late):,} refreshes"
    return [
        Row(
            bench="lateness",
            what=f"p99 of begin less plan, {of}",
            figure=percentile(late, 0.99),
            unit="s",
            bar=BAR,
        ),
        Row(bench="lateness", what="the latest of them", figure=max(late, default=0.0), unit="s"),
        Row(bench="lateness", what="CPU meanwhile", figure=100 * found["cpu"], unit="% of a core"),
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
