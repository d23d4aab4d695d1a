"""Which of the configured tokens this process looks after: all, or those of its shards."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, final

from secret_refresher.config.model import Config
from secret_refresher.election.move import Move
from secret_refresher.election.shards import lease_name, shard_of
from secret_refresher.engine.engine import Engine
from secret_refresher.ports import Electing, ElectionTroubled, ShardMoved

if TYPE_CHECKING:
    from secret_refresher.adapters.kubernetes.elector import Elector
    from secret_refresher.election.terms import Turn

RELEASE = 5.0
"""Seconds in which Leases are given back at the end."""


@final
class Holdings:
    """Hands tokens to the engine as the configuration and the election have it.

    The shards are those of the first configuration: `election` needs a restart.
    """

    def __init__(self, config: Config, engine: Engine, elector: Elector | None) -> None:
        self._config = config
        self._election = config.election
        self._engine = engine
        self._elector = elector
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._shard: dict[str, int] = {}

    def take(self, config: Config, restart: tuple[str, ...] = ()) -> None:
        """A configuration, the first or a changed one."""
        with self._lock:
            self._config = config
            self._shard = {token.name: self._shard_of(token.name) for token in config.tokens}
            self._engine.reconfigure(self._ours(), restart)

    def start(self) -> None:
        """Begins to take part, where there is an election."""
        if self._elector is not None:
            self._engine.tell(Electing(self._election.shards))
            self._elector.start(self._hear, self._engine.tell)

    def stop(self) -> None:
        """Gives back every shard; the engine has ended."""
        if self._elector is not None:
            self._elector.stop(RELEASE)

    def _hear(self, turn: Turn) -> None:
        """On the elector's thread."""
        from secret_refresher.election.terms import Moved

        if not isinstance(turn, Moved):
            self._engine.tell(ElectionTroubled(turn.fault))
            return
        with self._lock:
            if turn.move is Move.TAKEN:
                self._held.add(turn.shard)
            else:
                self._held.discard(turn.shard)
            ours = self._ours()
            lease = lease_name(self._election.name, turn.shard)
            where = f"{self._election.namespace}/{lease}" if self._election.namespace else lease
            told = ShardMoved(turn.shard, where, turn.move, turn.because, len(ours.tokens))
            match turn.move:
                case Move.TAKEN:
                    self._engine.tell(told)  # before anything is done for its tokens
                    self._engine.hold(ours)
                case Move.LEAVING:
                    self._engine.hold(ours, partial(self._vacated, turn.shard))
                    self._engine.tell(told)
                case Move.LOST:
                    self._engine.hold(ours)
                    self._engine.tell(told)
                case Move.RELEASED:
                    self._engine.tell(told)

    def _vacated(self, shard: int) -> None:
        if self._elector is not None:
            self._elector.vacated(shard)

    def _shard_of(self, name: str) -> int:
        known = self._shard.get(name)
        return shard_of(name, self._election.shards) if known is None else known

    def _ours(self) -> Config:
        """The configuration with the tokens that this process looks after."""
        if self._elector is None:
            return self._config
        tokens = self._config.tokens
        ours = tuple(token for token in tokens if self._shard[token.name] in self._held)
        return replace(self._config, tokens=ours)
