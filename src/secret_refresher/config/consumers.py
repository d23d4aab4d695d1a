"""Who is told of a new token: the entries of `notify`, typed, complete and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import final

from secret_refresher.config.origin import origin_of

_NO_TEXTS: Mapping[str, str] = MappingProxyType({})


class HttpMethod(StrEnum):
    """How an application takes its request."""

    POST = "POST"
    PUT = "PUT"
    GET = "GET"


class SignalName(StrEnum):
    """Signals that programs take for news (signal(7)); those that no program can handle are not."""

    HUP = "SIGHUP"
    USR1 = "SIGUSR1"
    USR2 = "SIGUSR2"
    INT = "SIGINT"
    QUIT = "SIGQUIT"
    TERM = "SIGTERM"


class WorkloadKind(StrEnum):
    """What can be restarted by changing its pod template (Kubernetes group `apps`)."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"

    @property
    def resource(self) -> str:
        """The plural that the API has it under."""
        return f"{self.lower()}s"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConsumer:
    """An application that reloads on a request. `timeout`: seconds for the whole exchange."""

    url: str
    method: HttpMethod = HttpMethod.POST
    timeout: float = 5.0
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_TEXTS)
    ca_file: str | None = None

    @property
    def way(self) -> str:
        """How it is told: a label of metrics."""
        return "http"

    @property
    def target(self) -> str:
        """Which one, for people; a query may be long."""
        return self.url.partition("?")[0]

    @property
    def place(self) -> str:
        """Whom it stands with or falls: one of a place is told at a time."""
        return origin_of(self.url)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalConsumer:
    """A process that reloads on a signal: it has the name `process`.

    Without a `pid_file` it is looked for by its name alone.
    """

    process: str
    pid_file: str | None = None
    signal: SignalName = SignalName.HUP

    @property
    def way(self) -> str:
        """How it is told: a label of metrics."""
        return "signal"

    @property
    def target(self) -> str:
        """Which one, for people."""
        return f"{self.process} ({self.signal})"

    @property
    def place(self) -> str:
        """Whom it stands with or falls."""
        return f"process {self.process}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutConsumer:
    """A workload whose pods are replaced. `namespace` None is the pod's own.

    At most one restart in `min_interval` seconds; none for tokens that live for less than
    `min_life` seconds.
    """

    kind: WorkloadKind
    name: str
    namespace: str | None = None
    min_interval: float = 600.0
    min_life: float = 3600.0

    @property
    def way(self) -> str:
        """How it is told: a label of metrics."""
        return "rollout"

    @property
    def target(self) -> str:
        """Which one, for people."""
        where = "" if self.namespace is None else f"{self.namespace}/"
        return f"{self.kind} {where}{self.name}"

    @property
    def place(self) -> str:
        """Whom it stands with or falls: however it is configured, it is one workload."""
        return self.target


ConsumerSpec = HttpConsumer | SignalConsumer | RolloutConsumer
