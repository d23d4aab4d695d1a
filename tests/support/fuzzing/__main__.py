"""`make fuzz INPUTS=1000000 SEED=7`: prints figures for each parser.

An input that breaks one ends the run with the command that tries it again.
"""

from __future__ import annotations

import argparse
import sys
import time

from support.fuzzing.run import BrokenError, fuzz
from support.fuzzing.targets import TARGETS, WHOLE


def main() -> int:
    """Runs; 1 where an input broke a parser."""
    parser = argparse.ArgumentParser(prog="python -m support.fuzzing")
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=TARGETS, help="one parser, with all inputs")
    options = parser.parse_args()
    _say(f"seed {options.seed}")
    total, begun = 0, time.monotonic()
    _say("| parser | inputs | a second | outcomes |\n| --- | --- | --- | --- |")
    for name, (target, share) in TARGETS.items():
        if options.only not in {None, name}:
            continue
        count = options.inputs if options.only else options.inputs * share // WHOLE
        try:
            done = fuzz(name, target, count, options.seed)
        except BrokenError as broken:
            sys.stderr.write(f"{broken}\n")
            return 1
        total += count
        most = sorted(done.outcomes.items(), key=lambda one: -one[1])
        told = ", ".join(f"{outcome} {100 * times / count:.1f} %" for outcome, times in most[:6])
        more = f" and {len(most) - 6} more" if len(most) > 6 else ""
        _say(f"| {name} | {count:,} | {count / done.seconds:,.0f} | {told}{more} |")
    _say(f"{total:,} inputs in {time.monotonic() - begun:.0f} s")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
