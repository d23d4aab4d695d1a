"""One attempt on the network: every request of it, under one deadline, put down as exchanges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, final

from secret_refresher.adapters.token_endpoint import redirects
from secret_refresher.adapters.token_endpoint.hop import Hop, Stage
from secret_refresher.adapters.token_endpoint.names import Resolver
from secret_refresher.adapters.token_endpoint.request import WireRequest
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.adapters.token_endpoint.watch import Watch
from secret_refresher.errors import Trouble
from secret_refresher.ports import Clock, Exchange
from secret_refresher.tokens import answer

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity
    from secret_refresher.adapters.token_endpoint.transport import HttpAnswer


class Sender(Protocol):
    """What carries requests; `transport.Transport` unless another one is given."""

    def send(self, hop: Hop, trust: Trust) -> HttpAnswer:
        """The answer to one request, within the time of its watch. Raises `Trouble`."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Attempt:
    """What the requests of one attempt share.

    `sender` gives what sends, with `requests` behind it, once there is something to send.
    `exchanges` grows with each request.
    """

    watch: Watch
    clock: Clock
    resolver: Resolver
    sender: Callable[[], Sender]
    exchanges: list[Exchange] = field(default_factory=list)

    def hurried(self, share: float) -> Attempt:
        """The same with a deadline of its own, after that share of what time is left."""
        return replace(self, watch=self.watch.part(share))

    def ask(
        self,
        request: WireRequest,
        trust: Trust,
        *,
        identity: Identity | None = None,
        discovery: bool = False,
    ) -> tuple[HttpAnswer, Hop]:
        """The answer at the end of the redirects, and the hop that brought it.

        Redirects stay with the server that `request` goes to, so nobody else is shown the
        `identity`. Raises `Trouble`.
        """
        status, been = 0, {request.url}
        for _ in range(redirects.MOST + 1):
            hop = Hop(request, self.watch, self.resolver, self.clock, identity=identity)
            got = self._send(hop, trust, discovery=discovery)
            status = got.status
            if status not in redirects.REDIRECTS:
                return got, hop
            url = redirects.next_url(request.url, status, got.headers, reading=discovery)
            if url in been:
                raise Trouble(redirects.in_a_circle(status))
            been.add(url)
            request = request.to(url)
        raise Trouble(redirects.too_many(status))

    def _send(self, hop: Hop, trust: Trust, *, discovery: bool) -> HttpAnswer:
        """One request; it is put down among the exchanges if anything went out for it."""
        status, skew = None, None
        try:
            got = self.sender().send(hop, trust)
            status, date = got.status, answer.http_date(got.headers)
            # A Date is cut to the second; on average half of one has passed.
            skew = None if date is None else date + 0.5 - hop.answered_at
        except Trouble as trouble:
            status = trouble.fault.status if hop.reached else None
            raise
        finally:
            if hop.stage is not Stage.BEGIN:
                self.exchanges.append(
                    Exchange(hop.origin, status, hop.seconds, hop.reached, skew, discovery)
                )
        return got
