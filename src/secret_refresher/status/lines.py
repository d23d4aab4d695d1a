"""Tokens and their daemon as they are shown: records, journal and clocks, made into lines. Pure."""

from __future__ import annotations

from collections import Counter
from heapq import nsmallest

from secret_refresher.config.model import State
from secret_refresher.errors import Fault, Lane
from secret_refresher.lifecycle.news import ConsumerRecord
from secret_refresher.lifecycle.outlook import NEVER, fetch_at
from secret_refresher.lifecycle.state import (
    SinkRecord,
    SinkState,
    SourceState,
    TokenState,
    healthy,
    scheduled_life,
    shown_state,
    sink_states,
    source_state,
)
from secret_refresher.ports import Subject, View
from secret_refresher.status.document import (
    ABSENT,
    ConsumerLine,
    Daemon,
    Election,
    Failure,
    Reload,
    Shard,
    SinkLine,
    TokenLine,
)
from secret_refresher.status.journal import Episode, Journal
from secret_refresher.tokens.token import Life

MOST_SINKS = 50
"""Sinks of one token that are shown; a selector may find thousands."""
_WORST_FIRST = (
    SinkState.EXPIRED,
    SinkState.BLOCKED,
    SinkState.EMPTY,
    SinkState.BEHIND,
    SinkState.CURRENT,
)


def state_of(state: TokenState, now: float) -> str:
    """The state that a token shows."""
    return ABSENT if state.config.state is State.ABSENT else str(shown_state(state, now))


def held_life(state: TokenState, now: float) -> Life | None:
    """The life of the token that consumers hold: the first to die of those in sinks."""
    first = None
    for sink in state.sinks:
        life = sink.life
        if life is not None and (first is None or life.expires < first.expires):
            first = life
    return first or scheduled_life(state, now)


def line(about: Subject, state: TokenState, journal: Journal, now: float, wall: float) -> TokenLine:
    """The line of one token at `now`, which is `wall` by the wall clock."""
    life, following = held_life(state, now), fetch_at(state, now)
    episode, source = journal.fetches(about.name), source_state(state, now)
    fault = None if source is SourceState.FRESH else state.fault
    ahead = wall - now
    places = sink_states(state, now)
    # Sinks may have come or gone between the two.
    known = zip(about.sinks, state.sinks, places, strict=False)
    worst = nsmallest(MOST_SINKS, known, key=_gravity)
    return TokenLine(
        name=about.name,
        state=state_of(state, now),
        source=str(source),
        healthy=healthy(state, now),
        issued=None if life is None else life.issued_at,
        refresh=None if life is None else life.refresh_at,
        expires=None if life is None else life.expires_at,
        next=None if following == NEVER else following + ahead,
        fetching=state.fetching,
        attempts=state.attempts,
        failure=None if fault is None else _failing(state, fault, episode, ahead),
        last=None if fault is not None or episode is None else _failed(episode),
        places=Counter(map(str, places)),
        sinks=tuple(
            SinkLine(
                kind=kind,
                target=target,
                state=str(of),
                expires=None if sink.life is None else sink.life.expires_at,
                failure=_at_sink(
                    sink,
                    journal.failing_since(about.name, target),
                    ahead,
                    person=of is SinkState.BLOCKED,
                ),
            )
            for (kind, target), sink, of in worst
        ),
        consumers=_consumers(state, now, wall),
    )


def _consumers(state: TokenState, now: float, wall: float) -> tuple[ConsumerLine, ...]:
    if state.news is None:
        return ()
    # The news follow a changed configuration within the same step, so both are of one length.
    return tuple(
        ConsumerLine(
            kind=spec.way,
            target=spec.target,
            state=consumer_state(known),
            told=None if known.told is None else known.told + wall - now,
            failure=None
            if known.fault is None
            else _failure(
                known.fault,
                known.failures,
                retry=known.retry + wall - now if known.waiting else None,
                person=known.fault.lane is Lane.PERMANENT,
            ),
        )
        for spec, known in zip(state.config.notify, state.news.consumers, strict=False)
    )


def consumer_state(known: ConsumerRecord) -> str:
    """How telling one consumer is going."""
    if known.waiting:
        return "waiting"
    if known.fault is not None:
        return "failed"
    return "idle" if known.told is None else "told"


def _gravity(sink: tuple[object, SinkRecord, SinkState]) -> tuple[int, bool]:
    return _WORST_FIRST.index(sink[2]), sink[1].fault is None


def _failing(state: TokenState, fault: Fault, episode: Episode | None, ahead: float) -> Failure:
    begun = None if episode is None or episode.over is not None else episode.since
    retry = None if state.fetching else state.retry + ahead
    person = fault.lane is Lane.PERMANENT
    return _failure(fault, state.failures, since=begun, retry=retry, person=person)


def _failed(episode: Episode) -> Failure:
    return _failure(episode.fault, episode.failures, since=episode.since, over=episode.over)


def _at_sink(
    sink: SinkRecord, since: float | None, ahead: float, *, person: bool
) -> Failure | None:
    if sink.fault is None:
        return None
    retry = None if sink.work is not None else sink.retry + ahead
    return _failure(sink.fault, sink.failures, since=since, retry=retry, person=person)


def _failure(
    fault: Fault,
    failures: int,
    *,
    since: float | None = None,
    retry: float | None = None,
    over: float | None = None,
    person: bool = False,
) -> Failure:
    return Failure(
        reason=str(fault.reason),
        summary=fault.summary,
        advice=fault.advice,
        failures=failures,
        since=since,
        retry=retry,
        person=person,
        over=over,
    )


def about_daemon(view: View, journal: Journal, now: float, version: str) -> Daemon:
    """The process itself at `now`."""
    reload = journal.reload
    return Daemon(
        version=version,
        started=journal.started,
        idle=max(0.0, now - view.heartbeat()),
        reload=None if reload is None else Reload(*reload),
        dark=tuple(sorted(view.unavailable_origins())),
        election=None if journal.shards is None else _election(journal, journal.shards),
    )


def _election(journal: Journal, shards: int) -> Election:
    failure = None
    if journal.kept_out is not None:
        fault, since = journal.kept_out
        failure = _failure(fault, 1, since=since, person=fault.lane is Lane.PERMANENT)
    held = sorted(journal.seats.items())
    return Election(shards, tuple(Shard(number, *seat) for number, seat in held), failure)
