"""What a replica knows of all shards and replicas, and what may be taken or ought to be left."""

from __future__ import annotations

from typing import final

from secret_refresher.election.balance import Share, share
from secret_refresher.election.record import LeaseRecord
from secret_refresher.election.seat import Circle, Seat
from secret_refresher.election.shards import preference
from secret_refresher.election.terms import Terms

SETTLING = 6
"""leaseDurations for which a shard that nobody else wanted is kept, whatever balance asks."""
_PATIENT_ROUNDS = 2
"""Rounds for which a shard is left to replicas that hold less than their share."""


@final
class Contest:
    """Every seat, and the circle of replicas. `who`, `me`: this replica, short and as a holder."""

    def __init__(self, terms: Terms, who: str, me: str) -> None:
        self._terms = terms
        self._who = who
        self._me = me
        self._count: tuple[str, int | None] = ("", None)
        self._counted = 0.0
        self.seats = [Seat(shard) for shard in range(terms.shards)]
        self.circle = Circle()

    @property
    def first(self) -> LeaseRecord | None:
        """What stands on the first Lease, where it is ours to compete for, or to wait for."""
        found = self.seats[0].record
        return found if found is not None and found.owner == self._terms.owner else None

    @property
    def agreed(self) -> bool:
        """Whether the count of shards on the first Lease is ours."""
        return self.first is not None and self.first.shards == self._terms.shards

    def observe(self, seat: Seat, found: LeaseRecord | None, now: float) -> None:
        """Takes a Lease as it was read; None where there is none."""
        seat.observe(found, now)
        if seat.shard == 0:
            count = ("", None) if found is None else (found.uid, found.shards)
            if found is None or count != self._count:
                self._count, self._counted = count, now
            if found is not None:
                self.circle.observe(found, now)

    def refused(self) -> bool:
        """Whether the right to some Lease is missing."""
        return any(seat.refused for seat in self.seats)

    def others_wait(self, now: float) -> bool:
        """Whether live replicas have another count of shards than we have."""
        live = self.circle.live(now, self._terms.lease_duration).values()
        return any(said.shards != self._terms.shards for said in live)

    def peers(self, now: float) -> set[str]:
        """The live replicas of our count, this one among them."""
        live = self.circle.live(now, self._terms.lease_duration)
        return {self._who} | {
            who for who, said in live.items() if said.shards == self._terms.shards
        }

    def silent(self, now: float) -> dict[str, str]:
        """Words of replicas that have said nothing for leaseDuration, by id."""
        return self.circle.silent(now, self._terms.lease_duration, self._who)

    def free_at(self, seat: Seat) -> float:
        """When a shard may be taken, if its Lease stays as it is; endless while it may not."""
        patience = self._terms.lease_duration
        if seat.record is not None and not seat.record.transitions:
            patience = max(patience, self.circle.most_patient())
        return seat.free_at(self._terms.owner, self._me, patience)

    def may_change(self, now: float) -> bool:
        """Whether the count of shards may be made ours: nobody can act under the present one.

        Where somebody has removed it, nobody has been sure of it since.
        """
        if self.agreed or self.free_at(self.seats[0]) > now:
            return False
        _, count = self._count
        if count is None:
            patience = max(self._terms.lease_duration, self.circle.most_patient())
            return now - self._counted >= patience
        return not self.circle.of_count(count, self._who)

    def choose(self, now: float) -> tuple[list[Seat], list[Seat]]:
        """The shards to take now, and those to leave; what is free is remembered.

        1. Balance says how many; see `balance.share`. 2. What is more than the least that
        everybody has is left, for a while, to those that have less. 3. What nobody has taken for
        leaseDuration is taken, whatever balance says.
        """
        held = dict.fromkeys(self.peers(now), 0)
        free = []
        for seat in self.seats:
            if seat.track(self.free_at(seat), now) and not seat.refused:
                free.append(seat)
            elif seat.tenure is None and seat.record is not None:
                who = seat.record.holder.rpartition("_")[2]
                if who in held and who != self._who:
                    held[who] += 1
        mine = [seat for seat in self.seats if seat.tenure is not None and not seat.leaving]
        held[self._who] = len(mine)
        wanted = share(self._who, held, self._terms.shards)
        spare = sorted((seat for seat in mine if seat.settled <= now), key=self._preference)
        return self._takes(free, len(mine), wanted, now), spare[: wanted.surplus]

    def _takes(self, free: list[Seat], mine: int, wanted: Share, now: float) -> list[Seat]:
        chosen: list[Seat] = []
        patience = _PATIENT_ROUNDS * self._terms.retry_period if wanted.others_first else 0.0
        for seat in sorted(free, key=self._preference, reverse=True):
            waited = now - seat.free_since
            within = len(chosen) < wanted.room and waited >= patience
            if mine + len(chosen) < wanted.floor or within:
                # Whoever is started in the place of a dead holder asks for its share while what
                # that one had is being adopted; to move it then would begin all of that again.
                if seat.fallen:
                    seat.settled = now + self._terms.lease_duration
                chosen.append(seat)
            elif waited >= self._terms.lease_duration:
                seat.settled = now + SETTLING * self._terms.lease_duration
                chosen.append(seat)
        return chosen

    def _preference(self, seat: Seat) -> bytes:
        return preference(self._who, seat.shard)
