"""What broke similar tools, each through the real adapter against a real server."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.names import Address
from secret_refresher.errors import Fault, Lane, Reason
from secret_refresher.tokens.token import Grant
from support.authorization_answers import Answer, answer, refusal
from support.authorization_server import AuthorizationServer
from support.endpoint_tokens import TokenMaker

TRANSIENT, PERMANENT = Lane.TRANSIENT, Lane.PERMANENT
SHOWN = 12
"""Words that an advice has at least: less is no sentence that helps."""


def granted(expires_in: object) -> Answer:
    """A good answer but for `expires_in`."""
    return answer({"access_token": "abc", "token_type": "Bearer", "expires_in": expires_in})


def raw(body: bytes, kind: str = "application/json", status: int = 200) -> Answer:
    """An answer with any body."""
    return Answer(status, {"Content-Type": kind}, body)


def jwt(**claims: object) -> str:
    """An unsigned JWT."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(claims)}.c2ln"


@pytest.mark.parametrize(
    ("expires_in", "lifetime"), [(3600, 3600.0), ("3600", 3600.0), (1.5, 1.5), (" 90.5 ", 90.5)]
)
def test_good_lifetimes(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    expires_in: object,
    lifetime: float,
) -> None:
    """A lifetime may be a number or a text with one, whole or not."""
    server.queue(granted(expires_in))
    result = endpoint.fetch(token(), 5).result
    assert isinstance(result, Grant)
    assert result.lifetime == lifetime


NO_EXPIRES = answer({"access_token": "abc", "token_type": "Bearer"})
NULL_EXPIRES = granted(None)


@pytest.mark.parametrize("silent", [NO_EXPIRES, NULL_EXPIRES], ids=["absent", "null"])
def test_default_lifetime_counts_where_the_server_is_silent(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, silent: Answer
) -> None:
    """Without expires_in, or with null, refresh.defaultLifetime is the life."""
    server.queue(silent)
    result = endpoint.fetch(token(default_lifetime=600), 5).result
    assert isinstance(result, Grant)
    assert result.lifetime == 600


