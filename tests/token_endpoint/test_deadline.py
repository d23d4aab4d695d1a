from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from secret_refresher.adapters.clock import SystemClock
from secret_refresher.adapters.mounts import MountReader
from secret_refresher.adapters.token_endpoint import TokenEndpoint
from secret_refresher.adapters.token_endpoint.alarms import Alarms
from secret_refresher.adapters.token_endpoint.names import Address
from secret_refresher.adapters.token_endpoint.watch import Line, Watch
from secret_refresher.errors import Fault, Reason
from secret_refresher.ports import Outcome
from secret_refresher.tokens.token import Grant
from support.authorization_answers import HANG, Answer, redirect
from support.authorization_server import AuthorizationServer
from support.certificates import Authority
from support.endpoint_tokens import TokenMaker
from support.tunnels import TunnelProxy

PATIENCE = 8.0
"""Seconds within which an attempt of 0.5 s is over on the busiest machine."""


def timed(fetch: Callable[[], Outcome]) -> tuple[Outcome, Fault]:
    """An attempt that must be a fault and be over soon."""
    begin = time.monotonic()
    outcome = fetch()
    assert time.monotonic() - begin < PATIENCE
    assert isinstance(outcome.result, Fault)
    return outcome, outcome.result


BODY = b'{"access_token": "abc", "expires_in": 60}'


@pytest.mark.parametrize(
    "slow",
    [
        HANG,
        Answer(200, {}, BODY, delay=60),
        Answer(200, {}, BODY, drip=0.3),
        Answer(200, {"Content-Length": None}, BODY, drip=0.3),
        Answer(200, {"X": "y" * 60000}, BODY, drip=0.001),
    ],
    ids=["silence", "late", "a byte at a time", "without a length", "endless headers"],
)
def test_slow_answers_end_at_the_deadline(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker, slow: Answer
) -> None:
    """One deadline holds for the whole exchange, however busy the server seems."""
    server.queue(slow)
    outcome, fault = timed(lambda: endpoint.fetch(token(), 0.5))
    assert fault.reason is Reason.TIMEOUT
    assert "request.timeout" in fault.advice
    (exchange,) = outcome.exchanges
    assert (exchange.status, exchange.reached) == (None, True)
    assert exchange.seconds < PATIENCE


def test_a_slow_body_ends_at_the_deadline(endpoint: TokenEndpoint, token: TokenMaker) -> None:
    """A body that comes a byte a second ends at the deadline too."""
    head_and_start = Answer(200, {}, BODY).wire()[:-20]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(head_and_start)
                for _ in range(20):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return
                    if done.wait(1.0):
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        _, fault = timed(lambda: endpoint.fetch(token(url=url), 0.5))
        done.set()
        thread.join()
    assert fault.reason is Reason.TIMEOUT


