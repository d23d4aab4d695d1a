"""A faulty way to an API server: a TLS-terminating proxy on loopback that tests make misbehave.

It speaks HTTP/1.1, one request a connection: each answer is passed on byte by byte as the API
server framed it, to its end, and then the connection is closed. So watches stream through it,
and it never has to understand an answer.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from support.cluster import Cluster

_POLL = 0.1
"""Seconds after which an idle connection looks whether the proxy is being closed."""
_PIECE = 64 * 1024
_LONGEST_HEAD = 256 * 1024


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """Answers in the API server's place; the request goes no further.

    Without a body it has a Kubernetes Status for `status` and `reason`.
    """

    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def too_many(retry_after: int) -> Answer:
    """429 with Retry-After in seconds, as the API server's own flow control sends it."""
    return Answer(429, "TooManyRequests", {"Retry-After": str(retry_after)})


def gone() -> Answer:
    """410 for a list or watch whose resource version is too old."""
    return Answer(410, "Expired")


def gone_in_watch() -> Answer:
    """The same as it comes once a watch was let in: 200, and an event of type ERROR."""
    event = {"type": "ERROR", "object": _status(410, "Expired")}
    return Answer(200, body=json.dumps(event).encode() + b"\n")


@final
@dataclass(frozen=True, slots=True)
class Delay:
    """Forwards the request only after some seconds."""

    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Cut:
    """Breaks the connection with a reset.

    Before the request is forwarded; or, `after` it was carried out, once that many bytes of
    the answer (its head included) are through: with 0 the client never learns what happened.
    """

    after: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Drip:
    """Passes the answer on at so many bytes a second."""

    bytes_per_second: float


@final
@dataclass(frozen=True, slots=True)
class Silence:
    """Takes the request, forwards nothing, never answers; the connection stays open."""


Fault = Answer | Delay | Cut | Drip | Silence


@final
@dataclass(frozen=True, slots=True)
class Passed:
    """One request that came by; `at` is monotonic seconds."""

    method: str
    target: str
    at: float
    fault: Fault | None

    @property
    def watches(self) -> bool:
        """Whether it asks for a watch."""
        return _watches(self.target)


@final
@dataclass(slots=True)
class _Rule:
    fault: Fault
    method: str | None
    part: str
    watch: bool | None
    times: int | None

    def fits(self, method: str, target: str) -> bool:
        return (
            self.times != 0
            and self.method in (None, method)
            and self.part in target
            and self.watch in (None, _watches(target))
        )


