"""An issuer in the place of a token endpoint: found, remembered, looked for again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.discovery import KEPT_FOR, PAUSE
from secret_refresher.config.model import Auth, AuthMethod, Request, Tls, TokenConfig
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.lifecycle.events import MethodNotOffered
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.authorization_answers import HANG, Answer, answer, redirect, refusal
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.issuer import OAUTH, OPENID, Issuer

METADATA = Answer | Callable[[Issuer], Answer]


class Shifted:
    """The process's clock, moved on by hand."""

    def __init__(self) -> None:
        self.by = 0.0
        self._real = SystemClock()

    def now(self) -> float:
        """Moved on."""
        return self._real.now() + self.by

    def wall(self) -> float:
        """As it is."""
        return self._real.wall()


@pytest.fixture
def clock() -> Shifted:
    """A clock that can be moved on."""
    return Shifted()


@pytest.fixture
def endpoint(clock: Shifted) -> TokenEndpoint:
    """The adapter, with that clock."""
    return TokenEndpoint(clock, MountReader(), "secret-refresher/test")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A running issuer."""
    with Issuer() as running:
        yield running


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """The file with the client's secret."""
    (tmp_path / "secret").write_text("sesame\n")
    return str(tmp_path / "secret")


def token(issuer: str, secret: str, **more: Any) -> TokenConfig:
    """A token of that issuer."""
    auth = Auth(client_id="me", client_secret_file=secret, method=more.pop("method", None))
    request = Request(headers={"X-Api-Key": "hush"})
    return TokenConfig(name="partner-api", issuer=issuer, auth=auth, **{"request": request, **more})


def fault_of(outcome: Outcome) -> Fault:
    """The fault that an attempt ended with."""
    assert isinstance(outcome.result, Fault)
    assert "\n" not in str(outcome.result)
    return outcome.result


# --- finding it ------------------------------------------------------------------------------


