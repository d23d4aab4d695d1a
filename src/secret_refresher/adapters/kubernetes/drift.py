"""Notices what others do to our Secrets, by their resourceVersion alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from secret_refresher.adapters.kubernetes.api import METADATA, Api
from secret_refresher.adapters.kubernetes.reflector import Listing, Reflector, version_of
from secret_refresher.adapters.kubernetes.secret_form import MANAGED
from secret_refresher.errors import Reason, Trouble
from secret_refresher.ports import Clock, WatchFailed

PACE = 0.2
"""Seconds between two Secrets that are read in turn: five a second at most."""
ROUND = 15.0
"""Seconds that a round over few Secrets takes at least."""
GONE = ""
"""In the place of a resourceVersion: there is no such Secret."""

Place = tuple[str, str]
"""Namespace and name."""
_Key = tuple[str, tuple[tuple[str, str], ...]]
"""Path and query of a watch."""


@final
class Drift:
    """Follows Secrets: watched by name, watched by namespace, or read in turn.

    A sink asks for `latest` and compares; nothing here knows what a version means. `lap`: seconds
    that reading a few in turn takes at least.
    """

    def __init__(
        self, api: Api, clock: Clock, stop: threading.Event, *, lap: float = ROUND
    ) -> None:
        self._lap = lap
        self._api = api
        self._clock = clock
        self._stop = stop
        self._lock = threading.Lock()
        self._latest: dict[Place, str] = {}
        self._followed: dict[tuple[Place, bool], _Followed] = {}
        self._scopes: dict[_Key, _Scope] = {}
        self._by_name = False
        self._by_namespace = False
        self._on_failure: Callable[[WatchFailed], None] | None = None

    def start(self, on_failure: Callable[[WatchFailed], None]) -> None:
        """Begins to look; what is asked to be followed before only waits for this."""
        with self._lock:
            self._on_failure = on_failure
            self._follow_anew()
        threading.Thread(target=self._read_in_turn, name="drift", daemon=True).start()

    def stop(self) -> None:
        """Ends the watches; whoever reads in turn looks at the common stop event."""
        with self._lock:
            for scope in self._scopes.values():
                scope.reflector.stop()

    def use(self, *, by_name: bool, by_namespace: bool) -> None:
        """How Secrets are looked at from now on; neither: in turn."""
        with self._lock:
            if (by_name, by_namespace) != (self._by_name, self._by_namespace):
                self._by_name, self._by_namespace = by_name, by_namespace
                self._follow_anew()

    def _follow_anew(self) -> None:
        for (place, wide), followed in self._followed.items():
            before, followed.scope = followed.scope, self._covering(place, wide=wide)
            if before is not followed.scope:
                self._leave(before, place)

    def follow(self, place: Place, *, wide: bool) -> None:
        """Begins to notice what happens to a Secret; `wide`: it is one of many namespaces.

        Once for each sink: an old one may let go only after a new one has begun.
        """
        with self._lock:
            followed = self._followed.get((place, wide))
            if followed is None:
                followed = _Followed(self._covering(place, wide=wide))
                self._followed[place, wide] = followed
            followed.sinks += 1

    def unfollow(self, place: Place, *, wide: bool) -> None:
        """A sink that followed a Secret lets go of it."""
        with self._lock:
            followed = self._followed[place, wide]
            followed.sinks -= 1
            if followed.sinks:
                return
            del self._followed[place, wide]
            self._leave(followed.scope, place)
            if (place, not wide) not in self._followed:
                self._latest.pop(place, None)

    def note(self, place: Place, version: str) -> None:
        """A watch or a read has told of this version."""
        with self._lock:
            self._note(place, version)

    def seen(self, place: Place, version: str, before: str | None) -> None:
        """A sink has read or written this version, by a request before which `before` was `latest`.

        What was noticed since stands: it may have been done by others to what the sink has written.
        """
        with self._lock:
            if self._latest.get(place) == before:
                self._note(place, version)

    def _note(self, place: Place, version: str) -> None:
        if (place, True) in self._followed or (place, False) in self._followed:
            self._latest[place] = version

    def latest(self, place: Place) -> str | None:
        """The version that was noticed last, `GONE` for none; None where nothing is known."""
        return self._latest.get(place)

    # --- watching ------------------------------------------------------------------------------

    def _covering(self, place: Place, *, wide: bool) -> _Scope | None:
        """The watch that covers a Secret from now on, begun if need be."""
        if self._on_failure is None or not (self._by_name or self._by_namespace):
            return None
        namespace, name = place
        path = "/api/v1/secrets" if wide else f"/api/v1/namespaces/{namespace}/secrets"
        query = (
            (("labelSelector", f"{MANAGED}=true"),)
            if self._by_namespace
            else (("fieldSelector", f"metadata.name={name}"),)
        )
        scope = self._scopes.get((path, query))
        if scope is None:
            scope = self._scopes[path, query] = _Scope((path, query), self, self._on_failure)
            scope.reflector = Reflector(self._api, self._clock, path, query, scope)
            scope.places.add(place)
            scope.reflector.start()
        scope.places.add(place)
        return scope

    def _leave(self, scope: _Scope | None, place: Place) -> None:
        if scope is None:
            return
        scope.places.discard(place)
        if not scope.places:
            del self._scopes[scope.key]
            scope.reflector.stop()

    # --- reading in turn -----------------------------------------------------------------------

    def _read_in_turn(self) -> None:
        pause = self._lap
        while not self._stop.wait(pause):
            with self._lock:
                places = [
                    place
                    for (place, _), followed in self._followed.items()
                    if followed.scope is None or followed.scope.blind
                ]
            pause = self._lap
            for place in places:
                pause = max(PACE, self._lap / len(places))
                # The sink's own work tells what is wrong with the API server.
                with contextlib.suppress(Trouble):
                    self._read(place)
                if self._stop.wait(pause):
                    return
                pause = 0.0

    def _read(self, place: Place) -> None:
        namespace, name = place
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        answer = self._api.request("GET", path, accept=METADATA)
        if answer.ok:
            self.note(place, version_of(answer.content.get("metadata", {})))
        elif answer.status == 404:  # noqa: PLR2004 - HTTP's not found
            self.note(place, GONE)


@final
@dataclass(slots=True)
class _Followed:
    """One Secret: the watch that covers it, and how many sinks follow it."""

    scope: _Scope | None
    sinks: int = 0


@final
class _Scope:
    """One watch and the Secrets that it covers; implements `reflector.Audience`.

    `blind`: the rights do not allow it, so what it covers is read in turn.
    """

    reflector: Reflector

    def __init__(self, key: _Key, drift: Drift, on_failure: Callable[[WatchFailed], None]) -> None:
        self.key = key
        self._on_failure = on_failure
        self.places: set[Place] = set()
        self.blind = False
        self._drift = drift

    def listed(self, metadata: Listing) -> None:
        """All that there is; whatever is not in it is gone."""
        self.blind = False
        found = {_place(item): version_of(item) for item in metadata}
        for place in list(self.places):
            self._drift.note(place, found.get(place, GONE))

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """One Secret has a new version."""
        if _place(metadata) in self.places:
            self._drift.note(_place(metadata), version_of(metadata))

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """One Secret was deleted, or has lost our label."""
        if _place(metadata) in self.places:
            self._drift.note(_place(metadata), GONE)

    def refused(self, failed: WatchFailed) -> None:
        """Without the right to watch, reading in turn will do."""
        self.blind = failed.fault.reason is Reason.PERMISSION
        self._on_failure(failed)


def _place(metadata: Mapping[str, Any]) -> Place:
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))
