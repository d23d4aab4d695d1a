"""One connection through a faulty way: takes one request, and passes its answer on."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from typing import Protocol, final

from support.cluster_fault_kinds import Answer, Cut, Delay, Drip, Fault, Late, Silence

POLL = 0.1
"""Seconds after which an idle connection looks whether the way is being closed."""
_PIECE = 64 * 1024
_LONGEST_HEAD = 256 * 1024


class Way(Protocol):
    """What a connection needs to know."""

    inside: ssl.SSLContext
    """Towards the client."""
    outside: ssl.SSLContext
    """Towards the API server, on loopback at `target`."""
    target: int
    closing: threading.Event

    def befalls(self, method: str, target: str) -> Fault | None:
        """Which fault this request is to suffer."""

    def hushed(self, target: str) -> bool:
        """Whether the API server is not to be heard by this request now."""


@final
class Pipe:
    """Serves the connections of one way, each in its own thread."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def serve(self, raw: socket.socket) -> None:
        """One connection, from its TLS handshake on."""
        with contextlib.suppress(OSError, _ClientGone):
            raw.settimeout(30)
            with self._way.inside.wrap_socket(raw, server_side=True) as client:
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
                client.sendall(Answer(411, "LengthRequired").to_bytes())
                return
            if name.lower() == "content-length":
                length = int(value)
            if name.lower() != "connection":
                kept.append(one)
        while len(rest) < length:
            rest += self._receive(client)
        fault = self._way.befalls(method, target)
        if self._ends(client, fault):
            return
        kept.append("Connection: close")
        with (
            socket.create_connection(("127.0.0.1", self._way.target), timeout=30) as raw,
            self._way.outside.wrap_socket(raw, server_hostname="127.0.0.1") as server,
        ):
            server.sendall("\r\n".join([*kept, "", ""]).encode("latin-1") + rest)
            if isinstance(fault, Late):
                while server.recv(_PIECE):
                    pass  # it is carried out; nobody is told
                return
            self._pass_on(server, client, fault, target)

    def _ends(self, client: ssl.SSLSocket, fault: Fault | None) -> bool:
        """Lets a fault befall a request before it is forwarded; whether it never is."""
        match fault:
            case Answer():
                client.sendall(fault.to_bytes())
            case Cut(after=None):
                _reset(client)
            case Silence():
                self._wait(client, None)
            case Delay():
                self._wait(client, fault.seconds)
                return False
            case Late():
                self._way.closing.wait(fault.seconds)
                return False
            case _:
                return False
        return True

    def _pass_on(
        self, server: ssl.SSLSocket, client: ssl.SSLSocket, fault: Fault | None, target: str
    ) -> None:
        left = fault.after if isinstance(fault, Cut) else None
        while True:
            while not server.pending() and server not in self._ready(server, client):
                pass
            piece = server.recv(_PIECE)
            if not piece:
                return
            while self._way.hushed(target):
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
        while not client.pending() and not select.select([client], [], [], POLL)[0]:
            if self._way.closing.is_set():
                raise _ClientGone
        piece = client.recv(_PIECE)
        if not piece:
            raise _ClientGone
        return piece

    def _wait(self, client: ssl.SSLSocket, seconds: float | None) -> None:
        """Waits, for ever without a number, as long as the client does."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            left = POLL if until is None else min(POLL, max(0.0, until - time.monotonic()))
            self._ready(client, seconds=left)

    def _ready(self, *sockets: ssl.SSLSocket, seconds: float = POLL) -> list[ssl.SSLSocket]:
        """Which of them have something to read.

        The last one is the client, which has nothing more to say: what it sends is its end.
        """
        ready: list[ssl.SSLSocket] = select.select(sockets, [], [], seconds)[0]
        if self._way.closing.is_set() or sockets[-1] in ready:
            raise _ClientGone
        return ready


class _ClientGone(Exception):  # noqa: N818 - no error: it is how a connection ends
    """Nobody waits for the answer any more."""


def _reset(client: ssl.SSLSocket) -> None:
    """Closes with RST instead of an orderly end, as a dead middle box does."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