BAD: dict[str, tuple[Answer, Reason, Lane, str]] = {
    # name: answer, reason, lane, and words that the advice must have
    "expires_in absent": (NO_EXPIRES, Reason.NO_LIFETIME, PERMANENT, "refresh.defaultLifetime"),
    "expires_in null": (NULL_EXPIRES, Reason.NO_LIFETIME, PERMANENT, "refresh.defaultLifetime"),
    "expires_in 0": (granted(0), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in negative": (granted(-1), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in false": (granted(False), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in true": (granted(True), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in {}": (granted({}), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in zzz": (granted("zzz"), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in 60 US": (granted("60\x1f"), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in 1e12": (granted(1e12), Reason.BAD_ANSWER, TRANSIENT, "milliseconds"),
    "expires_in a million digits": (
        raw(b'{"access_token":"abc","expires_in":' + b"9" * 1_000_000 + b"}"),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "expires_in NaN": (granted(float("nan")), Reason.BAD_ANSWER, TRANSIENT, "server's owner"),
    "expires_in Infinity": (granted(float("inf")), Reason.BAD_ANSWER, TRANSIENT, "owner"),
    "access_token absent": (
        answer({"expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "is tokenUrl the token endpoint?",
    ),
    "access_token empty": (
        answer({"access_token": "", "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "access_token with a newline": (
        answer({"access_token": "abc\n", "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "access_token with a blank": (
        answer({"access_token": "a b", "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "access_token not ASCII": (
        answer({"access_token": "tökn", "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "access_token a number": (
        answer({"access_token": 12, "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "access_token a list": (
        answer({"access_token": ["abc"], "expires_in": 60}),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "server's owner",
    ),
    "200 with error": (
        answer({"error": "invalid_scope", "access_token": "abc", "expires_in": 60}),
        Reason.INVALID_SCOPE,
        PERMANENT,
        "request.scope",
    ),
    "200 with an unknown error": (
        answer({"error": "sorry", "access_token": "abc"}),
        Reason.OAUTH_ERROR,
        TRANSIENT,
        "server's owner",
    ),
    "200 with an error that is no text": (
        answer({"error": {"code": 7}}),
        Reason.OAUTH_ERROR,
        TRANSIENT,
        "server's owner",
    ),
    "400 with an error that is no text": (
        answer({"error": 7}, 400),
        Reason.HTTP_STATUS,
        TRANSIENT,
        "request.format",
    ),
    "200 empty": (raw(b""), Reason.BAD_ANSWER, TRANSIENT, "request.method"),
    "204": (Answer(204, {"Content-Length": None}), Reason.BAD_ANSWER, TRANSIENT, "tokenUrl"),
    "200 with HTML": (raw(b"<html>", "text/html"), Reason.BAD_ANSWER, TRANSIENT, "log-in page"),
    "200 with a list": (raw(b"[1]"), Reason.BAD_ANSWER, TRANSIENT, "cut off"),
    "200 with truncated JSON": (
        raw(b'{"access_token": "abc", "expi'),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "cut off",
    ),
    "200 not UTF-8": (raw(b'{"access_token": "\xff"}'), Reason.BAD_ANSWER, TRANSIENT, "cut off"),
    "200 nested too deep": (raw(b"[" * 200_000), Reason.BAD_ANSWER, TRANSIENT, "cut off"),
    "more than 1 MiB": (
        raw(b'{"x": "' + b"x" * 1_100_000 + b'"}'),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "is tokenUrl the token endpoint?",
    ),
    "more than 1 MiB without a length": (
        Answer(200, {"Content-Length": None}, b"x" * 1_100_000, cut=1_100_000),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "is tokenUrl the token endpoint?",
    ),
    "unpacks to more than 1 MiB": (
        Answer(200, {"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000)),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "is tokenUrl the token endpoint?",
    ),
    "gzip that is none": (
        Answer(200, {"Content-Encoding": "gzip"}, b"{}"),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "Accept-Encoding",
    ),
    "a compression not asked for": (
        Answer(200, {"Content-Encoding": "br"}, b"{}"),
        Reason.BAD_ANSWER,
        TRANSIENT,
        "Accept-Encoding",
    ),
    "cut in the middle": (
        Answer(200, {}, b'{"access_token": "abc", "expires_in": 60}', cut=150),
        Reason.NETWORK,
        TRANSIENT,
        "NetworkPolicies",
    ),
    "no HTTP": (Answer(cut=4), Reason.BAD_ANSWER, TRANSIENT, "scheme and port"),
    "400 invalid_request": (
        refusal("invalid_request"),
        Reason.INVALID_REQUEST,
        PERMANENT,
        "request.format",
    ),
    "401 invalid_client": (refusal("invalid_client", 401), Reason.INVALID_CLIENT, PERMANENT, "id"),
    "401 unauthorized_client": (
        refusal("unauthorized_client", 401),
        Reason.INVALID_CLIENT,
        PERMANENT,
        "id",
    ),
    "400 invalid_target": (
        refusal("invalid_target"),
        Reason.INVALID_REQUEST,
        PERMANENT,
        "request.resource",
    ),
    "400 with a code of its own": (
        refusal("quota_gone"),
        Reason.OAUTH_ERROR,
        PERMANENT,
        "server's owner",
    ),
    "401 alone": (raw(b"", status=401), Reason.UNAUTHORIZED, PERMANENT, "auth.method"),
    "403 from a gateway": (raw(b"no", "text/plain", 403), Reason.HTTP_STATUS, TRANSIENT, "gateway"),
    "404 from a gateway": (raw(b"no", "text/plain", 404), Reason.HTTP_STATUS, TRANSIENT, "gateway"),
    "408": (raw(b"", status=408), Reason.TIMEOUT, TRANSIENT, "server"),
    "429": (raw(b"{}", status=429), Reason.RATE_LIMITED, TRANSIENT, "refresh.maxRequestsPerHour"),
    "500": (raw(b"oops", "text/html", 500), Reason.SERVER_ERROR, TRANSIENT, "server"),
    "503 with invalid_client": (
        refusal("invalid_client", 503),
        Reason.SERVER_ERROR,
        TRANSIENT,
        "server",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, name: str
) -> None:
    """Each bad answer is told apart, in its lane, with an advice that says where to look."""
    scripted, reason, lane, advice = BAD[name]
    server.queue(scripted)
    outcome = endpoint.fetch(token(), 10)
    fault = outcome.result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.lane) == (reason, lane)
    assert advice in fault.advice
    assert len(fault.advice) > SHOWN
    assert len(fault.summary) > SHOWN
    assert "\n" not in str(fault)
    assert "abc" not in str(fault), "nothing of a body is quoted"
    assert len(outcome.exchanges) == 1
    assert outcome.exchanges[0].reached
    complete = scripted.cut is None or scripted.cut == len(scripted.body)
    assert outcome.exchanges[0].status == (scripted.status if complete else None)


@pytest.mark.parametrize("status", [200, 201])
def test_success_by_status(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, status: int
) -> None:
    """A token is a token, too from a framework that answers every POST with 201."""
    server.queue(answer({"access_token": "abc", "expires_in": 60}, status))
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_compressed_all_the_same(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, pack: Any
) -> None:
    """An answer that a gateway compressed unasked is read."""
    coding = "gzip" if pack is gzip.compress else "deflate"
    body = pack(b'{"access_token": "abc", "expires_in": 60}')
    server.queue(Answer(200, {"Content-Encoding": coding}, body))
    assert isinstance(endpoint.fetch(token(), 5).result, Grant)


def test_a_bomb_is_not_unpacked(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """An answer that would unpack to 50 MB takes little more than the limit of 1 MiB."""
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    server.queue(Answer(200, {"Content-Encoding": "gzip"}, bomb))
    tracemalloc.start()
    try:
        fault = endpoint.fetch(token(), 20).result
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(fault, Fault)
    assert "larger than 1 MiB" in fault.summary
    assert peak < 20_000_000


def test_a_huge_answer_is_not_read_to_its_end(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """An answer that says it is too large is refused at once, however slowly it would come."""
    server.queue(Answer(200, {"Content-Length": "99999999999"}, b"x" * 3000, drip=0.01))
    begin = time.monotonic()
    fault = endpoint.fetch(token(), 60).result
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.BAD_ANSWER
    assert time.monotonic() - begin < 20


def http_date(seconds: float) -> str:
    """An HTTP date so many seconds from now."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", range(7, 8)),
        ("0", range(1)),
        (600, range(500, 602)),
        ("999999", range(3600, 3601)),
        (999999, range(3600, 3601)),
    ],
)
def test_retry_after(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    value: str | int,
    seconds: range,
) -> None:
    """Retry-After is a number or a date (so many seconds from now), and at most an hour."""
    text = value if isinstance(value, str) else http_date(value)
    server.queue(answer({}, 503, Retry_After=text))
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert fault.retry_after in seconds


@pytest.mark.parametrize("value", [-600, "soon", "-5", "1.5", "", "9" * 5000])
def test_retry_after_that_says_nothing(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, value: str | int
) -> None:
    """A Retry-After in the past, or that is garbage, is as none."""
    text = value if isinstance(value, str) else http_date(value)
    server.queue(answer({}, 503, Retry_After=text))
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.retry_after) == (Reason.SERVER_ERROR, None)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local time is nine hours ahead."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_retry_after_as_a_date_ignores_our_clock(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A date counts from the answer's own Date, in the obsolete forms without a zone too."""
    server.queue(
        answer(
            {},
            503,
            Date="Sun Nov  6 08:49:37 1994",
            Retry_After="Sunday, 06-Nov-94 08:50:07 GMT",
        )
    )
    fault = endpoint.fetch(token(), 5).result
    assert isinstance(fault, Fault)
    assert fault.retry_after == 30


@pytest.mark.parametrize(
    ("members", "lifetime"),
    [
        ({"access_token": jwt(iat=5000, exp=5060)}, 60),
        ({"access_token": jwt(iat=5000, exp=5060), "expires_in": 30}, 30),
        ({"access_token": jwt(iat=5000, exp=5060), "expires_in": 3600}, 60),
        ({"access_token": jwt(exp=1_000_060)}, 60),
        ({"access_token": jwt(exp="soon", iat=True), "expires_in": 30}, 30),
        ({"access_token": jwt(iat=5000, exp=4000), "expires_in": 30}, 30),
    ],
)
def test_life_of_a_jwt(
    endpoint: TokenEndpoint,
    server: AuthorizationServer,
    token: TokenMaker,
    members: dict[str, object],
    lifetime: float,
) -> None:
    """A JWT's own life counts, by its claims or the answer's Date, never by our clock."""
    server.queue(answer(members, Date="Mon, 12 Jan 1970 13:46:40 GMT"))
    result = endpoint.fetch(token(), 5).result
    assert isinstance(result, Grant)
    assert result.lifetime == lifetime


def test_strange_company_of_a_good_token(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Token type and scope of no use are left out, and never spoil a good token."""
    members = {"access_token": "abc", "expires_in": 60, "token_type": "Be\nrer", "scope": ["a"]}
    server.queue(answer(members))
    result = endpoint.fetch(token(), 5).result
    assert isinstance(result, Grant)
    assert (result.token_type, result.scope) == ("Bearer", None)


def test_life_counts_from_before_the_request(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A slow answer costs life: it counts from before the request was sent, of the last hop."""
    server.queue(
        Answer(307, {"Location": "/there"}, delay=0.3),
        Answer(200, {}, b'{"access_token": "abc", "expires_in": 60}', delay=0.3),
    )
    begin = time.clock_gettime(time.CLOCK_BOOTTIME)
    outcome = endpoint.fetch(token(), 10)
    end = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert isinstance(outcome.result, Grant)
    assert begin + 0.3 <= outcome.result.issued <= end - 0.3
    assert abs(outcome.result.issued_at - time.time()) < 20


def test_a_slow_way_there_costs_no_life(server: AuthorizationServer, token: TokenMaker) -> None:
    """Life counts from when the request goes out: a slow name server takes nothing of it."""

    def lookup(_host: str, _port: int) -> list[Address]:
        time.sleep(0.5)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))]

    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=lookup)
    begin = time.clock_gettime(time.CLOCK_BOOTTIME)
    outcome = endpoint.fetch(token(url="http://localhost:1/"), 10)
    assert isinstance(outcome.result, Grant)
    assert outcome.result.issued >= begin + 0.5
    assert outcome.exchanges[0].seconds >= 0.5


def test_skew_comes_from_the_date(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """A server whose clock is an hour ahead shows a skew of an hour; one without Date none."""
    server.queue(answer({}, 500, Date=http_date(3600)), answer({}, 500, Date=None))
    ahead, silent = (endpoint.fetch(token(), 5).exchanges[0] for _ in range(2))
    assert ahead.skew is not None
    assert abs(ahead.skew - 3600) < 15
    assert silent.skew is None
