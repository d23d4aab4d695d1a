"""Prometheus metrics, gathered from the engine's records when they are asked for.

No child objects: a series costs nothing between two scrapes but its number.
"""

from __future__ import annotations

import platform
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from secret_refresher import __version__
from secret_refresher.config.model import State
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import NEVER, fetch_at
from secret_refresher.lifecycle.state import (
    TOKEN_STATES,
    SinkState,
    TokenState,
    healthy,
    scheduled_life,
    shown_state,
    sink_state,
)
from secret_refresher.ports import (
    Broadcast,
    Clock,
    ConfigRefused,
    ConfigTaken,
    Exchange,
    Subject,
    View,
)
from secret_refresher.tokens.token import Life

PREFIX = "secret_refresher_"
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds of the request duration histogram."""
_SINK_STATES = tuple(str(state) for state in SinkState)


@final
class _Counts:
    """What was counted of one token since the start."""

    __slots__ = ("adoptions", "drifts", "failures", "fetched", "published", "reloads", "successes")

    def __init__(self) -> None:
        self.successes = 0
        self.adoptions = 0
        self.drifts = 0
        self.reloads = 0
        self.failures: dict[str, int] = {}
        self.fetched: float | None = None
        self.published: float | None = None

    def fail(self, reason: str) -> None:
        """Counts a failed attempt, to fetch or to publish."""
        self.failures[reason] = self.failures.get(reason, 0) + 1


@final
class _Origin:
    """What was counted of one origin since the start."""

    __slots__ = ("buckets", "codes", "seconds", "skew")

    def __init__(self) -> None:
        self.codes: dict[str, int] = defaultdict(int)
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0
        self.skew: float | None = None


@final
class Metrics:
    """Observes, and answers a scrape; implements `ports.Observer`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, _Counts] = defaultdict(_Counts)
        self._origins: dict[str, _Origin] = defaultdict(_Origin)
        self._publishes: dict[tuple[str, str], int] = defaultdict(int)
        self._reload_successful: float | None = None
        self._view: View | None = None
        self._registry = CollectorRegistry(auto_describe=False)

    def watch(self, view: View) -> None:
        """Takes the engine whose records are shown, and begins to answer for it."""
        self._view = view
        self._registry.register(_Families(self))
        ProcessCollector(registry=self._registry)

    def exposition(self, accept: str) -> tuple[str, bytes]:
        """Content type and body of a scrape, in the format that the Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)

    # --- counting ------------------------------------------------------------------------------

    def notice(self, about: Subject | None, fact: events.Notice | Exchange | Broadcast) -> None:
        """Counts a fact."""
        with self._lock:
            if about is None:
                self._count_broadcast(fact)
            elif isinstance(fact, Exchange):
                self._count_exchange(fact)
            else:
                self._count(self._tokens[about.name], about, fact)

    def _count_broadcast(self, fact: object) -> None:
        match fact:
            case ConfigTaken():
                self._reload_successful = 1.0
            case ConfigRefused():
                self._reload_successful = 0.0

    def _count_exchange(self, exchange: Exchange) -> None:
        origin = self._origins[exchange.origin]
        origin.codes["none" if exchange.status is None else str(exchange.status)] += 1
        origin.buckets[bisect_left(BUCKETS, exchange.seconds)] += 1
        origin.seconds += exchange.seconds
        if exchange.skew is not None:
            origin.skew = exchange.skew

    def _count(self, counts: _Counts, about: Subject, fact: object) -> None:
        match fact:
            case events.Fetched():
                counts.successes += 1
                counts.fetched = self._clock.wall()
            case events.FetchFailed():
                counts.fail(str(fact.fault.reason))
            case events.Published():
                counts.published = self._clock.wall()
                counts.drifts += fact.repaired
                kind = about.sinks[fact.sink][0]
                self._publishes[kind, "unchanged" if fact.unchanged else "written"] += 1
            case events.SinkTrouble():
                counts.fail(str(fact.fault.reason))
                self._publishes[about.sinks[fact.sink][0], "failed"] += 1
            case events.Adopted():
                counts.adoptions += 1
            case events.CredentialsReloaded():
                counts.reloads += 1

    # --- answering -----------------------------------------------------------------------------

    def families(self) -> Iterator[Metric]:
        """Every family, made afresh."""
        if self._view is None:
            return
        view, now, wall = self._view, self._clock.now(), self._clock.wall()
        tokens = [pair for pair in view.tokens() if pair[1].config.state is State.PRESENT]
        with self._lock:
            names = {about.name for about, _ in tokens}
            for gone in [name for name in self._tokens if name not in names]:
                del self._tokens[gone]
            counts = [(name, self._tokens[name]) for name in sorted(names)]
            yield from self._origin_families(view)
            publishes = list(self._publishes.items())
            reload_successful = self._reload_successful
        yield from _life_families(tokens, now, wall)
        yield from _count_families(counts)
        yield from _state_families(tokens, now)
        yield _counter(
            "publishes", "Publishes by sink kind and result.", ("kind", "result"), publishes
        )
        busy = [((pool,), jobs) for pool, jobs in sorted(view.busy().items())]
        yield _gauge("workers_busy", "Jobs under way, by pool.", ("pool",), busy)
        if reload_successful is not None:
            yield _gauge(
                "config_last_reload_successful",
                "Whether the last configuration read was taken.",
                (),
                [((), reload_successful)],
            )
        yield _gauge(
            "build_info",
            "What is running; always 1.",
            ("version", "python"),
            [((__version__, platform.python_version()), 1.0)],
        )

    def _origin_families(self, view: View) -> Iterator[Metric]:
        sick = view.unavailable_origins()
        yield _counter(
            "token_requests",
            "HTTP requests to token endpoints by status; `none` without an answer.",
            ("origin", "code"),
            [((o, c), n) for o, of in self._origins.items() for c, n in of.codes.items()],
        )
        durations = HistogramMetricFamily(
            PREFIX + "token_request_duration_seconds",
            "How long requests to token endpoints took.",
            labels=("origin",),
        )
        for origin, of in self._origins.items():
            total = 0
            buckets = []
            for bound, number in zip((*map(str, BUCKETS), "+Inf"), of.buckets, strict=True):
                total += number
                buckets.append((bound, total))
            durations.add_metric([origin], buckets, of.seconds)
        yield durations
        yield _gauge(
            "origin_available",
            "Whether the origin answers; 0 after three fetches without an answer below 500.",
            ("origin",),
            [((origin,), float(origin not in sick)) for origin in self._origins],
        )
        yield _gauge(
            "clock_skew_seconds",
            "The origin's Date header less our clock at the last answer.",
            ("origin",),
            [((o,), of.skew) for o, of in self._origins.items() if of.skew is not None],
        )


@final
class _Families(Collector):
    """What the registry asks; a class of its own, because `Metrics` is no collector to others."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        return self._metrics.families()


