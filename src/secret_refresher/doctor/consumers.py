"""Looks for consumers: are they there, and may they be told? Nobody is told anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from secret_refresher.config.consumers import ConsumerSpec
from secret_refresher.config.model import TokenConfig
from secret_refresher.doctor.check import Check, failed, fine
from secret_refresher.errors import Trouble


class Telling(Protocol):
    """The way to consumers, without anything said."""

    def examine(self, consumer: ConsumerSpec) -> str:
        """What was found, for people. Raises `Trouble` where it could not be told."""
        ...


def look_at_consumers(token: TokenConfig, telling: Telling) -> Iterator[Check]:
    """Everybody who is told of a token."""
    for consumer in token.notify:
        tried = f"look for {consumer.way} consumer {consumer.target}"
        try:
            yield fine(token.name, tried, telling.examine(consumer))
        except Trouble as trouble:
            yield failed(token.name, tried, trouble.fault)
