"""The transition function: one event in, the new state and what is wanted out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from secret_refresher.config.fingerprint import source_fingerprint, source_section
from secret_refresher.config.model import State, TokenConfig
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import fetch_at, held_back, sink_alive, sink_work
from secret_refresher.lifecycle.state import (
    SinkRecord,
    TokenState,
    Work,
    healthy,
    scheduled_life,
    start,
)
from secret_refresher.schedule import backoff, plan
from secret_refresher.schedule.budget import Budget
from secret_refresher.tokens.token import Grant, Life, Token

Draw = Callable[[], float]
"""Gives a number from [0, 1); the only randomness there is."""

_DEAD_ON_ARRIVAL = Fault(
    Reason.BAD_ANSWER,
    "the token had expired before the answer arrived",
    "ask the server's owner for a longer life, or look for what delays its answers",
)


def step(
    state: TokenState, event: events.Event, now: float, draw: Draw
) -> tuple[TokenState, tuple[events.Action, ...]]:
    """What follows from `event` at `now`.

    1. Take the event into the state.
    2. Begin what is due now; the state remembers what was begun. After an event of one sink only
       this sink and the source are thought of: of two thousand, each has a few such events.

    `outlook.due` of the new state says when to come again.
    """
    state, notices = _take(state, event, now, draw)
    state, actions = _begin(state, now, affected(event))
    return state, (*(events.Tell(notice) for notice in notices), *actions)


def affected(event: events.Event) -> tuple[int] | None:
    """The only sink that may need something for this event; None: any may."""
    return (event.sink,) if isinstance(event, events.OneSink) else None


def _take(  # noqa: C901 - one case an event
    state: TokenState, event: events.Event, now: float, draw: Draw
) -> tuple[TokenState, list[events.Notice]]:
    match event:
        case events.Woken():
            return state, []
        case events.FetchEnded():
            return _fetch_ended(state, event, now, draw)
        case events.FetchDropped():
            return replace(state, fetching=False, attempts=state.attempts - 1), []
        case events.SinkSeen():
            return _sink_seen(state, event, now)
        case events.SinkWritten():
            return _sink_written(state, event)
        case events.SinkCleared():
            return _sink_cleared(state, event)
        case events.SinkFailed():
            return _sink_failed(state, event, now, draw)
        case events.SinkDisturbed():
            sink = state.sinks[event.sink]
            # A failing sink is looked at when its pause is over, not before.
            return (state, []) if sink.failures else (_put(state, event.sink, look=True), [])
        case events.CredentialsChanged():
            return _hurry(state, now), []
        case events.Reconfigured():
            return _reconfigured(state, event, now, draw), []
        case events.Retargeted():
            return replace(state, sinks=_kept(state, event.kept)), []


# --- the source ------------------------------------------------------------------------------


def _fetch_ended(
    state: TokenState, event: events.FetchEnded, now: float, draw: Draw
) -> tuple[TokenState, list[events.Notice]]:
    notices: list[events.Notice] = []
    if event.credentials is not None:
        if state.credentials not in {None, event.credentials}:
            notices.append(events.CredentialsReloaded())
        state = replace(state, credentials=event.credentials)
    if state.budget is not None:
        state = replace(state, budget=state.budget.spend(event.requests, now))
    if state.config.state is State.ABSENT:  # since it was asked for; nobody wants it any more
        return replace(state, fetching=False), notices
    result = event.result
    if isinstance(result, Grant) and now >= result.issued + result.lifetime:
        result = _DEAD_ON_ARRIVAL
    if isinstance(result, Fault):
        state, failed = _failed(replace(state, fetching=False), result, event, now, draw)
        return state, [*notices, failed]
    state, fetched = _granted(replace(state, fetching=False), result, event, now, draw)
    return state, [*notices, fetched]


def _failed(
    state: TokenState, fault: Fault, event: events.FetchEnded, now: float, draw: Draw
) -> tuple[TokenState, events.Notice]:
    failures = state.failures + 1
    life = scheduled_life(state, now)
    wait = backoff.wait(fault, failures, life, now, draw(), began=state.asked)
    if source_section(event.config) != source_section(state.config):
        # It says nothing of the source that is wanted now, which has had its own spread.
        wait = min(
            wait, max(_asked_for(fault, event.config, state.config), (state.stale or 0) - now)
        )
    state = replace(state, failures=failures, fault=fault, retry=now + wait)
    left = 0.0 if life is None else life.remaining(now)
    return state, events.FetchFailed(state.attempts, fault, failures, wait, left)


def _granted(
    state: TokenState, grant: Grant, event: events.FetchEnded, now: float, draw: Draw
) -> tuple[TokenState, events.Notice]:
    source = source_fingerprint(event.config)
    life = _life(grant, state, draw())
    known = state.token
    again = known is not None and known.access_token == grant.access_token
    if known is not None and again and known.source == source:
        token = known.living(plan.same_token(known.life, life, now))
        held = tuple(_follow(sink, known.life, token.life) for sink in state.sinks)
    else:
        token = Token(grant.access_token, grant.token_type, grant.scope, life, source)
        held = state.sinks
    wanted = source_section(event.config) == source_section(state.config)
    fetched = events.Fetched(
        state.attempts, token.life, again, state.failures, event.used_previous_secret
    )
    state = replace(
        state,
        token=token,
        sinks=held,
        stale=None if wanted else state.stale,
        # By what is left of a token that was handed out again: whoever caches tokens may renew
        # them shortly before they expire.
        rest=now + plan.floor(token.life.expires - grant.issued),
        failures=0,
        retry=0.0,
        fault=None,
    )
    return state, fetched


def _life(grant: Grant, state: TokenState, draw: float) -> Life:
    config = state.config
    refresh = plan.refresh_after(grant.lifetime, config.refresh, config.propagation, draw)
    return Life(
        issued=grant.issued,
        refresh=grant.issued + refresh,
        expires=grant.issued + grant.lifetime,
        # To the millisecond, as it is written: a record read back is then the same instant.
        issued_at=int(grant.issued_at * 1000) / 1000,
    )


def _follow(sink: SinkRecord, old: Life, new: Life) -> SinkRecord:
    """A sink that holds a token whose plan has changed."""
    return replace(sink, life=new) if sink.life == old else sink


def _hurry(state: TokenState, now: float) -> TokenState:
    """Leaves the pause after a failure, but for the server's own lower bound."""
    if state.fault is None or state.fetching:
        return state
    return replace(state, retry=min(state.retry, now + (state.fault.retry_after or 0.0)))


