"""What was promised about asking, by one ledger for each token of each process.

The ledgers know what the simulated servers saw and what came back to the process, and nothing of
how the product reckons. Whatever they cannot judge fairly, they let pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from secret_refresher.config.model import TokenConfig
from support.simulation.authority import Minted

HOUR = 3600.0
LONGEST_RETRY_AFTER = 3600.0
"""Seconds that a server may ask for (DESIGN, Failure)."""
SPARE = 0.1
"""Requests more than an attempt needs, before it counts as allowed: views of a bucket differ."""
CLOCKS = 1.5
"""Seconds by which two views of a life's end differ: claims are whole, answers take a while."""


@final
@dataclass(slots=True)
class Bucket:
    """`hourly` requests an hour, half of them at once; never more in any hour (DESIGN, Failure)."""

    hourly: int
    level: float
    at: float

    @classmethod
    def full(cls, hourly: int, now: float) -> Bucket:
        """Nothing was taken from it."""
        return cls(hourly, float(max(1, hourly // 2)), now)

    @property
    def size(self) -> float:
        """What it holds."""
        return float(max(1, self.hourly // 2))

    @property
    def rate(self) -> float:
        """Requests a second that it gains, so that with a full bucket an hour has `hourly`."""
        return (self.hourly + 1 - self.size) / HOUR

    @property
    def reserve(self) -> int:
        """Requests that are kept for the last quarter of the lead, and for no live token."""
        return int(self.size) // 4

    def since(self, requests: float) -> float:
        """Since when it holds so many, or from when."""
        return self.at + max(0.0, requests - self.level) / self.rate

    def holds(self, now: float) -> float:
        """Requests that are left."""
        return min(self.size, self.level + (now - self.at) * self.rate)

    def take(self, now: float) -> None:
        """One has reached the server."""
        self.level, self.at = self.holds(now) - 1, now


@final
@dataclass(slots=True)
class Ledger:
    """One token as one process has asked for it; all instants are on the timeline.

    `later`: until when a server wants no request. `floor`: until when a success rules another fetch
    out. `failing`: since when, None after a success. `asked`: when the last attempt began; `used`
    what it read from the credential files; `sent` the secrets in its requests. `settled`: since
    when its configuration is what it is. `bucket` counts what reached a server; `wary` all that
    was sent, as who sends cannot know better. `held`: the token that was granted last.
    """

    fetching: bool = False
    asked: float = -1.0
    ended: float = -1.0
    later: float = 0.0
    floor: float = 0.0
    failing: float | None = None
    settled: float = 0.0
    bucket: Bucket | None = None
    wary: Bucket | None = None
    used: tuple[object, ...] = ()
    held: Minted | None = None
    sent: set[str] = field(default_factory=set)

    def begins(
        self,
        token: TokenConfig,
        now: float,
        used: tuple[object, ...],
        late: float,
        urgent: float,
    ) -> str | None:
        """An attempt begins; what is wrong with that.

        `late`: seconds of the way to a server. `urgent`: from when it may take from its reserve.
        """
        hourly = token.refresh.max_requests_per_hour
        if hourly is None:
            self.bucket = self.wary = None
        elif self.bucket is None or self.bucket.hourly != hourly:
            self.bucket, self.wary = Bucket.full(hourly, now), Bucket.full(hourly, now)
        self.fetching, self.asked, self.used = True, now, used
        self.sent.clear()
        if now < self.floor - 1e-6:
            return f"{token.name} is fetched {self.floor - now:.3f} s before its floor"
        bucket = self.bucket
        if bucket is not None:
            held, kept = bucket.holds(now), 0 if now >= urgent else bucket.reserve
            if held < 1 + kept - 1e-6 - 2 * late * bucket.rate:
                left = f"{held:.2f} requests in its budget, {kept} of them kept"
                return f"{token.name} is fetched with {left}"
        return None

    def sends(self, secret: str, now: float) -> None:
        """A request is about to be sent."""
        self.sent.add(secret)
        if self.wary is not None:
            self.wary.take(now)

    def arrives(self, token: str, now: float) -> str | None:
        """A request has come to a server; what is wrong with that."""
        if self.bucket is not None:
            self.bucket.take(now)
        if now < self.later - 1e-6:
            return f"{token} asks {self.later - now:.1f} s before its server wants to be asked"
        return None

    def waits(self, seconds: float, now: float) -> None:
        """A process has read that it shall not come back for so long."""
        self.later = max(self.later, now + min(seconds, LONGEST_RETRY_AFTER))

    def granted(self, lifetime: float, now: float) -> None:
        """An attempt has succeeded."""
        self.fetching, self.ended, self.failing = False, now, None
        self.floor = now + min(10.0, lifetime / 4)

    def failed(self, now: float) -> None:
        """An attempt has failed."""
        self.fetching, self.ended = False, now
        self.failing = now if self.failing is None else self.failing

    def paid(self, *, urgent: bool) -> float:
        """Since when its budget has allowed an attempt, or from when it will."""
        bucket = None if self.bucket is None else self.wary
        if bucket is None:
            return 0.0
        return bucket.since(SPARE + (1 if urgent else 1 + bucket.reserve))

    def allowed(self, now: float, *, urgent: bool = False) -> bool:
        """Whether neither a server nor the budget rules an attempt out."""
        return now >= max(self.later, self.paid(urgent=urgent))
