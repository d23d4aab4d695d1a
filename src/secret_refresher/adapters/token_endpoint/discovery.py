"""Finds the token endpoint of an issuer, and remembers it.

What was found is asked for again after some hours, and earlier once a token request fails in a
way that a moved endpoint would explain. A server that cannot be asked then changes nothing: the
endpoint that is known stays in use.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import final

from secret_refresher.adapters.token_endpoint import metadata
from secret_refresher.adapters.token_endpoint.attempt import Attempt
from secret_refresher.adapters.token_endpoint.channel import Channel
from secret_refresher.adapters.token_endpoint.metadata import Metadata
from secret_refresher.adapters.token_endpoint.request import WireRequest
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.config.model import AuthMethod, TokenConfig
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.lifecycle.events import MethodNotOffered
from secret_refresher.ports import Clock

KEPT_FOR = 6 * 3600.0
"""Seconds that an answer counts, whatever its Cache-Control says: many servers forbid to keep it,
and to obey would double the requests for a document that changes once in years. A new endpoint
whose old one fails is noticed at once."""
PAUSE = 60.0
"""Seconds between two looks at one issuer's metadata while there is an endpoint to use."""
SHARE = 0.25
"""Of an attempt's time, for a look that it could do without."""
KEPT = 16_384
"""Issuers that are remembered."""
_MOVED = frozenset(
    {
        Reason.DNS,
        Reason.CONNECT,
        Reason.TLS,
        Reason.TIMEOUT,
        Reason.NETWORK,
        Reason.SERVER_ERROR,
        Reason.HTTP_STATUS,
        Reason.REDIRECT,
        Reason.BAD_ANSWER,
    }
)
"""How an endpoint fails that is not there any more."""
_NOT_SHOWN = (
    "none is shown to whom only metadata is asked of; write tokenUrl in place of issuer, or ask the"
    " server's owner to give its metadata to everybody"
)
_REGISTERED = {str(AuthMethod.CLIENT_ASSERTION): str(AuthMethod.PRIVATE_KEY_JWT)}
"""What servers call a method of ours: to them it is the same who signed an assertion."""
_NOT_ASKED = Fault(
    Reason.TIMEOUT,
    "no time was left to find the issuer's token endpoint: others were asking",
    "look at the issuer's server, or raise request.timeout",
)


@final
@dataclass(slots=True)
class _Issuer:
    """What is known of one issuer; `asking` is held by whoever asks. `rounds` counts answers."""

    asking: threading.Lock = field(default_factory=threading.Lock)
    metadata: Metadata | None = None
    fault: Fault | None = None
    rounds: int = 0
    asked: float = 0.0
    until: float = 0.0
    first: int = 0
    """Which of its places answered last."""
    told: set[str] = field(default_factory=set)
    """Methods that were told not to be offered."""


