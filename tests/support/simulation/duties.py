"""Attempts that must be made, and those that nobody else may hold up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, final

from secret_refresher.config.model import TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.errors import Fault, Reason
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.simulation.answers import retry_after_of
from support.simulation.asking import CLOCKS, Ledger
from support.simulation.authority import Minted
from support.simulation.settings import latest

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.transport import HttpAnswer
    from support.simulation.process import Process
    from support.simulation.wire import Sent
    from support.simulation.world import World

NOTICED = 3.0
"""Seconds until the patrol has noticed what has changed, and the attempt is under way."""


@final
class Duties:
    """Keeps the ledgers, and looks whether what had to be done was done."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledgers: dict[tuple[int, str], Ledger] = defaultdict(Ledger)
        self._ended: dict[tuple[int, str], float] = defaultdict(float)
        """When the last fetch from an origin ended in a process."""
        self._newest: dict[str, Minted] = {}

    def forget(self, process: int, token: str) -> None:
        """A token is no more in a process's configuration."""
        self._ledgers.pop((process, token), None)

    def settle(self, token: TokenConfig, before: TokenConfig | None) -> None:
        """The configuration of a token is another one; so may its budget be."""
        hourly = token.refresh.max_requests_per_hour
        other = before is None or hourly != before.refresh.max_requests_per_hour
        again = before is not None and before.state is not token.state
        for process in self._world.processes:
            ledger = self._ledgers[process.number, token.name]
            ledger.settled = self._now
            if again:  # memory has none any more
                ledger.held = None
            if other:
                ledger.bucket = None

    @property
    def _now(self) -> float:
        return self._world.timeline.now

    def _broken(self, sentence: str | None) -> None:
        if sentence is not None:
            self._world.laws.broken(sentence)

    # --- an attempt ------------------------------------------------------------------------------

    def begins(self, process: Process, token: TokenConfig) -> None:
        """An attempt begins: may it, and did it have to wait for somebody else's server?"""
        ledger = self._ledgers[process.number, token.name]
        used = self._files(token)
        late, urgent = self._world.settings.latency, self._urgent(token.name, ledger)
        self._broken(ledger.begins(token, self._now, used, late, urgent))
        entries = (e for e in process.engine.entries() if e.state.config.name == token.name)
        if (entry := next(entries, None)) is None:
            return
        waited = process.clock.now() - entry.state.asked
        origin = origin_of(token.token_url)
        since = self._now - waited
        queued = self._ended[process.number, origin] >= since or any(
            self._ledgers[process.number, other.name].fetching
            for other in self._world.config.tokens
            if other.name != token.name and origin_of(other.token_url) == origin
        )
        asleep = self._world.laws.obstructions.any(["all"], since, self._now)
        if waited > 1 + 3 * self._world.settings.latency and not queued and not asleep:
            self._broken(f"{token.name} waited {waited:.1f} s for another server's tokens")

    def _urgent(self, token: str, ledger: Ledger) -> float:
        """The earliest that the last quarter of the lead of the token in memory may begin."""
        held, world = ledger.held, self._world
        if held is None or self._newest.get(token) is not held:
            return 0.0
        if token in world.settings.caches or world.laws.believes_forged(token, self._now):
            return 0.0
        refresh = held.issued + world.laws.earliest(held)
        return (3 * held.expires + refresh) / 4 - CLOCKS - 4 * world.settings.latency

    def paid(self, token: str, *, urgent: bool) -> float:
        """Since when the budgets of all processes have allowed an attempt.

        Also that of a process that has just died, if it asked last.
        """
        known = {number: each for (number, name), each in self._ledgers.items() if name == token}
        here = [known[p.number] for p in self._world.processes if p.number in known]
        here += sorted(known.values(), key=lambda each: each.asked)[-1:]
        return max((each.paid(urgent=urgent) for each in here), default=0.0)

    def sends(self, process: Process, sent: Sent) -> None:
        """A request is about to be sent; whether it arrives is another matter."""
        if (ledger := self._ledger(process, sent)) is not None:
            ledger.sends(sent.get("client_secret", ""), self._now)

    def arrives(self, process: Process, sent: Sent) -> None:
        """A request has reached its server."""
        if (ledger := self._ledger(process, sent)) is not None:
            self._broken(ledger.arrives(sent["client_id"].removeprefix("client-"), self._now))

    def hears(self, process: Process, sent: Sent, got: HttpAnswer) -> None:
        """An answer has come back to who asked."""
        ledger = self._ledger(process, sent)
        if ledger is not None and (seconds := retry_after_of(got)) is not None:
            ledger.waits(seconds, self._now)

    def _ledger(self, process: Process, sent: Sent) -> Ledger | None:
        """None for a process that is no more, and for a token that it should not know any more."""
        key = process.number, sent.get("client_id", "").removeprefix("client-")
        return self._ledgers[key] if process.alive and key in self._ledgers else None

    def ends(
        self, process: Process, token: TokenConfig, outcome: Outcome, minted: Minted | None
    ) -> None:
        """An attempt has ended."""
        self._ended[process.number, origin_of(token.token_url)] = self._now
        if self._world.token(token.name) is None:  # since it was asked for
            self.forget(process.number, token.name)
        if (process.number, token.name) not in self._ledgers:
            return
        ledger, result = self._ledgers[process.number, token.name], outcome.result
        if isinstance(result, Fault):
            ledger.failed(self._now)
            self._tried_previous(token, ledger, result)
            return
        assert isinstance(result, Grant)
        known = self._newest.get(token.name)
        again = minted is not None and minted == known
        left = result.lifetime
        if minted and again:  # a little less than what is left of it, as servers say whole seconds
            left = minted.expires - self._now
            left = min(0.8 * left, left - 1)
        ledger.granted(max(0.0, left), self._now)
        ledger.held = minted
        if minted is not None and (known is None or minted.issued > known.issued):
            self._newest[token.name] = minted
            if token.name not in self._world.settings.caches:
                self._world.timeline.at(
                    minted.expires, partial(self._died, process, token, minted, ledger)
                )

    def _tried_previous(self, token: TokenConfig, ledger: Ledger, fault: Fault) -> None:
        """A server that knows no such client was asked with the previous secret too, if any."""
        if fault.reason is not Reason.INVALID_CLIENT or len(ledger.used) != len(_paths(token)):
            return
        current, *others = (
            content.strip().decode() for content in ledger.used if isinstance(content, bytes)
        )
        for other in others:
            if other and other not in ledger.sent and other != current:
                self._broken(f"{token.name} was refused, and not tried with the previous secret")

    # --- later -----------------------------------------------------------------------------------

    def _idle(self, process: Process, ledger: Ledger, token: str, since: float) -> bool:
        """Whether nothing that is none of its doing kept a process from asking since then."""
        world = self._world
        return (
            process.alive
            and not process.stopping
            and self._ledgers.get((process.number, token)) is ledger
            and ledger.settled < since
            and world.laws.forged[token] < since
            and not world.laws.obstructions.any(["all"], since - 15, self._now)
        )

    def _died(self, process: Process, token: TokenConfig, held: Minted, ledger: Ledger) -> None:
        """The token in memory dies: was there an attempt in its last tenth?"""
        last = held.expires - held.lifetime / 10
        late = CLOCKS + 4 * self._world.settings.latency
        queue = len(self._world.settings.tokens) * token.request.timeout
        room = held.lifetime / 20
        if ledger.bucket is not None:  # its reserve is for the last quarter of the lead
            room = min(room, self._world.laws.lead(held) / 4)
        if room < late + queue or self._newest.get(token.name) is not held:
            return
        if not self._idle(process, ledger, token.name, held.issued):
            return
        allowed = ledger.allowed(self._now - late - queue, urgent=True)
        if not allowed or ledger.later > last or ledger.fetching:
            return
        if process.machine.asleep > last - late:
            return
        if ledger.asked < last - late:
            self._broken(
                f"{token.name} died, last asked for {held.expires - ledger.asked:.0f} s before,"
                f" and not in its last {held.lifetime / 10:.0f} s"
            )

    def changed(self, token: TokenConfig) -> None:
        """Credential files have changed: who fails because of them tries again at once."""
        most = NOTICED + len(self._world.settings.tokens) * token.request.timeout
        most += 10 * self._world.settings.latency
        for process in self._world.processes:
            ledger = self._ledgers[process.number, token.name]
            if ledger.failing is not None and not ledger.fetching:
                check = partial(self._noticed, process, token, ledger, self._now)
                self._world.after(most, check)

    def _noticed(self, process: Process, token: TokenConfig, ledger: Ledger, since: float) -> None:
        newest = self._newest.get(token.name)
        elsewhere = newest is not None and newest.issued > (ledger.failing or 0.0)
        if not self._idle(process, ledger, token.name, since) or elsewhere:
            return
        same = self._files(token) == ledger.used
        if ledger.asked >= since or ledger.failing is None or same:
            return
        if process.machine.asleep > since or self._needless(token):
            return
        if ledger.allowed(since) and ledger.settled < ledger.failing:
            self._broken(f"{token.name} is not asked for with the credentials of {since:.1f}")

    def _needless(self, token: TokenConfig) -> bool:
        """Whether the newest token is not due: what failed was for a forged one, or an older."""
        newest = self._newest.get(token.name)
        if newest is None or newest.scope != " ".join(token.request.scope):
            return False
        return self._now - newest.issued < latest(token, newest.lifetime) * newest.lifetime

    def _files(self, token: TokenConfig) -> tuple[object, ...]:
        return tuple(self._contents(token))

    def _contents(self, token: TokenConfig) -> Iterator[object]:
        for path in _paths(token):
            yield self._world.mounts.files.get(path)


def _paths(token: TokenConfig) -> list[str]:
    """The secret's file, and that of the one before it."""
    before = token.auth.previous_client_secret_file
    return [token.auth.client_secret_file, *([before] if before is not None else [])]
