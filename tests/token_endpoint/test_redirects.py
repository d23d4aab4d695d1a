from __future__ import annotations

import pytest

from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.config.model import RequestFormat, RequestMethod
from secret_refresher.errors import Fault, Reason
from secret_refresher.tokens.token import Grant
from support.authorization_answers import Answer, redirect
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_within_the_origin_keep_method_and_body(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, status: int
) -> None:
    """Method, body and headers go along, and each hop is one exchange."""
    server.queue(redirect("/v2/token?a=1#part", status), redirect("../v3", status))
    outcome = endpoint.fetch(token(format=RequestFormat.JSON, headers={"X-Tenant": "b"}), 5)
    assert isinstance(outcome.result, Grant)
    assert [seen.target for seen in server.requests] == ["/oauth/token", "/v2/token?a=1", "/v3"]
    assert len({seen.body for seen in server.requests}) == 1
    assert {seen.method for seen in server.requests} == {"POST"}
    assert [seen.header("x-tenant") for seen in server.requests] == ["b"] * 3
    assert [exchange.status for exchange in outcome.exchanges] == [status, status, 200]
    assert {exchange.origin for exchange in outcome.exchanges} == {server.origin}
    assert all(exchange.reached for exchange in outcome.exchanges)


def test_a_redirected_get_stays_a_get(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A GET goes where Location says, with the query that stands there, as curl does it."""
    server.queue(redirect("/v2?grant_type=client_credentials"))
    assert isinstance(endpoint.fetch(token(method=RequestMethod.GET), 5).result, Grant)
    assert server.requests[1].target == "/v2?grant_type=client_credentials"


def test_ten_redirects_and_no_more(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Ten are followed; an eleventh is a fault that says that it was too many."""
    server.queue(*[redirect(f"/{number}") for number in range(10)])
    outcome = endpoint.fetch(token(), 10)
    assert isinstance(outcome.result, Grant)
    assert len(outcome.exchanges) == 11
    server.queue(*[redirect(f"/{number}") for number in range(11)])
    outcome = endpoint.fetch(token(), 10)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.REDIRECT
    assert "more than 10 times" in outcome.result.summary
    assert len(outcome.exchanges) == 11


@pytest.mark.parametrize(("way", "requests"), [(["/oauth/token"], 1), (["/a", "/b", "/a"], 3)])
def test_a_circle_is_left_where_it_closes(
    way: list[str],
    requests: int,
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
) -> None:
    """No request goes where one has been: it would cost a budget ten, and bring nothing."""
    server.queue(*map(redirect, way))
    outcome = endpoint.fetch(token(), 10)
    assert isinstance(outcome.result, Fault)
    assert outcome.result.reason is Reason.REDIRECT
    assert "in a circle" in outcome.result.summary
    assert len(outcome.exchanges) == requests


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://other.example.com/oauth?client_secret=hush", "another host, other.example.com"),
        ("//other.example.com:8443/hush", "another host, other.example.com"),
        ("http://user:hush@other.example.com/", "another host, other.example.com"),
        ("http://[::1]:80/hush", "another host, ::1"),
        ("https://127.0.0.1/hush", "https:// on the same host"),
        ("http://127.0.0.1:1/hush", "port 1 of 127.0.0.1"),
        ("http://{here}@other.example.com/hush", "another host, other.example.com"),
        ("http://hush@{here}/", "a URL with a user name in it"),
        ("ftp://other.example.com/hush", "something that is no http or https URL"),
        ("http://hush hush/", "without saying where to"),
        ("http://hu'sh$/", "something that is no http or https URL"),
        ("http://[hush/", "something that is no URL"),
        ("http://x:99999/hush", "something that is no URL"),
        ("javascript:hush", "something that is no http or https URL"),
        (None, "without saying where to"),
    ],
)
def test_redirects_elsewhere_name_the_host_only(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    location: str | None,
    told: str,
) -> None:
    """Credentials go to no other origin; the fault names its host and never the URL."""
    here = server.origin.removeprefix("http://")
    target = None if location is None else location.replace("{here}", here)
    server.queue(Answer(307, {"Location": target}))
    outcome = endpoint.fetch(token(), 5)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.REDIRECT
    assert told in fault.summary
    assert "hush" not in str(fault)
    assert "tokenUrl" in fault.advice
    assert [exchange.status for exchange in outcome.exchanges] == [307]
    assert len(server.requests) == 1


def test_see_other_is_a_fault(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A 303 asks to GET a page; that is no token, even on the same origin."""
    server.queue(redirect("/login", 303))
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.status) == (Reason.REDIRECT, 303)
    assert "is tokenUrl the token endpoint?" in fault.advice
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 304, 305])
def test_other_3xx_are_answers(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, status: int
) -> None:
    """A 3xx that redirects nobody is told as what it is."""
    server.queue(Answer(status, {"Location": "/x"}))
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.status) == (Reason.HTTP_STATUS, status)
    assert len(server.requests) == 1