@final
class Discovery:
    """Metadata of issuers, for many threads."""

    def __init__(self, clock: Clock, user_agent: str) -> None:
        self._clock = clock
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._issuers: OrderedDict[tuple[str, str], _Issuer] = OrderedDict()

    def endpoint(self, token: TokenConfig, channel: Channel, attempt: Attempt) -> str:
        """The token endpoint of a token that has an issuer. Raises `Trouble`."""
        issuer = token.issuer or ""
        return metadata.allowed(
            self._find(issuer, channel.trust, attempt),
            issuer,
            insecure=token.allow_insecure,
            mutual_tls=channel.identity is not None,
        )

    def _find(self, issuer: str, trust: Trust, attempt: Attempt) -> Metadata:
        """The issuer's metadata: as known, or asked for now. Raises `Trouble`.

        Of many threads that lack it one asks, and the others take what it got.
        """
        entry = self._entry(issuer, trust)
        known, rounds = entry.metadata, entry.rounds
        if known is not None and self._clock.now() < entry.until:
            return known
        # Whoever has an endpoint does not wait for somebody else's look.
        patience = 0.0 if known is not None else attempt.watch.left()
        if not entry.asking.acquire(timeout=patience):
            if known is not None:
                return known
            raise Trouble(_NOT_ASKED)
        try:
            if entry.rounds == rounds:
                self._look(issuer, entry, trust, attempt)
            if entry.metadata is None:
                raise Trouble(entry.fault or _NOT_ASKED)
            return entry.metadata
        finally:
            entry.asking.release()

    def doubt(self, issuer: str, trust: Trust, fault: Fault) -> None:
        """Takes note of a token request that failed: the next one looks again, if that may help."""
        entry = self._entry(issuer, trust)
        if fault.reason in _MOVED:
            entry.until = min(entry.until, entry.asked + PAUSE)

    def not_offered(self, token: TokenConfig, trust: Trust) -> MethodNotOffered | None:
        """Whether the issuer offers other methods only; said once for each method."""
        if token.issuer is None:
            return None
        entry = self._entry(token.issuer, trust)
        offered = None if entry.metadata is None else entry.metadata.methods
        method = str(token.auth_method)
        if offered is None or _REGISTERED.get(method, method) in offered:
            return None
        with self._lock:
            if method in entry.told:
                return None
            entry.told.add(method)
        return MethodNotOffered(token.issuer, method, offered)

    def _entry(self, issuer: str, trust: Trust) -> _Issuer:
        """An issuer as those see it who trust the same authorities."""
        key = (issuer, trust.key)
        with self._lock:
            entry = self._issuers.pop(key, None) or _Issuer()
            self._issuers[key] = entry
            if len(self._issuers) > KEPT:
                self._issuers.popitem(last=False)
            return entry

    def _look(self, issuer: str, entry: _Issuer, trust: Trust, attempt: Attempt) -> None:
        """Asks, and notes what came of it."""
        try:
            if entry.metadata is None:
                found, entry.first = self._ask(issuer, entry.first, trust, attempt)
            else:
                hurried = attempt.hurried(SHARE)
                with hurried.watch:
                    found, entry.first = self._ask(issuer, entry.first, trust, hurried)
        except Trouble as trouble:
            entry.fault, keep = trouble.fault, PAUSE
        else:
            if entry.metadata is not None and entry.metadata.methods != found.methods:
                entry.told.clear()
            entry.metadata, entry.fault, keep = found, None, KEPT_FOR
        entry.asked = self._clock.now()
        entry.until = entry.asked + keep
        entry.rounds += 1

    def _ask(self, issuer: str, first: int, trust: Trust, attempt: Attempt) -> tuple[Metadata, int]:
        """The metadata, and which place had it.

        Where one place has none, the other is asked; a server that cannot be reached, or wants
        to be left alone, is not asked again.
        """
        faults: list[Fault] = []
        places = metadata.places(issuer)
        for index in (first, 1 - first):
            request = WireRequest("GET", places[index], self._headers(), None)
            try:
                got, _ = attempt.ask(request, trust, discovery=True)
            except Trouble as trouble:
                faults.append(_of_the_issuer(trouble.fault))
                if trouble.fault.status is None:
                    break
                continue
            try:
                found = metadata.parse(places[index], issuer, got.status, got.headers, got.body)
            except Trouble as trouble:
                faults.append(trouble.fault)
                if trouble.fault.reason is Reason.RATE_LIMITED:
                    break
            else:
                return found, index
        raise Trouble(_telling(faults))

    def _headers(self) -> dict[str, str]:
        """None of the configuration's: they are for the token endpoint, and may be secret."""
        return {
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }


def _of_the_issuer(fault: Fault) -> Fault:
    """A fault of the transport, which knows of token endpoints only."""
    if fault.reason is Reason.BAD_ANSWER:
        return replace(fault, advice=metadata.NOT_ISSUED)
    if fault.reason is Reason.TLS and fault.lane is Lane.PERMANENT:
        return replace(fault, advice=_NOT_SHOWN)
    return fault.naming("issuer")


def _telling(faults: list[Fault]) -> Fault:
    """The fault that says most: wrong metadata, then a server in trouble, then anything."""
    return min(
        faults,
        key=lambda fault: (
            fault.lane is not Lane.PERMANENT,
            fault.reason not in {Reason.RATE_LIMITED, Reason.SERVER_ERROR},
        ),
    )
