"""A seeded run of one parser."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from random import Random

from support.fuzzing.targets import Target


@dataclass(frozen=True, slots=True)
class Done:
    """How often each outcome came, and the time of the processor in seconds."""

    outcomes: Counter[str]
    seconds: float


class BrokenError(Exception):
    """An input that a parser did not survive; says how to try it again."""


def fuzz(name: str, target: Target, count: int, seed: int) -> Done:
    """So many inputs for one parser; each has a seed of its own, so that one can be tried alone."""
    outcomes: Counter[str] = Counter()
    begun = time.process_time()
    random = Random()  # noqa: S311 - inputs are to come again, not to be secret
    for number in range(seed, seed + count):
        random.seed(number)
        try:
            outcomes[target(random)] += 1
        except Exception as error:
            again = f'make fuzz INPUTS=1 SEED={number} ONLY="{name}"'
            raise BrokenError(f"{name}: {type(error).__name__}: {error}; {again}") from error
    return Done(outcomes, max(time.process_time() - begun, 1e-9))
