"""The keys under `notify`: who is told of a new token."""

from __future__ import annotations

from secret_refresher.config import checks, consumer_checks
from secret_refresher.config.consumers import (
    HttpConsumer,
    HttpMethod,
    RolloutConsumer,
    SignalConsumer,
    SignalName,
    WorkloadKind,
)
from secret_refresher.config.kinds import OneOf
from secret_refresher.config.measures import Duration
from secret_refresher.config.sections import Key, Section, Table
from secret_refresher.config.shapes import Choice, Text

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
CONSUMER = OneOf(CONSUMERS, "consumer", "http: and below it url:", "http:, signal: or rollout:")
