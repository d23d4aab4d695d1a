"""Sinks of every kind, as the configuration names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, final

from secret_refresher.adapters.file_sink import FileSink
from secret_refresher.config.model import (
    Config,
    FileSink as FileSpec,
    Kubernetes,
    SecretSink,
    TokenConfig,
)
from secret_refresher.engine.engine import Engine
from secret_refresher.engine.entry import Entry
from secret_refresher.errors import Trouble
from secret_refresher.lifecycle.events import Notice
from secret_refresher.ports import Broadcast, Clock, Exchange, Subject, WatchFailed
from secret_refresher.rights import rollouts, secret_sinks

if TYPE_CHECKING:
    from secret_refresher.adapters.kubernetes import Cluster
    from secret_refresher.adapters.kubernetes.elector import Elector
    from secret_refresher.adapters.kubernetes.secret_sink import SecretSink as ClusterSecret

Followers = tuple[Callable[[], None], Callable[[WatchFailed], None]]
"""Who is told that namespaces come and go, and that a watch fails."""

PAUSE = 60.0
"""Seconds until strays are looked for again where that has failed."""


@final
class Sinks:
    """Makes sinks of every kind; implements `ports.SinkFactory`, and `ports.Observer` for them.

    What belongs to a cluster is loaded once a configuration has a Secret sink, or a workload to
    restart, and not before.
    """

    def __init__(
        self,
        clock: Clock,
        settings: Kubernetes,
        environ: Mapping[str, str],
        *,
        elector: Elector | None = None,
    ) -> None:
        self._elector = elector
        self._clock = clock
        self._settings = settings
        self._environ = environ
        self._needs_cluster = False
        self._followers: Followers | None = None
        self.cluster: Cluster | None = None

    def __call__(self, token: TokenConfig) -> tuple[FileSink | ClusterSecret, ...]:
        """Those of one token; the configuration that has it was prepared for before."""
        made: list[FileSink | ClusterSecret] = []
        for spec in token.sinks:
            if isinstance(spec, FileSpec):
                made.append(FileSink(token.name, spec, self._clock))
            elif self.cluster is not None:
                made += self.cluster.sinks(token.name, spec)
        return tuple(made)

    def prepare(self, config: Config) -> None:
        """Takes what a configuration as a whole means for its sinks."""
        self._needs_cluster = any(True for _ in secret_sinks(config))
        uses_cluster = self._needs_cluster or any(True for _ in rollouts(config))
        if self.cluster is None and uses_cluster:
            from secret_refresher.adapters.kubernetes import Cluster

            self.cluster = Cluster(
                self._settings,
                self._clock,
                self._environ,
                fence=self._elector,
                timeout=None if self._elector is None else self._elector.write_timeout,
            )
            if self._followers is not None:
                self.cluster.follow(*self._followers)
        if self.cluster is not None:
            self.cluster.prepare(config)

    def follow(self, *followers: *Followers) -> None:
        """Who is told, from now on, that namespaces come and go, and that a watch fails."""
        self._followers = followers
        if self.cluster is not None:
            self.cluster.follow(*followers)

    def notice(self, about: Subject | None, fact: Notice | Exchange | Broadcast) -> None:
        """Has what concerns a Secret told as Kubernetes Events."""
        if self.cluster is not None:
            self.cluster.events.notice(about, fact)

    def ready(self) -> bool:
        """Whether what sinks depend on has been reached once.

        A replica that has no token asks nothing of the API server but Leases.
        """
        if self._elector is not None:
            return self._elector.ready
        return not self._needs_cluster or (self.cluster is not None and self.cluster.reached())

    def stop(self) -> None:
        """Ends what they share."""
        if self.cluster is not None:
            self.cluster.stop()


@final
class Sweep:
    """Finds Secrets that an earlier run, or an earlier selector, has filled and left behind.

    Once for each selector; what matched while we were away is found no other way.
    """

    def __init__(self, engine: Engine, sinks: Sinks, clock: Clock) -> None:
        self._engine = engine
        self._sinks = sinks
        self._clock = clock
        self._done: set[tuple[str, str]] = set()
        self._not_before = 0.0

    def look(self) -> None:
        """Once a round of the patrol."""
        cluster = self._sinks.cluster
        if cluster is None or self._clock.now() < self._not_before:
            return
        entries = self._engine.entries()
        if self._done:  # a token may be another replica's for a while, and then ours again
            names = {entry.subject.name for entry in entries}
            self._done = {sought for sought in self._done if sought[0] in names}
        try:
            for entry in entries:
                for spec in entry.state.config.sinks:
                    if isinstance(spec, SecretSink) and spec.namespace_selector is not None:
                        self._sweep(cluster, entry, spec)
        except Trouble:  # what is wrong with the API server, watches and sinks tell
            self._not_before = self._clock.now() + PAUSE

    def _sweep(self, cluster: Cluster, entry: Entry, spec: SecretSink) -> None:
        """One selector's. Raises `Trouble`, and then the others wait as well: each may hang."""
        sought = entry.subject.name, repr(spec)
        if sought in self._done:
            return
        strays = cluster.strays(entry.subject.name, spec)
        if strays is not None:
            self._done.add(sought)
            self._engine.clear(entry, strays)
