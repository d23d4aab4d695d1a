"""What was promised, checked at every step.

A law that is broken raises `Broken` with a sentence; the world's trace says how it came to it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NoReturn, final

from secret_refresher.config.model import TokenConfig
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.simulation.authority import Minted
from support.simulation.obstructions import Obstructions
from support.simulation.places import Place
from support.simulation.settings import Settings, earliest, latest, pause

SLACK = 12.0
"""Seconds that a round of the patrol, the floor and a few answers take at most, beside pauses."""
REPAIRS = 130.0
"""Seconds of the two longest pauses, of a fetch and of a sink, where no live token bounds them."""

APART = 2.0
"""Seconds by which two machines' clocks may differ, says the Secret sink."""
FORGOTTEN = 70.0
"""Seconds until what follows from a forged record that has died is over, a longest pause."""


class Broken(BaseException):
    """A promise was not kept. Nobody who catches exceptions catches it."""


@final
@dataclass(slots=True)
class Memory:
    """What one process knows of one token, as far as the laws need it."""

    fetching: bool = False
    granted: Minted | None = None
    scope: str = ""


@final
class Laws:
    """Judges; `now` is always on the timeline."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.obstructions = Obstructions()
        self.places: dict[str, Place] = {}
        self.forged: dict[str, float] = defaultdict(float)
        """Until when a forged record is believed, by token."""
        self.grants: dict[str, int] = defaultdict(int)
        self.reloads = 0
        self.jumps = 0
        """Of wall clocks."""
        self.starts = 0
        self.lives = 0.0
        self._earliest: dict[str, float] = {}
        self._leads: dict[str, float] = {}
        self._memories: dict[tuple[int, str], Memory] = defaultdict(Memory)

    def broken(self, sentence: str) -> NoReturn:
        """Says which."""
        raise Broken(sentence)

    def scopes(self, place: Place, token: TokenConfig) -> list[str]:
        """Whatever may stand in the way of this place."""
        found = ["all", f"token {token.name}", f"origin {token.token_url}", f"place {place.key}"]
        narrow = self.settings.tenders < 8  # few workers: a hanging API server holds files up too
        return found if place.is_file and not narrow else [*found, "api"]

    # --- fetching ------------------------------------------------------------------------------

    def fetch_begins(self, process: int, token: TokenConfig, now: float, off: float | None) -> None:
        """At most one at a time, and only for a reason.

        `off`: the wall clock less the true one since the process began; None if it has changed.
        """
        memory = self._memories[process, token.name]
        if memory.fetching:
            self.broken(f"two fetches of {token.name} at a time")
        memory.fetching = True
        scope = " ".join(token.request.scope)
        if token.name not in self.settings.caches and memory.scope in {"", scope}:
            self._justified(memory, token, now, off)
        memory.scope = scope

    def _justified(self, memory: Memory, token: TokenConfig, now: float, off: float | None) -> None:
        places = [place for place in self.places.values() if place.token == token.name]
        if self.believes_forged(token.name, now):
            return  # a newer token of ours, to all that can be seen
        granted = memory.granted
        if granted is not None:
            # Who took over another's plan, took it by that one's clock.
            young = self._young(granted, now + (APART if self.settings.machines > 1 else 0))
            if young and memory.scope == granted.scope:
                self.broken(
                    f"{token.name} is fetched at the age of {now - granted.issued:.1f} s"
                    f" of {granted.lifetime:.0f} with a live token in memory"
                )
        elif places and all(p.off == off and self._adoptable(p, token, now) for p in places):
            self.broken(f"{token.name} is fetched though all of its sinks hold a live token")

    def _adoptable(self, place: Place, token: TokenConfig, now: float) -> bool:
        held = place.seen
        if held is None or place.bad_since is not None or not place.intact:
            return False
        calm = now - max(place.last_bad, place.changed) > 30 and held.scope == " ".join(
            token.request.scope
        )
        return calm and self._young(held, now + APART + 1)

    def believes_forged(self, token: str, now: float) -> bool:
        """Whether somebody may think that there is a token which nobody was granted."""
        return self.forged[token] + FORGOTTEN > now

    def earliest(self, held: Minted) -> float:
        """Seconds of its life before which its refresh point is not."""
        return self._earliest.get(held.text, 0.0)

    def lead(self, held: Minted) -> float:
        """Seconds between the latest refresh point and its death, as that was drawn for it."""
        return self._leads.get(held.text, 0.0)

    def _young(self, held: Minted, now: float) -> bool:
        """Whether a token has not come to its refresh point, as that was drawn for it."""
        return now - held.issued < self.earliest(held) - 1

    def fetch_ends(
        self, process: int, token: TokenConfig, outcome: Outcome, minted: Minted | None, now: float
    ) -> None:
        """What came of it."""
        memory = self._memories[process, token.name]
        memory.fetching = False
        if isinstance(outcome.result, Grant):
            again = minted is not None and minted == memory.granted
            memory.granted = minted
            if minted is not None and not again:
                self._earliest[minted.text] = earliest(token, minted.lifetime)
                self._leads[minted.text] = (1 - latest(token, minted.lifetime)) * minted.lifetime
            self.grants[token.name] += not again
            self.lives += not again

    def forget(self, process: int, token: str) -> None:
        """A token was removed from a process's configuration, or its state was changed."""
        self._memories.pop((process, token), None)

    # --- consumers -----------------------------------------------------------------------------

    def turned_good(self, place: Place, token: TokenConfig, now: float, paid: float) -> None:
        """A place holds a live token again: soon enough?

        `paid`: since when every budget has allowed what is urgent.
        """
        since = place.bad_since
        assert since is not None
        place.bad_since, place.last_bad = None, now
        begin = max(since, place.forged_until, paid)
        clear = self.obstructions.clear(self.scopes(place, token), begin, now)
        allowed = REPAIRS + SLACK
        if clear > allowed:
            self.broken(
                f"{place.key} has no live token for {now - since:.0f} s, {clear:.0f} of them with"
                f" nothing in the way ({allowed:.0f} are allowed)"
            )

    def expired(self, place: Place, token: TokenConfig, held: Minted, paid: float) -> None:
        """A consumer sees a token die: was there time to replace it?

        `paid`: since when every budget has allowed what is not urgent.
        """
        now, life = held.expires, held.lifetime
        scopes = self.scopes(place, token)
        if place.forged_until > now - life:
            return
        lead = self.lead(held)
        if token.name in self.settings.caches:
            lead = life / 4  # before, its server hands the same one out
        begin = max(now - lead, place.last_bad, paid)
        clear = self.obstructions.clear(scopes, begin, now, lead=lead)
        needed = 2 * pause(life) + 3 + 20 * self.settings.latency
        if token.name in self.settings.caches:
            needed = max(needed, lead - 1)
        if clear > needed:
            self.broken(
                f"{place.key} holds a token that died, with {clear:.1f} s of its lead of"
                f" {lead:.1f} s without anything in the way ({needed:.1f} are needed)"
            )
        last = life / 10 + pause(life)
        room = life / 20 > 3 + 20 * self.settings.latency
        whole = last <= self.obstructions.clear(scopes, now - last, now, slow_lane=False, lead=lead)
        if room and whole and begin <= now - last and token.name not in self.settings.caches:
            self.broken(f"{place.key} holds a token that died with its last tenth clear")

    def wrote(self, place: Place) -> None:
        """A write of ours needs a new token, somebody else's doing, or a new configuration."""
        place.written += 1
        machines = self.settings.machines
        doings = place.disturbed + self.reloads + self.jumps
        most = self.grants[place.token] + doings * machines + self.starts
        if place.written > most:
            self.broken(f"{place.key} is written {place.written} times, for {most} reasons")
