"""The keys under `notify`: who is told of a new token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from secret_refresher.config import checks, consumer_checks
from secret_refresher.config.consumers import (
    HttpConsumer,
    HttpMethod,
    RolloutConsumer,
    SignalConsumer,
    SignalName,
    WorkloadKind,
)
from secret_refresher.config.measures import Duration
from secret_refresher.config.problems import Findings, Path
from secret_refresher.config.sections import Key, Section, Table, closed, key_name
from secret_refresher.config.shapes import BAD, Choice, Schema, Text, kind

_HOUR = 3600.0
_DAY = 24 * _HOUR

HTTP = Section(
    HttpConsumer,
    {
        "url": Key(
            "url",
            Text(consumer_checks.url, checks.HTTP_URL),
            "The URL that the application reloads at; {name} stands for the token's name.",
        ),
        "method": Key("method", Choice(tuple(HttpMethod)), "The HTTP method; the body is empty."),
        "timeout": Key("timeout", Duration(0.1, 60), "How long the whole exchange may take."),
        "headers": Key(
            "headers",
            Table(Text(checks.header_value), checks.header_name, {"pattern": checks.HEADER}),
            "Headers; nothing secret.",
        ),
        "caFile": Key(
            "ca_file",
            Text(checks.input_path, "^/"),
            "With https://: a PEM file of certificate authorities to trust.",
        ),
    },
)
SIGNAL = Section(
    SignalConsumer,
    {
        "process": Key(
            "process",
            Text(consumer_checks.process, consumer_checks.PROCESS),
            "The name of the program, as `ps -o comm` shows it; no other one gets the signal.",
        ),
        "pidFile": Key(
            "pid_file",
            Text(checks.input_path, "^/"),
            "The file that holds the process's number; without it the name alone is looked for.",
        ),
        "signal": Key("signal", Choice(tuple(SignalName)), "The signal."),
    },
)
ROLLOUT = Section(
    RolloutConsumer,
    {
        "kind": Key("kind", Choice(tuple(WorkloadKind)), "What to restart."),
        "name": Key(
            "name",
            Text(consumer_checks.workload, consumer_checks.WORKLOAD),
            "Its name; {name} stands for the token's name.",
        ),
        "namespace": Key(
            "namespace",
            Text(checks.label, checks.LABEL),
            "Its namespace; the pod's own unless one is given.",
        ),
        "minInterval": Key(
            "min_interval",
            Duration(10, 7 * _DAY),
            "The least time between two restarts; what comes meanwhile waits and is one restart.",
        ),
        "minLife": Key(
            "min_life",
            Duration(0, 365 * _DAY),
            "Tokens that live shorter restart nothing.",
        ),
    },
)
CONSUMERS = {
    "http": (HTTP, "An application that reloads on a request."),
    "signal": (SIGNAL, "A process that reloads on a signal."),
    "rollout": (ROLLOUT, "A workload whose pods are replaced."),
}
"""The ways to tell somebody: the section, and whom it is for."""


@final
@dataclass(frozen=True, slots=True)
class ConsumerEntry:
    """One entry of `notify`: the way to tell a consumer, with its settings."""

    def read(self, raw: Any, at: Path, findings: Findings) -> Any:
        """A `ConsumerSpec`."""
        if not isinstance(raw, dict):
            findings.add(at, f"must be a mapping, not {kind(raw)}; write http: and below it url:")
            return BAD
        others = [key for key in raw if key not in CONSUMERS]
        for key in others:
            findings.add(
                (*at, key_name(key)),
                "is not known; write http:, signal: or rollout:, its settings below",
            )
        found = [name for name in CONSUMERS if name in raw]
        if not found and not others:
            findings.add(at, "names nobody; write http: and below it url:, or signal:, or rollout:")
        if len(found) > 1:
            findings.add(at, "names two consumers; begin a new entry with a dash for each")
        if len(found) != 1:
            return BAD
        section, _ = CONSUMERS[found[0]]
        settings = {} if raw[found[0]] is None else raw[found[0]]
        consumer = section.whole(settings, (*at, found[0]), findings)
        return BAD if others else consumer

    def schema(self) -> Schema:
        """An object with exactly one of the keys."""
        ways = {
            name: {"description": whom, **section.schema()}
            for name, (section, whom) in CONSUMERS.items()
        }
        return {**closed(ways, []), "minProperties": 1, "maxProperties": 1}
