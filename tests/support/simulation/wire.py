"""The way to authorization servers, in place of `transport.Transport`."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar, final
from urllib.parse import urlsplit

from secret_refresher.adapters.token_endpoint.faults import fault_of
from secret_refresher.adapters.token_endpoint.hop import Hop, Stage
from secret_refresher.adapters.token_endpoint.transport import HttpAnswer
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.errors import Trouble
from support.simulation.authority import Authority, Condition, parameters

W_contra = TypeVar("W_contra", contravariant=True)
"""Who sends."""
Sent = Mapping[str, str]
"""The parameters of a request, wherever they stood."""


class Network(Protocol[W_contra]):
    """What the way needs of the world."""

    def authority(self, origin: str) -> Authority:
        """The server at an origin."""
        ...

    def weather(self, origin: str) -> Condition | None:
        """What is wrong there for the request that is made now."""
        ...

    def latency(self) -> float:
        """Seconds of one way."""
        ...

    def deliver(
        self, who: W_contra, path: str, sent: Sent, origin: str, found: Condition | None
    ) -> HttpAnswer:
        """Has the server take a request; nobody may be there any more to hear the answer."""
        ...

    def sends(self, who: W_contra, sent: Sent) -> None:
        """A request begins its way."""
        ...

    def hears(self, who: W_contra, sent: Sent, got: HttpAnswer) -> None:
        """The answer has come."""
        ...

    def after(self, seconds: float, job: Callable[[], object]) -> None:
        """Has something happen whatever becomes of who asked for it."""
        ...


@final
class NoTimer:
    """The simulated network keeps to the deadline itself."""

    daemon = True

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        """Nothing waits."""

    def start(self) -> None:
        """Nothing begins."""

    def cancel(self) -> None:
        """Nothing ends."""


@final
class Wire(Generic[W_contra]):
    """Implements `endpoint.Sender` for `who`. `sleep` waits in virtual time."""

    def __init__(
        self, network: Network[W_contra], who: W_contra, sleep: Callable[[float], None]
    ) -> None:
        self._who = who
        self._network = network
        self._sleep = sleep

    def send(self, hop: Hop, trust: Trust) -> HttpAnswer:
        """One request, as far as the weather lets it."""
        try:
            return self._send(hop)
        except OSError as error:
            raise Trouble(fault_of(error, hop)) from None

    def _send(self, hop: Hop) -> HttpAnswer:
        network, origin, who = self._network, hop.origin, self._who
        sent, path = parameters(hop.request), urlsplit(hop.request.url).path
        network.sends(who, sent)
        found = network.weather(origin)
        kind = "" if found is None else found.kind
        hop.stage = Stage.RESOLVE
        self._wait(hop, network.latency())
        if kind == "dns":
            raise socket.gaierror(socket.EAI_AGAIN, "")
        hop.stage = Stage.CONNECT
        if kind == "refused":
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if kind == "hole":
            self._wait(hop, float("inf"))
        hop.sending(reused=False)
        # It is taken even if we are dead by then, and only if it comes so far.
        box: list[HttpAnswer] = []
        slow = found.seconds if found is not None and kind == "slow" else 0.0
        way = network.latency()
        if kind != "reset":
            network.after(way, lambda: box.append(network.deliver(who, path, sent, origin, found)))
        self._wait(hop, 2 * way + slow)
        if kind in {"reset", "lost"}:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        if kind == "hang":
            self._wait(hop, float("inf"))
        hop.answered()
        network.hears(who, sent, box[0])
        return box[0]

    def _wait(self, hop: Hop, seconds: float) -> None:
        left = hop.watch.left()
        self._sleep(min(seconds, left))
        if seconds >= left or hop.watch.over():
            raise TimeoutError