def _asked_for(fault: Fault | None, old: TokenConfig, new: TokenConfig) -> float:
    """Seconds that the server asked for by Retry-After; another server did not."""
    if fault is None or old.token_url != new.token_url:
        return 0.0
    return fault.retry_after or 0.0


# --- the sinks -------------------------------------------------------------------------------


def _put(state: TokenState, index: int, **changes: object) -> TokenState:
    sinks = list(state.sinks)
    sinks[index] = replace(sinks[index], **changes)  # type: ignore[arg-type]
    return replace(state, sinks=tuple(sinks))


def _sink_seen(
    state: TokenState, event: events.SinkSeen, now: float
) -> tuple[TokenState, list[events.Notice]]:
    """A look into a sink.

    1. A token of ours that we know is simply there.
    2. At the start a live one is adopted; later a newer live one came from another replica.
    3. Anything else, where it used to hold a live one, is drift and put right.
    """
    before = state.sinks[event.sink]
    found = event.ours
    known = None if state.token is None else state.token.life
    if found is not None and known is None and not state.config.adopt:
        found = None
    if found is not None:
        found = next((life for life in (known, before.life) if life and life.same(found)), found)
    notices: list[events.Notice] = []
    lost = before.life is not None and (found is None or found.older(before.life))
    if lost and sink_alive(before, now):
        notices.append(events.Drifted(event.sink))
    elif found is not None and found not in {known, before.life} and found.alive(now):
        notices.append(events.Adopted(event.sink, found))
    state = _put(
        state,
        event.sink,
        seen=True,
        life=found,
        look=before.look and before.work is Work.INSPECT,
        repairing=before.repairing or (lost and sink_alive(before, now)),
        lapsed=False,
        removed=False,
        work=None,
        failures=0,
        retry=0.0,
        fault=None,
    )
    return state, notices


