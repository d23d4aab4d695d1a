from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.request import Client, token_request
from secret_refresher.config.model import Auth, AuthMethod, RequestFormat, RequestMethod
from secret_refresher.tokens.secret import Secret
from secret_refresher.tokens.token import Grant
from support.authorization_answers import Recorded
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker

BASIC, POST = AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST
JSON, FORM = RequestFormat.JSON, RequestFormat.FORM
GET = RequestMethod.GET
ODD = "pä:ss+w%rd &=ß\"\\'~*/?日本"
"""What trips encoders up: a colon, a percent, a plus, blanks, quotes, and no ASCII."""


def test_json_request_is_the_one_that_curl_sends(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """With format json, method, path, Content-Type and body are byte for byte curl's."""
    _curl(server, '{"client_id":"me","client_secret":"sesame","grant_type":"client_credentials"}')
    assert isinstance(endpoint.fetch(token(format=JSON), 5).result, Grant)
    theirs, ours = server.requests
    assert _request_line(ours) == _request_line(theirs)
    assert ours.body == theirs.body
    assert _headers(ours, but={"user-agent", "accept", "accept-encoding"}) == _headers(
        theirs, but={"user-agent", "accept"}
    )
    assert theirs.header("accept") == "*/*"
    assert ours.header("accept") == "application/json"
    assert ours.header("accept-encoding") == "identity"
    assert ours.header("user-agent") == "secret-refresher/test"


def test_json_request_is_curls_with_characters_of_any_kind(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A secret outside ASCII stands in the JSON as a person would type it for curl."""
    text = "geheim-ü-日本"
    server.client_secret = text
    token.secret(text)
    _curl(
        server, f'{{"client_id":"me","client_secret":"{text}","grant_type":"client_credentials"}}'
    )
    assert isinstance(endpoint.fetch(token(format=JSON), 5).result, Grant)
    theirs, ours = server.requests
    assert ours.body == theirs.body


@pytest.mark.parametrize("path", ["/oauth/token?tenant=blue%2fgreen&x", "/a%2fb/~x;y=1", ""])
def test_path_and_query_are_sent_as_written(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, path: str
) -> None:
    """A tokenUrl's path and query reach the server unchanged, escapes in lower case too."""
    _curl(server, "{}", path)
    endpoint.fetch(token(url=server.origin + path, format=JSON), 5)
    theirs, ours = server.requests
    assert _request_line(ours) == _request_line(theirs)


def test_basic_encodes_id_and_secret_as_a_form(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """client_secret_basic form-encodes both before Base64 (RFC 6749 section 2.3.1)."""
    server.client_id, server.client_secret = f"id:{ODD}", ODD
    token.secret(ODD)
    auth = Auth(client_id=f"id:{ODD}", client_secret_file=str(token.secret_file), method=BASIC)
    assert isinstance(endpoint.fetch(token(auth=auth), 5).result, Grant)
    header = server.requests[0].header("authorization") or ""
    name, colon, secret = base64.b64decode(header.removeprefix("Basic ")).partition(b":")
    assert (colon, unquote_plus(name.decode()), unquote_plus(secret.decode())) == (
        b":",
        f"id:{ODD}",
        ODD,
    )
    assert name.isascii()
    assert secret.isascii()
    assert b"%20" not in secret, "a blank is a plus in a form"


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ({"auth_method": BASIC}, "header"),
        ({"auth_method": POST}, "form"),
        ({}, "header"),
        ({"auth_method": BASIC, "format": JSON}, "header"),
        ({"auth_method": POST, "format": JSON}, "json"),
        ({"format": JSON}, "json"),
        ({"auth_method": BASIC, "method": GET}, "header"),
        ({"auth_method": POST, "method": GET}, "query"),
        ({"method": GET}, "header"),
    ],
)
def test_credentials_go_where_the_table_says(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    keys: dict[str, Any],
    where: str,
) -> None:
    """Credentials stand in exactly one place, by method and format, and arrive unharmed."""
    server.client_secret = ODD
    token.secret(ODD)
    outcome = endpoint.fetch(token(**keys), 5)
    assert isinstance(outcome.result, Grant)
    seen = server.requests[0]
    places = {
        "header": seen.header("authorization") is not None,
        "form": b"client_secret=" in seen.body,
        "json": b'"client_secret":' in seen.body,
        "query": "client_secret=" in seen.target,
    }
    assert [place for place, used in places.items() if used] == [where]
    assert seen.method == ("GET" if keys.get("method") is GET else "POST")
    if seen.method == "GET":
        assert seen.body == b""
        assert seen.header("content-type") is None


EVERYTHING: dict[str, Any] = {
    "scope": ("read", "write"),
    "audience": "https://api.example.com",
    "resource": ("https://a.example.com", "https://b.example.com"),
    "parameters": {
        "tenant": "blue",
        "tags": ("x", 2),
        "dry": True,
        "ttl": 1.5,
        "deep": {"a": None},
    },
}


def test_json_parameters_keep_their_types(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """In JSON scope is one text, and numbers, booleans, lists and objects stay what they are."""
    endpoint.fetch(token(format=JSON, **EVERYTHING), 5)
    assert json.loads(server.requests[0].body) == {
        "client_id": "me",
        "client_secret": "sesame",
        "grant_type": "client_credentials",
        "scope": "read write",
        "audience": "https://api.example.com",
        "resource": ["https://a.example.com", "https://b.example.com"],
        "tenant": "blue",
        "tags": ["x", 2],
        "dry": True,
        "ttl": 1.5,
        "deep": {"a": None},
    }


def test_json_says_a_single_resource_as_text(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """One resource is a text in JSON; a list of one would be another request."""
    endpoint.fetch(token(format=JSON, resource=("https://a.example.com",)), 5)
    assert json.loads(server.requests[0].body)["resource"] == "https://a.example.com"


FLAT = {**EVERYTHING, "parameters": {"tenant": "bl ue", "tags": ("x", 2), "dry": True, "ttl": 1.5}}
PAIRS = [
    ("grant_type", "client_credentials"),
    ("scope", "read write"),
    ("audience", "https://api.example.com"),
    ("resource", "https://a.example.com"),
    ("resource", "https://b.example.com"),
    ("tenant", "bl ue"),
    ("tags", "x"),
    ("tags", "2"),
    ("dry", "true"),
    ("ttl", "1.5"),
]


def test_form_repeats_lists(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """In a form resources and lists repeat their name, and a boolean is true or false."""
    endpoint.fetch(token(**FLAT), 5)
    seen = server.requests[0]
    assert seen.header("content-type") == "application/x-www-form-urlencoded"
    assert seen.pairs == PAIRS


def test_get_puts_everything_behind_the_query(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A GET has all parameters in the query, behind those that tokenUrl has."""
    endpoint.fetch(token(url=f"{server.token_url}?v=1&v=2", method=GET, **FLAT), 5)
    seen = server.requests[0]
    assert seen.method == "GET"
    assert seen.pairs == [("v", "1"), ("v", "2"), *PAIRS]


def test_configured_headers_are_sent_and_win(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Headers of the configuration are sent, once, even those that we would set ourselves."""
    headers = {"X-Tenant": "blue", "user-agent": "mine/1", "ACCEPT": "*/*"}
    endpoint.fetch(token(headers=headers), 5)
    seen = server.requests[0]
    for sent in (
        [name for name, _ in seen.headers],
        list(token_request(token(headers=headers), Client(Secret("me"), Secret("x")), "t").headers),
    ):
        assert len({name.lower() for name in sent}) == len(sent)
    assert (seen.header("x-tenant"), seen.header("user-agent"), seen.header("accept")) == (
        "blue",
        "mine/1",
        "*/*",
    )


def test_no_cookie_is_ever_sent(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """What a server sets as a cookie does not come back to it."""
    for _ in range(2):
        endpoint.fetch(token(), 5)
    assert [seen.header("cookie") for seen in server.requests] == [None, None]


def test_netrc_is_never_used(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A netrc of the machine adds no credentials to a request and replaces none."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    endpoint.fetch(token(auth_method=POST), 5)
    assert server.requests[0].header("authorization") is None


def _curl(server: AuthorizationServer, data: str, path: str = "/oauth/token") -> None:
    assert shutil.which("curl"), "install curl: the JSON dialect is measured against it"
    json_type = ["--header", "Content-Type: application/json"]
    command = ["curl", "--silent", "--fail", "--max-time", "10", "--noproxy", "*"]
    command += ["--location", "--request", "POST", server.origin + path, *json_type]
    subprocess.run([*command, "--data-raw", data], capture_output=True, check=False)


def _request_line(seen: Recorded) -> bytes:
    return seen.raw.partition(b"\r\n")[0]


def _headers(seen: Recorded, but: set[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in seen.headers if name.lower() not in but}
