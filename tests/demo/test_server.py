"""The demo's authorization server over real HTTP."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.demo.server import MOST_BODY, AuthorizationServer, Client, Verdict
from secret_refresher.tokens.secret import Secret

RIGHT = {"client_id": "me", "client_secret": "s3cret", "grant_type": "client_credentials"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A server that knows one client."""
    with AuthorizationServer(Client("me", Secret("s3cret")), SystemClock(), 20.0) as server:
        yield server


def ask(
    server: AuthorizationServer,
    body: bytes,
    headers: dict[str, str] = JSON,
    method: str = "POST",
    path: str | None = None,
) -> tuple[int, dict[str, str], Any]:
    """One request; status, headers in lower case, and the parsed body."""
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        connection.request(method, url.path if path is None else path, body, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, json.loads(answer.read())
    finally:
        connection.close()


def test_right_credentials_are_granted_a_token(server: AuthorizationServer) -> None:
    """A token in the JSON dialect: opaque, with its life in seconds, kept by nobody on the way."""
    status, headers, answer = ask(server, json.dumps(RIGHT).encode())
    assert status == 200
    assert answer.keys() == {"access_token", "token_type", "expires_in"}
    assert answer["expires_in"] == 20
    assert answer["token_type"] == "Bearer"
    assert headers["cache-control"] == "no-store"
    assert server.granted == 1
    assert 0 < server.remaining(answer["access_token"]) <= 20
    assert server.verdict(answer["access_token"], SystemClock().now()) is Verdict.LIVE


def test_each_request_gets_a_token_of_its_own(server: AuthorizationServer) -> None:
    """Two answers never hold the same token."""
    tokens = {ask(server, json.dumps(RIGHT).encode())[2]["access_token"] for _ in range(3)}
    assert len(tokens) == server.granted == 3


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "you"},
        {"client_secret": "s3creT"},
        {"client_secret": ""},
        {"client_secret": None},
        {"client_secret": ["s3cret"]},
        {"client_secret": "\ud800"},
        {"client_id": 7, "grant_type": "password"},
    ],
    ids=repr,
)
def test_wrong_credentials_are_refused(server: AuthorizationServer, change: dict[str, Any]) -> None:
    """401 invalid_client in the form of RFC 6749 section 5.2, with a challenge, and no token."""
    status, headers, answer = ask(server, json.dumps(RIGHT | change).encode())
    assert (status, answer["error"]) == (401, "invalid_client")
    assert headers["www-authenticate"].startswith("Basic ")
    assert server.granted == 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"", JSON, 400, "invalid_request"),
        (b"{", JSON, 400, "invalid_request"),
        (b"[]", JSON, 400, "invalid_request"),
        (b"[" * 5000, JSON, 400, "invalid_request"),
        (b"\xff", JSON, 400, "invalid_request"),
        (b"client_id=me&client_secret=s3cret", {}, 400, "invalid_request"),
        (json.dumps(RIGHT).encode(), {}, 400, "invalid_request"),
        (
            json.dumps({**RIGHT, "grant_type": "password"}).encode(),
            JSON,
            400,
            "unsupported_grant_type",
        ),
        (
            json.dumps({"client_id": "me", "client_secret": "s3cret"}).encode(),
            JSON,
            400,
            "invalid_request",
        ),
        # Refused by what it announces: nothing of it is read.
        (b"", {**JSON, "Content-Length": str(MOST_BODY + 1)}, 413, "invalid_request"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_requests_are_told_what_is_wrong(
    server: AuthorizationServer, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    """A request of another form gets an OAuth error with a description, and no token."""
    got, _, answer = ask(server, body, headers)
    assert (got, answer["error"]) == (status, error)
    assert answer["error_description"]
    assert server.granted == 0


def test_only_post_to_the_token_endpoint_is_served(server: AuthorizationServer) -> None:
    """GET is 405 and names POST; another path is 404."""
    status, headers, _ = ask(server, b"", method="GET")
    assert (status, headers["allow"]) == (405, "POST")
    assert ask(server, json.dumps(RIGHT).encode(), path="/")[0] == 404


def test_a_request_without_a_length_is_refused(server: AuthorizationServer) -> None:
    """Without Content-Length the answer is 411 at once, not a wait for a body."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        connection.sendall(b"POST /oauth/token HTTP/1.0\r\nContent-Type: application/json\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.0 411 ")


def test_it_listens_on_loopback_only_and_is_gone_afterwards() -> None:
    """Nobody else on the network reaches it, and its port is free again after the end."""
    with AuthorizationServer(Client.fresh(), SystemClock(), 20.0) as server:
        url = urlsplit(server.url)
        assert url.hostname == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((url.hostname, url.port), timeout=30)
