"""A scriptable authorization server on loopback, for everybody's tests.

It grants client_credentials for one client, from JSON, form or query parameters or Basic
authentication, and records every request byte for byte. Scripted answers come first, it can go
away and come back on its port, and its accepted secret can be rotated:

    with AuthorizationServer(lifetime=5) as server:
        server.queue(HANG, refusal("server_error", 503), redirect("/elsewhere"))
        server.go_away(); server.come_back()
        server.client_secret = "rotated"
        server.requests[-1].body

To run it beside other programs, with tests/ on PYTHONPATH:

    python -m support.authorization_server --port 8080 --lifetime 5 --away 2 --every 3

It prints its URL, and at the end of SIGTERM or SIGINT one JSON line with what it counted; the
same is at GET /-/counts. Every token says when it dies: see `expiry_of`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import ssl
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from types import TracebackType
from typing import Self

from support.authorization_answers import Answer, Recorded, answer, mint, refusal

GRANT = "client_credentials"
_TLS = b"\x16"
"""How a TLS handshake begins."""


class AuthorizationServer:
    """Runs between `start` and `stop`, or as a context.

    `client_id` and `client_secret` are accepted, `lifetime` seconds granted, each answer
    `delay` seconds late; all may be set while it runs. `mute`: connections are taken and
    nothing is ever said, TLS included. `always`: an answer in place of the default one.
    """

    def __init__(
        self,
        client_id: str = "me",
        client_secret: str = "sesame",
        lifetime: float = 3600.0,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.lifetime = lifetime
        self.delay = 0.0
        self.mute = False
        self.always: Answer | None = None
        self.at: dict[str, Answer] = {}
        self.requests: list[Recorded] = []
        self.tokens: list[str] = []
        self.connections = 0
        self._host = host
        self._port = port
        self._tls = tls
        self._script: deque[Answer] = deque()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._open: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._gone = threading.Event()

    # --- the test's side -----------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Where it listens; the same after it was away."""
        return self._port

    @property
    def origin(self) -> str:
        """`scheme://host:port`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http{'s' if self._tls else ''}://{host}:{self._port}"

    @property
    def token_url(self) -> str:
        """The token endpoint; any other path answers the same."""
        return f"{self.origin}/oauth/token"

    def queue(self, *answers: Answer) -> None:
        """Answers for the next requests, one each; then the default again."""
        self._script.extend(answers)

    def start(self) -> AuthorizationServer:
        """Listens."""
        self.come_back()
        return self

    def come_back(self) -> None:
        """Listens again, on the same port."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._host, self._port))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._gone = threading.Event()
        self._spawn(self._accept, listener)

    def go_away(self) -> None:
        """Refuses connections and cuts those that are open."""
        if self._listener is None:
            return
        self._gone.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener = None
        self.cut_connections()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def open_connections(self) -> int:
        """How many connections neither side has closed."""
        with self._lock:
            return len(self._open)

    def cut_connections(self, *numbers: int) -> None:
        """Ends open connections, idle ones too: those of these numbers, or all."""
        with self._lock:
            for number, connection in self._open.items():
                if numbers and number not in numbers:
                    continue
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    stop = go_away

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- the client's side ---------------------------------------------------------------------

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with self._lock:
                    self.connections += 1
                    number = self.connections
                    self._open[number] = connection
                if self._gone.is_set():
                    self._close(connection, number)
                else:
                    self._spawn(self._serve, connection, number)

    def _close(self, connection: socket.socket, number: int) -> None:
        with self._lock:
            self._open.pop(number, None)
        connection.close()

    def _serve(self, connection: socket.socket, number: int) -> None:
        gone = self._gone
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.mute:
                gone.wait()
            elif self._tls is None:
                self._talk(connection, number, gone)
            else:
                # A copy of the descriptor stays in `_open`, so that it can be cut.
                secure = self._tls.wrap_socket(connection.dup(), server_side=True)
                with secure:
                    self._talk(secure, number, gone)
        except OSError:
            pass  # a client that left, or a test that cut it
        finally:
            self._close(connection, number)

    def _talk(self, connection: socket.socket, number: int, gone: threading.Event) -> None:
        rest = b""
        while not gone.is_set():
            request, rest = _receive(connection, rest, number)
            if request is None:
                return
            with self._lock:
                scripted = self._answer(request)
            if not _send(connection, scripted, gone):
                return

    def _answer(self, request: Recorded) -> Answer:
        if request.path == "/-/counts":
            return answer(self.counts())
        self.requests.append(request)
        if request.path in self.at:
            return self.at[request.path]
        if self._script:
            return self._script.popleft()
        return self.always or replace(self._judge(request), delay=self.delay)

    def _judge(self, request: Recorded) -> Answer:
        try:
            parameters, client = request.parameters(), request.client()
        except ValueError:
            return refusal("invalid_request")
        if client != (self.client_id, self.client_secret):
            return refusal("invalid_client", 401, WWW_Authenticate='Basic realm="tests"')
        if parameters.get("grant_type") != GRANT:
            return refusal("unsupported_grant_type")
        token = mint(len(self.tokens) + 1, time.time() + self.lifetime)
        self.tokens.append(token)
        life = int(self.lifetime) if self.lifetime == int(self.lifetime) else self.lifetime
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": life}
        if "scope" in parameters:
            granted["scope"] = str(parameters["scope"])
        return answer(granted, Cache_Control="no-store", Set_Cookie="crumb=1; Path=/")

    def counts(self) -> dict[str, object]:
        """What it has seen."""
        return {
            "requests": len(self.requests),
            "tokens": len(self.tokens),
            "connections": self.connections,
        }


