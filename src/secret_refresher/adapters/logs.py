"""Structured logs: one event for each fact, from the same records as the metrics."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO, final

import structlog

from secret_refresher.config.model import Log, LogFormat, LogLevel
from secret_refresher.election.move import Move
from secret_refresher.errors import Fault, Lane
from secret_refresher.lifecycle import events
from secret_refresher.ports import (
    Broadcast,
    ConfigRefused,
    ConfigTaken,
    Defect,
    Electing,
    ElectionTroubled,
    Exchange,
    FactsLost,
    Listening,
    ShardMoved,
    Stopping,
    Subject,
    WatchFailed,
)
from secret_refresher.tokens.moments import rfc3339
from secret_refresher.tokens.token import Life

_LEVELS = {
    LogLevel.DEBUG: 10,
    LogLevel.INFO: 20,
    LogLevel.WARNING: 30,
    LogLevel.ERROR: 40,
}
Line = tuple[LogLevel, str, dict[str, object]]
"""Level, event, and what belongs to it."""


@final
class Logs:
    """Writes facts to a stream; implements `ports.Observer`.

    `format` None in the configuration means console on a terminal and JSON elsewhere.
    """

    def __init__(self, stream: TextIO, log: Log) -> None:
        chosen = log.format or (LogFormat.CONSOLE if stream.isatty() else LogFormat.JSON)
        renderer = (
            structlog.processors.JSONRenderer()
            if chosen is LogFormat.JSON
            else structlog.dev.ConsoleRenderer(colors=stream.isatty())
        )
        self._threshold = _LEVELS[log.level]
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.processors.add_log_level,
                _stamp,
                renderer,
            ],
            wrapper_class=structlog.BoundLogger,
            cache_logger_on_first_use=True,
        )

    def level(self, level: LogLevel) -> None:
        """Says from now on what is at least this grave."""
        self._threshold = _LEVELS[level]

    def notice(
        self,
        about: Subject | None,
        fact: events.Notice | Exchange | Broadcast,
        at: float | None = None,
    ) -> None:
        """Writes one line, or none below the level; `at` is when it happened, now unless given."""
        if about is None:
            level, event, values = _broadcast(fact)
        elif isinstance(fact, Exchange):
            level, event, values = _exchange(fact)
        else:
            level, event, values = _token(about, fact)
        if _LEVELS[level] < self._threshold:
            return
        if about is not None:
            values = {"token": about.name, **values}
        stamp = time.time() if at is None else at
        getattr(self._logger, str(level))(event, timestamp=stamp, **values)


def _stamp(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> Any:
    """Writes the instant out, last in the line."""
    instant = datetime.fromtimestamp(entry.pop("timestamp"), UTC)
    entry["timestamp"] = instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return entry


def _broadcast(fact: object) -> Line:
    match fact:
        case ConfigTaken():
            values: dict[str, object] = {
                "tokens": fact.tokens,
                "added": fact.added,
                "changed": fact.changed,
                "removed": fact.removed,
            }
            if fact.restart:
                values["restart_needed_for"] = list(fact.restart)
            return (
                LogLevel.WARNING if fact.restart else LogLevel.INFO,
                "configuration taken",
                values,
            )
        case ConfigRefused():
            return (
                LogLevel.ERROR,
                "configuration refused, the old one stays",
                {"problems": list(fact.problems)},
            )
        case Listening():
            return LogLevel.INFO, "listening", {"address": fact.address}
        case Stopping():
            return LogLevel.INFO, "stopping", {}
        case WatchFailed():
            values = {"path": fact.path, **_fault(fact.fault)}
            values["next_attempt_seconds"] = round(fact.wait, 1)
            return LogLevel.WARNING, "watch failed", values
        case ShardMoved() | ElectionTroubled() | Electing():
            return _election(fact)
        case Defect():
            return LogLevel.ERROR, "defect", {"where": fact.where}
        case FactsLost():
            advice = "something reads this log too slowly; look at what collects it"
            return LogLevel.ERROR, "log lines lost", {"count": fact.count, "advice": advice}
    return LogLevel.ERROR, "defect", {"where": f"unknown fact {type(fact).__name__}"}


def _election(fact: ShardMoved | ElectionTroubled | Electing) -> Line:
    match fact:
        case Electing():
            return LogLevel.INFO, "taking part in the election", {"shards": fact.shards}
        case ShardMoved():
            return _shard(fact)
    if fact.fault is None:
        return LogLevel.INFO, "taking part in the election again", {}
    return LogLevel.ERROR, "cannot take part in the election", _fault(fact.fault)


def _shard(fact: ShardMoved) -> Line:
    values: dict[str, object] = {"shard": fact.shard, "lease": fact.lease, "tokens": fact.tokens}
    if fact.because:
        values["because"] = fact.because
    match fact.move:
        case Move.TAKEN:
            return LogLevel.INFO, "shard taken", values
        case Move.LEAVING:
            return LogLevel.INFO, "shard is being left", values
        case Move.RELEASED:
            return LogLevel.INFO, "shard released", values
        case Move.LOST:
            return LogLevel.WARNING, "shard lost", values


def _exchange(exchange: Exchange) -> Line:
    values: dict[str, object] = {
        "origin": exchange.origin,
        "status": exchange.status,
        "seconds": round(exchange.seconds, 3),
    }
    if exchange.skew is not None:
        values["clock_skew"] = round(exchange.skew, 1)
    if exchange.discovery:
        return LogLevel.DEBUG, "discovery request", values
    return LogLevel.DEBUG, "token request", values


def _token(about: Subject, fact: object) -> Line:
    match fact:
        case events.Fetched():
            values = {"attempt": fact.attempt, **_life(fact.life), "after_failures": fact.after}
            if fact.again:
                values["same_token_again"] = True
            if fact.used_previous_secret:
                values["used_previous_secret"] = True
                return LogLevel.WARNING, "token fetched", values
            return LogLevel.INFO, "token fetched", values
        case events.FetchFailed():
            grave = fact.left <= 0 or fact.fault.lane is Lane.PERMANENT
            return (
                LogLevel.ERROR if grave else LogLevel.WARNING,
                "fetch failed",
                {
                    "attempt": fact.attempt,
                    **_fault(fact.fault),
                    "failures": fact.failures,
                    "next_attempt_seconds": round(fact.wait, 1),
                    "life_left_seconds": round(fact.left, 1),
                },
            )
        case events.CredentialsReloaded():
            return LogLevel.INFO, "credentials changed", {}
        case events.Deferred():
            return (
                LogLevel.WARNING,
                "budget holds the fetch back",
                {"seconds": round(fact.wait, 1), "advice": "raise refresh.maxRequestsPerHour"},
            )
        case events.MethodNotOffered() | events.CertificateEnds():
            return _source(fact)
        case events.Notified() | events.NotifyFailed():
            return _consumer(fact)
        case events.NotifyDeferred() | events.NotifySkipped():
            return _not_told(fact)
    return _sink(about, fact)


def _consumer(fact: events.Notified | events.NotifyFailed) -> Line:
    values = {**_whom(fact), "issued_at": rfc3339(fact.life.issued_at)}
    if isinstance(fact, events.Notified):
        values["after_failures"] = fact.after
        if fact.knew:
            return LogLevel.DEBUG, "consumer knew", values
        return LogLevel.INFO, "consumer told", values
    values |= {**_fault(fact.fault), "failures": fact.failures}
    if fact.given_up:
        return LogLevel.ERROR, "consumer given up", values
    values["next_attempt_seconds"] = round(fact.wait, 1)
    return LogLevel.WARNING, "consumer not told", values


def _not_told(fact: events.NotifyDeferred | events.NotifySkipped) -> Line:
    if isinstance(fact, events.NotifyDeferred):
        values = {**_whom(fact), "seconds": round(fact.wait, 1)}
        return LogLevel.INFO, "consumer told later", values
    values = {**_whom(fact), "life_seconds": round(fact.life.length, 1), **_fault(fact.fault)}
    return LogLevel.WARNING if fact.first else LogLevel.DEBUG, "consumer skipped", values


def _whom(fact: events.ConsumerNotice) -> dict[str, object]:
    return {"consumer": fact.consumer.way, "target": fact.consumer.target}


def _sink(about: Subject, fact: object) -> Line:
    match fact:
        case events.Published():
            values: dict[str, object] = {
                "attempt": fact.attempt,
                **_target(about, fact.sink),
                "expires_at": rfc3339(fact.life.expires_at),
                "after_failures": fact.after,
            }
            if fact.repaired:
                return LogLevel.WARNING, "sink put right", values
            if fact.unchanged:
                return LogLevel.DEBUG, "sink unchanged", values
            return LogLevel.INFO, "token published", values
        case events.SinkTrouble():
            return (
                LogLevel.ERROR,
                f"sink {fact.work} failed",
                {
                    "attempt": fact.attempt,
                    **_target(about, fact.sink),
                    **_fault(fact.fault),
                    "failures": fact.failures,
                    "next_attempt_seconds": round(fact.wait, 1),
                    "life_left_seconds": round(fact.left, 1),
                },
            )
        case events.Adopted():
            return (
                LogLevel.INFO,
                "live token adopted",
                {**_target(about, fact.sink), **_life(fact.life)},
            )
        case events.Drifted():
            return LogLevel.WARNING, "sink lost its token", _target(about, fact.sink)
        case events.Lapsed():
            return LogLevel.ERROR, "token expired in sink", _target(about, fact.sink)
        case events.Removed():
            values = {**_target(about, fact.sink), "found": fact.any, "expired": fact.expired}
            return LogLevel.INFO, "sink cleared", values
    return LogLevel.ERROR, "defect", {"where": f"unknown fact {type(fact).__name__}"}


def _source(fact: events.SourceNotice) -> Line:
    match fact:
        case events.MethodNotOffered():
            values: dict[str, object] = {
                "issuer": fact.issuer,
                "method": fact.method,
                "offered": list(fact.offered),
                "advice": "set auth.method to one of these; it is tried all the same",
            }
            return LogLevel.WARNING, "method not offered by the server", values
        case events.CertificateEnds():
            values = {
                "file": fact.file,
                "expires_at": rfc3339(fact.ends),
                "left_seconds": round(fact.left, 1),
                "advice": "renew it; new files are taken at the next attempt",
            }
            if fact.left <= 0:
                return LogLevel.ERROR, "client certificate has expired", values
            return LogLevel.WARNING, "client certificate expires soon", values


def _life(life: Life) -> dict[str, object]:
    return {
        "expires_at": rfc3339(life.expires_at),
        "refresh_at": rfc3339(life.refresh_at),
        "life_seconds": round(life.length, 1),
    }


def _target(about: Subject, sink: int) -> dict[str, object]:
    kind, target = about.sinks[sink]
    return {"sink": kind, "target": target}


def _fault(fault: Fault) -> dict[str, object]:
    values: dict[str, object] = {
        "reason": str(fault.reason),
        "error": fault.summary,
        "advice": fault.advice,
    }
    if fault.status is not None:
        values["status"] = fault.status
    return values
