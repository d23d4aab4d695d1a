"""What came of a seed, for people: how to see it again, and the least that it takes."""

from __future__ import annotations

from support.simulation.play import CALM_LIVES, LIVES, Story, play

SHOWN = 40
"""Lines of a trace."""


def replay(seed: int, lives: int, *, calm: bool = False) -> str:
    """The command that does it again."""
    more = " PROFILE=calm" if calm else ""
    more += "" if lives == (CALM_LIVES if calm else LIVES) else f" LIVES={lives}"
    return f"make simulate SEEDS=1 FIRST_SEED={seed}{more}"


def failure(story: Story, lives: int) -> str:
    """What was broken, how it came to it, and how to see it again."""
    lines = [
        f"seed {story.seed}: {story.broken}",
        f"replay: {replay(story.seed, lives, calm=story.settings.calm)}",
    ]
    lines += ["what happened last:", *story.trace[-SHOWN:]]
    return "\n".join(lines)


def shrunk(story: Story, lives: int) -> Story:
    """The same law broken by as few strikes as leaving out one after the other finds."""
    without = set[int]()
    for each in reversed(story.strikes):
        fewer = play(
            story.seed, without=without | {each.number}, lives=lives, calm=story.settings.calm
        )
        if fewer.broken is not None:
            without.add(each.number)
            story = fewer
    return story
