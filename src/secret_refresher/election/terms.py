"""What an election is about, how asks of it end, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import final

from secret_refresher.election.move import Move
from secret_refresher.election.record import LeaseRecord
from secret_refresher.errors import Fault


@final
@dataclass(frozen=True, slots=True)
class Terms:
    """The configuration of a replica; times in seconds, `owner` as in `kubernetes.owner`."""

    owner: str
    shards: int
    lease_duration: float
    renew_deadline: float
    retry_period: float

    @property
    def patience(self) -> int:
        """`lease_duration` as a Lease has it, in whole seconds."""
        return math.ceil(self.lease_duration)


@final
@dataclass(frozen=True, slots=True)
class Found:
    """An ask was answered with the Lease as it is now."""

    record: LeaseRecord


@final
class No(Enum):
    """Other answers that are none to worry about."""

    MISSING = "missing"
    """There is no such Lease."""
    CHANGED = "changed"
    """It is not what it was: a test failed, and nothing was changed."""


Outcome = Found | No | Fault
"""How an ask ended."""


@final
@dataclass(frozen=True, slots=True)
class Moved:
    """One shard has moved; `because` says why it was lost, or why it is left."""

    shard: int
    move: Move
    because: str = ""


@final
@dataclass(frozen=True, slots=True)
class Troubled:
    """Something keeps this replica from taking part; None: not any more."""

    fault: Fault | None


Turn = Moved | Troubled
