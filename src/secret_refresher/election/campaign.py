"""One replica's part in an election: which request comes next, and what its answer means.

It makes no request and reads no clock: a driver asks for `next`, makes that one request, and hands
the outcome to `answered` together with the instant before it was sent. Any order of answers, loss
and delay can thus be tried on a simulated API server.

What keeps two replicas from acting for one token at the same time:

1. A shard is acted for only while `now < renewed + renewDeadline`, where `renewed` is the instant
   before the last renewal that succeeded was sent. The Lease changed after that instant, and
   nobody else takes it before having seen it unchanged for leaseDuration, which is longer.
2. A shard is acted for only while `now < sure + renewDeadline` as well, where `sure` is likewise
   the instant before our last word on the first Lease was sent, and the answer had our count of
   shards. The count is changed only in a version of that Lease on which no replica of the old
   count stands, and a word is removed by others only once it has been the same for leaseDuration.

So nothing is compared with a remote clock, and what matters is only that seconds are equally long
everywhere.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import final

from secret_refresher.election import asks
from secret_refresher.election.asks import Ask, Seated, Why
from secret_refresher.election.contest import Contest
from secret_refresher.election.move import Move
from secret_refresher.election.record import LeaseRecord, Member
from secret_refresher.election.seat import NEVER, Seat
from secret_refresher.election.terms import Found, Moved, No, Outcome, Terms, Troubled, Turn
from secret_refresher.errors import Fault, Lane, Reason

_COUNT_CHANGED = "the first Lease is gone, or has another count of shards"
_LATE = "it could not be renewed in time"
_YIELDING = "replicas with another count of shards wait, and the rights are theirs"
_BALANCE = "another replica is to have it, for balance"


@final
class Campaign:
    """The state of one replica; one thread only. `who`: ten hexadecimal digits, new each start."""

    def __init__(self, terms: Terms, who: str, host: str) -> None:
        self._terms = terms
        self._who = who
        self._host = host
        self._me = f"{host}_{who}"
        self._contest = Contest(terms, who, self._me)
        self._seats = self._contest.seats
        self._word: Member | None = None
        self._sure = -NEVER
        self._queue: deque[Ask] = deque()
        self._looking = False
        self._other = False
        """Something else was asked since the last renewals."""
        self._spoken = False
        """Our word was the last request: the first Lease is known as it is this moment."""
        self._round_at = -NEVER
        self._withdrawn = False
        self._stopping = False
        self._failed: Fault | None = None
        self._told: Fault | None = None
        self._turns: list[Turn] = []

    # --- what others may see -------------------------------------------------------------------

    def until(self) -> dict[int, float]:
        """Each shard that may be acted for, and the instant from which it may not any more."""
        return {seat.shard: self._until(seat) for seat in self._seats if seat.acting}

    def observed(self) -> bool:
        """Whether this replica takes part: it knows the first Lease, and may write them all."""
        return self._contest.first is not None and not self._contest.refused()

    def turns(self) -> list[Turn]:
        """What has happened since this was asked last."""
        turns, self._turns = self._turns, []
        return turns

    # --- what a driver does --------------------------------------------------------------------

    def next(self, now: float, wall: float) -> Ask | None:
        """The request to make now, if any; `wall` is only written."""
        self._settle(now)
        if self._stopping:
            return self._queue[0] if self._queue else None
        stamp = _stamp(wall)
        first = self._contest.first
        if self._spoken and first is not None and self._contest.may_change(now):
            self._queue.appendleft(self._take(0, first, stamp))
        elif self._queue and self._other and self._pressed(now):
            self._queue.extendleft(reversed(self._renewals(stamp)))
        self._spoken = False
        if not self._queue:
            self._queue.extend(self._given_up(stamp))
        if not self._queue and self._looking:
            self._looking = False
            self._queue.extend(self._decide(now, stamp))
            self._report()
            upcoming = map(self._contest.free_at, self._seats)
            self._round_at = min([self._round_at, *(at for at in upcoming if at > now)])
        if not self._queue and now >= self._round_at:
            self._round_at = now + self._terms.retry_period
            self._looking = True
            self._queue.extend(self._looks(stamp))
        return self._queue[0] if self._queue else None

    def wait(self, now: float) -> float:
        """Seconds until there is something to do without anything having happened."""
        ends = [self._until(seat) for seat in self._seats if seat.acting]
        return max(0.0, min([self._round_at, *ends]) - now)

    def answered(self, ask: Ask, outcome: Outcome, sent: float, now: float) -> None:
        """Takes the outcome of the request that `next` gave; `sent`: just before it was."""
        self._queue.popleft()
        self._other = self._other or ask.why not in {Why.BEAT, Why.RENEW}
        self._spoken = ask.why is Why.BEAT and isinstance(outcome, Found)
        seat = self._seats[ask.shard]
        match outcome:
            case Fault():
                self._fail(seat, outcome, now)
            case _ if ask.why in {Why.CLEAN, Why.LEAVE}:
                pass  # the next look says what became of it
            case No.CHANGED:
                if not self._stopping:
                    self._queue.appendleft(Ask(Why.READ, ask.shard))
            case No.MISSING:
                self._see(seat, None, now)
            case Found(record):
                self._see(seat, record, now)
                self._follow(ask.why, seat, record, sent)
        if ask.why is Why.RELEASE and (seat.refused or not isinstance(outcome, Fault)):
            seat.releasing = None  # without the right it has to grow stale
        self._settle(now)

    def vacated(self, shard: int) -> None:
        """The tokens of a shard that was to be left are gone."""
        self._seats[shard].vacated = self._seats[shard].leaving

    def stop(self, wall: float) -> None:
        """Nothing may be acted for from now on; what is ours is given back, each tried once."""
        self._stopping = True
        self._queue.clear()
        for seat in self._seats:
            self._part(seat)
        self._queue.extend(self._releases(_stamp(wall)))
        if self._word is not None:
            self._queue.append(asks.leave(self._who, self._word))

    # --- looking -------------------------------------------------------------------------------

    def _looks(self, stamp: str) -> list[Ask]:
        """What a round asks first: our word, renewals, the rest."""
        others = [Ask(Why.READ, seat.shard) for seat in self._seats[1:] if seat.tenure is None]
        return [*(self._renewals(stamp) or [Ask(Why.READ, 0)]), *others]

    def _renewals(self, stamp: str) -> list[Ask]:
        """Our word, and what is ours, the one before longest first; nothing without the Lease."""
        self._other = False
        if self._contest.first is None or self._withdrawn:
            return []
        plan = [self._beat(stamp)]
        for seat in sorted(self._seats[1:], key=lambda seat: seat.renewed):
            seated = self._seated(seat)
            if seated is not None:
                plan.append(asks.renew(seat.shard, self._terms.owner, seated, stamp))
        return plan

    def _pressed(self, now: float) -> bool:
        """Whether renewals cannot wait for what else this round asks, as with many shards.

        Where the API server is slow, they would come too late; one other request is made between.
        """
        held = [seat.renewed for seat in self._seats if seat.tenure is not None]
        return -NEVER < min(self._sure, *held, now) <= now - self._terms.renew_deadline / 2

    def _beat(self, stamp: str) -> Ask:
        terms = self._terms
        number = 1 if self._word is None else self._word.beat + 1
        self._word = Member(terms.shards, number, terms.patience, self._host)
        return asks.beat(terms.owner, self._who, self._word, self._seated(self._seats[0]), stamp)

    def _seated(self, seat: Seat) -> Seated | None:
        return None if seat.tenure is None else Seated(self._me, seat.tenure)

    def _see(self, seat: Seat, found: LeaseRecord | None, now: float) -> None:
        """Takes a Lease as it is; what we had of it may turn out to be another's."""
        seat.refused = False
        self._contest.observe(seat, found, now)
        if seat.tenure is not None:
            if found is None:
                self._lose(seat, "its Lease was deleted")
            elif found.owner != self._terms.owner:
                self._lose(seat, "its Lease is another installation's")
            elif (found.holder, found.transitions) != (self._me, seat.tenure):
                self._lose(seat, "another replica has taken it")
        if seat.shard == 0 and not self._contest.agreed:
            self._sure = -NEVER
            for each in self._seats:
                self._abandon(each, _COUNT_CHANGED)

    def _follow(self, why: Why, seat: Seat, found: LeaseRecord, sent: float) -> None:
        """What an answer means beyond what stands on the Lease."""
        match why:
            case Why.BEAT | Why.RENEW:
                if seat.tenure is not None:
                    seat.renewed = sent
                if why is Why.BEAT and self._contest.agreed:
                    self._sure = sent
            case Why.TAKE if found.holder == self._me:
                seat.tenure, seat.renewed = found.transitions, sent
                if self._sure == -NEVER:  # the count has become ours; be sure of it at once
                    self._queue.clear()
                    self._looking = False
                    self._round_at = -NEVER
            case Why.CREATE:
                self._round_at = -NEVER
            case Why.READ if seat.shard == 0 and self._contest.first and self._word is None:
                self._round_at = -NEVER  # there is a Lease of ours, so say our word
            case _:
                pass

    def _fail(self, seat: Seat, fault: Fault, now: float) -> None:
        """Without the right to one Lease the others go on; without an answer they wait as well."""
        self._failed = self._failed or fault
        if fault.reason is Reason.PERMISSION:
            seat.refused = True
        elif not self._stopping:
            self._queue.clear()
            self._looking = False
            self._round_at = now + self._terms.retry_period / 4
            self._report()

    def _report(self) -> None:
        """Tells what keeps us from taking part, once, and once that it is over."""
        failed, self._failed = self._failed or self._strange(), None
        if (failed and failed.summary) != (self._told and self._told.summary):
            self._told = failed
            self._turns.append(Troubled(failed))

    def _strange(self) -> Fault | None:
        for seat in self._seats:
            if seat.record is not None and seat.record.owner != self._terms.owner:
                return Fault(
                    Reason.CONFLICT,
                    f"the Lease of shard {seat.shard} belongs to another installation, or to"
                    " nobody known",
                    "give election.name a name of its own, or delete the Lease if nobody uses it",
                    Lane.PERMANENT,
                )
        return None

    # --- what is ours --------------------------------------------------------------------------

    def _until(self, seat: Seat) -> float:
        return min(seat.renewed, self._sure) + self._terms.renew_deadline

    def _settle(self, now: float) -> None:
        """Compares what we have with what we may act for, and tells what has changed."""
        for seat in self._seats:
            if seat.tenure is None:
                continue
            if now < self._until(seat):
                if not seat.acting:
                    seat.acting = True
                    self._turns.append(Moved(seat.shard, Move.TAKEN))
            elif seat.acting or now >= seat.renewed + self._terms.renew_deadline:
                self._abandon(seat, _LATE)

    def _lose(self, seat: Seat, because: str) -> None:
        """Another has it, or may have it soon."""
        if seat.acting:
            self._turns.append(Moved(seat.shard, Move.LOST, because))
        seat.drop()

    def _abandon(self, seat: Seat, because: str) -> None:
        """We may not act for it any more, though its Lease stands in our name.

        What we did act for is not given back: others wait for its Lease to grow stale, so that
        what we have sent to the API server has arrived or never will.
        """
        if seat.acting:
            self._lose(seat, because)
        else:
            self._part(seat)

    def _leave(self, seat: Seat, because: str) -> None:
        seat.leaving = True
        if seat.acting:
            self._turns.append(Moved(seat.shard, Move.LEAVING, because))
        else:
            seat.vacated = True

    def _part(self, seat: Seat) -> None:
        """From here on it is not acted for, and is to be taken off the Lease."""
        seat.releasing = self._seated(seat) or seat.releasing
        if seat.acting:
            self._turns.append(Moved(seat.shard, Move.RELEASED))
        seat.drop()

    def _given_up(self, stamp: str) -> list[Ask]:
        """Releases what was vacated, at once."""
        vacated = [seat for seat in self._seats if seat.vacated]
        for seat in vacated:
            self._part(seat)
        return self._releases(stamp) if vacated else []

    def _releases(self, stamp: str) -> list[Ask]:
        return [
            asks.release(seat.shard, seat.releasing, stamp)
            for seat in self._seats
            if seat.releasing is not None
        ]

    # --- deciding ------------------------------------------------------------------------------

    def _decide(self, now: float, stamp: str) -> list[Ask]:
        """What follows from a round's looks."""
        missing = [seat for seat in self._seats if seat.record is None and not seat.refused]
        if self._contest.first is None:
            return [self._create(seat) for seat in missing if seat.shard == 0]
        plan = [*map(self._create, missing), *self._releases(stamp)]
        if self._contest.refused() and self._contest.others_wait(now):
            plan += self._yield()
        else:
            self._withdrawn = False
            plan += self._compete(now, stamp)
        tidy = self._seats[0].tenure is not None or not self._contest.agreed
        silent = self._contest.silent(now) if tidy else {}
        return [*plan, asks.clean(silent)] if silent else plan

    def _compete(self, now: float, stamp: str) -> list[Ask]:
        """Who is not sure of the count could not act for what it takes, and leaves it to others."""
        if not self._contest.agreed or now >= self._sure + self._terms.renew_deadline:
            return []
        takes, leaves = self._contest.choose(now)
        for seat in leaves:
            self._leave(seat, _BALANCE)
        return [self._take(seat.shard, seat.record, stamp) for seat in takes if seat.record]

    def _take(self, shard: int, found: LeaseRecord, stamp: str) -> Ask:
        terms = self._terms
        return asks.take(
            shard,
            found,
            self._me,
            patience=terms.patience,
            shards=terms.shards,
            stamp=stamp,
        )

    def _yield(self) -> list[Ask]:
        """Gives everything up, and in the end our word: the rights have moved on without us."""
        busy = [seat for seat in self._seats if seat.tenure is not None or seat.releasing]
        for seat in busy:
            if seat.tenure is not None and not seat.leaving:
                self._leave(seat, _YIELDING)
        if busy or self._withdrawn or self._word is None:
            return []
        self._withdrawn = True
        return [asks.leave(self._who, self._word)]

    def _create(self, seat: Seat) -> Ask:
        return Ask(Why.CREATE, seat.shard, owner=self._terms.owner)


def _stamp(wall: float) -> str:
    """MicroTime, as Kubernetes writes it."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