@final
class FaultyWay:
    """A way to one cluster's API server, harmless until told otherwise.

    It shows the API server's own certificate, so clients need nothing but the other URL::

        with FaultyWay(cluster) as way:
            account.kubeconfig(path, server=way.url)
            way.put(too_many(retry_after=2), method="PATCH", times=3)
            ...
            way.hush()      # from now on watches hear nothing
            way.speak()
    """

    def __init__(self, cluster: Cluster) -> None:
        self._target = cluster.port
        self._inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inside.load_cert_chain(cluster.keys.certificate, cluster.keys.key)
        self._outside = ssl.create_default_context(cafile=cluster.keys.ca)
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._passed: list[Passed] = []
        self._closing = threading.Event()
        self._hushed = ""

    def __enter__(self) -> FaultyWay:
        self._server = _Server(self)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL,), name="faulty-way"
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        # Waits for the connections' threads too.
        self._server.server_close()

    def put(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        part: str = "",
        watch: bool | None = None,
        times: int | None = None,
    ) -> None:
        """Lets a fault befall requests from now on; of several that fit, the first put.

        It befalls those of this HTTP method, with this text in path or query, that are a watch
        or are none; `times` of them, else all.
        """
        with self._lock:
            self._rules.append(_Rule(fault, method, part, watch, times))

    def clear(self) -> None:
        """No more faults; what has befallen a request already goes on."""
        with self._lock:
            self._rules.clear()

    def hush(self, *, everything: bool = False) -> None:
        """Holds back what the API server says on watches (or at all); connections stay open."""
        self._hushed = "everything" if everything else "watches"

    def speak(self) -> None:
        """Lets out what was held back, and all that follows."""
        self._hushed = ""

    @property
    def passed(self) -> tuple[Passed, ...]:
        """The requests so far, in the order in which they came."""
        with self._lock:
            return tuple(self._passed)

    # What the connections do

    def serve(self, raw: socket.socket) -> None:
        """One connection, from its TLS handshake on."""
        with contextlib.suppress(OSError, _ClientGone):
            raw.settimeout(30)
            with self._inside.wrap_socket(raw, server_side=True) as client:
                self._request(client)

    def _request(self, client: ssl.SSLSocket) -> None:
        head, rest = self._head(client)
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ")
        length = 0
        kept = [line]
        for one in fields:
            name, _, value = one.partition(":")
            if name.lower() == "transfer-encoding":
                client.sendall(_answer(Answer(411, "requests must state their length here")))
                return
            if name.lower() == "content-length":
                length = int(value)
            if name.lower() != "connection":
                kept.append(one)
        while len(rest) < length:
            rest += self._receive(client)
        fault = self._befalls(method, target)
        match fault:
            case Answer():
                client.sendall(_answer(fault))
                return
            case Cut(after=None):
                _reset(client)
                return
            case Silence():
                self._wait(client, None)
                return
            case Delay():
                self._wait(client, fault.seconds)
            case _:
                pass
        kept.append("Connection: close")
        with (
            socket.create_connection(("127.0.0.1", self._target), timeout=30) as raw,
            self._outside.wrap_socket(raw, server_hostname="127.0.0.1") as server,
        ):
            server.sendall("\r\n".join([*kept, "", ""]).encode("latin-1") + rest)
            self._pass_on(server, client, fault, watches=_watches(target))

    def _pass_on(
        self, server: ssl.SSLSocket, client: ssl.SSLSocket, fault: Fault | None, *, watches: bool
    ) -> None:
        left = fault.after if isinstance(fault, Cut) else None
        while True:
            while not server.pending() and server not in self._ready(server, client):
                pass
            piece = server.recv(_PIECE)
            if not piece:
                return
            while self._hushed == "everything" or (self._hushed and watches):
                self._ready(client)
            if left is not None and left <= len(piece):
                client.sendall(piece[:left])
                _reset(client)
                return
            left = None if left is None else left - len(piece)
            if isinstance(fault, Drip):
                for byte in piece:
                    client.sendall(bytes([byte]))
                    self._wait(client, 1 / fault.bytes_per_second)
            else:
                client.sendall(piece)

    def _head(self, client: ssl.SSLSocket) -> tuple[bytes, bytes]:
        text = b""
        while b"\r\n\r\n" not in text:
            if len(text) > _LONGEST_HEAD:
                raise _ClientGone
            text += self._receive(client)
        head, _, rest = text.partition(b"\r\n\r\n")
        return head, rest

    def _receive(self, client: ssl.SSLSocket) -> bytes:
        while not client.pending() and not select.select([client], [], [], _POLL)[0]:
            if self._closing.is_set():
                raise _ClientGone
        piece = client.recv(_PIECE)
        if not piece:
            raise _ClientGone
        return piece

    def _befalls(self, method: str, target: str) -> Fault | None:
        with self._lock:
            rule = next((one for one in self._rules if one.fits(method, target)), None)
            if rule is not None and rule.times is not None:
                rule.times -= 1
            fault = None if rule is None else rule.fault
            self._passed.append(Passed(method, target, time.monotonic(), fault))
            return fault

    def _wait(self, client: ssl.SSLSocket, seconds: float | None) -> None:
        """Waits, for ever without a number, as long as the client does."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            left = _POLL if until is None else min(_POLL, max(0.0, until - time.monotonic()))
            self._ready(client, seconds=left)

    def _ready(self, *sockets: ssl.SSLSocket, seconds: float = _POLL) -> list[ssl.SSLSocket]:
        """Which of them have something to read.

        The last one is the client, which has nothing more to say: what it sends is its end.
        """
        ready: list[ssl.SSLSocket] = select.select(sockets, [], [], seconds)[0]
        if self._closing.is_set() or sockets[-1] in ready:
            raise _ClientGone
        return ready


class _ClientGone(Exception):  # noqa: N818 - no error: it is how a connection ends
    """Nobody waits for the answer any more."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, way: FaultyWay) -> None:
        self._way = way
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._way.serve(request)


def _watches(target: str) -> bool:
    return "watch=1" in target or "watch=true" in target.lower()


def _status(code: int, reason: str) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "a fault of the test",
        "reason": reason,
        "code": code,
    }


def _answer(answer: Answer) -> bytes:
    body = answer.body
    if body is None:
        body = json.dumps(_status(answer.status, answer.reason)).encode()
    headers = {
        "Content-Type": "application/json",
        **answer.headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {answer.status} Fault", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _reset(client: ssl.SSLSocket) -> None:
    """Closes with RST instead of an orderly end, as a dead middle box does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
