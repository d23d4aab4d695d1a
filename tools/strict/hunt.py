"""The first seed that a changed product fails, on standard output as JSON; null without any."""

import json
import sys

from support.simulation.play import play
from tools.strict.table import LIVES, SEEDS


def main() -> None:
    """Plays the seeds of continuous integration, in their order."""
    for seed in range(1, SEEDS + 1):
        story = play(seed, lives=LIVES)
        if story.broken is not None:
            json.dump([seed, story.broken], sys.stdout)
            return
    json.dump(None, sys.stdout)


main()
