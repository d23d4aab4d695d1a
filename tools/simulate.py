"""`make simulate`: seeds on all cores, and what came of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from multiprocessing import get_context

from support.simulation.play import CALM_LIVES, LIVES, play
from support.simulation.report import SHOWN, failure, replay, shrunk

PROGRESS = 10.0
"""Seconds between two lines about how far it is."""
YEAR = 365.25 * 86400.0


def main() -> int:
    """Runs the seeds; 1 where a law was broken."""
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--lives", type=int)
    parser.add_argument("--profile", choices=("rough", "calm"), default="rough")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    calm = wanted.profile == "calm"
    lives = wanted.lives or (CALM_LIVES if calm else LIVES)
    seeds = range(wanted.first, wanted.first + wanted.seeds)
    if wanted.seeds == 1:
        return _one(wanted.first, lives, calm=calm)
    began, counts, years, broken = time.monotonic(), Counter[str](), 0.0, dict[int, str]()
    shown = began
    with get_context("spawn").Pool(wanted.jobs) as pool:
        stories = pool.imap_unordered(
            _brief, ((s, lives, calm) for s in seeds), chunksize=1 if calm else 8
        )
        for done, (seed, law, counted, seconds) in enumerate(stories, 1):
            counts += counted
            years += seconds / YEAR
            if law is not None:
                broken[seed] = law
                print(f"seed {seed}: {law}\n  {replay(seed, lives, calm=calm)}", flush=True)
            if time.monotonic() - shown > PROGRESS:
                shown = time.monotonic()
                print(f"{done} of {wanted.seeds} seeds, {years:.1f} years", flush=True)
    _summary(counts, years, time.monotonic() - began, len(seeds), broken)
    return 1 if broken else 0


def _brief(what: tuple[int, int, bool]) -> tuple[int, str | None, Counter[str], float]:
    seed, lives, calm = what
    story = play(seed, lives=lives, calm=calm)
    return seed, story.broken, story.counts, story.seconds


def _one(seed: int, lives: int, *, calm: bool) -> int:
    story = play(seed, lives=lives, calm=calm)
    if story.broken is None:
        print(f"seed {seed}: every law was kept, {len(story.strikes)} strikes")
        return 0
    print(failure(story, lives))
    small = shrunk(story, lives)
    print(f"\nwith the fewest strikes: {small.broken}", *small.strikes, sep="\n  ")
    print(*small.trace[-SHOWN:], sep="\n")
    return 1


def _summary(
    counts: Counter[str], years: float, seconds: float, seeds: int, broken: dict[int, str]
) -> None:
    families = Counter[str]()
    for name, number in counts.items():
        if ": " in name:
            families[name.partition(":")[0]] += number
    print(f"\n{seeds} seeds, {years:.1f} simulated years of tokens in {seconds:.0f} s")
    for name in ("fetches", "requests", "lives", "API requests", "kill"):
        print(f"  {counts[name]:>10,} {name}")
    for name, number in families.most_common():
        print(f"  {number:>10,} strikes: {name}")
    print(f"  {len(broken):>10,} seeds broke a law")


if __name__ == "__main__":
    sys.exit(main())
