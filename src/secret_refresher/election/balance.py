"""How many shards each replica holds: as many as balance asks, and no more moves than that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Share:
    """What balance asks of one replica: to give up `surplus` shards, or to take `room` more.

    `others_first`: some other replica holds less than its share, so what is above `floor` is
    left to it for a while.
    """

    floor: int
    room: int
    surplus: int
    others_first: bool


def share(me: str, held: Mapping[str, int], shards: int) -> Share:
    """The share of `me`, where `held` has every live replica, itself included.

    Everybody holds floor(shards / replicas), and shards % replicas of them one more. Whoever is
    first by its id keeps the one more; it is given up only where somebody has less than the
    floor, so that nothing moves without need.
    """
    floor, more = divmod(shards, len(held))
    ceiling = floor + bool(more)
    mine = held[me]
    lacking = any(count < floor for who, count in held.items() if who != me)
    surplus = max(0, mine - ceiling)
    if more and not surplus and mine == ceiling and lacking:
        full = sorted(who for who, count in held.items() if count >= ceiling)
        surplus = int(full.index(me) >= more)
    return Share(floor, max(0, ceiling - mine), surplus, lacking)
