"""What a token needs, and at which instant: questions to a state, answered the same for ever."""

from __future__ import annotations

from collections.abc import Iterable

from secret_refresher.config.model import OnExpired, State
from secret_refresher.lifecycle import notify
from secret_refresher.lifecycle.state import SinkRecord, TokenState, Work, scheduled_life
from secret_refresher.schedule import plan
from secret_refresher.schedule.budget import Budget
from secret_refresher.tokens.token import Life

NEVER = float("inf")


def due(state: TokenState, now: float, sinks: Iterable[int] | None = None) -> float:
    """The next instant at which this token needs something; `NEVER` when only others can act.

    `sinks`: the only ones of them to think of; the source is thought of always.
    """
    token = state.token
    instants = [fetch_at(state, now), notify.due(state, now)]
    for sink in state.sinks if sinks is None else map(state.sinks.__getitem__, sinks):
        if sink_work(state, sink, now) is not None:
            instants.append(max(now, sink.retry))
        if sink.life is not None and not sink.lapsed:
            instants.append(sink.life.expires)
        if token is not None and token.life.alive(now) and not sink_alive(sink, now):
            instants.append(token.life.expires)  # then only another one can fill this sink
    return min(instants)


def fetch_at(state: TokenState, now: float) -> float:
    """The instant of the next fetch; `NEVER` while one is under way or nobody could take it."""
    return NEVER if state.fetching else _next_fetch_at(state, now)


def _next_fetch_at(state: TokenState, now: float) -> float:
    if state.config.state is State.ABSENT:
        return NEVER
    if not any(sink.seen for sink in state.sinks):
        # Who cannot even be looked at may hold a live token; asking for another would waste it.
        return NEVER
    at = _unbudgeted_fetch_at(state, now)
    return at if state.budget is None else _within(state.budget, scheduled_life(state, now), at)


def still_wanted(state: TokenState, now: float) -> bool:
    """Whether a fetch that has not been begun yet would be wanted anew."""
    return _next_fetch_at(state, now) <= now


def _unbudgeted_fetch_at(state: TokenState, now: float) -> float:
    """When the next fetch would be made if there were no budget.

    1. At once where a sink lacks a live token and memory has none for it.
    2. Else at the refresh point, or when a changed source asks for it.
    3. Not before the pause after a failure, nor within the floor after a success.
    """
    life = scheduled_life(state, now)
    if life is None or not life.alive(now) or (not _in_memory(state, now) and _lacking(state, now)):
        at = now
    else:
        at = life.refresh
    if state.stale is not None:
        at = min(at, state.stale)
    at = max(at, state.retry)
    return max(at, state.rest, now)


def _within(budget: Budget, life: Life | None, at: float) -> float:
    """`at`, or the later instant at which the budget allows it.

    The last quarter of the lead, and any time without a live token, is urgent.
    """
    hurry = at if life is None else life.expires - (life.expires - life.refresh) / 4
    return min(budget.opens(at, urgent=False), max(hurry, budget.opens(at, urgent=True)))


def held_back(state: TokenState, now: float) -> float:
    """Seconds for which only the budget keeps a fetch that is due from being made."""
    if state.budget is None or state.fetching or _unbudgeted_fetch_at(state, now) > now:
        return 0.0
    at = fetch_at(state, now)
    return 0.0 if at == NEVER else at - now


def sink_work(state: TokenState, sink: SinkRecord, now: float) -> Work | None:
    """What this sink needs, if anything, once its pause after a failure is over."""
    if sink.work is not None:
        return None
    if state.config.state is State.ABSENT:
        return None if sink.removed else Work.REMOVE
    if sink.look:
        return Work.INSPECT
    token, life = state.token, sink.life
    alive = sink_alive(sink, now)
    if token is not None and token.life.alive(now):
        older = life is None or life.older(token.life)
        if older or not alive:
            return Work.PUBLISH
    if life is not None and not alive:
        return Work.CLEAR if state.config.refresh.on_expired is OnExpired.DELETE else None
    return None


def urgency(state: TokenState, sink: SinkRecord, work: Work, now: float) -> float:
    """The instant at which readers of a sink have nothing, unless this work is done before.

    1. What holds nothing alive has them wait already; unless publishing to it fails.
    2. What holds a live token has time until that dies.
    3. What has to be looked into is taken to hold a token that is due: one that dies within the
       lead is refreshed first, and one that lives longer is not. So is what fails.
    """
    life = sink.life if sink_alive(sink, now) else None
    if work is Work.PUBLISH and (life is not None or not sink.failures):
        return now if life is None else life.expires
    unknown = now + plan.lead(state.config.refresh, state.config.propagation)
    return unknown if life is None else min(life.expires, unknown)


def sink_alive(sink: SinkRecord, now: float) -> bool:
    """Whether the sink holds a live token of ours."""
    return sink.life is not None and sink.life.alive(now)


def _lacking(state: TokenState, now: float) -> bool:
    return any(sink.seen and not sink_alive(sink, now) for sink in state.sinks)


def _in_memory(state: TokenState, now: float) -> bool:
    return state.token is not None and state.token.life.alive(now)
