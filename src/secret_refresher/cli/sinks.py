"""Sinks of every kind, as the configuration names them."""

from __future__ import annotations

from typing import final

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.adapters.kubernetes import Cluster
from secret_refresher.config.model import Config, FileSink as FileSpec, SecretSink, TokenConfig
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.entry import Entry
from secret_refresher.errors import Trouble
from secret_refresher.ports import Clock, Sink
from secret_refresher.rights import secret_sinks

PAUSE = 60.0
"""Seconds until strays are looked for again where that has failed."""


@final
class Sinks:
    """Makes sinks of every kind; implements `ports.SinkFactory`."""

    def __init__(self, clock: Clock, cluster: Cluster) -> None:
        self._clock = clock
        self.cluster = cluster
        self._needs_cluster = False

    def __call__(self, token: TokenConfig) -> tuple[Sink, ...]:
        """Those of one token."""
        made: list[Sink] = []
        for spec in token.sinks:
            if isinstance(spec, FileSpec):
                made.append(FileSink(token.name, spec, self._clock))
            else:
                made += self.cluster.sinks(token.name, spec)
        return tuple(made)

    def prepare(self, config: Config) -> None:
        """Takes what a configuration as a whole means for its sinks."""
        self._needs_cluster = any(True for _ in secret_sinks(config))
        self.cluster.prepare(config)

    def ready(self) -> bool:
        """Whether what sinks depend on has been reached once."""
        return not self._needs_cluster or self.cluster.reached()


@final
class Sweep:
    """Finds Secrets that an earlier run, or an earlier selector, has filled and left behind.

    Once for each selector; what matched while we were away is found no other way.
    """

    def __init__(self, engine: Engine, cluster: Cluster, clock: Clock) -> None:
        self._engine = engine
        self._cluster = cluster
        self._clock = clock
        self._done: set[tuple[str, str]] = set()
        self._not_before = 0.0

    def look(self) -> None:
        """Once a round of the patrol."""
        if self._clock.now() < self._not_before:
            return
        for entry in self._engine.entries():
            for spec in entry.state.config.sinks:
                if isinstance(spec, SecretSink) and spec.namespace_selector is not None:
                    self._sweep(entry, spec)

    def _sweep(self, entry: Entry, spec: SecretSink) -> None:
        name = entry.subject.name
        if (name, repr(spec)) in self._done:
            return
        try:
            strays = self._cluster.strays(name, spec)
        except Trouble:  # what is wrong with the API server, watches and sinks tell
            self._not_before = self._clock.now() + PAUSE
            return
        if strays is not None:
            self._done.add((name, repr(spec)))
            self._engine.clear(entry, strays)
