"""One token under the engine's care."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import final

from secret_refresher.config.fingerprint import source_fingerprint
from secret_refresher.config.model import TokenConfig
from secret_refresher.config.origin import origin_of
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle.state import TokenState, start
from secret_refresher.ports import Exchange, Outcome, Sink, Subject

_REFUSED = Reason.TLS, Lane.PERMANENT


@final
class Entry:
    """A token's state with its sinks; written by the engine's thread only.

    `retired`: the configuration no longer has it, and results that come in late are dropped.
    `leaving`: nothing is begun for it any more. `jobs`: fetches and work on sinks under way.
    `home` is whom the configuration names, `origin` whom the token is asked of, as far as known.
    """

    __slots__ = (
        "home",
        "jobs",
        "leaving",
        "origin",
        "retired",
        "sinks",
        "source",
        "state",
        "subject",
    )

    def __init__(self, config: TokenConfig, sinks: tuple[Sink, ...], now: float) -> None:
        self.state: TokenState = start(config, len(sinks), now)
        self.retired = False
        self.leaving = False
        self.jobs = 0
        self.home = self.origin = ""
        self.describe(config, sinks)

    def describe(self, config: TokenConfig, sinks: tuple[Sink, ...]) -> None:
        """Takes what follows from the configuration alone."""
        self.sinks = sinks
        home = origin_of(config.asked_at)
        if home != self.home:
            self.home = self.origin = home
        self.source = source_fingerprint(config)
        self.name_sinks()

    def asked(self, exchanges: Sequence[Exchange]) -> None:
        """Takes whom a token was asked of: an issuer may have its token endpoint elsewhere."""
        for exchange in exchanges:
            if not exchange.discovery:
                self.origin = exchange.origin

    def name_sinks(self) -> None:
        """Takes what the sinks are called now: where one is may be known only once it was used."""
        named = tuple((sink.kind, sink.target) for sink in self.sinks)
        self.subject = Subject(self.state.config.name, named)


def answered(origin: str, outcome: Outcome) -> bool | None:
    """Whether an origin gave an HTTP answer below 500; None where it was not asked.

    Nor does it say anything of the origin that it refused somebody's client certificate in TLS. An
    answer that says where the token endpoint is stands for none of the endpoint itself.
    """
    result = outcome.result
    if isinstance(result, Fault) and (result.reason, result.lane) == _REFUSED:
        return None
    here = [exchange for exchange in outcome.exchanges if exchange.origin == origin]
    asked = [exchange for exchange in here if not exchange.discovery] or here
    if not asked:
        return None
    return any(e.status is not None and e.status < 500 for e in asked)  # noqa: PLR2004


def crowded(origin: str, exchanges: Sequence[Exchange]) -> bool:
    """Whether an origin wants fewer requests (RFC 6585 section 4)."""
    many = HTTPStatus.TOO_MANY_REQUESTS
    return any(each.origin == origin and each.status == many for each in exchanges)