def _sink_written(
    state: TokenState, event: events.SinkWritten
) -> tuple[TokenState, list[events.Notice]]:
    before = state.sinks[event.sink]
    life = event.life
    if state.token is not None and state.token.life.same(life):
        life = state.token.life
    notice = events.Published(
        state.attempts, event.sink, life, event.unchanged, before.repairing, before.failures
    )
    state = _put(
        state,
        event.sink,
        life=life,
        repairing=False,
        lapsed=False,
        removed=False,
        work=None,
        failures=0,
        retry=0.0,
        fault=None,
    )
    return state, [notice]


def _sink_cleared(
    state: TokenState, event: events.SinkCleared
) -> tuple[TokenState, list[events.Notice]]:
    wanted = state.config.state is State.ABSENT
    state = _put(
        state,
        event.sink,
        seen=True,
        life=None,
        removed=True,
        work=None,
        failures=0,
        retry=0.0,
        fault=None,
    )
    return state, [events.Removed(event.sink, event.any, expired=not wanted)]


def _sink_failed(
    state: TokenState, event: events.SinkFailed, now: float, draw: Draw
) -> tuple[TokenState, list[events.Notice]]:
    before = state.sinks[event.sink]
    failures = before.failures + 1
    wait = max(
        backoff.transient(failures, before.life, now, draw()), event.fault.retry_after or 0.0
    )
    notice = events.SinkTrouble(
        state.attempts,
        event.sink,
        before.work or Work.INSPECT,
        event.fault,
        failures,
        wait,
        0.0 if before.life is None else before.life.remaining(now),
    )
    state = _put(
        state,
        event.sink,
        look=before.look or before.work is Work.INSPECT,
        work=None,
        failures=failures,
        retry=now + wait,
        fault=event.fault,
    )
    return state, [notice]


# --- the configuration -----------------------------------------------------------------------


def _reconfigured(
    state: TokenState, event: events.Reconfigured, now: float, draw: Draw
) -> TokenState:
    hourly = event.config.refresh.max_requests_per_hour
    budget = state.budget
    if hourly != state.config.refresh.max_requests_per_hour:
        budget = None if hourly is None else Budget.full(hourly, now)
    if event.config.state is not state.config.state:
        # What is under way stays the only one, and what was spent is spent.
        return replace(
            start(event.config, len(event.kept), now),
            sinks=tuple(SinkRecord(work=sink.work) for sink in _kept(state, event.kept)),
            fetching=state.fetching,
            asked=state.asked,
            attempts=state.attempts,
            budget=budget,
        )
    later = now + draw() * event.spread
    earliest = now + _asked_for(state.fault, state.config, event.config)
    state = replace(state, config=event.config, sinks=_kept(state, event.kept), budget=budget)
    if event.source_changed:
        state = replace(state, stale=later)
    if state.failures:
        state = replace(state, retry=min(state.retry, max(later, earliest)))
    return state


def _kept(state: TokenState, kept: tuple[int | None, ...]) -> tuple[SinkRecord, ...]:
    """The records of the sinks from now on: those that continue, and fresh ones."""
    return tuple(SinkRecord() if old is None else state.sinks[old] for old in kept)


# --- what is due -----------------------------------------------------------------------------


def _begin(
    state: TokenState, now: float, sinks: tuple[int] | None
) -> tuple[TokenState, list[events.Action]]:
    actions: list[events.Action] = []
    for index in range(len(state.sinks)) if sinks is None else sinks:
        sink = state.sinks[index]
        if sink.life is not None and not sink.lapsed and not sink_alive(sink, now):
            state = _put(state, index, lapsed=True)
            actions.append(events.Tell(events.Lapsed(index)))
        work = sink_work(state, sink, now)
        if work is None or sink.retry > now:
            continue
        # What is disturbed while it is looked into is looked into once more.
        state = _put(state, index, work=work, look=sink.look and work is not Work.INSPECT)
        token = state.token if work is Work.PUBLISH else None
        actions.append(events.Tend(index, work, token))
    if fetch_at(state, now) <= now:
        state = replace(
            state, fetching=True, asked=now, deferred=False, attempts=state.attempts + 1
        )
        actions.append(events.Fetch(scheduled_life(state, now)))
    elif not state.deferred and (wait := held_back(state, now)) > 0:
        state = replace(state, deferred=True)
        actions.append(events.Tell(events.Deferred(wait)))
    if not state.once and healthy(state, now):
        state = replace(state, once=True)
    return state, actions
