"""The transition function: one event in, the new state and what is wanted out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from secret_refresher.lifecycle import events, notify, sinks, source
from secret_refresher.lifecycle.outlook import fetch_at, held_back, sink_work
from secret_refresher.lifecycle.state import (
    SinkRecord,
    TokenState,
    Work,
    healthy,
    scheduled_life,
    start,
)
from secret_refresher.schedule.budget import Budget

Draw = Callable[[], float]
"""Gives a number from [0, 1); the only randomness there is."""


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
    return state, (*map(events.Tell, notices), *actions)


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
            return source.fetch_ended(state, event, now, draw())
        case events.FetchDropped():
            return replace(state, fetching=False, attempts=state.attempts - 1), []
        case events.SinkSeen():
            after, notices = sinks.seen(state, event, now)
            after, more = notify.adopted(state, after, event.sink, now)
            return after, notices + more
        case events.SinkWritten():
            state, notices = sinks.written(state, event)
            state, more = notify.published(state, event.sink, now)
            return state, notices + more
        case events.SinkCleared():
            return sinks.cleared(state, event)
        case events.SinkFailed():
            return sinks.failed(state, event, now, draw())
        case events.SinkDisturbed():
            return sinks.disturbed(state, event), []
        case events.ConsumerTold() | events.ConsumerLater() | events.ConsumerFailed():
            return notify.ended(state, event, now, draw())
        case events.CredentialsChanged():
            return source.hurry(state, now), []
        case events.Reconfigured():
            return _reconfigured(state, event, now, draw), []
        case events.Retargeted():
            return replace(state, sinks=sinks.continued(state, event.kept)), []


def _reconfigured(
    state: TokenState, event: events.Reconfigured, now: float, draw: Draw
) -> TokenState:
    hourly = event.config.refresh.max_requests_per_hour
    budget = state.budget
    if hourly != state.config.refresh.max_requests_per_hour:
        budget = None if hourly is None else Budget.full(hourly, now)
    if event.config.state is not state.config.state:
        # What is under way stays the only one, what was spent is spent, and whoever wants a token
        # back asks no sooner for it than the server and the floor allow.
        return replace(
            start(event.config, len(event.kept), now),
            sinks=tuple(SinkRecord(work=sink.work) for sink in sinks.continued(state, event.kept)),
            fetching=state.fetching,
            asked=state.asked,
            rest=state.rest,
            retry=source.not_before(state, event.config, now),
            attempts=state.attempts,
            budget=budget,
        )
    later = now + draw() * event.spread
    earliest = now + source.asked_for(state.fault, state.config, event.config)
    state = replace(
        state,
        config=event.config,
        sinks=sinks.continued(state, event.kept),
        budget=budget,
        news=notify.continued(state, event.config),
    )
    if event.source_changed:
        state = replace(state, stale=later, sinks=sinks.looked_at_anew(state))
    if state.failures:
        state = replace(state, retry=min(state.retry, max(later, earliest)))
    return state


def _begin(
    state: TokenState, now: float, only: tuple[int] | None
) -> tuple[TokenState, list[events.Action]]:
    actions: list[events.Action] = []
    for index in range(len(state.sinks)) if only is None else only:
        sink = state.sinks[index]
        if sink.life is not None and not sink.lapsed and not sink.life.alive(now):
            state = sinks.put(state, index, lapsed=True)
            actions.append(events.Tell(events.Lapsed(index)))
        work = sink_work(state, sink, now)
        if work is None or sink.retry > now:
            continue
        # What is disturbed while it is looked into is looked into once more.
        state = sinks.put(state, index, work=work, look=sink.look and work is not Work.INSPECT)
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
    state, news = notify.begin(state, now)
    return state, actions + news
