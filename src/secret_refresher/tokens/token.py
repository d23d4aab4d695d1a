"""What a server granted, and how long it lives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from secret_refresher.tokens.secret import Secret

_SAME_INSTANT = 0.001
"""Seconds; written instants have milliseconds."""


@final
@dataclass(frozen=True, slots=True)
class Life:
    """The life of one token, on the process's clock.

    `issued`, `refresh` and `expires` are seconds of the process's clock (`Clock.now`), which
    ignores changes of the wall clock. `issued_at` is the wall clock (seconds since the epoch)
    at `issued`: it is shown and written, and tells a token that was read back from others; it
    never decides which of two is newer, as it may have been set back between them.
    """

    issued: float
    refresh: float
    expires: float
    issued_at: float

    @property
    def length(self) -> float:
        """Granted life in seconds."""
        return self.expires - self.issued

    @property
    def refresh_at(self) -> float:
        """The refresh point by the wall clock, seconds since the epoch."""
        return self.issued_at + (self.refresh - self.issued)

    @property
    def expires_at(self) -> float:
        """The expiry by the wall clock, seconds since the epoch."""
        return self.issued_at + (self.expires - self.issued)

    def remaining(self, now: float) -> float:
        """Seconds of life left at `now`; never negative."""
        return max(0.0, self.expires - now)

    def alive(self, now: float) -> bool:
        """Whether a consumer may still use the token at `now`."""
        return now < self.expires

    def same(self, other: Life) -> bool:
        """Whether both are of one token, which may have been read back from where it stands."""
        return abs(self.issued_at - other.issued_at) < _SAME_INSTANT

    def older(self, other: Life) -> bool:
        """Whether another token was issued later than this one."""
        return self.issued < other.issued


@final
@dataclass(frozen=True, slots=True)
class Grant:
    """A parsed successful answer of a token endpoint (RFC 6749 section 5.1).

    `issued` is when the request was about to be sent, by the process's clock, and `issued_at`
    the same instant by the wall clock; `lifetime` is in seconds from then.
    """

    access_token: Secret[str]
    token_type: str
    scope: str | None
    lifetime: float
    issued: float
    issued_at: float


@final
@dataclass(frozen=True, slots=True)
class Token:
    """An access token with its life; what is published.

    `source` is the fingerprint of the source section that it was asked for with, so that its
    record says where it came from even while the configuration has moved on.
    """

    access_token: Secret[str]
    token_type: str
    scope: str | None
    life: Life
    source: str

    def living(self, life: Life) -> Token:
        """The same token under another plan of its life."""
        return replace(self, life=life)
