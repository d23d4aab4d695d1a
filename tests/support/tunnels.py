"""A proxy for tests: HTTP CONNECT tunnels to anywhere, and nothing else."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class TunnelProxy:
    """Answers CONNECT with `status`; with 200 it carries bytes both ways.

    With `tls` it is asked over TLS. `heads` are the requests as they came. `mute`: it takes
    connections and says nothing.
    """

    def __init__(
        self, status: int = 200, *, mute: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self.status = status
        self.mute = mute
        self._tls = tls
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for held in self._open:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for held in self._open:
            held.close()

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            head = b""
            while b"\r\n\r\n" not in head:
                more = connection.recv(65536)
                if not more:
                    return
                head += more
            self.heads.append(head.decode("latin-1"))
            if self.mute:
                connection.recv(1)
                return
            connection.sendall(f"HTTP/1.1 {self.status} As told\r\n\r\n".encode())
            if self.status == 200:
                host, _, port = self.heads[-1].split(" ")[1].rpartition(":")
                there = socket.create_connection((host, int(port)))
                self._open.append(there)
                self._spawn(_carry, there, connection)
                _carry(connection, there)
                return
            connection.shutdown(socket.SHUT_RDWR)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