def _receive(connection: socket.socket, rest: bytes, number: int) -> tuple[Recorded | None, bytes]:
    """The next request, and what came after it; None at the end of the connection."""
    while b"\r\n\r\n" not in rest:
        more = connection.recv(65536)
        if not more:
            return None, rest
        rest += more
        if rest[:1] == _TLS:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            return None, rest
    head, _, _ = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (s.partition(":") for s in lines))
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    whole = len(head) + 4 + length
    while len(rest) < whole:
        more = connection.recv(65536)
        if not more:
            return None, rest
        rest += more
    raw, rest = rest[:whole], rest[whole:]
    method, target, _ = first.split(" ", 2)
    body = raw[len(head) + 4 :]
    return Recorded(method, target, headers, body, raw, time.monotonic(), number), rest


def _send(connection: socket.socket, scripted: Answer, gone: threading.Event) -> bool:
    """Whether the connection may go on."""
    if scripted.hang:
        gone.wait()
        return False
    if gone.wait(scripted.delay):
        return False
    while scripted.held is not None and not scripted.held.wait(0.01):
        if gone.is_set():
            return False
    wire = scripted.wire()[: scripted.cut]
    if not scripted.drip:
        connection.sendall(wire)
    else:
        for index in range(len(wire)):
            connection.sendall(wire[index : index + 1])
            if gone.wait(scripted.drip):
                return False
    return scripted.cut is None


def main() -> int:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m support.authorization_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--lifetime", type=float, default=3600.0)
    parser.add_argument("--client-id", default="me")
    parser.add_argument("--client-secret", default="sesame")
    parser.add_argument("--cert", help="PEM file with certificate and key: speaks TLS")
    parser.add_argument("--away", type=float, default=0.0, help="seconds away in every --every")
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    options = parser.parse_args()
    tls = None
    if options.cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.cert)
    server = AuthorizationServer(
        options.client_id,
        options.client_secret,
        options.lifetime,
        port=options.port,
        host=options.host,
        tls=tls,
    )
    server.delay = options.delay
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server.start()
    print(server.token_url, flush=True)  # noqa: T201 - its one line
    here = options.every - options.away if options.away else 3600.0
    while signal.sigtimedwait(signals, here) is None:
        if options.away:
            server.go_away()
            if signal.sigtimedwait(signals, options.away) is not None:
                break
            server.come_back()
    server.stop()
    json.dump(server.counts(), sys.stdout)
    print(flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
