"""Takes part in an election, on a thread of its own that nothing else can hold up."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import final

from secret_refresher.adapters.kubernetes.access import Access, load
from secret_refresher.adapters.kubernetes.api import TIMEOUT, Api
from secret_refresher.adapters.kubernetes.leases import Leases
from secret_refresher.config.election import Election
from secret_refresher.config.model import Kubernetes
from secret_refresher.election.campaign import Campaign
from secret_refresher.election.shards import shard_of
from secret_refresher.election.terms import Terms, Turn
from secret_refresher.errors import whereabouts
from secret_refresher.ports import Clock, Defect

_LONGEST_WAIT = 0.5
"""Of retryPeriod. Waits do not count suspend, the clock does."""
_LONGEST_MANAGER = 128
_LONGEST_HOST = 200


@final
class Elector:
    """Drives a campaign; implements `ports.Fence`.

    Its connection is its own, and each request is given up early enough for another within
    renewDeadline. `hear` is told what happens, `defect` what ought not to, both on this thread.
    `who` (ten hexadecimal digits) is drawn where it is not given; `thread` and `event` are for
    those who have another time than the machine's.
    """

    def __init__(
        self,
        election: Election,
        settings: Kubernetes,
        clock: Clock,
        access: Access,
        *,
        who: str | None = None,
        thread: type[threading.Thread] = threading.Thread,
        event: type[threading.Event] = threading.Event,
    ) -> None:
        terms = Terms(
            settings.owner,
            election.shards,
            election.lease_duration,
            election.renew_deadline,
            election.retry_period,
        )
        who = who or secrets.token_hex(5)
        self._clock = clock
        self._shards = election.shards
        self._retry = election.retry_period
        timeout = min(election.retry_period, election.renew_deadline / 3)
        self.write_timeout = min(TIMEOUT, election.margin / 1.5)
        """Seconds for one write to a Secret; with half of it for connecting, it is over, whatever
        comes of it, before another replica may begin."""
        self._leases = Leases(
            Api(access, clock, timeout),
            election.name,
            election.namespace,
            manager=settings.field_manager,
            creator=f"{settings.field_manager[: _LONGEST_MANAGER - 11]}-{who}",
        )
        self._campaign = Campaign(terms, who, _host())
        self._until: Mapping[int, float] = {}
        self._posted: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake = event()
        self._make_thread = thread
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.ready = False
        """Whether this replica takes part: it holds the first Lease, or sees it."""

    def open(self, token: str) -> bool:
        """Whether a token may be acted for at this moment; from any thread."""
        until = self._until.get(shard_of(token, self._shards))
        return until is not None and self._clock.now() < until

    def start(self, hear: Callable[[Turn], None], defect: Callable[[Defect], None]) -> None:
        """Begins."""
        load()
        self._thread = self._make_thread(
            target=self._run, args=(hear, defect), name="election", daemon=True
        )
        self._thread.start()

    def vacated(self, shard: int) -> None:
        """Nothing is done any more for the tokens of a shard that was to be left."""
        self._post(lambda: self._campaign.vacated(shard))

    def stop(self, seconds: float) -> None:
        """Gives back what it has; waits for that no longer than so many seconds."""
        if self._thread is not None:
            self._post(self._stop)
            self._thread.join(seconds)

    # --- on its thread -------------------------------------------------------------------------

    def _post(self, act: Callable[[], None]) -> None:
        self._posted.put(act)
        self._wake.set()

    def _stop(self) -> None:
        self._stopping = True
        self._campaign.stop(self._clock.wall())

    def _run(self, hear: Callable[[Turn], None], defect: Callable[[Defect], None]) -> None:
        while True:
            try:
                wait = self._turn(hear)
            except Exception as met:  # noqa: BLE001 - the fence shuts by itself; try again
                defect(Defect(whereabouts(met)))
                wait = self._retry
            if self._stopping and wait > 0:
                return
            if wait > 0:
                self._wake.wait(wait)

    def _turn(self, hear: Callable[[Turn], None]) -> float:
        """One request, if there is one to make; seconds until it is worth coming again."""
        self._wake.clear()
        while not self._posted.empty():
            self._posted.get()()
        campaign, clock = self._campaign, self._clock
        ask = campaign.next(clock.now(), clock.wall())
        self._show(hear)
        if ask is None:
            return max(0.001, min(_LONGEST_WAIT * self._retry, campaign.wait(clock.now())))
        sent = clock.now()
        outcome = self._leases.ask(ask)
        campaign.answered(ask, outcome, sent, clock.now())
        self._show(hear)
        return 0.0

    def _show(self, hear: Callable[[Turn], None]) -> None:
        """The fence first: who hears that a shard is ours may act at once."""
        self._until = self._campaign.until()
        self.ready = self._campaign.observed()
        for turn in self._campaign.turns():
            hear(turn)


def _host() -> str:
    """The pod, for people who look at a Lease."""
    return re.sub("[^-A-Za-z0-9.]", "-", socket.gethostname())[:_LONGEST_HOST] or "unknown"
