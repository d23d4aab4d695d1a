"""`secret-refresher check`: is the configuration right?"""

from __future__ import annotations

from typing import TextIO

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.config.hints import hints
from secret_refresher.config.problems import ConfigError


def check(source: ConfigSource, out: TextIO) -> int:
    """Prints every problem, or every warning and what there is; offline.

    Returns the exit status: 0 where it is right, 2 where it is not.
    """
    try:
        config = source.load().config
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=out)
        print(f"refused: {_count(len(refused.problems), 'problem')}", file=out)
        return 2
    for hint in hints(config):
        print(f"warning: {hint}", file=out)
    sinks = sum(len(token.sinks) for token in config.tokens)
    print(f"ok: {_count(len(config.tokens), 'token')}, {_count(sinks, 'sink')}", file=out)
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
