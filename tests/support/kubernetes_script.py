"""An API server that answers by script, in place of `api.Api`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast, final

from secret_refresher.adapters.kubernetes.api import Answer, Api, Query, Stream
from secret_refresher.errors import Fault, Reason, Trouble

AWAY = Fault(Reason.CONNECT, "the API server cannot be reached", "look at it")


@final
class Asked:
    """One request, as it was made."""

    def __init__(self, method: str, path: str, query: Query, body: object, accept: str) -> None:
        self.method = method
        self.path = path
        self.query = dict(query)
        self.body = body
        self.accept = accept


@final
class Script:
    """Answers requests by `answer`, and watches by the next of `watches`.

    A watch is the events that come on it, perhaps with the `Trouble` that ends it; where none is
    left it stays open, and silent, until it is cut.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Asked], Answer] = lambda _: listing()
        self.watches: list[list[Mapping[str, Any] | Trouble]] = []
        self.asked: list[Asked] = []
        self.watched: list[dict[str, str]] = []

    @property
    def api(self) -> Api:
        """In the real one's place."""
        return cast(Api, self)

    def request(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        *,
        content_type: str = "",
        accept: str = "",
    ) -> Answer:
        """One request."""
        self.asked.append(Asked(method, path, query, body, accept))
        return self.answer(self.asked[-1])

    def watch(
        self, path: str, query: Query, silence: float, stream: Stream
    ) -> Iterator[Mapping[str, Any]]:
        """One watch."""
        self.watched.append(dict(query))
        if not self.watches:
            while not stream.was_cut:
                threading.Event().wait(0.01)
            return
        for event in self.watches.pop(0):
            if isinstance(event, Trouble):
                raise event
            yield event

    def namespace(self) -> str:
        """The pod's own."""
        return "home"

    def skew(self) -> float:
        """Both clocks agree."""
        return 0.0


def listing(*names: str, version: str = "10", more: str = "") -> Answer:
    """A list of objects."""
    items = [{"metadata": {"name": name, "resourceVersion": f"1{name}"}} for name in names]
    metadata = {"resourceVersion": version, "continue": more}
    return Answer(200, {"kind": "PartialObjectMetadataList", "metadata": metadata, "items": items})


def event(kind: str, name: str = "a", version: str = "11") -> dict[str, Any]:
    """One event of a watch."""
    metadata = {"name": name, "namespace": "here", "resourceVersion": version}
    return {"type": kind, "object": {"kind": "PartialObjectMetadata", "metadata": metadata}}


def error(code: int) -> dict[str, Any]:
    """An error within a watch."""
    return {"type": "ERROR", "object": {"kind": "Status", "code": code}}
