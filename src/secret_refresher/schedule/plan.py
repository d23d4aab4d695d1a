"""When in its life a token is refreshed, and what may shift that.

Every function is pure: seconds in, seconds out, and randomness as a `draw` from [0, 1).
"""

from __future__ import annotations

from secret_refresher.config.model import Refresh
from secret_refresher.tokens.token import Life

EARLIEST_LATEST = 0.5
"""However long the lead must be, half of a life is always used."""
FLOOR = 10.0
"""Seconds that lie between two successful fetches of a token that lives long enough."""


def lead(refresh: Refresh, propagation: float) -> float:
    """Seconds before expiry by which every consumer should have the next token.

    `propagation` is how late, in seconds, the slowest sink shows a change to its readers.
    """
    return max(refresh.min_lead, propagation)


def refresh_after(lifetime: float, refresh: Refresh, propagation: float, draw: float) -> float:
    """Seconds after issue at which a token that lives `lifetime` seconds is refreshed.

    1. The latest point is `refresh.at` of the life, or earlier where the lead asks for it, but
       never before half of the life.
    2. The point is drawn evenly from [latest - jitter, latest) of the life, so that tokens
       fetched together drift apart.

    It is drawn once a token and kept: drawing again would favour ever earlier points.
    """
    latest = max(EARLIEST_LATEST, min(refresh.at, 1 - lead(refresh, propagation) / lifetime))
    return lifetime * (latest - refresh.jitter * (1 - draw))


def floor(lifetime: float) -> float:
    """Seconds that must follow a successful fetch that granted this much life."""
    return min(FLOOR, lifetime / 4)


def same_token(known: Life, granted: Life, now: float) -> Life:
    """The life of a token that the server handed out a second time.

    A caching server may repeat the first `expires_in` with it; the token dies no later for
    that, so the earlier of the two expiries holds as long as the known one is not past. The
    refresh point moves to the same share of what remains.
    """
    if not known.alive(now):
        return granted
    expires = min(known.expires, granted.expires)
    share = (granted.refresh - granted.issued) / granted.length
    return Life(
        issued=known.issued,
        refresh=now + share * max(0.0, expires - now),
        expires=expires,
        issued_at=known.issued_at,
    )


def attempt_timeout(timeout: float, life: Life | None, now: float) -> float:
    """Seconds that one attempt may take.

    An answer that hangs must leave time for another attempt while the old token lives, so at
    most half of the remaining life is spent on one; a dead token gets the whole time-out.
    """
    if life is None or not life.alive(now):
        return timeout
    return min(timeout, max(1.0, life.remaining(now) / 2))
