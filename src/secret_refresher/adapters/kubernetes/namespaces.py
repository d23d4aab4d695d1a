"""Which namespaces match a selector, as they come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, final

from secret_refresher.adapters.kubernetes.api import Api
from secret_refresher.adapters.kubernetes.reflector import Listing, Reflector
from secret_refresher.ports import Clock, WatchFailed

_Told = tuple[Callable[[], None], Callable[[WatchFailed], None]]


@final
class Namespaces:
    """Reflects the namespaces of each selector that is asked for; from any thread.

    What a selector matched is kept even while nobody needs it: that a namespace matches no more
    has its Secret cleared, so it must never be said of one that is only not known yet.
    """

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._lock = threading.Lock()
        self._matches: dict[str, _Matches] = {}
        self._told: _Told | None = None

    def start(
        self, on_change: Callable[[], None], on_failure: Callable[[WatchFailed], None]
    ) -> None:
        """From now on the selectors are reflected, and every change and failure is told."""
        with self._lock:
            self._told = on_change, on_failure
            for matches in self._matches.values():
                matches.start(self._told)

    def keep(self, queries: Collection[str]) -> None:
        """Reflects none but these selectors until another is asked for."""
        with self._lock:
            for query, matches in self._matches.items():
                if query not in queries:
                    matches.stop()

    def stop(self) -> None:
        """Reflects no more."""
        with self._lock:
            self._told = None
        self.keep(())

    def list_now(self) -> None:
        """Lists the namespaces of every selector once. Raises `Trouble`."""
        with self._lock:
            every = list(self._matches.values())
        for matches in every:
            matches.list_now()

    def matching(self, query: str) -> tuple[str, ...]:
        """The namespaces that match, as far as is known, in the order of their names."""
        with self._lock:
            matches = self._matches.get(query)
            if matches is None:
                matches = self._matches[query] = _Matches(self._api, self._clock, query)
            if self._told is not None:
                matches.start(self._told)
            return tuple(sorted(matches.names))

    def known(self, query: str) -> bool:
        """Whether the namespaces of a selector have been listed."""
        matches = self._matches.get(query)
        return matches is not None and matches.known


@final
class _Matches:
    """The namespaces of one selector; implements `reflector.Audience`."""

    def __init__(self, api: Api, clock: Clock, query: str) -> None:
        self.names: frozenset[str] = frozenset()
        self.known = False
        self._api = api
        self._clock = clock
        self._query = (("labelSelector", query),) if query else ()
        self._reflector: Reflector | None = None
        self._told: _Told | None = None

    def start(self, told: _Told) -> None:
        """Begins to reflect, unless it does."""
        if self._reflector is None:
            self._told = told
            self._reflector = self._made()
            self._reflector.start()

    def stop(self) -> None:
        """Reflects no more until started again."""
        if self._reflector is not None:
            self._reflector.stop()
            self._reflector = None

    def list_now(self) -> None:
        """Lists once. Raises `Trouble`."""
        self._made().list_now()

    def _made(self) -> Reflector:
        return Reflector(self._api, self._clock, "/api/v1/namespaces", self._query, self)

    def listed(self, metadata: Listing) -> None:
        """All that match now."""
        self.known = True
        self._become(frozenset(str(item.get("name")) for item in metadata if not _leaving(item)))

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """One has come to match, or is being deleted."""
        name = frozenset({str(metadata.get("name"))})
        self._become(self.names - name if _leaving(metadata) else self.names | name)

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """One matches no more."""
        self._become(self.names - {str(metadata.get("name"))})

    def refused(self, failed: WatchFailed) -> None:
        """What matched goes on to match until a list says otherwise."""
        if self._told is not None:
            self._told[1](failed)

    def _become(self, names: frozenset[str]) -> None:
        if names != self.names:
            self.names = names
            if self._told is not None:
                self._told[0]()


def _leaving(metadata: Mapping[str, Any]) -> bool:
    return "deletionTimestamp" in metadata
