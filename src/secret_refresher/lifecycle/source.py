"""What the end of a fetch means for a token."""

from __future__ import annotations

from dataclasses import replace

from secret_refresher.config.fingerprint import source_fingerprint, source_section
from secret_refresher.config.model import State, TokenConfig
from secret_refresher.errors import Fault, Reason
from secret_refresher.lifecycle import events, notify
from secret_refresher.lifecycle.state import SinkRecord, TokenState, scheduled_life
from secret_refresher.schedule import backoff, plan
from secret_refresher.tokens.token import Grant, Life, Token

_DEAD_ON_ARRIVAL = Fault(
    Reason.BAD_ANSWER,
    "the token had expired before the answer arrived",
    "ask the server's owner for a longer life, or look for what delays its answers",
)


def fetch_ended(
    state: TokenState, event: events.FetchEnded, now: float, draw: float
) -> tuple[TokenState, list[events.Notice]]:
    """An attempt came back; `draw` is from [0, 1)."""
    notices: list[events.Notice] = []
    if event.credentials not in {None, state.credentials}:
        if state.credentials is not None:
            notices.append(events.CredentialsReloaded())
        state = replace(state, credentials=event.credentials)
    if state.budget is not None:
        state = replace(state, budget=state.budget.spend(event.requests, now))
    if state.config.state is State.ABSENT:  # since it was asked for; nobody wants it any more
        return _unwanted(state, event, now), notices
    result = event.result
    if isinstance(result, Grant) and now >= result.issued + result.lifetime:
        result = _DEAD_ON_ARRIVAL
    if isinstance(result, Fault):
        state, failed = _failed(state, result, event, now, draw)
        return state, [*notices, failed]
    state, fetched = _granted(state, result, event, now, draw)
    return state, [*notices, fetched]


def _unwanted(state: TokenState, event: events.FetchEnded, now: float) -> TokenState:
    """What is not wanted tells all the same how soon the server may be asked again."""
    result = event.result
    if isinstance(result, Grant):
        return replace(state, fetching=False, rest=now + plan.floor(result.lifetime))
    retry = now + asked_for(result, event.config, state.config)
    return replace(state, fetching=False, retry=retry)


def _failed(
    state: TokenState, fault: Fault, event: events.FetchEnded, now: float, draw: float
) -> tuple[TokenState, events.Notice]:
    failures = state.failures + 1
    life = scheduled_life(state, now)
    wait = backoff.wait(fault, failures, life, now, draw, began=state.asked)
    if not _wanted_still(event, state):
        # It says nothing of the source that is wanted now, which has had its own spread.
        wait = min(
            wait, max(asked_for(fault, event.config, state.config), (state.stale or 0) - now)
        )
    state = replace(state, fetching=False, failures=failures, fault=fault, retry=now + wait)
    left = 0.0 if life is None else life.remaining(now)
    return state, events.FetchFailed(state.attempts, fault, failures, wait, left)


def _granted(
    state: TokenState, grant: Grant, event: events.FetchEnded, now: float, draw: float
) -> tuple[TokenState, events.Notice]:
    source = source_fingerprint(event.config)
    life = _life(grant, state, draw)
    known = state.token
    again = known is not None and known.access_token == grant.access_token
    if known is not None and again and known.source == source:
        token = known.living(plan.same_token(known.life, life, now))
        held = tuple(_follow(sink, known.life, token.life) for sink in state.sinks)
    else:
        token = Token(grant.access_token, grant.token_type, grant.scope, life, source)
        held = state.sinks
    if known is not None and again:
        state = notify.same_again(state, known.life, token.life)
    fetched = events.Fetched(
        state.attempts, token.life, again, state.failures, event.used_previous_secret
    )
    state = replace(
        state,
        fetching=False,
        token=token,
        sinks=held,
        stale=None if _wanted_still(event, state) else state.stale,
        # By what is left of a token that was handed out again: whoever caches tokens may renew
        # them shortly before they expire.
        rest=now + plan.floor(token.life.expires - grant.issued),
        failures=0,
        retry=0.0,
        fault=None,
    )
    return state, fetched


def _wanted_still(event: events.FetchEnded, state: TokenState) -> bool:
    """Whether the source that was asked is the one of the present configuration."""
    asked, wanted = event.config, state.config
    return asked is wanted or source_section(asked) == source_section(wanted)


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


def hurry(state: TokenState, now: float) -> TokenState:
    """Leaves the pause after a failure, but for the server's own lower bound."""
    if state.fault is None or state.fetching:
        return state
    return replace(state, retry=min(state.retry, now + (state.fault.retry_after or 0.0)))


def not_before(state: TokenState, config: TokenConfig, now: float) -> float:
    """The instant before which the server wants no request, when all else is forgotten."""
    if state.config.asked_at != config.asked_at:
        return 0.0
    if state.fault is None:  # then no other pause is kept
        return state.retry
    return min(state.retry, now + asked_for(state.fault, state.config, config))


def asked_for(fault: Fault | None, old: TokenConfig, new: TokenConfig) -> float:
    """Seconds that the server asked for by Retry-After; another server did not."""
    if fault is None or old.asked_at != new.asked_at:
        return 0.0
    return fault.retry_after or 0.0
