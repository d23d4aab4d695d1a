"""One shard as a replica sees it: what stands on its Lease, since when, and what we have of it."""

from __future__ import annotations

from typing import final

from secret_refresher.election.asks import Seated
from secret_refresher.election.record import LeaseRecord, Member, member

NEVER = float("inf")


@final
class Seat:
    """What is known of one Lease; every instant is of the process's own clock.

    `seen`: when its pulse was first seen as it is. `free_since`: since when it could be taken.
    `tenure`: the number of transitions under which we hold it. `renewed`: when the last renewal
    that succeeded was sent. `acting`: our tokens' entries exist. `leaving`: they are being given
    up, `vacated`: they are gone. `releasing`: the tenure that is still to be taken off the Lease.
    `settled`: not given up for balance before this instant. `refused`: the right to it is missing.
    """

    __slots__ = (
        "acting",
        "free_since",
        "leaving",
        "record",
        "refused",
        "releasing",
        "renewed",
        "seen",
        "settled",
        "shard",
        "tenure",
        "vacated",
    )

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.record: LeaseRecord | None = None
        self.seen = 0.0
        self.free_since = NEVER
        self.tenure: int | None = None
        self.renewed = 0.0
        self.acting = False
        self.leaving = False
        self.vacated = False
        self.releasing: Seated | None = None
        self.settled = 0.0
        self.refused = False

    @property
    def fallen(self) -> bool:
        """Whether somebody stands on the Lease still; of a free one, somebody dead."""
        return self.record is not None and bool(self.record.holder)

    def observe(self, found: LeaseRecord | None, now: float) -> None:
        """Takes what was read; None where there is no such Lease."""
        before = self.record
        if found is None or before is None or found.pulse != before.pulse:
            self.seen = now
        self.record = found

    def drop(self) -> None:
        """We have it no more."""
        self.tenure = None
        self.acting = self.leaving = self.vacated = False

    def free_at(self, owner: str, me: str, patience: float) -> float:
        """When it may be taken, if it stays as it is; `NEVER` while it may not.

        1. A stranger's, never. 2. One that was released, or that stands in our name without our
        knowing of it, at once. 3. Any other, once nothing has been seen to change on it for as
        long as its holder, and we, want to be waited for. One that nobody has had is of that
        kind: its predecessor may have been deleted under a holder that does not know yet.
        """
        found = self.record
        if found is None or found.owner != owner or self.tenure is not None or self.releasing:
            return NEVER
        if found.holder == me or (not found.holder and found.transitions):
            return self.seen
        return self.seen + max(patience, found.duration)

    def track(self, free_at: float, now: float) -> bool:
        """Whether it may be taken now; remembers since when."""
        if free_at > now:
            self.free_since = NEVER
            return False
        self.free_since = min(self.free_since, now)
        return True


@final
class Circle:
    """The replicas that stand on the first Lease, each with its last word and since when."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words: dict[str, tuple[str, float]] = {}

    def observe(self, found: LeaseRecord, now: float) -> None:
        """Takes the words that were read."""
        known = self._words
        self._words = {
            who: known[who] if who in known and known[who][0] == word else (word, now)
            for who, word in found.members.items()
        }

    def live(self, now: float, patience: float) -> dict[str, Member]:
        """Those that have spoken lately."""
        return {
            who: said
            for who, (word, since) in self._words.items()
            if (said := member(word)) is not None and now - since < max(patience, said.patience)
        }

    def silent(self, now: float, patience: float, me: str) -> dict[str, str]:
        """The words of those that have not."""
        return {
            who: word
            for who, (word, since) in self._words.items()
            if who != me and now - since >= max(patience, _patience(word))
        }

    def of_count(self, shards: int | None, me: str) -> bool:
        """Whether anybody else stands there, silent or not, who may act under this count."""
        return any(
            said is None or said.shards == shards
            for who, (word, _) in self._words.items()
            if who != me
            for said in (member(word),)
        )

    def most_patient(self) -> float:
        """The longest leaseDuration that anybody there has."""
        return max((_patience(word) for word, _ in self._words.values()), default=0)


def _patience(word: str) -> float:
    said = member(word)
    return 0.0 if said is None else said.patience
