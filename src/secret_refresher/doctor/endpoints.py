"""Looks at what a token is asked for with, and at whom it is asked of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Protocol, final

from secret_refresher.config.model import TokenConfig
from secret_refresher.doctor.check import Check, failed, fine, warned
from secret_refresher.errors import Fault
from secret_refresher.ports import Exchange, Outcome
from secret_refresher.tokens.token import Grant

MOST_SKEW = 30.0
"""Seconds; servers refuse signed assertions that are off by a minute or so (RFC 7523 section 3)."""


class Endpoint(Protocol):
    """A token endpoint as far as a doctor needs it."""

    def rehearse(self, token: TokenConfig) -> Fault | None:
        """All of a token request but the sending; what would keep it from being sent."""
        ...

    def greet(self, token: TokenConfig, timeout: float) -> tuple[Sequence[Exchange], Fault | None]:
        """Asks the server for nothing, without credentials; any HTTP answer is well."""
        ...

    def fetch(self, token: TokenConfig, timeout: float) -> Outcome:
        """As `ports.TokenSource` has it."""
        ...


@final
class Doors:
    """Looks at token endpoints, each once, however many tokens are asked of it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._greeted: set[tuple[object, ...]] = set()

    def look_at(self, token: TokenConfig, *, fetch: bool) -> Iterator[Check]:
        """The credentials, the server, and, `fetch`, one real token, of which a hash is shown."""
        timeout = token.request.timeout
        fault = self._endpoint.rehearse(token)
        tried = "read the credentials"
        if fault is None:
            yield fine(token.name, tried, f"all there for {token.auth_method}")
        else:
            yield failed(token.name, tried, fault)
        door = (token.asked_at, token.tls)
        if door not in self._greeted:
            self._greeted.add(door)
            yield from _greeted(token.name, *self._endpoint.greet(token, timeout))
        if fetch and fault is None:
            yield _fetched(token, self._endpoint.fetch(token, timeout))


def _greeted(name: str, exchanges: Sequence[Exchange], fault: Fault | None) -> Iterator[Check]:
    tried = "reach the token endpoint, without credentials"
    if fault is not None:
        yield failed(name, tried, fault)
    for exchange in exchanges[-1:]:
        if fault is None:
            yield _answered(name, tried, exchange)
        if exchange.skew is not None:
            yield _clock(name, exchange.origin, exchange.skew)


def _answered(name: str, tried: str, exchange: Exchange) -> Check:
    came = f"{exchange.origin} answers, HTTP {exchange.status}, in {exchange.seconds:.2f} s"
    if (exchange.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return warned(name, tried, came, "look at the server, or ask its owner")
    return fine(name, tried, came)


def _clock(name: str, origin: str, skew: float) -> Check:
    tried = f"compare clocks with {origin}"
    if abs(skew) <= MOST_SKEW:
        return fine(name, tried, "they agree" if abs(skew) < 1 else f"{abs(skew):.0f} s apart")
    way = "behind" if skew > 0 else "ahead of"
    return warned(
        name,
        tried,
        f"ours is {abs(skew):.0f} s {way} it",
        "synchronise this machine's clock: refreshing does not depend on it, signed assertions do",
    )


def _fetched(token: TokenConfig, outcome: Outcome) -> Check:
    tried, grant = "fetch one token", outcome.result
    if isinstance(grant, Fault):
        return failed(token.name, tried, grant)
    told = (
        f"a {grant.token_type} token of {grant.lifetime:.0f} s, {_hash(grant)}; it is not published"
    )
    if outcome.used_previous_secret:
        return warned(
            token.name,
            tried,
            f"{told}; only the previous secret is accepted",
            "write the new secret into the mounted Secret, or enable it at the server",
        )
    if grant.lifetime < 2 * token.refresh.min_lead:
        return warned(
            token.name,
            tried,
            told,
            f"a life under twice refresh.minLead ({token.refresh.min_lead:.0f} s) is replaced at"
            " its half; ask the server's owner for longer ones",
        )
    return fine(token.name, tried, told)


def _hash(grant: Grant) -> str:
    digest = hashlib.sha256(grant.access_token.reveal().encode()).hexdigest()
    return f"sha256 {digest[:12]}"
