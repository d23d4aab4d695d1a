"""Metrics, probes and the status page over HTTP, for Prometheus, the kubelet and people."""

from __future__ import annotations

import _thread
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from types import MappingProxyType
from typing import NamedTuple, final

from secret_refresher.errors import whereabouts


class Asked(NamedTuple):
    """A GET or HEAD, as far as routes look at it.

    `query` is what follows the `?`. `client` is the address that the connection comes from, and
    `forwarded` says that it tells of a proxy, so that this is not the asker's own. Of the headers
    `accept` is empty where there is none, and `host` is None.
    """

    query: str = ""
    accept: str = ""
    client: str = ""
    host: str | None = None
    forwarded: bool = False


class Answer(NamedTuple):
    """What a route answers; `headers` beside those that every answer has."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


Route = Callable[[Asked], Answer]
"""Answers a GET."""

CONNECTIONS = 32
"""Served at once; more are turned away, so that nobody can exhaust memory or threads."""
PATIENCE = 10.0
"""Seconds after which a connection is cut, whatever it is doing."""
_ROUND = 1.0
"""Seconds from one look at connections whose time is over to the next."""
PLAIN = "text/plain; charset=utf-8"
_OF_PROXIES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
"""Headers that proxies leave, those of service meshes among them (RFC 7239; Envoy's)."""


@final
class Server:
    """A small HTTP/1.0 server: GET and HEAD of a few exact paths."""

    def __init__(self, host: str, port: int, routes: Mapping[str, Route]) -> None:
        self._host = host
        self._port = port
        self._routes = routes

    def start(self) -> str:
        """Listens, then serves on a daemon thread; the address as `host:port`.

        `::` means every address of both families, or of IPv4 where the machine has no IPv6.
        Raises OSError where it cannot listen.
        """
        try:
            server = _listen(socket.AF_INET6 if ":" in self._host else socket.AF_INET, self)
        except OSError:
            if self._host != "::":
                raise
            self._host = "0.0.0.0"  # noqa: S104 - what `::` means without IPv6
            server = _listen(socket.AF_INET, self)
        threading.Thread(target=server.serve, name="http", daemon=True).start()
        port = server.server_address[1]
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        """Where to listen."""
        return self._host, self._port

    def answer(self, path: str, asked: Asked) -> Answer:
        """What a GET of `path` is answered; a route that fails is told by where, never by what."""
        route = self._routes.get(path)
        if route is None:
            known = " ".join(self._routes)
            return Answer(HTTPStatus.NOT_FOUND, PLAIN, f"not found; there are {known}\n".encode())
        try:
            return route(asked)
        except Exception as defect:  # noqa: BLE001 - a probe must be answered, whatever happens
            told = f"a defect of ours: {whereabouts(defect)}; please report it with this line\n"
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, PLAIN, told.encode())


def _listen(family: socket.AddressFamily, server: Server) -> _Listener:
    listener = _Listener(family, server)
    try:
        listener.server_bind()
        listener.server_activate()
    except OSError:
        listener.server_close()
        raise
    return listener


@final
class _Listener(TCPServer):
    """Bounds what strangers can do: how many, how long, how much.

    Each connection has a thread without an object of its own: `threading.Thread.start` waits for a
    sign that a thread without memory never gives, and one such wait would be the end of all pages.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, family: socket.AddressFamily, server: Server) -> None:
        self.address_family = family
        self.answers = server
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._since: dict[socket.socket, float] = {}
        super().__init__(server.address, _Handler, bind_and_activate=False)
        if family is socket.AF_INET6 and server.address[0] == "::":
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)

    def serve(self) -> None:
        """Serves for ever, after a pause too where the loop itself had no memory.

        Without an answer to its probe, a daemon that still does its work would be killed.
        """
        pause = threading.Event()
        while True:
            with contextlib.suppress(Exception):
                self.serve_forever(_ROUND)
            pause.wait(_ROUND)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._since[request] = time.monotonic()
        try:
            _thread.start_new_thread(self._attend, (request, client_address))
        except (RuntimeError, MemoryError):  # the machine gives no more threads
            self._leave(request)

    def _attend(self, request: socket.socket, client_address: object) -> None:
        try:
            self.finish_request(request, client_address)
        except Exception:  # noqa: BLE001 - whatever it is, it is this client's alone
            self.handle_error(request, client_address)
        finally:
            self._leave(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""

    def _leave(self, request: socket.socket) -> None:
        """Ends a connection; its place is free, once, whoever says so first."""
        if self._since.pop(request, None) is not None:
            self._places.release()
        self.shutdown_request(request)

    def service_actions(self) -> None:
        """Cuts connections whose time is over; the server's loop calls it every round.

        One whose thread never began leaves its place another such time later.
        """
        now = time.monotonic()
        for request, since in list(self._since.items()):
            if since < now - 2 * PATIENCE:
                self._leave(request)
            elif since < now - PATIENCE:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)


@final
class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = 5
    server_version = "secret-refresher"
    sys_version = ""

    def do_GET(self) -> None:
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        path, _, query = self.path.partition("?")
        asked = Asked(
            query=query,
            accept=self.headers.get("Accept", ""),
            client=self.client_address[0],
            host=self.headers.get("Host"),
            forwarded=any(name in self.headers for name in _OF_PROXIES),
        )
        answer = self.server.answers.answer(path, asked)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Requests are not logged: probes alone would be most of the log."""