Tokens = Sequence[tuple[Subject, TokenState]]


def _life_families(tokens: Tokens, now: float, wall: float) -> Iterator[Metric]:
    lives = [(about.name, shown_life(state, now)) for about, state in tokens]
    known = [(name, life) for name, life in lives if life is not None]
    yield _gauge(
        "token_expiry_timestamp_seconds",
        "When the token that consumers hold dies: the earliest of its sinks.",
        ("token",),
        [((name,), life.expires_at) for name, life in known],
    )
    yield _gauge(
        "token_issued_timestamp_seconds",
        "When that token was issued.",
        ("token",),
        [((name,), life.issued_at) for name, life in known],
    )
    instants = [(about.name, fetch_at(state, now)) for about, state in tokens]
    yield _gauge(
        "next_refresh_timestamp_seconds",
        "When the next fetch is planned.",
        ("token",),
        [((name,), wall + at - now) for name, at in instants if at < NEVER],
    )


def shown_life(state: TokenState, now: float) -> Life | None:
    """The life to show of a token: the one that dies first in a sink, else the one in memory."""
    held = [sink.life for sink in state.sinks if sink.life is not None]
    return min(held, key=lambda life: life.expires, default=scheduled_life(state, now))


def _count_families(counts: Sequence[tuple[str, _Counts]]) -> Iterator[Metric]:
    last = [
        ((name, stage), instant)
        for name, of in counts
        for stage, instant in (("fetch", of.fetched), ("publish", of.published))
        if instant is not None
    ]
    yield _gauge(
        "last_success_timestamp_seconds", "Last success by stage.", ("token", "stage"), last
    )
    results = [
        ((name, result), number)
        for name, of in counts
        for result, number in (("success", of.successes), ("failure", sum(of.failures.values())))
    ]
    yield _counter("refreshes", "Attempts to get a token.", ("token", "result"), results)
    reasons = [((name, r), n) for name, of in counts for r, n in of.failures.items()]
    yield _counter("refresh_failures", "Failed attempts by reason.", ("token", "reason"), reasons)
    for name, help_text, values in (
        ("adoptions", "Live tokens found and left alone.", [(n, of.adoptions) for n, of in counts]),
        ("drift_corrections", "Sinks put right.", [(n, of.drifts) for n, of in counts]),
        ("credential_reloads", "Changed credentials read.", [(n, of.reloads) for n, of in counts]),
    ):
        yield _counter(name, help_text, ("token",), [((token,), n) for token, n in values])


def _state_families(tokens: Tokens, now: float) -> Iterator[Metric]:
    yield _gauge(
        "token_healthy",
        "Whether the token is live in every sink.",
        ("token",),
        [((about.name,), float(healthy(state, now))) for about, state in tokens],
    )
    by_state = dict.fromkeys(TOKEN_STATES, 0)
    by_sink: dict[tuple[str, str], int] = {}
    for about, state in tokens:
        by_state[shown_state(state, now)] += 1
        for index, (kind, _) in enumerate(about.sinks[: len(state.sinks)]):
            key = (kind, str(sink_state(state, index, now)))
            by_sink[key] = by_sink.get(key, 0) + 1
    kinds = sorted({kind for kind, _ in by_sink})
    yield _gauge("tokens", "Tokens by state.", ("state",), [((s,), n) for s, n in by_state.items()])
    sinks = [((kind, s), by_sink.get((kind, s), 0)) for kind in kinds for s in _SINK_STATES]
    yield _gauge("sinks", "Sinks by kind and state.", ("kind", "state"), sinks)


Values = Iterable[tuple[tuple[str, ...], float]]


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def _counter(name: str, text: str, labels: tuple[str, ...], values: Values) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family
