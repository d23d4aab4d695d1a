"""A million random inputs, most of them nearly right, for whatever reads what others wrote."""

import os
import time
from random import Random

import pytest

from support.fuzzing.run import BrokenError, fuzz
from support.fuzzing.targets import TARGETS, WHOLE

STRICT = os.environ.get("STRICT") == "1"
INPUTS = 1_000_000 if STRICT else 50_000
"""What must hold before a change lands is tried with the million, and the same each time."""
SEED = 1 if STRICT else int(time.time())


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_a_parser(name: str) -> None:
    """What comes out is sound, what is refused is told without quoting it, nothing else is raised.

    And inputs of every kind get through as well as not: a run that only meets the first check
    would show little.
    """
    target, share = TARGETS[name]
    count = INPUTS * share // WHOLE
    done = fuzz(name, target, count, SEED)
    assert sum(done.outcomes.values()) == count
    assert len([times for times in done.outcomes.values() if times > count / 500]) > 1


def test_a_broken_input_says_how_to_try_it_again() -> None:
    """The seed of one input alone brings it back."""

    def breaks(random: Random) -> str:
        raise KeyError(random)

    with pytest.raises(BrokenError, match='make fuzz INPUTS=1 SEED=7 ONLY="headers"'):
        fuzz("headers", breaks, 3, 7)
