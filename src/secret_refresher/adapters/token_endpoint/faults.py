"""What went wrong on the way, in our own words.

Libraries wrap exceptions in exceptions, and any of their texts may hold a URL with a secret in
its query. So a fault is told from how far the hop had come and from the types and numbers inside,
never from a text.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

from urllib3.exceptions import HTTPError

from secret_refresher.adapters.token_endpoint.hop import Hop, Stage
from secret_refresher.adapters.token_endpoint.names import BusyError
from secret_refresher.adapters.token_endpoint.tls_faults import tls_fault
from secret_refresher.errors import Fault, Reason

E = TypeVar("E", bound=BaseException)

_DEEPEST = 30
_TUNNEL = re.compile(r"Tunnel connection failed: ([1-5][0-9]{2})\b")
_NAME_SERVERS = (
    "look at the name servers: in a cluster CoreDNS, and whether egress to port 53 is let through"
)
_PROXY_ADVICE = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment, and the proxy"
_NETWORK_ADVICE = (
    "look at the server, and at firewalls and NetworkPolicies between; the attempt is made again"
)


def is_stale(error: Exception, hop: Hop) -> bool:
    """Whether a kept connection had been closed by the server before the request came."""
    return (
        hop.reused
        and not hop.watch.over()
        and hop.stage is Stage.ANSWER
        and _find(
            error,
            (
                http.client.RemoteDisconnected,
                ConnectionResetError,
                BrokenPipeError,
                ssl.SSLEOFError,
                ssl.SSLZeroReturnError,
            ),
        )
        is not None
    )


def fault_of(error: Exception, hop: Hop) -> Fault:
    """The fault that an exception of a library stands for."""
    if hop.watch.over() or _find(error, TimeoutError) is not None:
        return _timeout(hop)
    if _find(error, BusyError) is not None:
        return Fault(
            Reason.DNS,
            "too many name lookups hang already",
            _NAME_SERVERS,
        )
    if hop.stage is Stage.BEGIN and _find(error, (ValueError, HTTPError)) is not None:
        return _proxy("the proxy that the environment names cannot be used")
    unknown_name = _find(error, socket.gaierror)
    if unknown_name is not None and hop.stage is Stage.RESOLVE:
        return _no_name(unknown_name, hop)
    if hop.stage is Stage.TUNNEL:
        return _no_tunnel(error, hop)
    tls = _find(error, ssl.SSLError)
    if tls is not None and not isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return tls_fault(tls, hop)
    broken = _system_error(error)
    if hop.stage is Stage.CONNECT and broken is not None:
        return _no_connection(broken, hop)
    if _find(error, http.client.HTTPException) is not None and broken is None:
        return _no_http(error, hop)
    if broken is not None or _find(error, HTTPError) is not None:
        return _network(hop)
    return Fault(
        Reason.INTERNAL,
        f"the request failed with {type(error).__name__}",
        "this is a defect of secret-refresher; please report it with this line",
    )


def proxy_refused(hop: Hop) -> Fault:
    """An HTTP 407: the answer is the proxy's, not the server's."""
    return _proxy(f"{hop.peer} asks for a user and password (HTTP 407)", status=407)


# --- each of them ----------------------------------------------------------------------------


def _timeout(hop: Hop) -> Fault:
    if hop.stage is Stage.RESOLVE:
        return Fault(Reason.DNS, f"looking up {_host(hop)} took too long", _NAME_SERVERS)
    what, advice = {
        Stage.BEGIN: (
            f"no time was left to ask {hop.server}",
            "raise request.timeout",
        ),
        Stage.CONNECT: (
            f"connecting to {hop.peer} took too long",
            "packets are dropped on the way: check firewalls, NetworkPolicies and whether a proxy"
            " is needed",
        ),
        Stage.TUNNEL: (
            f"{hop.peer} took too long to connect to {hop.server}",
            _PROXY_ADVICE,
        ),
        Stage.TLS: (
            f"the TLS handshake with {hop.server} took too long",
            "look at the server, and whether host and port in tokenUrl are right",
        ),
        Stage.ANSWER: (
            f"{hop.server} did not answer in full in time",
            "look at the server, or raise request.timeout; the attempt is made again",
        ),
    }[hop.stage]
    return Fault(Reason.TIMEOUT, what, advice)


def _no_name(error: socket.gaierror, hop: Hop) -> Fault:
    later = error.errno in {socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_SYSTEM}
    where = "HTTPS_PROXY or HTTP_PROXY" if hop.proxy else "tokenUrl"
    return Fault(
        Reason.DNS,
        f"the name servers give no answer for {_host(hop)}"
        if later
        else f"there is no host named {_host(hop)}",
        _NAME_SERVERS
        if later
        else f"check the spelling in {where}, and which name servers this machine asks",
        code=_name_error(error.errno),
    )


def _no_tunnel(error: Exception, hop: Hop) -> Fault:
    status = None
    for inner in _inside(error):
        found = _TUNNEL.match(str(inner)) if isinstance(inner, OSError) else None
        if found is not None:
            status = int(found[1])
    if status == 407:  # noqa: PLR2004 - RFC 9110 section 15.5.8
        return proxy_refused(hop)
    refused = "" if status is None else f" (HTTP {status})"
    return _proxy(f"{hop.peer} does not connect to {hop.server}{refused}", status)


def _no_connection(error: OSError, hop: Hop) -> Fault:
    number = error.errno or 0
    name = errno.errorcode.get(number)
    why = os.strerror(number) if name else "failed"
    if hop.proxy is not None:
        return _proxy(f"cannot connect to {hop.peer}: {why}", code=name)
    if number == errno.ECONNREFUSED:
        advice = "nothing listens there: is the server up, and are host and port in tokenUrl right?"
    elif number in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        advice = (
            "there is no way there: check routes, NetworkPolicies and whether a proxy is needed"
        )
    else:
        advice = _NETWORK_ADVICE
    return Fault(Reason.CONNECT, f"cannot connect to {hop.server}: {why}", advice, code=name)


def _no_http(error: Exception, hop: Hop) -> Fault:
    if _find(error, (http.client.RemoteDisconnected, http.client.IncompleteRead)) is not None:
        return _network(hop)
    return Fault(
        Reason.BAD_ANSWER,
        f"{hop.server} does not answer in HTTP",
        "check scheme and port in tokenUrl, and whether something else answers in its place",
    )


def _network(hop: Hop) -> Fault:
    if hop.stage is Stage.TLS:
        what = f"the connection to {hop.server} ended during the TLS handshake"
    else:
        what = f"the connection to {hop.server} ended before the answer was complete"
    return Fault(Reason.NETWORK, what, _NETWORK_ADVICE)


def _proxy(what: str, status: int | None = None, code: str | None = None) -> Fault:
    return Fault(Reason.PROXY, what, _PROXY_ADVICE, status=status, code=code)


def _host(hop: Hop) -> str:
    return hop.server.rpartition(" port ")[0] if hop.proxy is None else hop.proxy[0]


def _name_error(number: int | None) -> str | None:
    """EAI_NONAME and the like."""
    names = (name for name in dir(socket) if name.startswith("EAI_"))
    return next((name for name in names if getattr(socket, name) == number), None)


def _system_error(error: BaseException) -> OSError | None:
    """An error of the operating system; those of `requests` are named OSError too."""
    for inner in _inside(error):
        if isinstance(inner, OSError) and (inner.errno or isinstance(inner, ConnectionError)):
            return inner
    return None


def _find(error: BaseException, kinds: type[E] | tuple[type[E], ...]) -> E | None:
    """The first exception of a kind in or behind an exception."""
    return next((inner for inner in _inside(error) if isinstance(inner, kinds)), None)


def _inside(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps: as cause, context, `reason` or argument."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _DEEPEST:
        inner = waiting.pop(0)
        if id(inner) in seen:
            continue
        seen.add(id(inner))
        yield inner
        further = (inner.__cause__, inner.__context__, getattr(inner, "reason", None), *inner.args)
        waiting += [thing for thing in further if isinstance(thing, BaseException)]
