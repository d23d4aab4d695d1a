"""How far one HTTP request has come: what its faults are told from."""

from __future__ import annotations

import threading
from enum import Enum
from typing import TYPE_CHECKING, cast, final
from urllib.parse import urlsplit

from secret_refresher.adapters.token_endpoint.names import Resolver
from secret_refresher.adapters.token_endpoint.request import WireRequest
from secret_refresher.adapters.token_endpoint.watch import Watch
from secret_refresher.config.origin import origin_of
from secret_refresher.ports import Clock

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity

_THREAD = threading.local()


class Stage(Enum):
    """What was under way."""

    BEGIN = "begin"
    RESOLVE = "resolve"
    CONNECT = "connect"
    TUNNEL = "tunnel"
    TLS = "tls"
    ANSWER = "answer"
    """The request was sent, in part at least."""


@final
class Hop:
    """One request and its answer; used by one thread, which finds it by `current()`.

    The libraries' connections report to it, since what they raise has been wrapped several
    times when it arrives. `fresh`: no connection that was used before is wanted; `reused`: one
    was taken; `stale`: it turned out to be dead. `issued` and `issued_at` are the two clocks
    from just before the request was sent, `answered_at` the wall clock when the answer's head
    had come. `proxy` is the proxy's host and port where there is one; `identity` who we are in
    TLS, if we say so.
    """

    __slots__ = (
        "_clock",
        "answered_at",
        "began",
        "fresh",
        "identity",
        "issued",
        "issued_at",
        "proxy",
        "request",
        "resolver",
        "reused",
        "stage",
        "stale",
        "watch",
    )

    def __init__(
        self,
        request: WireRequest,
        watch: Watch,
        resolver: Resolver,
        clock: Clock,
        *,
        fresh: bool = False,
        identity: Identity | None = None,
    ) -> None:
        self.request = request
        self.watch = watch
        self.resolver = resolver
        self.fresh = fresh
        self.identity = identity
        self.reused = False
        self.stale = False
        self.stage = Stage.BEGIN
        self.proxy: tuple[str, int] | None = None
        self._clock = clock
        self.began = clock.now()
        self.issued = self.began
        self.issued_at = clock.wall()
        self.answered_at = self.issued_at

    def sending(self, *, reused: bool) -> None:
        """The request goes out now."""
        self.reused = reused
        self.issued = self._clock.now()
        self.issued_at = self._clock.wall()
        self.stage = Stage.ANSWER

    def answered(self) -> None:
        """The answer's head has come."""
        self.answered_at = self._clock.wall()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._clock.now() - self.began

    @property
    def reached(self) -> bool:
        """Whether the server may have seen the request."""
        return self.stage is Stage.ANSWER

    @property
    def origin(self) -> str:
        """`scheme://host:port` of the server that is asked."""
        return origin_of(self.request.url)

    @property
    def server(self) -> str:
        """The server that is asked, for people."""
        parts = urlsplit(self.request.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"{parts.hostname} port {port}"

    @property
    def peer(self) -> str:
        """Whom we connect to, for people: the server, or the proxy before it."""
        return self.server if self.proxy is None else "the proxy {} port {}".format(*self.proxy)

    def __enter__(self) -> Hop:
        _THREAD.hop = self
        return self

    def __exit__(self, *_: object) -> None:
        _THREAD.hop = None


def current() -> Hop:
    """The hop that this thread is at."""
    return cast(Hop, _THREAD.hop)


def under_way() -> bool:
    """Whether this thread is at a hop."""
    return getattr(_THREAD, "hop", None) is not None
