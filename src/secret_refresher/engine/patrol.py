"""Looks after what nobody reports: sinks that others touch, credentials that change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar, final

from secret_refresher.engine.engine import Engine
from secret_refresher.errors import whereabouts
from secret_refresher.ports import Defect, TokenSource

T = TypeVar("T")

PERIOD = 1.0
"""Seconds between two rounds."""
TOKENS_A_ROUND = 500
"""Tokens whose sinks get a cheap look in one round; more than these are taken in turn."""
CREDENTIALS_A_ROUND = 50
"""Failing tokens whose credentials are read in one round."""


@final
class Patrol:
    """Makes its rounds on a thread of its own, so that a hanging file system stops only it.

    `chores` are done once a round; each must return soon.
    """

    def __init__(
        self,
        engine: Engine,
        source: TokenSource,
        stop: threading.Event,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._engine = engine
        self._source = source
        self._stop = stop
        self._chores = chores
        self._round = 0

    def run(self) -> None:
        """Rounds until stopped."""
        while not self._stop.wait(PERIOD):
            for duty in (self.look_at_sinks, self.look_at_credentials, *self._chores):
                try:
                    duty()
                except Exception as defect:  # noqa: BLE001 - the next round may do better
                    self._engine.tell(Defect(whereabouts(defect)))
            self._round += 1

    def look_at_sinks(self) -> None:
        """Reports sinks that may have lost what they held."""
        for entry in _turn(self._engine.entries(), self._round, TOKENS_A_ROUND):
            for sink, record in zip(entry.sinks, entry.state.sinks, strict=False):
                idle = record.seen and record.work is None and not record.look
                if idle and sink.disturbed():
                    self._engine.disturbed(entry, sink)

    def look_at_credentials(self) -> None:
        """Reports failing tokens whose credentials are others than the failed attempt read."""
        failing = [
            entry
            for entry in self._engine.entries()
            if entry.state.failures and not entry.state.fetching and entry.state.credentials
        ]
        for entry in _turn(failing, self._round, CREDENTIALS_A_ROUND):
            state = entry.state
            if state.failures and self._source.credentials(state.config) != state.credentials:
                self._engine.credentials_changed(entry)


def _turn(things: list[T], number: int, size: int) -> list[T]:
    """Those whose turn it is in this round."""
    rounds = max(1, -(-len(things) // size))
    return things[number % rounds :: rounds]
