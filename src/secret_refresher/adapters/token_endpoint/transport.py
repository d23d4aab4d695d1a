"""One HTTP request and its answer, by `requests`: the one module that imports it.

Only its transport is used. A `Session` would follow redirects to other hosts, keep cookies, read
netrc, and prefer the environment's CA bundle to ours.
"""

from __future__ import annotations

import ssl
import threading
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final
from urllib.request import getproxies

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies
from urllib3 import PoolManager

from secret_refresher.adapters.token_endpoint.connections import POOLS, hush
from secret_refresher.adapters.token_endpoint.faults import fault_of, is_stale, proxy_refused
from secret_refresher.adapters.token_endpoint.hop import Hop
from secret_refresher.adapters.token_endpoint.request import WireRequest
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.errors import Fault, Reason, Trouble

if TYPE_CHECKING:
    from secret_refresher.adapters.token_endpoint.identity import Identity

MOST_BODY = 1024 * 1024
"""Bytes of an answer that are read, compressed or not."""
KEPT = 32
"""Sets of authorities, with one client certificate or none, whose TLS contexts are kept."""
ORIGINS = 64
"""Origins whose empty pools are kept, for each set of authorities."""
_PROXY_AUTHENTICATION_REQUIRED = 407
_ANY_HEADER = zlib.MAX_WBITS | 32
_TOO_LARGE = (
    "the answer is larger than 1 MiB and was not read to its end",
    "is tokenUrl the token endpoint? It may be a page or a download instead",
)
_UNPACKED = "ask the server's owner to answer Accept-Encoding: identity uncompressed"


@final
@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer; header names in lower case. Headers and body may hold secrets."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@final
class _Adapter(HTTPAdapter):
    """requests' transport with our connections and one TLS context, without retries.

    `context` is None for plain HTTP, which has no need of 2 MiB of authorities; `identity` is
    who we are in it. A proxy that speaks TLS itself is judged by the machine's own store, as
    urllib3 does it, and shown no certificate of ours.
    """

    def __init__(self, context: ssl.SSLContext | None, identity: Identity | None = None) -> None:
        self._context = context
        self.identity = identity
        self._proxied = bool(getproxies())
        # As many connections as there are workers may be put back at once.
        super().__init__(pool_connections=ORIGINS, pool_maxsize=32, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def proxies(self, url: str) -> dict[str, str]:
        """Those of the environment for a URL; it is only looked through where it has any."""
        return get_environ_proxies(url) if self._proxied else {}

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context}

    def build_response(self, _req: PreparedRequest, resp: Any) -> Response:
        """What is read of an answer; cookies and the encoding of texts are not."""
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context knows already."""


@final
class Transport:
    """Sends requests for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plain = _Adapter(None)
        self._adapters: OrderedDict[tuple[str, str], _Adapter] = OrderedDict()
        hush()

    def send(self, hop: Hop, trust: Trust) -> HttpAnswer:
        """The answer to `hop.request`, within the time of `hop.watch`.

        Raises `Trouble`, and nothing that a library raised: its texts may hold the request.
        """
        secure = hop.request.url.startswith("https:")
        adapter = self._adapter(trust, hop.identity) if secure else self._plain
        outcome = _attempt(adapter, hop)
        if hop.stale:
            # The server had closed the connection while it was idle. That is nobody's failure,
            # and the request reached nobody: it is sent again, on a connection of its own. Nobody
            # for all we know: what a server takes once only is made anew.
            hop.fresh = True
            hop.request = hop.request.again()
            outcome = _attempt(adapter, hop)
        if isinstance(outcome, HttpAnswer):
            if outcome.status == _PROXY_AUTHENTICATION_REQUIRED and hop.proxy is not None:
                raise Trouble(proxy_refused(hop))
            return outcome
        raise Trouble(outcome)

    def _adapter(self, trust: Trust, identity: Identity | None) -> _Adapter:
        """The connections that trust these and show this: never those of another certificate."""
        key = trust.key, identity.digest if identity else ""
        with self._lock:
            adapter = self._adapters.pop(key, None)
            if adapter is None:
                context = trust.context(DEFAULT_CA_BUNDLE_PATH)
                if identity is not None:
                    identity.load(context)
                    self._forget(identity)
                adapter = _Adapter(context, identity)
            self._adapters[key] = adapter
            if len(self._adapters) > KEPT:
                self._adapters.popitem(last=False)
            return adapter

    def _forget(self, newer: Identity) -> None:
        """Lets go of keys that were replaced; what is under way with one goes on to its end."""
        for key, adapter in list(self._adapters.items()):
            older = adapter.identity
            if older is not None and older.place == newer.place and older.digest != newer.digest:
                del self._adapters[key]


def _attempt(adapter: _Adapter, hop: Hop) -> HttpAnswer | Fault:
    """One try; never raises, and nothing of what was raised comes out of it."""
    hop.stale = False
    try:
        with hop:
            answer = _exchange(adapter, hop)
    except Trouble as trouble:
        return trouble.fault
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold the request
        hop.stale = is_stale(error, hop)
        return fault_of(error, hop)
    # A connection that the deadline shut may look like one that ended well.
    return fault_of(TimeoutError(), hop) if hop.watch.over() else answer


def _exchange(adapter: _Adapter, hop: Hop) -> HttpAnswer:
    response = adapter.send(
        _prepared(hop.request),
        stream=True,
        timeout=hop.watch.backstop(),
        proxies=adapter.proxies(hop.request.url),
    )
    hop.answered()
    try:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(response.status_code, headers, _body(response, headers))
    finally:
        response.close()


def _prepared(request: WireRequest) -> PreparedRequest:
    """The request as it is: `prepare` would quote its URL anew and add headers."""
    prepared = PreparedRequest()
    prepared.method = request.method
    prepared.url = request.url
    prepared.headers = CaseInsensitiveDict(request.headers)
    prepared.body = request.body
    return prepared


def _body(response: Response, headers: dict[str, str]) -> bytes:
    """The content, decompressed where the server compresses unasked. Raises `Trouble`."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MOST_BODY:
        raise _bad(response, *_TOO_LARGE)
    body = bytearray()
    while chunk := response.raw.read(65536, decode_content=False):
        body += chunk
        if len(body) > MOST_BODY:
            raise _bad(response, *_TOO_LARGE)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding in {"", "identity"}:
        return bytes(body)
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise _bad(response, "the answer is compressed in a way that was not asked for", _UNPACKED)
    try:
        unpacked = zlib.decompressobj(_ANY_HEADER).decompress(body, MOST_BODY + 1)
    except zlib.error:
        raise _bad(response, "the answer cannot be decompressed", _UNPACKED) from None
    if len(unpacked) > MOST_BODY:
        raise _bad(response, *_TOO_LARGE)
    return unpacked


def _bad(response: Response, summary: str, advice: str) -> Trouble:
    status = response.status_code
    return Trouble(Fault(Reason.BAD_ANSWER, f"{summary} (HTTP {status})", advice, status=status))
