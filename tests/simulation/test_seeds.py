"""Whole worlds by seed: the real engine and adapters, with all that goes wrong."""

import pytest

from support.simulation.play import play
from support.simulation.report import failure

LIVES = 6
TOGETHER = 10
"""Seeds of one test, so that a run of many stays readable."""


@pytest.mark.parametrize("first", range(1, 301, TOGETHER))
def test_every_law_is_kept(first: int) -> None:
    """No seed of these makes a consumer, a budget or an observer see what was promised never."""
    for seed in range(first, first + TOGETHER):
        story = play(seed, lives=LIVES)
        if story.broken is not None:
            pytest.fail(failure(story), pytrace=False)


def test_a_seed_tells_the_same_story_each_time() -> None:
    """A seed that failed elsewhere fails here, and in the same way."""
    one, two = (play(7, lives=LIVES) for _ in range(2))
    assert [line.partition("/simulation-")[0] for line in one.trace] == [
        line.partition("/simulation-")[0] for line in two.trace
    ]
    assert one.counts == two.counts
