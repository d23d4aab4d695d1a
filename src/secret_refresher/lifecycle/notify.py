"""Who is told of a new token, and when.

Once a token: when every sink holds it, or after a bound, and for those who read a mounted Secret
after its propagation. Whoever fails is told again with growing pauses, until it has heard, or
there is a newer token, or it was tried often enough. Nothing here ever delays a token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from secret_refresher.config.consumers import ConsumerSpec, RolloutConsumer
from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Lane, Reason, internal
from secret_refresher.lifecycle import events
from secret_refresher.lifecycle.news import ConsumerRecord, News, awaited
from secret_refresher.lifecycle.state import TokenState
from secret_refresher.schedule import backoff
from secret_refresher.tokens.token import Life

NEVER = float("inf")
BOUND = 60.0
"""Seconds that a token waits for its last sinks before consumers are told all the same."""
SHARE = 0.1
"""Of its life: no token waits longer than that."""
RETOLD = 900.0
"""Seconds. A token that is found at the start and is younger than this, and its propagation, may
have been published by a process that died before it told anybody: then it is told again."""
MOST = 20
"""Attempts to tell one consumer of one token; with the longest pauses some two hours."""
ENOUGH = 0.99
"""Of `min_life`: many a server says 3599 s and means an hour."""
_PAUSE = 10.0

_SHORT = Fault(
    Reason.SHORT_LIVED,
    "the token lives for less than rollout.minLife, so nothing is restarted",
    "tell the application by http or signal, or let it read the token again; else lower minLife",
    Lane.PERMANENT,
)


def continued(state: TokenState, config: TokenConfig) -> News | None:
    """What is known under a new configuration: who is in both goes on as it was.

    A consumer that is new has nothing to hear of: it was there before, and holds what it holds.
    """
    fresh = awaited(config)
    if fresh is None or state.news is None:
        return fresh
    known = dict(_pairs(state))
    records = (known.get(spec, ConsumerRecord()) for spec in map(repr, config.notify))
    return replace(state.news, consumers=tuple(records))


def _pairs(state: TokenState) -> Iterator[tuple[str, ConsumerRecord]]:
    if state.news is not None:
        yield from zip(map(repr, state.config.notify), state.news.consumers, strict=True)


# --- what there is to tell -----------------------------------------------------------------


def published(state: TokenState, sink: int, now: float) -> tuple[TokenState, list[events.Notice]]:
    """A sink holds the newest token: with the first of them consumers have something to hear."""
    life = state.sinks[sink].life
    if state.news is None or life is None or state.token is None:
        return state, []
    if not life.same(state.token.life) or _known(state.news, life):
        return state, []
    return _begun(state, state.news, life, now)


def adopted(
    before: TokenState, state: TokenState, sink: int, now: float
) -> tuple[TokenState, list[events.Notice]]:
    """A token was found at the start; one that is young may not have been told of."""
    life = state.sinks[sink].life
    if state.news is None or life is None or before.token is not None:
        return state, []
    if before.sinks[sink].seen or not life.alive(now) or _known(state.news, life):
        return state, []
    if now >= life.issued + state.config.propagation + RETOLD:
        return state, []
    return _begun(state, state.news, life, now)


def same_again(state: TokenState, old: Life, new: Life) -> TokenState:
    """The server handed out the same token once more: no news, only another plan of its life."""
    if state.news is None or state.news.life is None or not state.news.life.same(old):
        return state
    return replace(state, news=replace(state.news, life=new))


def _known(news: News, life: Life) -> bool:
    return news.life is not None and (news.life.same(life) or life.older(news.life))


def _begun(
    state: TokenState, news: News, life: Life, now: float
) -> tuple[TokenState, list[events.Notice]]:
    notices: list[events.Notice] = []
    records = []
    for spec, record in zip(state.config.notify, news.consumers, strict=True):
        short = isinstance(spec, RolloutConsumer) and life.length < ENOUGH * spec.min_life
        if short:
            first = record.fault != _SHORT
            notices.append(events.NotifySkipped(spec, life, _SHORT, first=first))
        fault = _SHORT if short else None
        records.append(replace(record, waiting=not short, failures=0, retry=0.0, fault=fault))
    until = now + min(BOUND, SHARE * life.length)
    return replace(state, news=News(tuple(records), life, until)), notices


# --- when ------------------------------------------------------------------------------------


def due(state: TokenState, now: float) -> float:
    """The next instant at which somebody is to be told; `NEVER` where nobody is."""
    news = state.news
    if news is None or news.life is None:
        return NEVER
    pairs = zip(state.config.notify, news.consumers, strict=True)
    instants = [_at(state, news, spec, record) for spec, record in pairs if _free(record)]
    return max(now, min(instants)) if instants else NEVER


def begin(state: TokenState, now: float) -> tuple[TokenState, list[events.Action]]:
    """Begins to tell those whose time has come."""
    news = state.news
    if news is None or (life := news.life) is None or not any(map(_free, news.consumers)):
        return state, []
    if now < news.since and _everywhere(state, life):
        news = replace(news, since=now)
    actions: list[events.Action] = []
    records = list(news.consumers)
    for index, (spec, record) in enumerate(zip(state.config.notify, records, strict=True)):
        if _free(record) and _at(state, news, spec, record) <= now:
            records[index] = replace(record, busy=True)
            actions.append(events.Notify(spec, life))
    return replace(state, news=replace(news, consumers=tuple(records))), actions


def _free(record: ConsumerRecord) -> bool:
    return record.waiting and not record.busy


def _at(state: TokenState, news: News, spec: ConsumerSpec, record: ConsumerRecord) -> float:
    """A pod that is new reads the Secret as it is; only those that run wait for their mounts."""
    late = 0.0 if isinstance(spec, RolloutConsumer) else state.config.propagation
    return max(news.since + late, record.retry)


def _everywhere(state: TokenState, life: Life) -> bool:
    """Whether every sink holds this token or a newer one; the last is mostly filled last."""
    return not any(sink.life is None or sink.life.older(life) for sink in reversed(state.sinks))


# --- how it ended ----------------------------------------------------------------------------


def ended(
    state: TokenState, event: events.ConsumerEvent, now: float, draw: float
) -> tuple[TokenState, list[events.Notice]]:
    """An attempt to tell a consumer is over; `draw` is from [0, 1).

    Where there is a newer token by now it is to hear of that one as well.
    """
    index, record = _find(state, event.consumer)
    if record is None:
        return state, []  # the configuration has it no more
    current = _is_news(state, event.life)
    record = replace(record, busy=False)
    notice: events.Notice
    match event:
        case events.ConsumerTold():
            notice = events.Notified(event.consumer, event.life, event.knew, record.failures)
            record = replace(record, told=now)
            if current:
                record = replace(record, waiting=False, failures=0, retry=0.0, fault=None)
        case events.ConsumerLater():
            notice = events.NotifyDeferred(event.consumer, event.wait)
            if current:
                record = replace(record, retry=now + event.wait)
        case events.ConsumerFailed():
            failures = record.failures + current
            over = failures >= MOST
            wait = _pause(event, failures, draw) if current and not over else 0.0
            notice = events.NotifyFailed(
                event.consumer, event.life, event.fault, failures, wait, given_up=over
            )
            if current:
                record = replace(
                    record,
                    waiting=not over,
                    failures=failures,
                    retry=now + wait,
                    fault=event.fault,
                )
    return _put(state, index, record), [notice]


def endured(
    state: TokenState, event: events.ConsumerEvent, defect: Exception, now: float
) -> TokenState:
    """Likewise after a defect of ours, by as little thought as possible."""
    index, record = _find(state, event.consumer)
    if record is None:
        return state
    later = replace(record, busy=False, retry=now + _PAUSE, fault=internal(defect))
    return _put(state, index, later)


def _pause(event: events.ConsumerFailed, failures: int, draw: float) -> float:
    pause = backoff.consumer(failures, event.life, draw)
    return max(pause, event.fault.retry_after or 0.0)


def _is_news(state: TokenState, life: Life) -> bool:
    known = None if state.news is None else state.news.life
    return known is not None and known.same(life)


def _find(state: TokenState, spec: ConsumerSpec) -> tuple[int, ConsumerRecord | None]:
    for index, (mine, record) in enumerate(
        zip(state.config.notify, () if state.news is None else state.news.consumers, strict=False)
    ):
        if mine == spec:
            return index, record
    return 0, None


def _put(state: TokenState, index: int, record: ConsumerRecord) -> TokenState:
    if state.news is None:
        return state
    records = list(state.news.consumers)
    records[index] = record
    return replace(state, news=replace(state.news, consumers=tuple(records)))
