"""Consumers: each place is read whenever something may have been written there."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, final

from secret_refresher.config.model import TokenConfig
from support.simulation.authority import Minted
from support.simulation.disk import Disk
from support.simulation.places import Place, places_of, token_in

if TYPE_CHECKING:
    from support.simulation.world import World


@final
class Readers:
    """Who reads what there is in the places, and has the laws judge it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.minted: dict[str, Minted] = {}
        """Every token that a server has issued, by its text."""
        self.planted: dict[str, str] = {}
        """What others have put somewhere, by text: the only place where it may be seen."""
        self.copies: dict[str, tuple[Any, Any]] = {}
        """Of what a place once held, for those who put it back."""
        self._disks: dict[str, Disk] = {}

    def drop(self, name: str) -> None:
        """A token's places are nobody's any more."""
        for key in [key for key, place in self._world.laws.places.items() if place.token == name]:
            del self._world.laws.places[key]

    def add(self, token: TokenConfig) -> None:
        """The places of a token that are new; those that it has no more are nobody's."""
        places = self._world.laws.places
        wanted = {place.key: place for place in places_of(token, self._world.timeline.now)}
        for key in [
            key for key, p in places.items() if p.token == token.name and key not in wanted
        ]:
            del places[key]
        for key, place in wanted.items():
            old = places.setdefault(key, place)
            if old is not place and old.spec != place.spec:
                places[key] = place
            if places[key] is place:  # a copy of another rendering is nothing of ours
                self.copies.pop(key, None)
        for key in wanted:
            self.look(places[key], ours=False)

    def look(self, place: Place, *, ours: bool, off: float = 0.0) -> None:
        """A consumer reads; `ours`: it was one of ours that wrote, if anybody did.

        `off`: what its wall clock is wrong by, NaN while it writes: then that is not known yet.
        """
        world = self._world
        now, token = world.timeline.now, world.token(place.token)
        if world.laws.places.get(place.key) is not place or token is None:
            return
        held = self._held(place)
        changed = held is not place.seen
        place.seen = held
        place.changed = now if changed else place.changed
        if changed and ours:
            place.intact, place.off, place.found = True, off, False
        elif ours and math.isnan(place.off):
            place.off = off
        good = held is not None and held.expires > now
        if good and held is not None and changed and ours:
            world.hearers.published(token, held)
        if good and place.bad_since is not None:
            world.excuse()
            world.laws.turned_good(place, token, now, world.duties.paid(token.name, urgent=True))
        elif not good and place.bad_since is None:
            place.bad_since = now
        if held is not None and good and changed:
            world.timeline.at(held.expires, partial(self._expire, place, held))

    def _expire(self, place: Place, held: Minted) -> None:
        world = self._world
        token = world.token(place.token)
        if world.laws.places.get(place.key) is not place or place.seen is not held or token is None:
            return
        world.say(f"{place.key} holds a dead token")
        world.excuse()
        world.laws.expired(place, token, held, world.duties.paid(token.name, urgent=False))
        place.bad_since = world.timeline.now

    def _held(self, place: Place) -> Minted | None:
        """The token that stands there; None for nothing, and for what others have put there."""
        texts = place.texts(self._world.store)
        if texts is None:
            return None
        found = set()
        for render, content in texts:
            text = token_in(render, content)
            planted = self.planted.get(text)
            if planted is not None and planted != place.key:
                self._world.laws.broken(f"{place.key} holds what was put into {planted}")
            if planted is None and text not in self.minted:
                if place.found:
                    return None
                self._world.laws.broken(f"{place.key} holds half a token")
            found.add(self.minted.get(text) if planted is None else None)
        if len(found) > 1:
            if None in found or place.found:
                return None
            self._world.laws.broken(f"{place.key} holds two tokens")
        [held] = found
        if held is not None and held.token != place.token:
            self._world.laws.broken(f"{place.key} holds a token of {held.token}")
        return held

    def disk(self, path: str) -> Disk:
        """The disk below a file."""
        if path not in self._disks:
            looked = partial(self._glance, path) if self._world.settings.close else None
            self._disks[path] = Disk(looked)
        return self._disks[path]

    def _glance(self, path: str) -> None:
        place = self._world.laws.places.get(path)
        if place is not None:
            self.look(place, ours=True, off=math.nan)
