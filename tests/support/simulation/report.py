"""What came of a seed, for people: how to see it again, and the least that it takes."""

from __future__ import annotations

from support.simulation.play import DAYS, LIVES, Story, play

SHOWN = 40
"""Lines of a trace."""


def replay(story: Story) -> str:
    """The command that does it again."""
    more = "" if story.lives == LIVES else f" LIVES={story.lives}"
    if story.days:
        more = " PROFILE=calm" + ("" if story.days == DAYS else f" DAYS={story.days}")
    return f"make simulate SEEDS=1 FIRST_SEED={story.seed}{more}"


def failure(story: Story) -> str:
    """What was broken, how it came to it, and how to see it again."""
    lines = [f"seed {story.seed}: {story.broken}", f"replay: {replay(story)}"]
    lines += ["what happened last:", *story.trace[-SHOWN:]]
    return "\n".join(lines)


def shrunk(story: Story) -> Story:
    """The same law broken by as few strikes as leaving out one after the other finds."""
    without = set[int]()
    for each in reversed(story.strikes):
        left_out = without | {each.number}
        fewer = play(story.seed, without=left_out, lives=story.lives, days=story.days)
        if fewer.broken is not None:
            without.add(each.number)
            story = fewer
    return story
