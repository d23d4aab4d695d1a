from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from secret_refresher.adapters.whole_requests import WholeRequests

MOST = 65536


@pytest.fixture
def line() -> Iterator[tuple[WholeRequests, socket.socket]]:
    """A connection and its other end, where each piece that is sent stays one."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection = WholeRequests("id.example.com")
    connection.sock = here
    with here, there:
        there.settimeout(20)
        yield connection, there


@pytest.mark.parametrize("body", [b"grant", "grant", None])
def test_a_request_leaves_in_one_piece(
    line: tuple[WholeRequests, socket.socket], body: bytes | str | None
) -> None:
    """Head and body arrive together, and nothing follows but the next request."""
    connection, there = line
    connection.request("POST", "/token", body=body, headers={"X": "y"})
    head, _, content = there.recv(MOST).partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert b"X: y" in head.split(b"\r\n")
    assert content == (b"grant" if body else b"")
    there.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    connection.getresponse().release_conn()
    connection.request("GET", "/next")
    assert there.recv(MOST).startswith(b"GET /next HTTP/1.1\r\n")


def test_nothing_of_a_request_that_cannot_be_made(
    line: tuple[WholeRequests, socket.socket],
) -> None:
    """A header that is none is noticed before anything was sent."""
    connection, there = line
    with pytest.raises(ValueError, match="header"):
        connection.request("POST", "/token", body=b"grant", headers={"X": "a\nb"})
    there.setblocking(False)
    with pytest.raises(BlockingIOError):
        there.recv(MOST)
