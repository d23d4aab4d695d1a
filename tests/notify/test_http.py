"""An application is told by one HTTP request, whatever it does to us."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from secret_refresher.adapters.notify import http
from secret_refresher.config.consumers import HttpConsumer, HttpMethod
from secret_refresher.errors import Fault, Reason, Trouble
from support.certificates import Authority

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Serve = Callable[..., str]
"""Starts a server that answers each connection by a function of (socket, request)."""


def say(answer: bytes) -> Callable[[socket.socket], None]:
    """Answers these bytes."""
    return lambda connection: connection.sendall(answer)


@pytest.fixture
def heard() -> list[bytes]:
    """The requests as they came."""
    return []


@pytest.fixture
def serve(heard: list[bytes]) -> Iterator[Serve]:
    """Servers on loopback; they end with the test."""
    with ExitStack() as open_sockets:

        def start(answer: Callable[[socket.socket], None]) -> str:
            listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        heard.append(connection.recv(65536))
                        try:
                            answer(connection)
                        except OSError:
                            continue

            threading.Thread(target=run, daemon=True).start()
            return f"http://127.0.0.1:{listener.getsockname()[1]}/-/reload?all=1"

        yield start


def tell(url: str, timeout: float = 5.0, **keys: object) -> None:
    """One attempt."""
    http.tell(HttpConsumer(url=url, timeout=timeout, **keys), time.monotonic, "us/1")  # type: ignore[arg-type]


def fault(url: str, timeout: float = 5.0, **keys: object) -> Fault:
    """Why an attempt failed."""
    with pytest.raises(Trouble) as failed:
        tell(url, timeout, **keys)
    return failed.value.fault


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content", "299 Odd"])
def test_any_success_has_heard(serve: Serve, status: str) -> None:
    """Every 2xx will do, whatever the body says."""
    tell(serve(say(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())))


def test_what_is_sent(serve: Serve, heard: list[bytes]) -> None:
    """Method, path with query, host, given headers, an empty body, no connection kept; no more."""
    url = serve(say(OK))
    tell(url, method=HttpMethod.PUT, headers={"X-Why": "token", "user-agent": "mine"})
    head = heard[0].decode().splitlines()
    assert head[0] == "PUT /-/reload?all=1 HTTP/1.1"
    assert set(head[1:-1]) == {
        f"Host: {url.split('/')[2]}",
        "Accept-Encoding: identity",
        "Content-Length: 0",
        "Accept: */*",
        "Connection: close",
        "X-Why: token",
        "user-agent: mine",
    }


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (b"HTTP/1.1 500 Oops\r\n\r\n", Reason.SERVER_ERROR, 500),
        (b"HTTP/1.1 503 Oops\r\nRetry-After: 7\r\n\r\n", Reason.SERVER_ERROR, 503),
        (b"HTTP/1.1 429 Slow\r\n\r\n", Reason.RATE_LIMITED, 429),
        (b"HTTP/1.1 404 None\r\n\r\n", Reason.HTTP_STATUS, 404),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", Reason.REDIRECT, 302),
        (b"SSH-2.0-OpenSSH\r\n", Reason.BAD_ANSWER, None),
        (b"", Reason.NETWORK, None),
    ],
)
def test_anything_else_has_not(
    serve: Serve, heard: list[bytes], answer: bytes, reason: Reason, status: int | None
) -> None:
    """Each other answer is a failure with its own reason; a redirect is not followed."""
    failed = fault(serve(say(answer)))
    assert (failed.reason, failed.status) == (reason, status)
    assert failed.retry_after == (7.0 if b"Retry-After" in answer else None)
    assert len(heard) == 1


def test_nobody_there() -> None:
    """A port where nobody listens says so, and names the address without its query."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = fault(f"http://127.0.0.1:{port}/-/reload?all=1")
    assert failed.reason is Reason.CONNECT
    assert f"http://127.0.0.1:{port}/-/reload" in failed.summary
    assert "all=1" not in str(failed)


@pytest.mark.parametrize(
    "drip",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 5"],
    ids=["silent", "endless header", "endless status"],
)
def test_one_that_hangs_is_left_in_time(serve: Serve, drip: bytes) -> None:
    """A time-out is for the whole exchange: bytes that keep coming do not prolong it."""

    def hang(connection: socket.socket) -> None:
        connection.sendall(drip)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            time.sleep(0.05)
            if drip:
                connection.sendall(b"x")

    began = time.monotonic()
    failed = fault(serve(hang), timeout=0.4)
    assert failed.reason is Reason.TIMEOUT
    assert time.monotonic() - began < 5


def test_an_endless_body_counts_as_heard(serve: Serve) -> None:
    """The status has come; of the body no more is read than a little, nor longer than allowed."""
    began = time.monotonic()
    sent: list[int] = []

    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while time.monotonic() < began + 10:
            sent.append(connection.send(b"x" * 65536))

    tell(serve(flood), timeout=1.0)
    assert time.monotonic() - began < 8
    assert sum(sent) < 32 * 1024 * 1024  # buffers of the kernel, and no more


def test_no_proxy_is_asked(
    serve: Serve, heard: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment says, the application itself is asked."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    tell(serve(say(OK)))
    assert heard[0].startswith(b"POST /-/reload?all=1 ")


def test_a_name_that_does_not_resolve() -> None:
    """It says DNS."""
    assert fault("http://no-such-host.invalid/").reason is Reason.DNS


def test_an_untrusted_certificate(serve: Serve, tmp_path: Path) -> None:
    """Over https:// a plain server and an unusable CA file are told apart."""
    url = serve(say(OK)).replace("http:", "https:")
    assert fault(url).reason is Reason.TLS
    missing = fault(url, ca_file=str(tmp_path / "ca.pem"))
    assert missing.reason is Reason.TLS
    assert str(tmp_path / "ca.pem") in missing.summary


def test_a_private_authority(tmp_path: Path) -> None:
    """With its file an application is told over TLS, and without it is not trusted."""
    authority = Authority(str(tmp_path))
    context = authority.issue().server()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with connection, contextlib.suppress(OSError):
                    secure = context.wrap_socket(connection, server_side=True)
                    secure.recv(65536)
                    secure.sendall(OK)
                    secure.close()

        threading.Thread(target=run, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        tell(url, ca_file=authority.file)
        assert fault(url).reason is Reason.TLS


def test_a_look_asks_nothing(serve: Serve, heard: list[bytes]) -> None:
    """What `doctor` does: whether somebody listens, without a request."""
    consumer = HttpConsumer(url=serve(say(OK)))
    assert http.examine(consumer, time.monotonic) == "somebody listens there"
    with pytest.raises(Trouble) as failed:
        http.examine(HttpConsumer(url="http://127.0.0.1:1/"), time.monotonic)
    assert failed.value.fault.reason is Reason.CONNECT
    assert [request for request in heard if request] == []
