"""Looks at sinks: may we write there, and what is in them now?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from secret_refresher.config.model import State, TokenConfig
from secret_refresher.doctor.check import Check, failed, fine, warned
from secret_refresher.errors import Trouble
from secret_refresher.ports import Clock, Finding, Held
from secret_refresher.tokens.moments import rfc3339
from secret_refresher.tokens.token import Life


class Place(Protocol):
    """A sink that can be looked at while a daemon is at work there."""

    @property
    def kind(self) -> str:
        """`file` or `secret`."""
        ...

    @property
    def target(self) -> str:
        """Which one, for people."""
        ...

    def examine(self, source: str) -> Finding:
        """What it holds; nothing is changed. Raises `Trouble` where it could not be written."""
        ...


def look_at_sinks(
    token: TokenConfig, sinks: Sequence[Place], source: str, clock: Clock
) -> Iterator[Check]:
    """Every sink of a token; `source` is the fingerprint that its record must have."""
    for sink in sinks:
        try:
            finding = sink.examine(source)
        except Trouble as trouble:
            yield failed(token.name, f"look at {sink.kind} {sink.target}", trouble.fault)
            continue
        yield _told(token, f"look at {sink.kind} {sink.target}", finding, clock)


def _told(token: TokenConfig, tried: str, finding: Finding, clock: Clock) -> Check:
    name, life = token.name, finding.life
    if token.state is State.ABSENT:
        if finding.held is Held.NOTHING:
            return fine(name, tried, "it is gone, as the configuration asks")
        return fine(name, tried, "it may be cleared of what is ours")
    if life is not None:
        return _aged(name, tried, life, clock.now())
    if finding.held is Held.NOTHING:
        return fine(name, tried, "there is nothing yet, and it may be written")
    return warned(
        name,
        tried,
        "it holds something that this daemon did not write, or wrote for another source",
        "a daemon would replace it with a token; if somebody else needs it, choose another place",
    )


def _aged(name: str, tried: str, life: Life, now: float) -> Check:
    until = rfc3339(life.expires_at)
    if not life.alive(now):
        return warned(
            name,
            tried,
            f"it holds a token that died at {until}",
            "is the daemon running? Its log and /metrics say why it could not replace it",
        )
    if now >= life.refresh:
        return warned(
            name,
            tried,
            f"it holds a token that lives until {until}, and that was due for replacement at"
            f" {rfc3339(life.refresh_at)}",
            "is the daemon running? Its log and /metrics say what holds it up",
        )
    return fine(name, tried, f"it holds a live token until {until}")
