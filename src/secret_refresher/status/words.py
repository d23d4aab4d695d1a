"""States, spans and instants in words, for the page and for terminals."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from secret_refresher.status.document import Document, Election, Reload, TokenLine, Trouble

STATES: Mapping[str, str] = MappingProxyType(
    {
        "expired": "consumers have a dead token, or none",
        "blocked": "a sink needs a person",
        "failing": "fetching fails",
        "pending": "no token yet",
        "empty": "a sink holds no token yet",
        "behind": "a sink holds an older token that still lives",
        "due": "past its refresh point, being replaced",
        "fresh": "live in every sink",
        "absent": "to be removed from its sinks",
    }
)
"""What each state of a token means, worst first."""
_STEPS = ((100.0, 1.0, "s"), (6000.0, 60.0, "min"), (172800.0, 3600.0, "h"))


def span(seconds: float) -> str:
    """A length of time in whole units, cut rather than rounded: nobody has more than it says."""
    for below, unit, name in _STEPS:
        if seconds < below:
            return f"{int(max(0.0, seconds) / unit)} {name}"
    return f"{int(seconds / 86400)} d"


def when(instant: float, now: float) -> str:
    """An instant, seen from another."""
    away = instant - now
    if -1 < away < 1:
        return "now"
    return f"in {span(away)}" if away > 0 else f"{span(-away)} ago"


def count(number: int, noun: str) -> str:
    """`1 token`, `10,000 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def verdict(shown: Document) -> str:
    """How it is, in one sentence."""
    if not shown.total:
        election = None if shown.daemon is None else shown.daemon.election
        if election is not None and not election.held:
            return "This replica holds no shard, so it looks after no token."
        return "No token is configured." if not shown.counts else "No token is wanted."
    lacking = shown.total - shown.healthy
    if lacking:
        of = f"{lacking:,} of {count(shown.total, 'token')}"
        return f"{of} {'is' if lacking == 1 else 'are'} not live in every sink."
    if shown.total == 1:
        return "The token is live in every sink."
    return f"All {shown.total:,} tokens are live in every sink."


def urgency(trouble: Trouble, now: float) -> str:
    """Who suffers from it, or how long nobody will."""
    if trouble.where == "notify":
        if trouble.tokens == 1:
            return "The application has not heard of the newest token."
        return f"Applications of {trouble.tokens:,} tokens have not heard of the newest one."
    if trouble.suffering and trouble.suffering == trouble.tokens:
        if trouble.tokens == 1:
            return "Its consumers have no live token."
        return f"None of {trouble.tokens:,} tokens is live in every sink."
    if trouble.suffering:
        of = f"{trouble.suffering:,} of {trouble.tokens:,} tokens"
        told = f"{of} {'is' if trouble.suffering == 1 else 'are'} not live in every sink."
        if trouble.expires is not None:
            told += f" The next one dies in {span(trouble.expires - now)}."
        return told
    if trouble.expires is None:
        return "No consumer suffers from it."
    whose = "The old token lives" if trouble.tokens == 1 else "The old tokens live, the first"
    return f"{whose} for another {span(trouble.expires - now)}."


def plan(token: TokenLine, now: float) -> str:
    """What happens next to a token."""
    if token.fetching:
        return "being fetched"
    if token.next is None:
        return "nothing planned"
    what = "next attempt" if token.failure is not None else "refresh"
    return f"{what} {when(token.next, now)}"


def election(seen: Election) -> str:
    """Which shards a replica holds."""
    if seen.shards == 1:
        return "the leader" if seen.held else "on standby"
    held = ", ".join(str(one.shard) for one in seen.held)
    return f"holds {len(seen.held)} of {seen.shards}{': ' if held else ''}{held}"


def configuration(reload: Reload, now: float) -> str:
    """What became of the configuration that was read last."""
    if reload.taken:
        return f"taken {when(reload.at, now)}"
    return f"refused {when(reload.at, now)}; the one before is in force"
