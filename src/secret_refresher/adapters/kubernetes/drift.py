"""Notices what others do to our Secrets, by their resourceVersion alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any, final

from secret_refresher.adapters.kubernetes.api import METADATA, Api
from secret_refresher.adapters.kubernetes.reflector import Listing, Reflector
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

    A sink asks for `latest` and compares; nothing here knows what a version means.
    """

    def __init__(self, api: Api, clock: Clock, stop: threading.Event) -> None:
        self._api = api
        self._clock = clock
        self._stop = stop
        self._lock = threading.Lock()
        self._latest: dict[Place, str] = {}
        self._followed: dict[Place, tuple[bool, _Scope | None]] = {}
        self._scopes: dict[_Key, _Scope] = {}
        self._by_name = False
        self._by_namespace = False
        self._on_failure: Callable[[WatchFailed], None] | None = None

    def start(self, on_failure: Callable[[WatchFailed], None]) -> None:
        """Begins to look; what is asked to be followed before only waits for this."""
        self._on_failure = on_failure
        threading.Thread(target=self._read_in_turn, name="drift", daemon=True).start()
        self._follow_anew()

    def use(self, *, by_name: bool, by_namespace: bool) -> None:
        """How Secrets are looked at from now on; neither: in turn."""
        if (by_name, by_namespace) != (self._by_name, self._by_namespace):
            self._by_name, self._by_namespace = by_name, by_namespace
            self._follow_anew()

    def _follow_anew(self) -> None:
        with self._lock:
            followed = list(self._followed.items())
        for place, (wide, _) in followed:
            self.unfollow(place)
            self.follow(place, wide=wide)

    def follow(self, place: Place, *, wide: bool) -> None:
        """Begins to notice what happens to a Secret; `wide`: it is one of many namespaces."""
        with self._lock:
            if place in self._followed:
                return
            scope = self._scope(place, wide=wide)
            self._followed[place] = wide, scope
            if scope is not None:
                scope.places.add(place)

    def unfollow(self, place: Place) -> None:
        """Forgets a Secret."""
        with self._lock:
            _, scope = self._followed.pop(place, (False, None))
            self._latest.pop(place, None)
            if scope is not None:
                scope.places.discard(place)
                if not scope.places:
                    del self._scopes[scope.key]
                    scope.reflector.stop()

    def note(self, place: Place, version: str) -> None:
        """A sink has seen or written this version itself."""
        with self._lock:
            if place in self._followed:
                self._latest[place] = version

    def latest(self, place: Place) -> str | None:
        """The version that was noticed last, `GONE` for none; None where nothing is known."""
        return self._latest.get(place)

    # --- watching ------------------------------------------------------------------------------

    def _scope(self, place: Place, *, wide: bool) -> _Scope | None:
        """The watch that covers a Secret, begun if need be."""
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
            scope.reflector.start()
        return scope

    def observed(self, place: Place, version: str) -> None:
        """A watch or a read has seen this version."""
        with self._lock:
            if place in self._followed:
                self._latest[place] = version

    # --- reading in turn -----------------------------------------------------------------------

    def _read_in_turn(self) -> None:
        pause = ROUND
        while not self._stop.wait(pause):
            with self._lock:
                followed = list(self._followed.items())
            places = [place for place, (_, scope) in followed if scope is None or scope.blind]
            pause = ROUND
            for place in places:
                pause = max(PACE, ROUND / len(places))
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
            metadata = answer.content.get("metadata", {})
            self.observed(place, str(metadata.get("resourceVersion", "")))
        elif answer.status == 404:  # noqa: PLR2004 - HTTP's not found
            self.observed(place, GONE)


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
        found = {_place(item): str(item.get("resourceVersion", "")) for item in metadata}
        for place in list(self.places):
            self._drift.observed(place, found.get(place, GONE))

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """One Secret has a new version."""
        if _place(metadata) in self.places:
            self._drift.observed(_place(metadata), str(metadata.get("resourceVersion", "")))

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """One Secret was deleted, or has lost our label."""
        if _place(metadata) in self.places:
            self._drift.observed(_place(metadata), GONE)

    def refused(self, failed: WatchFailed) -> None:
        """Without the right to watch, reading in turn will do."""
        self.blind = failed.fault.reason is Reason.PERMISSION
        self._on_failure(failed)


def _place(metadata: Mapping[str, Any]) -> Place:
    return str(metadata.get("namespace", "")), str(metadata.get("name", ""))
