"""One HTTP request to an application, so that it reads its token again.

Only the status counts: 2xx has heard. The answer's body is read to its end, so that the
application is not cut off, but not kept, and at most `MOST` of it. Nothing of a token is sent.
No proxy is asked, whatever the environment says: consumers are near, and the list of those that
are not would be one more thing to get wrong. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
from collections.abc import Callable
from typing import Any, final
from urllib.parse import urlsplit

from secret_refresher.config.consumers import HttpConsumer
from secret_refresher.errors import Fault, Lane, Reason, Trouble
from secret_refresher.tokens.answer import retry_after

MOST = 64 * 1024
"""Bytes of an answer's body."""
_PORTS = {"http": 80, "https": 443}
_TOO_MANY = 429
_SERVER_ERRORS = 500

Now = Callable[[], float]


def tell(consumer: HttpConsumer, now: Now, agent: str) -> None:
    """One request, over within `consumer.timeout` seconds of `now` but for the name's lookup.

    Raises `Trouble` for anything but an answer of 2xx.
    """
    until = now() + consumer.timeout
    try:
        with _connected(consumer, until, now) as sock:
            status, headers = _asked(consumer, _Way(sock, until, now), agent)
    except Trouble:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Trouble(_transport(error, consumer, late=now() >= until)) from None
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own class
        raise Trouble(_refused(status, retry_after(headers)))


def examine(consumer: HttpConsumer, now: Now) -> str:
    """Whether somebody listens there; nothing is asked. Raises `Trouble` likewise."""
    until = now() + consumer.timeout
    try:
        _connected(consumer, until, now).close()
    except (OSError, ValueError) as error:
        raise Trouble(_transport(error, consumer, late=now() >= until)) from None
    return "somebody listens there"


def _asked(consumer: HttpConsumer, way: _Way, agent: str) -> tuple[int, dict[str, str]]:
    parts = urlsplit(consumer.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0)
    connection.sock = way  # to http.client it is a socket
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = {"Host": parts.netloc, "User-Agent": agent, "Accept": "*/*", "Connection": "close"}
    given = {name.lower() for name in consumer.headers}
    head = {name: text for name, text in head.items() if name.lower() not in given}
    connection.request(str(consumer.method), path, headers={**head, **consumer.headers})
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    with contextlib.suppress(OSError, http.client.HTTPException):
        answer.read(MOST)
    return answer.status, headers


# --- the way there -------------------------------------------------------------------------


@final
class _Way:
    """A connection on which every step has only what is left of the time for all of them.

    As much of a socket as `http.client` uses.
    """

    def __init__(self, sock: socket.socket, until: float, now: Now) -> None:
        self._sock = sock
        self._until = until
        self._now = now

    def sendall(self, content: Any) -> None:
        """All of it."""
        self._sock.settimeout(_left(self._until, self._now))
        self._sock.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The answer."""
        return io.BufferedReader(_Answer(self._sock, self._until, self._now))

    def close(self) -> None:
        """Nothing yet: `http.client` lets go of it before the body is read."""


@final
class _Answer(io.RawIOBase):
    """What comes on a connection, in the time that is left."""

    def __init__(self, sock: socket.socket, until: float, now: Now) -> None:
        self._sock = sock
        self._until = until
        self._now = now

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: Any) -> int:
        """What has come."""
        self._sock.settimeout(_left(self._until, self._now))
        return self._sock.recv_into(into)


def _left(until: float, now: Now) -> float:
    left = until - now()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(consumer: HttpConsumer, until: float, now: Now) -> socket.socket:
    """A connection to the first address that takes one."""
    parts = urlsplit(consumer.url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    trust = _trust(consumer) if parts.scheme == "https" else None
    failed: OSError = OSError()
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(until, now))
            sock.connect(address)
            if trust is not None:
                # Python holds a handshake as a whole to it.
                sock.settimeout(_left(until, now))
                sock = trust.wrap_socket(sock, server_hostname=host)
        except OSError as error:
            sock.close()
            failed = error
            if isinstance(error, ssl.SSLError):
                break
        else:
            return sock
    raise failed


def _trust(consumer: HttpConsumer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=consumer.ca_file)
    except (OSError, ValueError):
        raise Trouble(
            Fault(
                Reason.TLS,
                f"the authorities in {consumer.ca_file} cannot be used",
                "mount a PEM file there that can be read",
                Lane.PERMANENT,
            )
        ) from None


# --- what went wrong -----------------------------------------------------------------------


def _transport(error: Exception, consumer: HttpConsumer, *, late: bool) -> Fault:
    if late or isinstance(error, TimeoutError):
        return Fault(
            Reason.TIMEOUT,
            f"{consumer.target} did not answer within {consumer.timeout:g} s",
            "look whether the application hangs; it should answer before its work is done, or have"
            " a longer http.timeout",
        )
    match error:
        case socket.gaierror():
            return Fault(
                Reason.DNS,
                f"the host name of {consumer.target} does not resolve",
                "check the name, and the cluster's DNS",
            )
        case ssl.SSLError():
            return Fault(
                Reason.TLS,
                f"the certificate of {consumer.target} is not trusted, or its TLS fails",
                "set http.caFile to the authority's file; check the certificate's names and dates",
            )
        case ConnectionRefusedError():
            return Fault(
                Reason.CONNECT,
                f"nobody listens at {consumer.target}",
                "start the application, or correct the port",
            )
        case ConnectionError():
            pass  # also one that ended before the first byte, which is an HTTPException as well
        case http.client.HTTPException() | ValueError():
            return Fault(
                Reason.BAD_ANSWER,
                f"what {consumer.target} answers is no HTTP",
                "check the port, and whether it wants https://",
            )
    return Fault(
        Reason.NETWORK,
        f"the connection to {consumer.target} broke",
        "look at the application, and at a NetworkPolicy on the way",
    )


def _refused(status: int, wait: float | None) -> Fault:
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own class
        return Fault(
            Reason.REDIRECT,
            f"the application redirects (HTTP {status}), which is not followed",
            "write the URL that it redirects to into http.url",
            Lane.PERMANENT,
            status=status,
        )
    if status == _TOO_MANY:
        reason, what = Reason.RATE_LIMITED, "asks for fewer requests"
    elif status >= _SERVER_ERRORS:
        reason, what = Reason.SERVER_ERROR, "failed"
    else:
        reason, what = Reason.HTTP_STATUS, "refused"
    return Fault(
        reason,
        f"the application {what} (HTTP {status})",
        "look at its log; check http.url and http.method",
        retry_after=wait,
        status=status,
    )
