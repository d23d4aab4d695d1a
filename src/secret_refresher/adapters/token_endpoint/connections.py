"""Connections whose every step is bounded and reported, and that live as long as a burst.

A token is fetched rarely, so a connection kept for the next time would be dead by then, or die
just as it is used. But many tokens of one origin are often due together, and a TLS handshake is
the dearest part of a request. So a connection is kept for a moment, and closed when nobody has
used it.
"""

from __future__ import annotations

import logging
import queue
import socket
import ssl
import threading
from functools import partial
from typing import Any

from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from secret_refresher.adapters.token_endpoint.hop import Hop, Stage, current, under_way
from secret_refresher.adapters.token_endpoint.watch import Line, Timing
from secret_refresher.adapters.whole_requests import WholeRequests

LINGER = 0.5
"""Seconds in which no request of an origin ended, after which its idle connections are closed."""


class _Reporting(WholeRequests):
    """Reports its steps to the hop of its thread, and is guarded by the hop's watch."""

    debuglevel = 0  # whoever sets http.client's own gets no request printed with its secrets
    _line: Line | None = None
    _used = False

    def _new_conn(self) -> socket.socket:
        hop = self._hop()
        hop.stage = Stage.RESOLVE
        addresses = hop.resolver.addresses(self._dns_host, self.port, hop.watch.left())
        hop.stage = Stage.CONNECT
        connection = _connected(addresses, hop, self.socket_options or [])
        self._line = Line(connection)
        hop.watch.guard(self._line)
        hop.stage = Stage.TLS
        return connection

    def _hop(self) -> Hop:
        """The hop of this thread, which from now on knows of the proxy."""
        hop = current()
        if self.proxy is not None:
            hop.proxy = (self.proxy.host or "", self.proxy.port or 0)
        return hop

    def _tunnel(self) -> None:
        hop = current()
        hop.stage = Stage.TUNNEL
        super()._tunnel()
        hop.stage = Stage.TLS

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        hop = self._hop()
        reused, self._used = self._used, True
        if reused and self._line is not None:
            hop.watch.guard(self._line)
        hop.sending(reused=reused)
        # Exactly the configured path: the library would write its escapes anew.
        target = hop.request.target if url.startswith("/") else url
        try:
            super().request(method, target, *args, **options)
        except ssl.SSLEOFError:
            # The server hung up while we sent. In TLS 1.3 that is how it refuses a client
            # certificate, and it has said so before.
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.recv(1)
            raise

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._used = False
            if self._line is not None:
                self._line.close()
                self._line = None


class _ReportingTls(_Reporting, HTTPSConnection):
    """The same over TLS."""


class _Burst(HTTPConnectionPool):
    """Connections to one origin, kept while requests to it end one after another."""

    ConnectionCls = _Reporting

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._used = False
        self._looked_after = False
        self._lock = threading.Lock()

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)
        if current().fresh:
            connection.close()
        return connection

    def _validate_conn(self, conn: Any) -> None:
        super()._validate_conn(conn)
        if conn.is_closed:  # without TLS the library connects as late as it sends
            conn.connect()

    def _put_conn(self, conn: Any) -> None:
        super()._put_conn(conn)
        with self._lock:
            self._used = True
            begin, self._looked_after = not self._looked_after, True
        if begin:
            self._look_later(current().watch.later)

    def _look_later(self, later: Timing) -> None:
        try:
            later(LINGER, partial(self._look, later)).start()
        except (RuntimeError, MemoryError):  # nobody will look, so nothing is kept
            with self._lock:
                self._looked_after = False
            self._close_idle()

    def _look(self, later: Timing) -> None:
        """Closes what is idle, or comes back later where any of it was used meanwhile."""
        with self._lock:
            again, self._used = self._used, False
            self._looked_after = again
        if again:
            self._look_later(later)
        else:
            self._close_idle()

    def _close_idle(self) -> None:
        if self.pool is not None:
            _close_idle(self.pool)


class _BurstTls(_Burst, HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _ReportingTls


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Burst, "https": _BurstTls}
"""For `PoolManager.pool_classes_by_scheme`."""


def _connected(
    addresses: list[Any], hop: Hop, options: list[tuple[int, int, int | bytes]]
) -> socket.socket:
    """A connection to the first address that takes one.

    Each gets an equal share of what time is left, so that one which swallows packets (IPv6
    without a route, often) leaves time for the next. Raises the last address's `OSError`.
    """
    trouble: OSError = TimeoutError()
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        left = hop.watch.left()
        if not left:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            for option in options:
                connection.setsockopt(*option)
            connection.settimeout(left / (len(addresses) - index))
            connection.connect(address)
            connection.settimeout(hop.watch.backstop())
        except OSError as error:
            connection.close()
            trouble = error
        else:
            return connection
    raise trouble


def _close_idle(pool: queue.LifoQueue[Any]) -> None:
    """Closes every connection in a pool; an empty slot is None there."""
    with pool.mutex:
        idle = [connection for connection in pool.queue if connection is not None]
        pool.queue[:] = [None] * len(pool.queue)
    for connection in idle:
        connection.close()


def hush() -> None:
    """Keeps urllib3 from logging our exchanges: it writes URLs, and ours may hold secrets.

    Only records made in the middle of a hop are dropped; other users of the library keep theirs.
    """
    for name in ("connection", "connectionpool", "response", "util.retry", "poolmanager"):
        logging.getLogger(f"urllib3.{name}").addFilter(_not_ours)


def _not_ours(_: logging.LogRecord) -> bool:
    return not under_way()
