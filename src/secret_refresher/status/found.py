"""The document of tokens that were found where they are published, without their daemon. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from secret_refresher.lifecycle.state import TOKEN_STATES, SinkState, SourceState
from secret_refresher.status.document import Document, SinkLine, TokenLine


@final
@dataclass(frozen=True, slots=True)
class Found:
    """One Secret: where it is, whose token it holds, and its life as it stands beside it.

    Instants are seconds since the epoch; all are None where what stands there tells no life.
    """

    target: str
    owner: str
    token: str
    issued: float | None = None
    refresh: float | None = None
    expires: float | None = None


def document(found: Iterable[Found], now: float) -> Document:
    """What can be said of them at `now`: whether they live, and whether a refresh is overdue.

    Why something fails only their daemon knows. Tokens of several daemons have its name before.
    """
    tokens: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for one in found:
        tokens[one.owner, one.token].append(one)
    several = len({owner for owner, _ in tokens}) > 1
    lines = [
        _line(f"{owner} {token}" if several else token, held, now)
        for (owner, token), held in tokens.items()
    ]
    lines.sort(key=_worst_first)
    counts = Counter(line.state for line in lines)
    return Document(
        now=now,
        total=len(lines),
        healthy=sum(line.healthy for line in lines),
        counts={state: counts[state] for state in reversed(TOKEN_STATES) if counts[state]},
        matching=len(lines),
        per=len(lines),
        tokens=tuple(lines),
    )


def _line(name: str, held: list[Found], now: float) -> TokenLine:
    newest = max((one.issued for one in held if one.issued is not None), default=None)
    sinks = [_sink(one, newest, now) for one in held]
    lives = [one for one in held if one.expires is not None]
    first = min(lives, key=lambda one: one.expires or 0.0, default=None)
    refresh = None if first is None else first.refresh
    states = {sink.state for sink in sinks}
    if SinkState.CURRENT in states and len(states) == 1:
        due = refresh is not None and refresh <= now
        state = str(SourceState.DUE if due else SourceState.FRESH)
    else:
        state = max(states - {SinkState.CURRENT}, key=TOKEN_STATES.index)
    return TokenLine(
        name=name or "(unnamed)",
        state=state,
        source="",
        healthy=all(one.expires is not None and now < one.expires for one in held),
        issued=None if first is None else first.issued,
        refresh=refresh,
        expires=None if first is None else first.expires,
        next=refresh,
        places=Counter(sink.state for sink in sinks),
        sinks=tuple(sorted(sinks, key=lambda sink: sink.target)),
    )


def _sink(one: Found, newest: float | None, now: float) -> SinkLine:
    if one.expires is None:
        state = SinkState.EMPTY
    elif one.expires <= now:
        state = SinkState.EXPIRED
    else:
        older = newest is not None and one.issued is not None and one.issued < newest
        state = SinkState.BEHIND if older else SinkState.CURRENT
    return SinkLine("secret", one.target, str(state), one.expires)


def _worst_first(line: TokenLine) -> tuple[bool, int, float, str]:
    expires = float("inf") if line.expires is None else line.expires
    return line.healthy, -TOKEN_STATES.index(line.state), expires, line.name
