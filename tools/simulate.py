"""`make simulate`: seeds on all cores, and what came of them."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import final

from support.simulation.play import DAYS, LIVES, play
from support.simulation.report import SHOWN, failure, replay, shrunk

PROGRESS = 10.0
"""Seconds between two lines about how far it is."""
HOUR = 3600.0
YEAR = 365.25 * 24 * HOUR


@final
@dataclass(frozen=True, slots=True)
class Seed:
    """What came of one. `life`: of its shortest token; `years` of all of them; `cpu` in seconds."""

    number: int
    broken: str | None
    replay: str
    counts: Counter[str]
    life: float
    years: float
    cpu: float


@final
@dataclass(slots=True)
class Total:
    """What came of all so far."""

    seeds: int = 0
    broken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    years: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    cpu: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    """Both by the shortest life, in seconds."""

    def add(self, seed: Seed) -> None:
        """One more."""
        self.seeds += 1
        self.broken += seed.broken is not None
        self.counts += seed.counts
        self.years[seed.life] += seed.years
        self.cpu[seed.life] += seed.cpu

    def lines(self) -> Iterator[str]:
        """For people."""
        years, cpu = sum(self.years.values()), sum(self.cpu.values())
        each = cpu / years if years else 0.0
        yield f"{self.seeds:>12,} seeds, {self.broken:,} of which broke a law"
        yield f"{years:>12,.2f} years of tokens, {each:.1f} s of processor time for each"
        for life in sorted(life for life in self.years if life >= HOUR):
            of, each = self.years[life], self.cpu[life] / self.years[life]
            yield f"{of:>12,.2f}   where they live {life / HOUR:.4g} h or more, {each:.1f} s"
        for name in ("lives", "fetches", "requests", "API requests", "kill"):
            yield f"{self.counts[name]:>12,} {name}"
        kinds = {name: number for name, number in self.counts.items() if ": " in name}
        yield f"{sum(kinds.values()):>12,} faults of {len(kinds)} kinds"
        families = Counter[str]()
        for name, number in kinds.items():
            families[name.partition(":")[0]] += number
        for name, number in families.most_common():
            yield f"{number:>12,}   {name}"


def main() -> int:
    """Runs the seeds; 1 where a law was broken, or somebody lost patience (Ctrl-C)."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--profile", choices=("rough", "calm"), default="rough")
    parser.add_argument("--lives", type=int, default=LIVES, help="of the longest token, if rough")
    parser.add_argument("--days", type=int, default=DAYS, help="if calm")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    days = wanted.days if wanted.profile == "calm" else 0
    if wanted.seeds == 1:
        return _one(wanted.first, wanted.lives, days)
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    began = shown = time.monotonic()
    total = Total()
    what = [(seed, wanted.lives, days) for seed in seeds]
    with suppress(KeyboardInterrupt), _results(wanted.jobs, what) as results:
        for seed in results:
            total.add(seed)
            if seed.broken is not None:
                print(f"seed {seed.number}: {seed.broken}\n  {seed.replay}", flush=True)
            if time.monotonic() - shown > PROGRESS:
                shown = time.monotonic()
                years = sum(total.years.values())
                print(f"{total.seeds} of {wanted.seeds} seeds, {years:.1f} years", flush=True)
    print(f"\nin {time.monotonic() - began:.0f} s:", *total.lines(), sep="\n")
    return 1 if total.broken or total.seeds < wanted.seeds else 0


@contextmanager
def _results(jobs: int, what: list[tuple[int, int, int]]) -> Iterator[Iterator[Seed]]:
    """In whatever order they come."""
    if jobs == 1:
        yield map(_seed, what)
        return
    ignore = signal.SIGINT, signal.SIG_IGN  # it is for us to say how far they came
    with get_context("spawn").Pool(jobs, signal.signal, ignore) as pool:
        yield pool.imap_unordered(_seed, what, chunksize=1 if what[0][2] else 8)


def _seed(what: tuple[int, int, int]) -> Seed:
    number, lives, days = what
    began = time.process_time()
    story = play(number, lives=lives, days=days)
    cpu = time.process_time() - began
    life, years = min(story.settings.lifetimes.values()), story.seconds / YEAR
    return Seed(number, story.broken, replay(story), story.counts, life, years, cpu)


def _one(seed: int, lives: int, days: int) -> int:
    story = play(seed, lives=lives, days=days)
    if story.broken is None:
        print(f"seed {seed}: every law was kept, {len(story.strikes)} strikes")
        return 0
    print(failure(story))
    small = shrunk(story)
    print(f"\nwith the fewest strikes: {small.broken}", *small.strikes, sep="\n  ")
    print(*small.trace[-SHOWN:], sep="\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
