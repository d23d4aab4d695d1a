"""What somebody who can connect to metrics and probes can do."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from secret_refresher.server import CONNECTIONS, PATIENCE, PLAIN, Answer, Server
from support.endless import forget_peak, peak, resident

LARGE = b"x" * (8 << 20)
"""As large as the metrics of 15,000 tokens."""
ASK = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def port() -> int:
    """A server with a small page and a large one."""
    pages = {"/small": b"ok\n", "/large": LARGE}
    routes = {
        path: (lambda _asked, body=body: Answer(HTTPStatus.OK, PLAIN, body))
        for path, body in pages.items()
    }
    return int(Server("127.0.0.1", 0, routes).start().rpartition(":")[2])


def threads_now() -> int:
    """Of this process, by the kernel's count."""
    return len(os.listdir("/proc/self/task"))


def alive(port: int, patience: float = 2 * PATIENCE) -> None:
    """A probe gets its answer, once those who hold every place have been cut off."""
    end = time.monotonic() + patience
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/small")
            assert connection.getresponse().read() == b"ok\n"
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < end, "no probe is answered any more"
            time.sleep(0.2)
        else:
            return
        finally:
            connection.close()


@contextlib.contextmanager
def many(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many connections at once."""
    with contextlib.ExitStack() as open_:
        yield [
            open_.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
            for _ in range(count)
        ]


def test_readers_that_do_not_read(port: int) -> None:
    """A large page that nobody takes is held as often as there are places, and not for long."""
    before, threads = resident(), threads_now()
    forget_peak()
    with many(port, 4 * CONNECTIONS) as hogs:
        for hog in hogs:
            with contextlib.suppress(OSError):
                hog.sendall(ASK)
        time.sleep(1)
        assert threads_now() <= threads + CONNECTIONS
        alive(port)
    assert peak() - before < 64 << 20  # one page, which all of them share, and buffers


def test_requests_that_drip(port: int) -> None:
    """A header of a byte now and then does not keep its place longer than ten seconds."""
    with many(port, CONNECTIONS) as hogs:
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.5):
                for hog in hogs:
                    with contextlib.suppress(OSError):
                        hog.send(b"X")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            alive(port)
        finally:
            over.set()
            thread.join()


def test_a_pipeline_is_not_worked_off(port: int) -> None:
    """Ten thousand requests in one go get one answer, and the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        answers = b""
        with contextlib.suppress(OSError):
            client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n" * 10_000)
        with contextlib.suppress(OSError):
            while more := client.recv(65536):
                answers += more
    assert answers.count(b"HTTP/1.") <= 1
    alive(port)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /small HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET /small HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /small HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
        b"GET /small?" + b"q" * 60_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["body", "chunks", "expect", "query"],
)
def test_what_follows_a_request_is_not_read(port: int, request_: bytes) -> None:
    """A body without an end is never taken in: the page is answered, and the connection ends."""
    before = resident()
    forget_peak()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request_)
        first = client.recv(65536)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                sent += client.send(b"x" * 65536)
    assert first.startswith((b"HTTP/1.0 200", b"HTTP/1.1 100"))
    assert sent < 64 << 20
    assert peak() - before < 32 << 20
    alive(port)


def test_a_storm_of_connections(port: int) -> None:
    """Hundreds that come and go leave no thread and no place taken."""
    threads = threads_now()
    for _ in range(400):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
    alive(port)
    end = time.monotonic() + 2 * PATIENCE
    while threads_now() > threads + 1:
        assert time.monotonic() < end
        time.sleep(0.1)
