"""What is known of one token and its sinks. Frozen; a transition makes a new one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from secret_refresher.config.model import TokenConfig
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle.news import News, awaited
from secret_refresher.schedule.budget import Budget
from secret_refresher.tokens.token import Life, Token


class SourceState(StrEnum):
    """How the source of a token is doing."""

    PENDING = "pending"
    """No token yet, and no attempt has failed."""
    FRESH = "fresh"
    DUE = "due"
    """Past the refresh point; nothing has failed."""
    FAILING = "failing"
    """Attempts fail; the old token is alive, or there has never been one."""
    EXPIRED = "expired"


class SinkState(StrEnum):
    """How one sink is doing."""

    EMPTY = "empty"
    CURRENT = "current"
    BEHIND = "behind"
    """It holds a live token that is not the newest one."""
    BLOCKED = "blocked"
    """It needs a person."""
    EXPIRED = "expired"


class Work(StrEnum):
    """What a worker is doing to a sink."""

    INSPECT = "inspect"
    PUBLISH = "publish"
    CLEAR = "clear"
    """Taking out a dead token, until there is another."""
    REMOVE = "remove"
    """Taking out all that is ours, as nobody wants it any more."""


@final
@dataclass(frozen=True, slots=True)
class SinkRecord:
    """One sink as we know it.

    `seen`: a look into it has succeeded since the start. `life`: of the token of ours that it
    holds, None for anything else. `look`: another look is wanted. `repairing`: it lost what
    it held. `removed`: what was ours is gone, as wanted. `lapsed`: observers know that its token
    is dead. `retry`: no work before this instant. `work`: a worker has it.
    """

    seen: bool = False
    life: Life | None = None
    look: bool = True
    repairing: bool = False
    removed: bool = False
    lapsed: bool = False
    work: Work | None = None
    failures: int = 0
    retry: float = 0.0
    fault: Fault | None = None


@final
@dataclass(frozen=True, slots=True)
class TokenState:
    """One token as we know it.

    `token` is in memory only since a fetch of ours; an adopted one is known by the lives in
    `sinks`. `stale`: the source section changed, and a token of the new one is wanted at this
    instant. `retry`: no fetch before this instant. `credentials`: digest of what the last
    attempt read. `attempts` numbers the fetches, for logs.
    """

    config: TokenConfig
    sinks: tuple[SinkRecord, ...]
    token: Token | None = None
    fetching: bool = False
    asked: float = 0.0
    """When the last fetch was wanted, by the process's clock."""
    stale: float | None = None
    attempts: int = 0
    failures: int = 0
    retry: float = 0.0
    fault: Fault | None = None
    rest: float = 0.0
    """The floor after the last success: no fetch before this instant."""
    credentials: str | None = None
    budget: Budget | None = None
    deferred: bool = False
    """Observers know that the budget holds the next request back."""
    once: bool = False
    """Every sink has held a live token of ours at some time since the start."""
    news: News | None = None
    """What consumers are told; None where there are none."""


def start(config: TokenConfig, sinks: int, now: float) -> TokenState:
    """A token that nothing is known of yet, with that many sinks."""
    hourly = config.refresh.max_requests_per_hour
    return TokenState(
        config=config,
        sinks=(SinkRecord(),) * sinks,
        budget=None if hourly is None else Budget.full(hourly, now),
        news=awaited(config),
    )


def scheduled_life(state: TokenState, now: float) -> Life | None:
    """The life that the next refresh is scheduled by.

    1. With a token in memory: that of the sinks which hold it, or a newer live one that another
       replica wrote, whichever is due first.
    2. Without: the earliest due of the live ones that the sinks hold.
    """
    mine = None if state.token is None else state.token.life
    first = last = None
    for sink in state.sinks:
        life = sink.life
        if life is None or life is last:  # of many sinks most hold the same one
            continue
        last = life
        counts = life.alive(now) and (mine is None or not life.older(mine))
        if counts and (first is None or life.refresh < first.refresh):
            first = life
    return first or mine


def source_state(state: TokenState, now: float) -> SourceState:
    """What the source of this token is in, at `now`.

    Where attempts failed and another replica's fresh token has come since, nothing fails any more.
    """
    life = scheduled_life(state, now)
    settled = life is not None and now < life.refresh and state.stale is None
    if state.failures and not (settled and healthy(state, now)):
        had_one = life is not None or any(sink.life for sink in state.sinks)
        dead = had_one and (life is None or not life.alive(now))
        return SourceState.EXPIRED if dead else SourceState.FAILING
    if life is None:
        return SourceState.PENDING
    if not life.alive(now):
        return SourceState.EXPIRED
    return SourceState.FRESH if now < life.refresh else SourceState.DUE


_NEEDS_A_PERSON = frozenset(
    {
        Reason.CONFLICT,
        Reason.IMMUTABLE,
        Reason.INVALID,
        Reason.LOCKED,
        Reason.NOT_A_FILE,
        Reason.NOT_FOUND,
        Reason.PERMISSION,
        Reason.READ_ONLY,
        Reason.RENDERING,
    }
)


def sink_states(state: TokenState, now: float) -> list[SinkState]:
    """What each sink of this token is in, at `now`."""
    newest = scheduled_life(state, now)
    return [_sink_state(sink, newest, now) for sink in state.sinks]


def _sink_state(sink: SinkRecord, newest: Life | None, now: float) -> SinkState:
    if sink.fault is not None and sink.fault.reason in _NEEDS_A_PERSON:
        return SinkState.BLOCKED
    if sink.life is None:
        return SinkState.EMPTY
    if not sink.life.alive(now):
        return SinkState.EXPIRED
    behind = newest is not None and sink.life.older(newest)
    return SinkState.BEHIND if behind else SinkState.CURRENT


_WORST_LAST: tuple[SourceState | SinkState, ...] = (
    SourceState.FRESH,
    SinkState.CURRENT,
    SourceState.DUE,
    SinkState.BEHIND,
    SinkState.EMPTY,
    SourceState.PENDING,
    SourceState.FAILING,
    SinkState.BLOCKED,
    SourceState.EXPIRED,
    SinkState.EXPIRED,
)
_RANK = {str(state): rank for rank, state in enumerate(_WORST_LAST)}
TOKEN_STATES: tuple[str, ...] = tuple(
    dict.fromkeys(str(state) for state in _WORST_LAST if state is not SinkState.CURRENT)
)
"""Every state that a token as a whole can show, mildest first."""


def shown_state(state: TokenState, now: float) -> str:
    """What the token as a whole shows: the worst of its source and its sinks."""
    states = [str(source_state(state, now)), *map(str, sink_states(state, now))]
    worst = max(states, key=_RANK.__getitem__)
    return SourceState.FRESH if worst == SinkState.CURRENT else worst


def healthy(state: TokenState, now: float) -> bool:
    """Whether every sink holds a live token of ours."""
    return all(sink.life is not None and sink.life.alive(now) for sink in state.sinks)
