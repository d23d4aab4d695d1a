"""All tokens at one instant: counted, what is wrong with them told together, and a page of them.

Pure, and one pass over everything: with 10,000 tokens some hundred milliseconds, so whoever asks is
bounded elsewhere (`pace`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, final

from secret_refresher.config.origin import origin_of
from secret_refresher.errors import Fault, Lane
from secret_refresher.lifecycle.state import (
    TOKEN_STATES,
    SinkState,
    TokenState,
    healthy,
    sink_states,
)
from secret_refresher.ports import Subject, View
from secret_refresher.status.document import ABSENT, Daemon, Document, Trouble
from secret_refresher.status.journal import Journal
from secret_refresher.status.lines import held_life, line, state_of
from secret_refresher.status.query import ATTENTION, Query

MOST_TROUBLES = 20
"""Things that are wrong, told at once; the worst of them."""
NAMES = 5
"""Tokens named with each."""
FETCH, NOTIFY = "fetch", "notify"
_WAIT = "it is asked for a token; of a server that does not answer, one at a time"
_RANK = {state: rank for rank, state in enumerate((ABSENT, *TOKEN_STATES))}
_NEVER = float("inf")


class _Seen(NamedTuple):
    """One token, as far as counting, filtering and ordering need it."""

    about: Subject
    state: TokenState
    shown: str
    well: bool
    expires: float


def survey(
    view: View, journal: Journal, now: float, wall: float, *, query: Query, daemon: Daemon
) -> Document:
    """The document at `now`, which is `wall` by the wall clock."""
    seen = [_look(about, state, now) for about, state in view.tokens()]
    counts = Counter(token.shown for token in seen)
    order = {state: counts[state] for state in sorted(counts, key=_rank, reverse=True)}
    wanted = [token for token in seen if token.shown != ABSENT]
    found = sorted(filter(_asked_for(query), seen), key=_worst_first)
    pages = max(1, -(-len(found) // query.per))
    page = min(query.page, pages)
    return Document(
        now=wall,
        daemon=daemon,
        total=len(wanted),
        healthy=sum(token.well for token in wanted),
        counts=order,
        attention=_troubles(seen, journal, now, wall),
        matching=len(found),
        page=page,
        pages=pages,
        per=query.per,
        tokens=tuple(
            line(token.about, token.state, journal, now, wall)
            for token in found[(page - 1) * query.per : page * query.per]
        ),
    )


def _look(about: Subject, state: TokenState, now: float) -> _Seen:
    life = held_life(state, now)
    expires = _NEVER if life is None else life.expires
    return _Seen(about, state, state_of(state, now), healthy(state, now), expires)


def _rank(state: str) -> int:
    return _RANK[state]


def _worst_first(token: _Seen) -> tuple[bool, int, float, str]:
    """Who suffers before who may; then by state, by what dies first, by name."""
    well = token.well or token.shown == ABSENT
    return well, -_RANK[token.shown], token.expires, token.about.name


def _asked_for(query: Query) -> Callable[[_Seen], bool]:
    text = query.text.casefold()

    def matches(token: _Seen) -> bool:
        if query.state == ATTENTION:
            if not _wrong(token):
                return False
        elif query.state and token.shown != query.state:
            return False
        if query.reason and query.reason not in {str(fault.reason) for fault in _faults(token)}:
            return False
        return not text or _mentions(token, text)

    return matches


def _mentions(token: _Seen, text: str) -> bool:
    if text in token.about.name:
        return True
    return any(text in target.casefold() for _, target in token.about.sinks)


# --- what is wrong -------------------------------------------------------------------------------


def _faults(token: _Seen) -> Iterator[Fault]:
    if token.state.fault is not None:
        yield token.state.fault
    for sink in token.state.sinks:
        if sink.fault is not None:
            yield sink.fault
    for consumer in () if token.state.news is None else token.state.news.consumers:
        if consumer.fault is not None:
            yield consumer.fault


def _wrong(token: _Seen) -> bool:
    return token.shown == SinkState.EXPIRED or any(True for _ in _faults(token))


@final
@dataclass(slots=True)
class _Heap:
    """What is put together as one trouble."""

    where: str
    reason: str
    summary: str
    advice: str
    person: bool
    tokens: dict[str, _Seen] = field(default_factory=dict)
    summaries: set[str] = field(default_factory=set)
    since: float | None = None

    def add(self, token: _Seen, summary: str, since: float | None) -> None:
        """One more failure of the kind."""
        self.tokens[token.about.name] = token
        self.summaries.add(summary)
        if since is not None and (self.since is None or since < self.since):
            self.since = since


def _troubles(
    seen: Iterable[_Seen], journal: Journal, now: float, wall: float
) -> tuple[Trouble, ...]:
    heaps: dict[tuple[str, str, str], _Heap] = {}
    for token in seen:
        if not _wrong(token):
            continue
        for kind, found in _found(token, journal, now):
            heap = heaps.setdefault((found.where, found.reason, kind), found)
            heap.add(token, found.summary, found.since)
    told = [_trouble(heap, now, wall) for heap in heaps.values()]
    told.sort(key=_gravest_first)
    return tuple(told[:MOST_TROUBLES])


def _found(token: _Seen, journal: Journal, now: float) -> Iterator[tuple[str, _Heap]]:
    """What is wrong with one token, each with what makes it the same as that of another."""
    name, state, fault = token.about.name, token.state, token.state.fault
    if fault is not None:
        episode = journal.fetches(name)
        since = None if episode is None or episode.over is not None else episode.since
        person = fault.lane is Lane.PERMANENT
        yield fault.summary, _heap(FETCH, fault, since, person=person)
    nothing = fault is None
    for (kind, target), sink, of in zip(
        token.about.sinks, state.sinks, sink_states(state, now), strict=False
    ):
        if sink.fault is not None:
            nothing = False
            since = journal.failing_since(name, target)
            # Their sentences name the place, so that each would stand alone.
            person = of is SinkState.BLOCKED
            yield sink.fault.advice, _heap(kind, sink.fault, since, person=person)
    for consumer in () if state.news is None else state.news.consumers:
        if consumer.fault is not None:
            nothing = False
            person = consumer.fault.lane is Lane.PERMANENT
            yield consumer.fault.summary, _heap(NOTIFY, consumer.fault, None, person=person)
    if nothing:
        origin = origin_of(state.config.asked_at)
        yield origin, _Heap(FETCH, "", f"waiting for {origin}", _WAIT, person=False)


def _heap(where: str, fault: Fault, since: float | None, *, person: bool) -> _Heap:
    return _Heap(where, str(fault.reason), fault.summary, fault.advice, person, since=since)


def _trouble(heap: _Heap, now: float, wall: float) -> Trouble:
    tokens: Sequence[_Seen] = sorted(heap.tokens.values(), key=_worst_first)
    # A dead token's expiry says nothing of how much time is left.
    ahead = [token.expires for token in tokens if token.well and now < token.expires < _NEVER]
    return Trouble(
        where=heap.where,
        reason=heap.reason,
        summary=heap.summary,
        advice=heap.advice,
        kinds=len(heap.summaries),
        tokens=len(tokens),
        suffering=sum(not token.well and token.shown != ABSENT for token in tokens),
        person=heap.person,
        names=tuple(token.about.name for token in tokens[:NAMES]),
        since=heap.since,
        expires=min(ahead) + wall - now if ahead else None,
    )


def _gravest_first(trouble: Trouble) -> tuple[bool, float, int, str]:
    expires = _NEVER if trouble.expires is None else trouble.expires
    return trouble.suffering == 0, expires, -trouble.tokens, trouble.summary
