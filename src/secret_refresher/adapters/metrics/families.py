"""Every metric there is: its name, its labels, and what its series show."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from secret_refresher import __version__
from secret_refresher.adapters.metrics.ledger import BUCKETS, Ledger, OriginCounts, TokenCounts
from secret_refresher.adapters.metrics.text import Family, Kind, Row, labels
from secret_refresher.lifecycle.outlook import NEVER, fetch_at
from secret_refresher.lifecycle.state import (
    TOKEN_STATES,
    SinkState,
    TokenState,
    healthy,
    scheduled_life,
    shown_state,
    sink_states,
)
from secret_refresher.ports import Subject, View
from secret_refresher.tokens.token import Life

PREFIX = "secret_refresher_"
_SINK_STATES = tuple(str(state) for state in SinkState)


class _Look(NamedTuple):
    """What one token shows: everything that more than one family or a pass over all needs."""

    label: str
    life: Life | None
    following: float | None
    healthy: int
    counts: TokenCounts


def families(
    tokens: Sequence[tuple[Subject, TokenState]],
    ledger: Ledger,
    view: View,
    now: float,
    wall: float,
) -> Iterator[Family]:
    """Every family, one after the other, so that only one is in memory at a time."""
    states = dict.fromkeys(TOKEN_STATES, 0)
    sinks: Counter[tuple[str, str]] = Counter()
    asked: set[str] = set()
    looks = []
    for about, state in tokens:
        counts = ledger.tokens.get(about.name) or TokenCounts()
        looks.append(_look(about, state, counts, now, wall))
        asked.update(counts.origins, counts.asking)
        states[shown_state(state, now)] += 1
        # Sinks may have come or gone between the two.
        for (kind, _), each in zip(about.sinks, sink_states(state, now), strict=False):
            sinks[kind, str(each)] += 1
    yield from _lives(looks)
    yield from _counts(looks)
    yield from _totals(states, sinks, ledger, view)
    origins = [(name, of) for name, of in list(ledger.origins.items()) if name in asked]
    yield from _origins(origins, view.unavailable_origins())


def _look(about: Subject, state: TokenState, counts: TokenCounts, now: float, wall: float) -> _Look:
    planned = scheduled_life(state, now)
    held = [sink.life for sink in state.sinks if sink.life is not None]
    shown = min(held, key=_expiry) if held else planned
    following: float | None = None
    at = fetch_at(state, now)
    if planned is not None and at == planned.refresh:
        following = planned.refresh_at  # the same number at every scrape
    elif at < NEVER:
        following = wall + at - now
    return _Look(labels(token=about.name)[1:-1], shown, following, int(healthy(state, now)), counts)


def _expiry(life: Life) -> float:
    return life.expires


# --- tokens --------------------------------------------------------------------------------


def _lives(looks: Sequence[_Look]) -> Iterator[Family]:
    known = [(look.label, look.life) for look in looks if look.life is not None]
    yield _gauge(
        "token_expiry_timestamp_seconds",
        "When the token that consumers hold dies: the earliest of its sinks.",
        ((f"{{{label}}}", round(life.expires_at, 3)) for label, life in known),
    )
    yield _gauge(
        "token_issued_timestamp_seconds",
        "When that token was issued.",
        ((f"{{{label}}}", round(life.issued_at, 3)) for label, life in known),
    )
    yield _gauge(
        "next_refresh_timestamp_seconds",
        "When the next fetch is planned.",
        ((f"{{{look.label}}}", _milli(look.following)) for look in looks),
    )
    yield _gauge(
        "token_healthy",
        "Whether the token is live in every sink.",
        ((f"{{{look.label}}}", look.healthy) for look in looks),
    )


def _counts(looks: Sequence[_Look]) -> Iterator[Family]:
    yield _gauge(
        "last_success_timestamp_seconds",
        "Last success by stage.",
        (
            (f'{{stage="{stage}",{look.label}}}', _milli(instant))
            for look in looks
            for stage, instant in (
                ("fetch", look.counts.fetched),
                ("publish", look.counts.published),
            )
        ),
    )
    yield _counter(
        "refreshes",
        "Attempts to get a token.",
        (
            (f'_total{{result="{result}",{look.label}}}', number)
            for look in looks
            for result, number in (
                ("success", look.counts.succeeded),
                ("failure", look.counts.failed),
            )
        ),
    )
    yield _counter(
        "refresh_failures",
        "Failed attempts by reason.",
        (
            (f'_total{{reason="{reason}",{look.label}}}', number)
            for look in looks
            if look.counts.reasons is not None
            for reason, number in list(look.counts.reasons.items())
        ),
    )
    yield _counter(
        "adoptions",
        "Live tokens found and left alone.",
        ((f"_total{{{look.label}}}", look.counts.adoptions) for look in looks),
    )
    yield _counter(
        "drift_corrections",
        "Sinks put right.",
        ((f"_total{{{look.label}}}", look.counts.drifts) for look in looks),
    )
    yield _counter(
        "credential_reloads",
        "Changed credentials read.",
        ((f"_total{{{look.label}}}", look.counts.reloads) for look in looks),
    )


def _milli(instant: float | None) -> float | None:
    return None if instant is None else round(instant, 3)


# --- all of them together ------------------------------------------------------------------


def _totals(
    states: dict[str, int], sinks: Counter[tuple[str, str]], ledger: Ledger, view: View
) -> Iterator[Family]:
    yield _gauge(
        "tokens", "Tokens by state.", ((labels(state=state), n) for state, n in states.items())
    )
    yield _gauge(
        "sinks",
        "Sinks by kind and state.",
        (
            (labels(kind=kind, state=state), sinks[kind, state])
            for kind in sorted({kind for kind, _ in sinks})
            for state in _SINK_STATES
        ),
    )
    yield _counter(
        "publishes",
        "Publishes by sink kind and result.",
        (
            (f"_total{labels(kind=kind, result=result)}", number)
            for (kind, result), number in sorted(ledger.publishes.items())
        ),
    )
    yield _counter(
        "notifications",
        "Attempts to tell consumers of new tokens, by kind and result.",
        (
            (f"_total{labels(kind=kind, result=result)}", number)
            for (kind, result), number in sorted(ledger.notifications.items())
        ),
    )
    yield _gauge(
        "workers_busy",
        "Jobs under way, by pool.",
        ((labels(pool=pool), jobs) for pool, jobs in sorted(view.busy().items())),
    )
    if ledger.reload_successful is not None:
        yield _gauge(
            "config_last_reload_successful",
            "Whether the last configuration read was taken.",
            [("", ledger.reload_successful)],
        )
    yield from _election(ledger)
    running = labels(version=__version__, python=platform.python_version())
    yield _gauge("build_info", "What is running; always 1.", [(running, 1)])


def _election(ledger: Ledger) -> Iterator[Family]:
    """Only where replicas share the tokens."""
    if not ledger.leader:
        return
    yield _gauge(
        "leader",
        "Whether this replica holds the shard.",
        ((labels(shard=str(shard)), held) for shard, held in sorted(ledger.leader.items())),
    )
    yield _counter(
        "handovers",
        "Shards taken, released and lost by this replica.",
        (
            (f"_total{labels(shard=str(shard), change=change)}", number)
            for (shard, change), number in sorted(ledger.handovers.items())
        ),
    )
    yield _counter(
        "election_failures",
        "Times that something began to keep this replica out of the election, by reason.",
        (
            (f"_total{labels(reason=reason)}", number)
            for reason, number in sorted(ledger.election_failures.items())
        ),
    )


# --- origins -------------------------------------------------------------------------------


def _origins(origins: Sequence[tuple[str, OriginCounts]], sick: frozenset[str]) -> Iterator[Family]:
    yield _counter(
        "token_requests",
        "HTTP requests to token endpoints by status; `none` without an answer.",
        (
            (f"_total{labels(origin=origin, code=code)}", number)
            for origin, of in origins
            for code, number in list(of.codes.items())
        ),
    )
    yield Family(
        PREFIX + "token_request_duration_seconds",
        Kind.HISTOGRAM,
        "How long requests to token endpoints took.",
        (row for origin, of in origins for row in _histogram(origin, of)),
    )
    yield _gauge(
        "origin_available",
        "Whether the origin answers; 0 after three fetches without an answer below 500.",
        ((labels(origin=origin), int(origin not in sick)) for origin, _ in origins),
    )
    yield _gauge(
        "clock_skew_seconds",
        "The origin's Date header less our clock at the last answer.",
        ((labels(origin=origin), of.skew) for origin, of in origins),
    )


def _histogram(origin: str, of: OriginCounts) -> Iterator[Row]:
    total = 0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), tuple(of.buckets), strict=True):
        total += number
        yield f"_bucket{labels(origin=origin, le=bound)}", total
    yield f"_count{labels(origin=origin)}", total
    yield f"_sum{labels(origin=origin)}", of.seconds


def _gauge(name: str, text: str, rows: Iterable[Row]) -> Family:
    return Family(PREFIX + name, Kind.GAUGE, text, rows)


def _counter(name: str, text: str, rows: Iterable[Row]) -> Family:
    return Family(PREFIX + name, Kind.COUNTER, text, rows)