def test_the_deadline_holds_over_redirects(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """Redirects do not buy time."""
    server.queue(*(Answer(307, {"Location": f"/{n}"}, delay=0.2) for n in range(10)))
    outcome, fault = timed(lambda: endpoint.fetch(token(), 0.7))
    assert fault.reason is Reason.TIMEOUT
    assert 1 <= len(outcome.exchanges) <= 4


def test_a_handshake_that_hangs_ends_at_the_deadline(
    endpoint: TokenEndpoint, authority: Authority, token: TokenMaker
) -> None:
    """A server that takes the connection and never speaks TLS costs the deadline, no more."""
    with AuthorizationServer(tls=authority.issue().server()) as server:
        server.mute = True
        outcome, fault = timed(
            lambda: endpoint.fetch(token(url=server.token_url, ca_file=authority.file), 0.5)
        )
    assert fault.reason is Reason.TIMEOUT
    assert "TLS handshake" in fault.summary
    assert [exchange.reached for exchange in outcome.exchanges] == [False]


def test_a_proxy_that_hangs_ends_at_the_deadline(
    endpoint: TokenEndpoint, token: TokenMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that never answers CONNECT costs the deadline, no more."""
    with TunnelProxy(mute=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        _, fault = timed(lambda: endpoint.fetch(token(url="https://id.example.com/t"), 0.5))
        shown = proxy.address.replace(":", " port ")
    assert fault.reason is Reason.TIMEOUT
    assert f"the proxy {shown} took too long" in fault.summary


def test_a_full_backlog_ends_at_the_deadline(endpoint: TokenEndpoint, token: TokenMaker) -> None:
    """A server that takes no connection, and refuses none, costs the deadline, no more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        crowd = [socket.socket() for _ in range(8)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        _, fault = timed(lambda: endpoint.fetch(token(url=f"http://127.0.0.1:{address[1]}/"), 0.5))
        for one in crowd:
            one.close()
    assert fault.reason is Reason.TIMEOUT
    assert "connecting to" in fault.summary
    assert "NetworkPolicies" in fault.advice


def test_no_time_left_is_no_exchange(endpoint: TokenEndpoint, token: TokenMaker) -> None:
    """An attempt without time asks nobody and says so."""
    outcome, fault = timed(lambda: endpoint.fetch(token(), 0.0))
    assert fault.reason is Reason.TIMEOUT
    assert not any(exchange.reached for exchange in outcome.exchanges)


def test_a_connection_that_is_made_too_late_is_shut_at_once() -> None:
    """Whatever is guarded after the deadline ends there and then."""
    with Watch(SystemClock(), 0.01, Alarms()) as watch:
        end = time.monotonic() + PATIENCE
        while not watch.over() and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
        here, there = socket.socketpair()
        with here, there:
            line = Line(here)
            there.settimeout(PATIENCE)
            watch.guard(line)
            assert there.recv(1) == b""
            line.close()
            line.shut()


# --- names -----------------------------------------------------------------------------------


class Names:
    """A name service that hangs until `answer` is set."""

    def __init__(self, port: int) -> None:
        self.answer = threading.Event()
        self.asked = 0
        self._port = port

    def __call__(self, host: str, port: int) -> list[Address]:
        """127.0.0.1, some day."""
        self.asked += 1
        assert self.answer.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", self._port))]


def test_a_name_lookup_that_hangs_ends_at_the_deadline(
    server: AuthorizationServer, token: TokenMaker
) -> None:
    """A dead name server holds a thread, never a worker; later attempts share the lookup."""
    names = Names(server.port)
    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=names)
    slow = token(url="http://localhost:1/oauth/token")
    for _ in range(3):
        outcome, fault = timed(lambda: endpoint.fetch(slow, 0.2))
        assert fault.reason is Reason.DNS
        assert "looking up localhost took too long" in fault.summary
        assert "CoreDNS" in fault.advice
        assert [exchange.reached for exchange in outcome.exchanges] == [False]
    assert names.asked == 1
    names.answer.set()
    assert isinstance(endpoint.fetch(slow, 10).result, Grant)


def test_hanging_lookups_are_bounded(server: AuthorizationServer, token: TokenMaker) -> None:
    """However many names hang, no more than 64 threads wait for them, and the rest is told."""
    names = Names(server.port)
    endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=names)

    def fetch(number: int) -> Fault:
        result = endpoint.fetch(token(url=f"http://h{number}.test/"), 3).result
        assert isinstance(result, Fault)
        return result

    with ThreadPoolExecutor(70) as pool:
        faults = list(pool.map(fetch, range(70)))
    names.answer.set()
    assert names.asked == 64
    assert {fault.reason for fault in faults} == {Reason.DNS}
    assert sum("hang already" in fault.summary for fault in faults) == 6


def test_a_name_with_a_dead_address_first_still_answers(
    server: AuthorizationServer, token: TokenMaker
) -> None:
    """An address that refuses, or swallows packets, leaves time for the next one."""

    def lookup(_host: str, _port: int) -> list[Address]:
        good = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1)),
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", full),
            good,
        ]

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        full = listener.getsockname()
        crowd = [socket.socket() for _ in range(8)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(full)
        endpoint = TokenEndpoint(SystemClock(), MountReader(), "test", lookup=lookup)
        outcome = endpoint.fetch(token(url="http://localhost:1/"), 4)
        for one in crowd:
            one.close()
    assert isinstance(outcome.result, Grant)


def test_workers_come_back_all_at_once(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """32 attempts that hang at once are all over at their deadline."""
    server.always = HANG
    outcomes: list[Outcome] = []

    def fetch() -> None:
        outcomes.append(endpoint.fetch(token(), 0.5))

    threads = [threading.Thread(target=fetch) for _ in range(32)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begin < 2 * PATIENCE
    assert len(outcomes) == 32
    assert all(
        isinstance(outcome.result, Fault) and outcome.result.reason is Reason.TIMEOUT
        for outcome in outcomes
    )


def test_a_redirect_after_the_deadline_is_no_answer(
    endpoint: TokenEndpoint, server: AuthorizationServer, token: TokenMaker
) -> None:
    """What arrives too late is not acted upon."""
    late = redirect("/late")
    server.queue(Answer(late.status, late.headers, late.body, delay=3))
    _, fault = timed(lambda: endpoint.fetch(token(), 0.3))
    assert fault.reason is Reason.TIMEOUT
    assert len(server.requests) == 1
