"""No secret, token or body reaches a log, an exception, a repr or a traceback."""

from __future__ import annotations

import http.client
import io
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout

import pytest
import urllib3

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.adapters.token_endpoint.trust import Trust
from secret_refresher.config.model import AuthMethod, RequestFormat, RequestMethod, TokenConfig
from secret_refresher.tokens.secret import Secret
from support.authorization_answers import CUT, HANG, Answer, answer, redirect, refusal
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker

SECRET = "hush-hush"
ENCODED = ("hush", "aHVzaC1odXNo", "bWU6aHVzaC1odXNo")
"""The secret, and how Base64 would show it."""
POST = AuthMethod.CLIENT_SECRET_POST


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """Everything that is logged by anybody at any level, tracebacks included."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    http.client.HTTPConnection.debuglevel = 5
    try:
        yield stream
    finally:
        http.client.HTTPConnection.debuglevel = 0
        root.setLevel(before)
        root.removeHandler(handler)


def requests_of(token: TokenMaker) -> list[TokenConfig]:
    """The same token by every way that credentials go."""
    return [
        token(auth_method=POST, method=RequestMethod.GET),
        token(auth_method=POST),
        token(format=RequestFormat.JSON),
        token(),
    ]


def scripts(server: AuthorizationServer) -> list[list[Answer]]:
    """Answers of which each echoes the secret, or makes a library complain about the URL."""
    echo = answer({"error": SECRET, "error_description": SECRET}, 400, X_Echo=SECRET)
    return [
        [],
        [CUT],
        [HANG],
        [echo],
        [refusal("invalid_client", 401)],
        [redirect(f"http://{SECRET}.example.com:81/?client_secret={SECRET}")],
        [redirect(f"{server.token_url}?client_secret={SECRET}"), CUT],
        [Answer(200, {"Content-Length": "99"}, SECRET.encode(), cut=180)],
        [Answer(200, {"Content-Type": SECRET}, SECRET.encode())],
        [Answer(200, {"Content-Encoding": SECRET}, SECRET.encode())],
        [Answer(200, {"Transfer-Encoding": "chunked", "Content-Length": None}, SECRET.encode())],
        [Answer(200, {"": SECRET, "broken header": SECRET}, b"{}")],
        [Answer(500, {"Retry-After": SECRET}, SECRET.encode())],
        [answer({"access_token": f"{SECRET}\n", "expires_in": SECRET})],
        [answer({"access_token": SECRET, "expires_in": SECRET, "token_type": SECRET})],
    ]


def test_nothing_is_told_that_may_hold_a_secret(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    heard: io.StringIO,
) -> None:
    """Whatever a server does, outcome, logs at DEBUG and both outputs hold no secret."""
    token.secret(SECRET)
    server.client_secret = SECRET
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        for config in requests_of(token):
            for script in scripts(server):
                server.queue(*script)
                # A host that is told is the server's word, and the one thing that is shown.
                told = repr(endpoint.fetch(config, 0.4)).replace(f"{SECRET}.example.com", "")
                told += endpoint.credentials(config)
                assert not [word for word in ENCODED if word in told], told
    said = heard.getvalue() + printed.getvalue()
    assert not [word for word in ENCODED if word in said], said
    assert server.requests[0].parameters()["client_secret"] == SECRET


def test_other_users_of_the_library_keep_their_logs(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, heard: io.StringIO
) -> None:
    """Only our exchanges are silent: whoever else uses urllib3 still sees its log."""
    endpoint.fetch(token(), 5)
    assert "urllib3" not in heard.getvalue()
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{server.origin}/someone-else", retries=False)
    assert "/someone-else" in heard.getvalue()


def test_nothing_on_the_way_shows_itself(token: TokenMaker) -> None:
    """What the adapter carries around has no secret in its repr."""
    config = token(auth_method=POST, method=RequestMethod.GET)
    request = token_request(config, Client(Secret("me"), Secret(SECRET)), "test")
    assert SECRET in request.url
    shown = f"{request!r} {request} {Trust('/ca.pem', SECRET.encode())!r} {endpoint_repr()}"
    assert "hush" not in shown


def endpoint_repr() -> str:
    """An endpoint's own."""
    return repr(TokenEndpoint(SystemClock(), MountReader(), "test"))


def test_even_a_defect_tells_nothing(
    server: AuthorizationServer, token: TokenMaker, heard: io.StringIO
) -> None:
    """An exception that nobody foresaw comes back as a fault with its type's name alone."""

    def lookup(_host: str, _port: int) -> list[object]:
        return [SECRET]

    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=lookup)  # type: ignore[arg-type]
    token.secret(SECRET)
    try:
        outcome = endpoint.fetch(token(url="http://localhost:1/"), 5)
    except Exception:  # noqa: BLE001 - what it would show is looked at
        told = traceback.format_exc()
    else:
        told = repr(outcome)
        assert "defect" in told
        assert "ValueError" in told
    assert "hush" not in told + heard.getvalue()
    assert server.requests == []


def test_requests_is_loaded_with_the_first_fetch() -> None:
    """Until something is to be sent neither requests nor urllib3 takes memory."""
    code = (
        "import sys, secret_refresher.adapters.token_endpoint as t;"
        "from secret_refresher.adapters.clock import SystemClock;"
        "from secret_refresher.adapters.mounts import MountReader;"
        "t.TokenEndpoint(SystemClock(), MountReader(), 'x');"
        "print({'requests', 'urllib3'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
