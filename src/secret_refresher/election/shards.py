"""Which shard a token belongs to, and which Lease stands for a shard."""

from __future__ import annotations

import hashlib


def shard_of(name: str, shards: int) -> int:
    """The shard of a token, from 0, by rendezvous hashing (Thaler and Ravishankar, 1998).

    Equal in every process and version. One shard more takes only its own share from the others.
    """
    return max(range(shards), key=lambda shard: _weight(str(shard), name)) if shards > 1 else 0


def preference(member: str, shard: int) -> bytes:
    """By which a replica orders shards that are free; two seldom try the same one first."""
    return _weight(member, str(shard))


def lease_name(name: str, shard: int) -> str:
    """The first has the configured name itself, whatever the count of shards."""
    return name if shard == 0 else f"{name}-{shard}"


def _weight(left: str, right: str) -> bytes:
    return hashlib.blake2b(f"{left} {right}".encode(), digest_size=8).digest()