def test_the_endpoint_is_found(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """The metadata says where the token is asked for; only that request has anything secret."""
    outcome = endpoint.fetch(token(issuer.issuer, secret), 10)
    assert isinstance(outcome.result, Grant)
    assert issuer.looks == [OAUTH]
    look, asked = issuer.requests
    assert (look.method, look.body, look.header("authorization")) == ("GET", b"", None)
    assert look.header("x-api-key") is None
    assert asked.header("x-api-key") == "hush"
    assert asked.header("authorization")
    assert [(e.status, e.discovery) for e in outcome.exchanges] == [(200, True), (200, False)]


def test_an_issuer_with_a_path(endpoint: TokenEndpoint, secret: str) -> None:
    """RFC 8414 puts its path before the issuer's own, OpenID Connect behind it."""
    with Issuer("/tenant/a") as issuer:
        issuer.documents = {f"/tenant/a{OPENID}": issuer.metadata()}
        assert isinstance(endpoint.fetch(token(issuer.issuer, secret), 10).result, Grant)
        assert issuer.looks == [f"{OAUTH}/tenant/a", f"/tenant/a{OPENID}"]
        issuer.documents = {f"{OAUTH}/tenant/a": issuer.metadata()}
        other = TokenEndpoint(SystemClock(), MountReader(), "test")
        assert isinstance(other.fetch(token(issuer.issuer, secret), 10).result, Grant)
        assert issuer.looks[2:] == [f"{OAUTH}/tenant/a"]


def test_a_slash_at_the_end_of_an_issuer(endpoint: TokenEndpoint, secret: str) -> None:
    """It is part of the name, and of no path that is asked for."""
    with Issuer("/") as issuer:
        issuer.documents = {OPENID: issuer.metadata()}
        assert isinstance(endpoint.fetch(token(issuer.issuer, secret), 10).result, Grant)
        assert issuer.looks == [OAUTH, OPENID]


@pytest.mark.parametrize(
    "first",
    [
        refusal("not_found", 404),
        refusal("server_error", 500),
        Answer(200, {"Content-Type": "text/html"}, b"<html>a page for everything</html>"),
        answer({"issuer": "https://other.example.com", "token_endpoint": "https://x/"}),
        redirect("https://other.example.com/"),
    ],
    ids=["404", "500", "page", "another issuer", "redirect"],
)
def test_the_second_place_counts_where_the_first_has_nothing(
    endpoint: TokenEndpoint, issuer: Issuer, secret: str, first: Answer
) -> None:
    """Servers and gateways answer paths that they do not know in many ways."""
    issuer.documents = {OAUTH: first, OPENID: issuer.metadata()}
    assert isinstance(endpoint.fetch(token(issuer.issuer, secret), 10).result, Grant)
    assert issuer.looks == [OAUTH, OPENID]


def test_a_redirect_within_the_issuer(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """It is followed as a browser does, 303 too: nothing but a question is sent."""
    issuer.documents = {
        OAUTH: redirect(f"{OPENID}/moved", 303),
        f"{OPENID}/moved": issuer.metadata(),
    }
    assert isinstance(endpoint.fetch(token(issuer.issuer, secret), 10).result, Grant)
    assert issuer.looks == [OAUTH, f"{OPENID}/moved"]


def test_an_endpoint_at_another_origin(
    endpoint: TokenEndpoint, issuer: Issuer, server: AuthorizationServer, secret: str
) -> None:
    """The issuer may keep its endpoint elsewhere; the exchanges say whom each asked."""
    issuer.documents = {OAUTH: issuer.metadata(token_endpoint=server.token_url)}
    outcome = endpoint.fetch(token(issuer.issuer, secret), 10)
    assert isinstance(outcome.result, Grant)
    assert [(e.origin, e.discovery) for e in outcome.exchanges] == [
        (issuer.origin, True),
        (server.origin, False),
    ]


# --- what can be wrong with it ---------------------------------------------------------------


def page(_: Issuer) -> Answer:
    """A page for people."""
    return Answer(200, {"Content-Type": "text/html"}, b"<!doctype html><p>hush")


WRONG: dict[str, tuple[METADATA, str, str, Lane]] = {
    "another issuer": (
        lambda i: i.metadata(issuer="https://other.example.com"),
        "that of another issuer, https://other.example.com",
        "write tokenUrl",
        Lane.PERMANENT,
    ),
    "an issuer that is no URL": (
        lambda i: i.metadata(issuer="hush hush"),
        "that of another issuer",
        "write tokenUrl",
        Lane.PERMANENT,
    ),
    "a slash more": (
        lambda i: i.metadata(issuer=f"{i.issuer}/"),
        "calls the issuer with a slash at its end",
        "must be equal",
        Lane.PERMANENT,
    ),
    "no issuer": (
        lambda i: i.metadata(issuer=None),
        "names no issuer",
        "write tokenUrl",
        Lane.PERMANENT,
    ),
    "no endpoint": (
        lambda i: i.metadata(token_endpoint=None),
        "names no token_endpoint",
        "write tokenUrl",
        Lane.PERMANENT,
    ),
    "an endpoint that is no URL": (
        lambda i: i.metadata(token_endpoint=["hush"]),
        "a token_endpoint that is no http or https URL",
        "write tokenUrl",
        Lane.PERMANENT,
    ),
    "plain http": (
        lambda i: i.metadata(token_endpoint="http://id.example.com/t"),
        "at http://id.example.com, without TLS",
        "allowInsecure",
        Lane.PERMANENT,
    ),
    "a page": (page, "a page (HTML)", "is issuer spelled", Lane.TRANSIENT),
    "a list": (answer(["hush"]), "no JSON object", "is issuer spelled", Lane.TRANSIENT),
    "nothing": (refusal("not_found", 404), "HTTP 404", "is issuer spelled", Lane.TRANSIENT),
    "too much": (
        Answer(200, {}, b" " * 1_100_000),
        "larger than 1 MiB",
        "is issuer spelled",
        Lane.TRANSIENT,
    ),
    "elsewhere": (
        redirect("https://other.example.com/"),
        "redirects to another host, other.example.com",
        "into issuer",
        Lane.TRANSIENT,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_metadata_that_cannot_be_used(
    endpoint: TokenEndpoint, issuer: Issuer, secret: str, name: str
) -> None:
    """Each is told apart, with a remedy; no token is asked for anywhere, nothing is quoted."""
    made, summary, advice, lane = WRONG[name]
    issuer.documents = {OAUTH: made(issuer) if callable(made) else made}
    outcome = endpoint.fetch(token(issuer.issuer, secret), 10)
    fault = fault_of(outcome)
    assert summary in fault.summary
    assert advice in fault.advice
    assert fault.lane is lane
    assert "hush" not in repr(outcome)
    assert issuer.asked == []


def test_a_server_in_trouble(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """Retry-After of an issuer that wants to be left alone counts, and it is left alone."""
    issuer.documents = {OAUTH: refusal("slow_down", 429, Retry_After="77")}
    fault = fault_of(endpoint.fetch(token(issuer.issuer, secret), 10))
    assert (fault.reason, fault.retry_after) == (Reason.RATE_LIMITED, 77.0)
    assert issuer.looks == [OAUTH]
    issuer.documents = {OAUTH: refusal("x", 503, Retry_After="5"), OPENID: refusal("x", 404)}
    fault = fault_of(endpoint.fetch(token(issuer.issuer, secret), 10))
    assert (fault.reason, fault.retry_after) == (Reason.SERVER_ERROR, 5.0)


def test_an_issuer_that_is_away(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """It is asked once in an attempt, and the advice names the key."""
    issuer.go_away()
    outcome = endpoint.fetch(token(issuer.issuer, secret), 10)
    fault = fault_of(outcome)
    assert fault.reason is Reason.CONNECT
    assert "issuer" in fault.advice
    assert "tokenUrl" not in fault.advice
    assert [(e.discovery, e.reached) for e in outcome.exchanges] == [(True, False)]


def test_an_endpoint_that_is_away(
    endpoint: TokenEndpoint, issuer: Issuer, server: AuthorizationServer, secret: str
) -> None:
    """The advice does not name a key that the configuration has not."""
    issuer.documents = {OAUTH: issuer.metadata(token_endpoint=server.token_url)}
    server.go_away()
    fault = fault_of(endpoint.fetch(token(issuer.issuer, secret), 10))
    assert fault.reason is Reason.CONNECT
    assert "the issuer's metadata" in fault.advice


# --- remembering it --------------------------------------------------------------------------


def test_it_is_remembered(
    endpoint: TokenEndpoint, clock: Shifted, issuer: Issuer, secret: str
) -> None:
    """For some hours no attempt asks again, whatever Cache-Control says; then one does."""
    config = token(issuer.issuer, secret)
    for by in (0.0, 1.0, KEPT_FOR - 60):
        clock.by = by
        assert isinstance(endpoint.fetch(config, 10).result, Grant)
    assert len(issuer.looks) == 1
    clock.by = KEPT_FOR + 60
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    assert len(issuer.looks) == 2
    assert len(issuer.asked) == 4


def test_many_ask_once(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """Of many tokens that are due together one looks, and all use what it found."""
    issuer.documents = {OAUTH: issuer.metadata()}
    config = token(issuer.issuer, secret)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: endpoint.fetch(config, 20), range(16)))
    assert all(isinstance(outcome.result, Grant) for outcome in outcomes)
    assert len(issuer.looks) == 1


def test_many_share_one_failure(endpoint: TokenEndpoint, issuer: Issuer, secret: str) -> None:
    """Those who waited for a look that failed do not look one after the other."""
    issuer.documents = {OAUTH: Answer(404, delay=1.0), OPENID: Answer(404)}
    config = token(issuer.issuer, secret)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: endpoint.fetch(config, 20), range(8)))
    assert {fault_of(outcome).reason for outcome in outcomes} == {Reason.DISCOVERY}
    assert len(issuer.looks) < 8


def test_a_known_endpoint_outlives_its_issuer(
    endpoint: TokenEndpoint,
    clock: Shifted,
    issuer: Issuer,
    server: AuthorizationServer,
    secret: str,
) -> None:
    """Once found, the endpoint is used though the metadata cannot be had any more, or hangs."""
    issuer.documents = {OAUTH: issuer.metadata(token_endpoint=server.token_url)}
    config = token(issuer.issuer, secret)
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    issuer.documents = {OAUTH: HANG}
    clock.by = KEPT_FOR + 60
    assert isinstance(endpoint.fetch(config, 4).result, Grant), "a look gets a part of the time"
    issuer.go_away()
    clock.by += PAUSE + 1
    outcome = endpoint.fetch(config, 10)
    assert isinstance(outcome.result, Grant)
    assert [e.discovery for e in outcome.exchanges] == [True, False]
    outcome = endpoint.fetch(config, 10)
    assert [e.discovery for e in outcome.exchanges] == [False], "not at each attempt"


def test_an_endpoint_that_moved_is_found_again(
    endpoint: TokenEndpoint, clock: Shifted, issuer: Issuer, secret: str
) -> None:
    """A failure that a move would explain has the next attempt look again, once a minute."""
    with AuthorizationServer() as old:
        issuer.documents = {OAUTH: issuer.metadata(token_endpoint=old.token_url)}
        config = token(issuer.issuer, secret)
        assert isinstance(endpoint.fetch(config, 10).result, Grant)
    clock.by = PAUSE + 1
    issuer.documents = {OAUTH: issuer.metadata()}
    assert fault_of(endpoint.fetch(config, 10)).reason is Reason.CONNECT
    assert isinstance(endpoint.fetch(config, 10).result, Grant)
    assert len(issuer.looks) == 2


def test_a_refusal_is_no_move(
    endpoint: TokenEndpoint, clock: Shifted, issuer: Issuer, secret: str
) -> None:
    """Whoever answers with an OAuth error is the token endpoint."""
    issuer.client_secret = "rotated"
    config = token(issuer.issuer, secret)
    for by in (0.0, PAUSE + 1, 2 * PAUSE + 2):
        clock.by = by
        assert fault_of(endpoint.fetch(config, 10)).reason is Reason.INVALID_CLIENT
    assert len(issuer.looks) == 1


def test_other_authorities_other_metadata(
    endpoint: TokenEndpoint, authority: Authority, secret: str, tmp_path: Path
) -> None:
    """What was found by trusting one authority is not used by a token that does not trust it."""
    (tmp_path / "other").mkdir()
    other = Authority(str(tmp_path / "other"), "other")
    with Issuer(tls=authority.issue().server()) as issuer:
        trusting = token(issuer.issuer, secret, tls=Tls(ca_file=authority.file))
        assert isinstance(endpoint.fetch(trusting, 10).result, Grant)
        wary = token(issuer.issuer, secret, tls=Tls(ca_file=other.file))
        outcome = endpoint.fetch(wary, 10)
    fault = fault_of(outcome)
    assert fault.reason is Reason.TLS
    assert "not trusted" in fault.summary
    assert [e.discovery for e in outcome.exchanges] == [True]


# --- with a client certificate ---------------------------------------------------------------


def test_the_certificate_goes_to_the_token_endpoint_alone(
    endpoint: TokenEndpoint, authority: Authority, secret: str
) -> None:
    """Not to the issuer, and to the endpoint that is for those who show one (RFC 8705)."""
    leaf = authority.issue()
    at_issuer: list[bytes | None] = []
    at_endpoint: list[bytes | None] = []
    asking = authority.issue().server(seen=at_issuer)
    asking.load_verify_locations(authority.file)
    asking.verify_mode = asking.verify_mode.CERT_OPTIONAL
    strict = authority.issue().server(authority.file, seen=at_endpoint)
    with Issuer(tls=asking) as issuer, AuthorizationServer(tls=strict) as server:
        issuer.documents = {
            OAUTH: issuer.metadata(mtls_endpoint_aliases={"token_endpoint": server.token_url})
        }
        server.always = answer({"access_token": "granted", "expires_in": 60})
        plain = token(issuer.issuer, secret, tls=Tls(ca_file=authority.file))
        assert isinstance(endpoint.fetch(plain, 10).result, Grant)
        assert (len(issuer.asked), server.connections) == (1, 0)
        shown = token(
            issuer.issuer,
            secret,
            method=AuthMethod.TLS_CLIENT_AUTH,
            tls=Tls(ca_file=authority.file, cert_file=leaf.certificate, key_file=leaf.key),
        )
        for _ in range(2):
            assert isinstance(endpoint.fetch(shown, 10).result, Grant)
        fresh = TokenEndpoint(SystemClock(), MountReader(), "test")
        assert isinstance(fresh.fetch(shown, 10).result, Grant)
    assert at_endpoint == [leaf.der()] * 2  # one connection each
    assert set(at_issuer) == {None}
    assert len(issuer.looks) == 2


def test_an_issuer_that_asks_for_a_certificate(
    endpoint: TokenEndpoint, authority: Authority, secret: str
) -> None:
    """It gets none, though the token has one, and the advice is not to name one."""
    seen: list[bytes | None] = []
    with Issuer(tls=authority.issue().server(authority.file, seen=seen)) as issuer:
        shown = token(
            issuer.issuer,
            secret,
            tls=Tls(ca_file=authority.file, cert_file=authority.issue().in_one()),
        )
        fault = fault_of(endpoint.fetch(shown, 10))
    assert (fault.reason, fault.lane) == (Reason.TLS, Lane.PERMANENT)
    assert "asks for a client certificate" in fault.summary
    assert "write tokenUrl in place of issuer" in fault.advice
    assert seen == []


def test_a_certificate_needs_tls_at_the_endpoint(
    endpoint: TokenEndpoint, issuer: Issuer, authority: Authority, secret: str
) -> None:
    """Where metadata names plain http, even on loopback, no certificate could be shown."""
    shown = token(
        issuer.issuer,
        secret,
        method=AuthMethod.TLS_CLIENT_AUTH,
        tls=Tls(cert_file=authority.issue().in_one()),
    )
    fault = fault_of(endpoint.fetch(shown, 10))
    assert (fault.reason, fault.lane) == (Reason.DISCOVERY, Lane.PERMANENT)
    assert "no certificate can be shown" in fault.summary
    assert issuer.asked == []


def test_nothing_is_loaded_in_vain() -> None:
    """A daemon without issuers and certificates does not load what finds and reads them."""
    probe = (
        "import sys, secret_refresher.cli.run\n"
        "print(*(m.rpartition('.')[2] for m in sys.modules if '.token_endpoint.' in m))"
    )
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = set(told.stdout.split())
    assert "endpoint" in loaded
    assert loaded.isdisjoint({"discovery", "metadata", "identity", "validity", "renewals"})


# --- methods ---------------------------------------------------------------------------------


def test_a_method_that_is_not_offered_is_told_once_and_tried(
    endpoint: TokenEndpoint, clock: Shifted, issuer: Issuer, secret: str
) -> None:
    """Metadata may be wrong, so the attempt is made; it is told again once the offer changes."""

    def told() -> list[object]:
        outcome = endpoint.fetch(config, 10)
        assert isinstance(outcome.result, Grant)
        return list(outcome.notices)

    def offer(*methods: object) -> None:
        issuer.documents = {
            OAUTH: issuer.metadata(token_endpoint_auth_methods_supported=[*methods])
        }

    config = token(issuer.issuer, secret)
    offer("private_key_jwt", "bad one\n", 7)
    expected = MethodNotOffered(issuer.issuer, "client_secret_basic", ("private_key_jwt",))
    assert told() == [expected]
    assert told() == []
    offer("none")
    clock.by = KEPT_FOR + 60
    assert len(told()) == 1
    offer("client_secret_basic")
    clock.by *= 2
    assert told() == []


@pytest.mark.parametrize("offered", [["private_key_jwt"], None])
def test_what_is_offered_under_another_name(
    endpoint: TokenEndpoint, issuer: Issuer, tmp_path: Path, offered: list[str] | None
) -> None:
    """An assertion from a file is private_key_jwt to the server; without a list nothing is told."""
    issuer.documents = {OAUTH: issuer.metadata(token_endpoint_auth_methods_supported=offered)}
    (tmp_path / "assertion").write_text("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.eHh4")
    auth = Auth(
        method=AuthMethod.CLIENT_ASSERTION,
        client_id="me",
        assertion_file=str(tmp_path / "assertion"),
    )
    outcome = endpoint.fetch(TokenConfig(name="a", issuer=issuer.issuer, auth=auth), 10)
    assert len(issuer.asked) == 1
    assert outcome.notices == ()
