"""List, then watch, then watch on: what the API server has, as it changes.

See Kubernetes "API Concepts", efficient detection of changes. Only metadata is asked for.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, final

from secret_refresher.adapters.kubernetes import faults
from secret_refresher.adapters.kubernetes.api import METADATA_LIST, Api, Query, Stream
from secret_refresher.errors import Fault, Reason, Trouble, internal
from secret_refresher.ports import Clock, WatchFailed
from secret_refresher.schedule import backoff

MOST_PAGES = 2000
"""Of one list, a million objects; an API server that has more goes on for ever."""
MOST_BYTES = 64 * 1024 * 1024
"""Of all its pages: twice what 10,000 objects take, with 3 KiB of metadata each. A cluster is not
meant to have more namespaces (Kubernetes "Scalability thresholds"), nor we more tokens."""
REFUSED_PAUSE = 300.0
"""Seconds until a list that the rights forbid is tried again."""
_STARTING = 4
"""Refusals in a row that may pass: an API server that starts forbids what it allows later."""
_BRIEF = 1.0
_GONE = 410
_ANEW = frozenset({_GONE, 401})
"""Statuses after which a version means nothing any more. An account that is not known may be that
of a cluster whose data was lost: there versions begin anew, and a watch from an old one is silent
until they have caught up."""

Listing = list[Mapping[str, Any]]


@final
@dataclass(frozen=True, slots=True)
class Patience:
    """How long a watch is listened to, and how much a list brings at once.

    `silence`: seconds without a byte after which it is taken for dead; bookmarks come every
    minute, first one minute after its begin (tried on 1.36). `longest`: seconds after which the
    API server is asked to end it, drawn between these. `page`: objects of one answer to a list.
    """

    silence: float = 150.0
    longest: tuple[int, int] = (300, 600)
    page: int = 500


class Audience(Protocol):
    """Who is told."""

    def listed(self, metadata: Listing) -> None:
        """All that there is now."""
        ...

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """One object was added or modified."""
        ...

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """One object is not there any more, or matches no more."""
        ...

    def refused(self, failed: WatchFailed) -> None:
        """Listing or watching failed; it is tried again."""
        ...


@final
class Listed:
    """An audience that only remembers the last list."""

    def __init__(self) -> None:
        self.metadata: Listing = []

    def listed(self, metadata: Listing) -> None:
        """All that there is."""
        self.metadata = metadata

    def changed(self, metadata: Mapping[str, Any]) -> None:
        """Of no interest."""

    def gone(self, metadata: Mapping[str, Any]) -> None:
        """Of no interest."""

    def refused(self, failed: WatchFailed) -> None:
        """Who lists is told by `Trouble`."""


@final
class Reflector:
    """Reflects one collection to an audience, on a thread of its own, until stopped.

    1. List; then watch from that list's version on.
    2. A watch that ends goes on where it was; one that is too old (410) begins with a list.
    3. After a failure a pause with full jitter from 1 s to 60 s; five minutes where it is plain
       that the rights are missing.
    """

    def __init__(
        self,
        api: Api,
        clock: Clock,
        path: str,
        query: Query,
        audience: Audience,
        *,
        patience: Patience = Patience(),
    ) -> None:
        self._api = api
        self._clock = clock
        self._path = path
        self._query = tuple(query)
        self._audience = audience
        self._patience = patience
        self._stopped = threading.Event()
        self._stream = Stream()
        self._version: str | None = None
        self._failures = 0

    def start(self) -> None:
        """Begins."""
        threading.Thread(target=self._run, name="reflector", daemon=True).start()

    def stop(self) -> None:
        """Ends, at once where it only listens."""
        self._stopped.set()
        self._stream.cut()

    def list_now(self) -> None:
        """Lists once. Raises `Trouble`."""
        found: Listing = []
        more: tuple[tuple[str, str], ...] = ()
        size = 0
        for _ in range(MOST_PAGES):
            query = (*self._query, ("limit", str(self._patience.page)), *more)
            answer = self._api.request("GET", self._path, query, accept=METADATA_LIST)
            if not answer.ok:
                raise Trouble(
                    faults.refused(
                        answer.status, answer.content, answer.retry_after, f"list {self._path}"
                    )
                )
            if not str(answer.content.get("kind")).endswith("List"):
                # Whatever this is: that nothing is there any more it must not mean.
                raise Trouble(faults.strange(answer.status, f"list {self._path}"))
            size += answer.size
            if size > MOST_BYTES:
                raise Trouble(faults.too_long(f"the list {self._path}", MOST_BYTES))
            items = answer.content.get("items")
            found += [_metadata(item) for item in (items if isinstance(items, list) else [])]
            listing = _metadata(answer.content)
            if listing.get("continue"):
                more = (("continue", str(listing["continue"])),)
                continue
            self._version = version_of(listing)
            # After `stop` another one may know better.
            if not self._stopped.is_set():
                self._audience.listed(found)
            return
        raise Trouble(faults.strange(HTTPStatus.OK, f"list {self._path}, which has no end"))

    def _run(self) -> None:
        while not self._stopped.is_set():
            began = self._clock.now()
            try:
                if self._version is None:
                    self.list_now()
                    self._failures = 0
                self.watch_now()
                # A way that ends every watch at once must not become a loop.
                brief = self._clock.now() - began < _BRIEF
                self._failures = self._failures + 1 if brief else 0
                pause = self._pause(None) if brief else 0.0
            except Trouble as trouble:
                if self._stopped.is_set():
                    return
                if trouble.fault.status in _ANEW:
                    self._version = None
                pause = self._failed(trouble.fault)
            except Exception as defect:  # noqa: BLE001 - the thread is the only one that watches
                pause = self._failed(internal(defect))
            self._stopped.wait(pause)

    def _failed(self, fault: Fault) -> float:
        self._failures += 1
        pause = self._pause(fault)
        self._audience.refused(WatchFailed(self._path, fault, pause))
        return pause

    def _pause(self, fault: Fault | None) -> float:
        forbidden = fault is not None and fault.reason is Reason.PERMISSION
        if forbidden and self._failures > _STARTING:
            return REFUSED_PAUSE * random.uniform(0.9, 1.1)  # noqa: S311 - a pause is no secret
        draw = random.random()  # noqa: S311 - likewise
        pause = backoff.transient(max(1, self._failures), None, 0.0, draw)
        return max(pause, 0.0 if fault is None else fault.retry_after or 0.0)

    def watch_now(self) -> None:
        """Watches once, from what was listed or seen last, until that ends. Raises `Trouble`."""
        query = (
            *self._query,
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(random.randint(*self._patience.longest))),  # noqa: S311 - likewise
            ("resourceVersion", self._version or ""),
        )
        for event in self._api.watch(self._path, query, self._patience.silence, self._stream):
            if self._stopped.is_set():
                return
            metadata = _metadata(event.get("object"))
            match event.get("type"):
                case "ADDED" | "MODIFIED":
                    self._audience.changed(metadata)
                case "DELETED":
                    self._audience.gone(metadata)
                case "BOOKMARK":
                    pass
                case _:
                    # An error, most likely 410 Gone: what we missed only a list can tell.
                    self._version = None
                    status = _mapping(event.get("object"))
                    code = status.get("code")
                    if code == _GONE:
                        return
                    code = code if isinstance(code, int) else 0
                    raise Trouble(faults.refused(code, status, None, "watch"))
            self._version = version_of(metadata) or self._version


def version_of(metadata: Mapping[str, Any]) -> str:
    """The resourceVersion of an object or a list: opaque, but for being equal or not."""
    return str(metadata.get("resourceVersion", ""))


def _metadata(raw: Any) -> Mapping[str, Any]:
    return _mapping(_mapping(raw).get("metadata"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
