"""One process of ours at a real API server, without the daemon around it: its sinks alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from textwrap import dedent
from threading import Event
from typing import final

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.config_files import ConfigSource
from secret_refresher.adapters.kubernetes import Cluster as Adapter
from secret_refresher.adapters.kubernetes.secret_sink import SecretSink
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.config.model import Config, SecretSink as Spec
from secret_refresher.errors import Fault, Reason, Trouble
from secret_refresher.ports import Fence, WatchFailed
from secret_refresher.rights import manifests, secret_sinks
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Life, Token
from support.cluster import Cluster, ServiceAccount

SOURCE = "source-fingerprint"
_NUMBERS = itertools.count(1)


@final
class OffClock:
    """The machine's clocks, the wall clock wrong by `off` seconds; `ahead`: time has passed."""

    def __init__(self, off: float = 0.0) -> None:
        self.off = off
        self.ahead = 0.0
        self._true = SystemClock()

    def now(self) -> float:
        """As it is, and what has passed."""
        return self._true.now() + self.ahead

    def wall(self) -> float:
        """As this machine believes."""
        return self._true.wall() + self.off + self.ahead


def config(text: str) -> Config:
    """A configuration whose tokens have only name, state, refresh and sinks."""
    source = ConfigSource(
        MountReader(),
        path=None,
        text=dedent(text) + "\ndefaults: {tokenUrl: 'https://id.example.com/t'}",
    )
    return source.load().config


@final
class Replica:
    """Sinks of a configuration, acting as a ServiceAccount with exactly the rights it needs.

    `folder` is for its kubeconfig. `server` is another way to the API server, a `FaultyWay`'s.
    `granted` False leaves the account's rights as they are.
    """

    def __init__(
        self,
        cluster: Cluster,
        account: ServiceAccount,
        folder: object,
        text: str,
        *,
        clock: OffClock | None = None,
        server: str | None = None,
        granted: bool = True,
        fence: Fence | None = None,
    ) -> None:
        self.config = config(text)
        if granted:
            cluster.grant(manifests(self.config, account.name, account.namespace))
        self.clock = clock or OffClock()
        self.kubeconfig = f"{folder}/kubeconfig-{next(_NUMBERS)}"
        self.token_file = account.kubeconfig(self.kubeconfig, server=server)
        environ = {"KUBECONFIG": self.kubeconfig}
        self.adapter = Adapter(self.config.kubernetes, self.clock, environ, fence=fence)
        self.adapter.prepare(self.config)
        self.failures: list[WatchFailed] = []
        self.changes = 0

    def sinks(self) -> list[SecretSink]:
        """All that there are at present."""
        return [
            sink
            for token, spec in secret_sinks(self.config)
            for sink in self.adapter.sinks(token.name, spec)
        ]

    def sink(self) -> SecretSink:
        """The only one."""
        [sink] = self.sinks()
        return sink

    def follow(self) -> None:
        """Begins to notice what others do."""

        def changed() -> None:
            self.changes += 1

        self.adapter.follow(changed, self.failures.append)

    def token(
        self, text: str = "token-1", *, life: float = 600.0, age: float = 0.0, source: str = SOURCE
    ) -> Token:
        """A token that was granted `age` seconds ago for `life` seconds."""
        issued = self.clock.now() - age
        # To the millisecond, as the state machine has it.
        wall = int((self.clock.wall() - age) * 1000) / 1000
        span = Life(issued, issued + life * 0.7, issued + life, wall)
        return Token(Secret(text), "Bearer", None, span, source)


def refusal(act: Callable[[], object]) -> Fault:
    """Why something is refused; it must be."""
    try:
        done = act()
    except Trouble as trouble:
        return trouble.fault
    raise AssertionError(f"it was not refused: {done}")


def eventually(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Waits for it, far longer than it takes."""
    clock = SystemClock()
    deadline = clock.now() + seconds
    while not holds():
        assert clock.now() < deadline
        Event().wait(0.02)


def spec_of(text: str) -> Spec:
    """The only Secret sink of a configuration."""
    [(_, spec)] = secret_sinks(config(text))
    return spec


__all__ = ["SOURCE", "OffClock", "Reason", "Replica", "config", "eventually", "refusal", "spec_of"]
