"""A configuration that changes while the daemon runs."""

from __future__ import annotations

from typing import final

from secret_refresher.adapters.config_files import ConfigSource, Loaded
from secret_refresher.adapters.logs import Logs
from secret_refresher.cli.holdings import Holdings
from secret_refresher.cli.sinks import Sinks
from secret_refresher.config.problems import ConfigError
from secret_refresher.engine.engine import Engine
from secret_refresher.ports import ConfigRefused

RELOAD_ROUNDS = 2
"""The configuration is looked at in every second round of the patrol."""


@final
class Reload:
    """Takes a changed configuration while running; an invalid one leaves the old in force."""

    def __init__(
        self,
        source: ConfigSource,
        loaded: Loaded,
        *,
        holdings: Holdings,
        engine: Engine,
        logs: Logs,
        sinks: Sinks,
    ) -> None:
        self._source = source
        self._digest = loaded.digest
        self._config = loaded.config
        self._holdings = holdings
        self._engine = engine
        self._logs = logs
        self._sinks = sinks
        self._round = 0

    def look(self) -> None:
        """Once a round: has it changed, and what follows."""
        self._round += 1
        if self._round % RELOAD_ROUNDS:
            return
        digest = self._source.digest()
        if digest == self._digest:
            return
        try:
            loaded = self._source.load()
        except ConfigError as refused:
            self._digest = digest
            self._engine.tell(ConfigRefused(tuple(str(problem) for problem in refused.problems)))
            return
        self._digest = loaded.digest
        new, old = loaded.config, self._config
        restart = tuple(
            section
            for section, differs in (
                ("server", new.server != old.server),
                ("kubernetes", new.kubernetes != old.kubernetes),
                ("election", new.election != old.election),
                ("log.format", new.log.format is not old.log.format),
            )
            if differs
        )
        self._logs.level(new.log.level)
        self._sinks.prepare(new)
        self._holdings.take(new, restart)
