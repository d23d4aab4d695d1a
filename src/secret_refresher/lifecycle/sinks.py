"""What the end of work on a sink means for a token."""

from __future__ import annotations

from dataclasses import replace

from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.outlook import sink_alive
from secret_refresher.lifecycle.state import SinkRecord, TokenState, Work
from secret_refresher.schedule import backoff
from secret_refresher.tokens.token import Life

_LEFT_ALONE = 1.0
"""Seconds for which nothing is offered to a sink that has refused our token."""


def put(state: TokenState, index: int, **changes: object) -> TokenState:
    """The state with some fields of one sink's record changed."""
    sinks = list(state.sinks)
    sinks[index] = replace(sinks[index], **changes)  # type: ignore[arg-type]
    return replace(state, sinks=tuple(sinks))


def _done(state: TokenState, index: int, **changes: object) -> TokenState:
    """Likewise where work on the sink has ended well: whatever had failed is over."""
    return put(state, index, work=None, failures=0, retry=0.0, fault=None, **changes)


def seen(
    state: TokenState, event: events.SinkSeen, now: float
) -> tuple[TokenState, list[events.Notice]]:
    """A look into a sink.

    1. A token of ours that we know is simply there.
    2. At the start a live one is adopted; later a newer live one came from another replica.
    3. Anything else, where it used to hold a live one, is drift and put right.

    Where the sink rather kept what it held than take ours, it is left alone for a moment: whoever
    disagrees with it about which of two is newer would ask again and again.
    """
    before = state.sinks[event.sink]
    found = event.ours
    known = None if state.token is None else state.token.life
    if found is not None and known is None and not state.config.adopt:
        found = None
    found, strange = _recognised(found, known, before.life)
    notices: list[events.Notice] = []
    lost = before.life is not None and (found is None or found.older(before.life))
    if lost and sink_alive(before, now):
        notices.append(events.Drifted(event.sink))
    elif found is not None and strange and found.alive(now):
        notices.append(events.Adopted(event.sink, found))
    state = _done(
        state,
        event.sink,
        seen=True,
        life=found,
        look=before.look and before.work is Work.INSPECT,
        repairing=before.repairing or (lost and sink_alive(before, now)),
        lapsed=False,
        removed=False,
    )
    if before.work is Work.PUBLISH:
        state = put(state, event.sink, retry=now + _LEFT_ALONE)
    elif state.token is None and found is not None and _everywhere(state, found):
        state = replace(state, stale=None)  # only a token of the wanted source is recognised
    return state, notices


def looked_at_anew(state: TokenState) -> tuple[SinkRecord, ...]:
    """The records where a look that is under way is for a source that is not wanted any more."""
    return tuple(
        replace(sink, look=True) if sink.work is Work.INSPECT else sink for sink in state.sinks
    )


def _everywhere(state: TokenState, life: Life) -> bool:
    return all(
        sink.life is not None and sink.life.same(life) and not sink.look for sink in state.sinks
    )


def _recognised(
    found: Life | None, known: Life | None, held: Life | None
) -> tuple[Life | None, bool]:
    """What is found, by the clock as it was reckoned when it was first seen; and is it new to us?

    The later reckoning of when it was issued counts: a sink that was offered an older token says
    by it which of both is newer.
    """
    if found is None:
        return None, False
    if known is not None and known.same(found):
        return known, False
    if held is not None and held.same(found):
        return (replace(held, issued=found.issued) if held.older(found) else held), False
    return found, True


def written(state: TokenState, event: events.SinkWritten) -> tuple[TokenState, list[events.Notice]]:
    """A token was published."""
    before = state.sinks[event.sink]
    life = event.life
    if state.token is not None and state.token.life.same(life):
        life = state.token.life
    notice = events.Published(
        state.attempts, event.sink, life, event.unchanged, before.repairing, before.failures
    )
    state = _done(
        state,
        event.sink,
        life=life,
        repairing=False,
        lapsed=False,
        removed=False,
    )
    return state, [notice]


def cleared(state: TokenState, event: events.SinkCleared) -> tuple[TokenState, list[events.Notice]]:
    """What was ours is gone: all of it, or the dead token; which, says the work that was begun.

    Who became unwanted while only the dead token was taken out, has the rest to be removed still.
    """
    wholly = state.sinks[event.sink].work is Work.REMOVE
    state = _done(state, event.sink, seen=True, life=None, removed=wholly)
    return state, [events.Removed(event.sink, event.any, expired=not wholly)]


def disturbed(state: TokenState, event: events.SinkDisturbed) -> TokenState:
    """A failing sink is looked at when its pause is over, not before."""
    failing = state.sinks[event.sink].failures
    return state if failing else put(state, event.sink, look=True)


def failed(
    state: TokenState, event: events.SinkFailed, now: float, draw: float
) -> tuple[TokenState, list[events.Notice]]:
    """Work failed; `draw` is from [0, 1)."""
    before = state.sinks[event.sink]
    failures = before.failures + 1
    wait = max(backoff.transient(failures, before.life, now, draw), event.fault.retry_after or 0.0)
    notice = events.SinkTrouble(
        state.attempts,
        event.sink,
        before.work or Work.INSPECT,
        event.fault,
        failures,
        wait,
        0.0 if before.life is None else before.life.remaining(now),
    )
    state = put(
        state,
        event.sink,
        look=before.look or before.work is Work.INSPECT,
        work=None,
        failures=failures,
        retry=now + wait,
        fault=event.fault,
    )
    return state, [notice]


def continued(state: TokenState, kept: tuple[int | None, ...]) -> tuple[SinkRecord, ...]:
    """The records of the sinks from now on: those that continue, and fresh ones."""
    return tuple(SinkRecord() if old is None else state.sinks[old] for old in kept)
