"""`secret-refresher check`: is the configuration right?"""

from __future__ import annotations

from typing import TextIO

from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.config.hints import hints


def check(source: ConfigSource, out: TextIO) -> int:
    """Offline; raises `ConfigError` where it is not right. Returns the exit status."""
    config = source.load().config
    for hint in hints(config):
        print(f"warning: {hint}", file=out)
    sinks = sum(len(token.sinks) for token in config.tokens)
    print(f"ok: {_count(len(config.tokens), 'token')}, {_count(sinks, 'sink')}", file=out)
    return 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
